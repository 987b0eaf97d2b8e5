//! Faults by name: what they do, how strong they are unless said otherwise, and which challenge must see them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use localnet::{Fault, Limit};
use model::ChallengeKey;
use serde::{Deserialize, Serialize};

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What its number means, and the usual one; none: it has no strength.
    pub strength: Option<(&'static str, u32)>,
    /// What it does, in a line.
    pub does: &'static str,
    /// What must see it: each of these, by itself.
    pub seen_by: &'static [Sight],
}

/// What must see a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// A challenge, in whichever of these parts; a part is named by the beginning of its rule.
    Parts(ChallengeKey, &'static [&'static str]),
    /// A challenge, by a finding.
    Finding(ChallengeKey),
    /// `touchstone network check`.
    NetworkCheck,
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parts(challenge, parts) => write!(f, "{challenge}: {}", parts.join(" or ")),
            Self::Finding(challenge) => write!(f, "{challenge}: a finding"),
            Self::NetworkCheck => f.write_str("network check"),
        }
    }
}

use ChallengeKey::{Duty, KeyChange, SpamDefense, TrafficThroughput};

/// Whatever the door does wrong shows in its capacity.
const DOOR: &[Sight] = &[Sight::Parts(TrafficThroughput, &["door.capacity"])];
/// All of them, unless it is said of how many in a thousand.
const EACH: Option<(&str, u32)> = Some(("per mille", 1_000));
const LANDED: &[Sight] = &[Sight::Parts(TrafficThroughput, &["ingress.inclusion"])];

/// All faults.
pub const KINDS: [Kind; 18] = [
    kind("none", None, "behaves well again", &[]),
    kind(
        "delay",
        Some(("ms", 1_500)),
        "answers each request so much later",
        &[Sight::Parts(TrafficThroughput, &["ingress.delay"])],
    ),
    kind("loss", Some(("per mille", 200)), "closes on a share of what is sent", LANDED),
    kind("stall", Some(("ms", 1_400)), "stands still so long in every 5 s", DOOR),
    kind("overload", Some(("/s", 40)), "answers 503 above so many sends a second", DOOR),
    kind("limiter", Some(("/s", 5)), "answers 429 above so many sends a second of one address", DOOR),
    kind("drop-after-accept", EACH, "says yes to a share of the sends, and forwards none of it", LANDED),
    kind(
        "accept-everything",
        EACH,
        "says yes also to a share of what the node refused",
        &[Sight::Parts(SpamDefense, &["defense"])],
    ),
    kind(
        "reject-everything",
        EACH,
        "refuses a share of the sends",
        &[
            Sight::Parts(TrafficThroughput, &["ingress.inclusion", "door.capacity"]),
            Sight::Parts(SpamDefense, &["defense"]),
        ],
    ),
    kind(
        "canned",
        Some(("s", 86_400)),
        "answers so long from what it was once answered: the head stands still",
        &[Sight::NetworkCheck, Sight::Parts(Duty, &["duty.head"])],
    ),
    kind(
        "stale",
        Some(("blocks", 10)),
        "shows, for each height, the block so many before it",
        &[Sight::NetworkCheck],
    ),
    kind(
        "forged-proposer",
        EACH,
        "names another proposer in a share of its answers that show blocks",
        &[Sight::NetworkCheck],
    ),
    kind(
        "pause-in-turns",
        EACH,
        "the process stands still in a share of its turns",
        &[Sight::Parts(Duty, &["duty.turns"]), Sight::Finding(KeyChange)],
    ),
    kind(
        "cut-off",
        None,
        "the process is parted from its peers: it answers, and hears of no block",
        &[Sight::Parts(Duty, &["duty.turns"])],
    ),
    kind(
        "cpu",
        Some(("percent", 5)),
        "the process runs for that share of every 2 s",
        &[Sight::Parts(TrafficThroughput, &["ingress.delay", "door.capacity"])],
    ),
    kind(
        "no-price-bump",
        Some(("percent", 1)),
        "the process takes a replacement that offers so much more (geth)",
        &[Sight::Parts(SpamDefense, &["defense.V11"])],
    ),
    kind(
        "no-queue-cap",
        Some(("slots", 1_000_000)),
        "the process keeps so many transactions that wait, of one account and of all (geth)",
        &[Sight::Parts(SpamDefense, &["defense.V08"])],
    ),
    kind(
        "no-batch-cap",
        Some(("calls", 1_000_000)),
        "the process answers batches of so many calls (geth)",
        &[Sight::Parts(SpamDefense, &["defense.V20"])],
    ),
];

const fn kind(
    name: &'static str,
    strength: Option<(&'static str, u32)>,
    does: &'static str,
    seen_by: &'static [Sight],
) -> Kind {
    Kind { name, strength, does, seen_by }
}

impl Kind {
    /// What must see it, in words.
    pub fn sights(&self) -> String {
        let sights: Vec<String> = self.seen_by.iter().map(Sight::to_string).collect();
        if sights.is_empty() { "-".into() } else { sights.join("; ") }
    }
}

/// A fault with its strength: `delay`, `delay:800`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    kind: Kind,
    strength: u32,
}

/// Where a fault is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before the node's RPC.
    Ingress(Fault),
    /// At the process, in so many of a thousand of its turns.
    Turns(u32),
    /// Between the process and its peers.
    Peers,
    /// At the process, always: percent of the time that it may run.
    Cpu(u32),
    /// At the process, by its flags, with which it is started anew.
    Limit(Limit),
}

impl Order {
    /// Where it is put, and how.
    pub fn place(self) -> Place {
        let (strength, per_mille) = (self.strength, self.strength.min(1_000) as u16);
        let ms = Duration::from_millis(strength.into());
        Place::Ingress(match self.kind.name {
            "delay" => Fault::Delay(ms),
            "loss" => Fault::Close { per_mille },
            "stall" => Fault::Stall { every: Duration::from_secs(5), length: ms },
            "overload" => Fault::Rate { per_second: strength, queue: 4 },
            "limiter" => Fault::LimitBySource { per_second: strength },
            "drop-after-accept" => Fault::AcceptAll { per_mille },
            "accept-everything" => Fault::WrongClass { per_mille },
            "reject-everything" => Fault::RejectAll { per_mille },
            "canned" => Fault::Canned { kept: Duration::from_secs(strength.into()) },
            "stale" => Fault::Stale { blocks: strength.into() },
            "forged-proposer" => Fault::ForgedProposer { per_mille },
            "no-price-bump" => return Place::Limit(Limit::PriceBump(strength)),
            "no-queue-cap" => return Place::Limit(Limit::Queue(strength)),
            "no-batch-cap" => return Place::Limit(Limit::Batch(strength)),
            "pause-in-turns" => return Place::Turns(strength),
            "cut-off" => return Place::Peers,
            "cpu" => return Place::Cpu(strength.clamp(1, 100)),
            _ => Fault::None,
        })
    }

    /// Its kind.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// Whether it is good behaviour.
    pub fn is_none(self) -> bool {
        self.kind.name == "none"
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, given) = text.split_once(':').map_or((text, None), |(name, given)| (name, Some(given)));
        let names = || KINDS.map(|kind| kind.name).join(", ");
        let kind = KINDS.into_iter().find(|kind| kind.name == name);
        let kind = kind.ok_or_else(|| format!("no fault `{name}`: choose among {}", names()))?;
        let strength = match (kind.strength, given) {
            (None, None) => 0,
            (None, Some(_)) => return Err(format!("{name} has no strength: write it without a number")),
            (Some((_, usual)), None) => usual,
            (Some((unit, usual)), Some(given)) => match given.parse() {
                Ok(number) if number > 0 => number,
                _ => {
                    return Err(format!(
                        "`{given}` is no strength of {name}: give {unit}, such as {name}:{usual}"
                    ));
                }
            },
        };
        Ok(Self { kind, strength })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.strength {
            Some(_) => write!(f, "{}:{}", self.kind.name, self.strength),
            None => f.write_str(self.kind.name),
        }
    }
}

impl Serialize for Order {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The faults in a table, for `--help`.
pub fn table() -> String {
    let mut text = String::from(
        "Faults, with their usual strength, what they do, and what must see them (`bench calibrate` tries it):\n",
    );
    for kind in KINDS {
        let (Kind { name, strength, does, .. }, seen_by) = (kind, kind.sights());
        let name = strength.map_or(name.to_owned(), |(_, usual)| format!("{name}:{usual}"));
        let unit = strength.map_or("", |(unit, _)| unit);
        text += &format!("  {name:<22} {unit:<10} {does}\n  {:<33} {seen_by}\n", "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_written() {
        for kind in KINDS {
            let order: Order = kind.name.parse().unwrap();
            assert_eq!(order.to_string().parse::<Order>(), Ok(order));
            let is_none = order.place() == Place::Ingress(Fault::None);
            assert_eq!(is_none, order.is_none(), "{}", kind.name);
            assert_eq!(is_none, kind.seen_by.is_empty(), "{} must be seen by something", kind.name);
        }
        assert_eq!(
            "delay:800".parse::<Order>().unwrap().place(),
            Place::Ingress(Fault::Delay(Duration::from_millis(800)))
        );
        let place = |text: &str| text.parse::<Order>().unwrap().place();
        assert_eq!(place("reject-everything"), Place::Ingress(Fault::RejectAll { per_mille: 1_000 }));
        assert_eq!(place("reject-everything:50"), Place::Ingress(Fault::RejectAll { per_mille: 50 }));
        assert_eq!(place("pause-in-turns:500"), Place::Turns(500));
        assert_eq!(place("no-queue-cap:64"), Place::Limit(Limit::Queue(64)));
        for bad in ["", "dely", "delay:", "delay:0", "delay:-1", "delay:x", "cut-off:3"] {
            assert!(bad.parse::<Order>().is_err(), "{bad}");
        }
    }
}
