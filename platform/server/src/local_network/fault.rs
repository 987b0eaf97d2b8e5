//! Faults by name: what they do, how strong they are unless said otherwise, and which challenge must see them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use localnet::Fault;
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
    /// Which part must suffer.
    pub seen_by: &'static str,
}

/// All faults.
pub const KINDS: [Kind; 13] = [
    kind("none", None, "behaves well again", "-"),
    kind(
        "delay",
        Some(("ms", 1_500)),
        "answers each request so much later",
        "traffic-throughput: ingress.delay",
    ),
    kind(
        "loss",
        Some(("per mille", 200)),
        "closes on a share of what is sent",
        "traffic-throughput: ingress.inclusion",
    ),
    kind(
        "stall",
        Some(("ms", 1_400)),
        "stands still so long in every 5 s",
        "traffic-throughput: door.capacity",
    ),
    kind(
        "overload",
        Some(("/s", 40)),
        "answers 503 above so many sends a second",
        "traffic-throughput: door.capacity",
    ),
    kind(
        "limiter",
        Some(("/s", 5)),
        "answers 429 above so many sends a second of one address",
        "traffic-throughput: door.capacity",
    ),
    kind(
        "drop-after-accept",
        None,
        "says yes to every send, and forwards none",
        "traffic-throughput: ingress.inclusion",
    ),
    kind("accept-everything", None, "says yes also to what the node refused", "spam-defense: accuracy"),
    kind("reject-everything", None, "refuses every send", "spam-defense and traffic-throughput: everything"),
    kind("canned", None, "answers from what it was once answered: the head stands still", "duty: duty.head"),
    kind("forged-proposer", None, "names another proposer in its blocks", "network check"),
    kind(
        "pause-in-turns",
        None,
        "the process stands still whenever it is its turn",
        "duty: duty.turns; key-change: a finding",
    ),
    kind(
        "cpu",
        Some(("percent", 10)),
        "the process runs for that share of the time",
        "duty: duty.head, duty.votes",
    ),
];

const fn kind(
    name: &'static str,
    strength: Option<(&'static str, u32)>,
    does: &'static str,
    seen_by: &'static str,
) -> Kind {
    Kind { name, strength, does, seen_by }
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
    /// At the process, in its turns.
    Turns,
    /// At the process, always: percent of the time that it may run.
    Cpu(u32),
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
            "drop-after-accept" => Fault::AcceptAll,
            "accept-everything" => Fault::WrongClass { per_mille: 1_000 },
            "reject-everything" => Fault::RejectAll,
            "canned" => Fault::Canned,
            "forged-proposer" => Fault::ForgedProposer,
            "pause-in-turns" => return Place::Turns,
            "cpu" => return Place::Cpu(strength.clamp(1, 100)),
            _ => Fault::None,
        })
    }

    /// Which part must suffer.
    pub fn seen_by(self) -> &'static str {
        self.kind.seen_by
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
    let mut text = String::from("Faults, with their usual strength, what they do, and what must see them:\n");
    for Kind { name, strength, does, seen_by } in KINDS {
        let name = strength.map_or(name.to_owned(), |(_, usual)| format!("{name}:{usual}"));
        let unit = strength.map_or("", |(unit, _)| unit);
        text += &format!("  {name:<20} {unit:<10} {does}\n  {:<31} {seen_by}\n", "");
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
            assert_eq!(is_none, kind.name == "none", "{}", kind.name);
        }
        assert_eq!(
            "delay:800".parse::<Order>().unwrap().place(),
            Place::Ingress(Fault::Delay(Duration::from_millis(800)))
        );
        for bad in ["", "dely", "delay:", "delay:0", "delay:-1", "delay:x", "canned:3"] {
            assert!(bad.parse::<Order>().is_err(), "{bad}");
        }
    }
}
