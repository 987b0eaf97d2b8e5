//! What counts as seen: pure, and in this one place.

use std::collections::BTreeMap;

use model::Part;
use serde::Serialize;

/// A part is clearly below the healthy ones when it earns this much less of its full marks than they do in the median,
/// per mille. A healthy node loses a per cent or two to noise.
pub const CLEARLY_BELOW: i64 = 100;

/// What the parts of one run earned of their full marks, per mille, by rule.
pub type Shares = BTreeMap<String, i64>;

/// The shares of a run's parts.
pub fn shares(parts: &[Part]) -> Shares {
    parts.iter().map(|part| (part.rule.clone(), part.points * 1_000 / part.of.max(1))).collect()
}

/// What a trial of a fault showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was seen; by what.
    Seen(String),
    /// It was not seen.
    NotSeen(String),
    /// It should have been tried, and could not be.
    NotMeasured(String),
    /// It was not tried: never a pass.
    NotRun(String),
}

impl Outcome {
    /// Whether it is one that a calibration must not end with.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::NotSeen(_) | Self::NotMeasured(_))
    }

    /// In two words.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Seen(_) => "seen",
            Self::NotSeen(_) => "NOT SEEN",
            Self::NotMeasured(_) => "NOT MEASURED",
            Self::NotRun(_) => "not run",
        }
    }

    /// By what, or why not.
    pub fn why(&self) -> &str {
        match self {
            Self::Seen(why) | Self::NotSeen(why) | Self::NotMeasured(why) | Self::NotRun(why) => why,
        }
    }
}

/// The median share of each part over healthy runs of one plan.
pub fn usual(healthy: &[Shares]) -> Shares {
    let mut all: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (rule, share) in healthy.iter().flatten() {
        all.entry(rule.clone()).or_default().push(*share);
    }
    let median = |mut shares: Vec<i64>| {
        shares.sort_unstable();
        shares.get(shares.len() / 2).copied().unwrap_or(0)
    };
    all.into_iter().map(|(rule, shares)| (rule, median(shares))).collect()
}

/// The parts whose rule begins with `named` that are clearly below what is usual, in words.
fn below(run: &Shares, usual: &Shares, named: &str) -> Vec<String> {
    let of_name = usual.iter().filter(|(rule, _)| rule.starts_with(named));
    let low = of_name.filter_map(|(rule, usual)| {
        // A part that was not there earned nothing.
        let share = run.get(rule).copied().unwrap_or(0);
        (share + CLEARLY_BELOW <= *usual).then(|| format!("{rule} {} of {}", percent(share), percent(*usual)))
    });
    low.collect()
}

fn percent(per_mille: i64) -> String {
    format!("{:.1} %", per_mille as f64 / 10.0)
}

/// Whether one of the parts named for a fault shows it.
pub fn seen(run: &Shares, usual: &Shares, named: &[&str]) -> Outcome {
    let low: Vec<String> = named.iter().flat_map(|name| below(run, usual, name)).collect();
    if !low.is_empty() {
        return Outcome::Seen(low.join(", "));
    }
    let kept = usual.keys().filter(|rule| named.iter().any(|name| rule.starts_with(name)));
    let kept: Vec<String> =
        kept.map(|rule| format!("{rule} {}", percent(run.get(rule).copied().unwrap_or(0)))).collect();
    match kept.is_empty() {
        true => Outcome::NotMeasured(format!("no healthy run has {}", named.join(" or "))),
        false => Outcome::NotSeen(kept.join(", ")),
    }
}

/// What a healthy run is blamed for: any part clearly below what is usual.
pub fn blamed(run: &Shares, usual: &Shares) -> Vec<String> {
    below(run, usual, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(shares: &[(&str, i64)]) -> Shares {
        shares.iter().map(|(rule, share)| ((*rule).to_owned(), *share)).collect()
    }

    #[test]
    fn a_fault_is_seen_by_a_part_named_for_it_and_by_no_other() {
        let usual = run(&[("door.capacity", 1_000), ("ingress.delay", 980)]);
        let slow = run(&[("door.capacity", 1_000), ("ingress.delay", 300)]);
        assert_eq!(
            seen(&slow, &usual, &["ingress.delay"]),
            Outcome::Seen("ingress.delay 30.0 % of 98.0 %".into())
        );
        assert_eq!(seen(&slow, &usual, &["door"]), Outcome::NotSeen("door.capacity 100.0 %".into()));
        assert!(matches!(seen(&slow, &usual, &["door", "ingress"]), Outcome::Seen(_)), "any of those named");
        assert!(seen(&slow, &usual, &["duty.turns"]).is_bad(), "nothing to compare with is no pass");
        assert!(seen(&run(&[]), &usual, &["door"]) != Outcome::NotSeen(String::new()));
        assert!(matches!(seen(&run(&[]), &usual, &["door"]), Outcome::Seen(_)), "a cut run earned nothing");
    }

    #[test]
    fn clearly_begins_where_it_is_said_to() {
        let usual = run(&[("a", 950)]);
        assert!(blamed(&run(&[("a", 951 - CLEARLY_BELOW)]), &usual).is_empty());
        assert_eq!(blamed(&run(&[("a", 950 - CLEARLY_BELOW)]), &usual).len(), 1);
    }

    #[test]
    fn what_is_usual_is_the_middle_of_the_healthy() {
        let healthy = [run(&[("a", 1_000)]), run(&[("a", 0)]), run(&[("a", 990)])];
        assert_eq!(usual(&healthy), run(&[("a", 990)]));
        assert!(usual(&[]).is_empty());
        // One healthy run that was blamed does not take the blame from itself.
        assert_eq!(blamed(&healthy[1], &usual(&healthy)), ["a 0.0 % of 99.0 %"]);
    }

    #[test]
    fn only_what_was_not_tried_at_all_is_not_held_against_us() {
        let text = String::new;
        assert!(!Outcome::Seen(text()).is_bad() && !Outcome::NotRun(text()).is_bad());
        assert!(Outcome::NotSeen(text()).is_bad() && Outcome::NotMeasured(text()).is_bad());
    }
}
