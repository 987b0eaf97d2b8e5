//! Points of one run, by hand: worse nodes get fewer.

use model::{Digest, Evidence, Part, Score};

use super::{Node, record};

/// The score of `record`.
pub(super) fn of(record: &Evidence, node: &Node, evidence: Digest) -> Score {
    let parts = match record.run.trial.as_str() {
        "traffic" => traffic(node, evidence),
        _ => record::attacks().iter().map(|attack| defense(record, attack, node, evidence)).collect(),
    };
    Score::of(parts)
}

fn part(rule: &str, evidence: Digest, seen: (Option<i64>, &str), (points, of): (i64, i64)) -> Part {
    Part { rule: rule.into(), observed: seen.0, unit: seen.1.into(), points, of, factors: vec![], evidence }
}

fn with(mut part: Part, factors: &[(&str, i64)]) -> Part {
    part.factors = factors.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    part
}

fn traffic(node: &Node, evidence: Digest) -> Vec<Part> {
    let (loss, capacity) = (node.4 as i64, i64::from(node.2));
    let landed = (Some(1_000 - loss), "per mille");
    let delay = (Some(loss * 2_000 - 3_000), "us");
    let door = (Some(capacity), "requests/s");
    vec![
        with(
            part("ingress.inclusion", evidence, landed, (30_000 - loss * 100, 30_000)),
            &[("landed", 200 - loss / 5), ("offered", 200)],
        ),
        with(
            part("ingress.delay", evidence, delay, (30_000 - loss * 60, 30_000)),
            &[("pairs", 190), ("block_interval_us", 1_000_000)],
        ),
        with(
            part("door.capacity", evidence, door, ((capacity * 190).min(40_000), 40_000)),
            &[("controls_median", 420), ("at_least", 0), ("recovered", 1)],
        ),
    ]
}

fn defense(record: &Evidence, attack: &str, node: &Node, evidence: Digest) -> Part {
    let (rule, of) = (format!("defense.{attack}"), 100_000 / record::attacks().len() as i64);
    if record.phase(attack).is_none() {
        return part(&rule, evidence, (None, "per mille"), (0, of));
    }
    let share = (1_000 - node.4 as i64 * 3).max(0);
    let seen = part(&rule, evidence, (Some(share), "per mille"), (of * share / 1_000, of));
    with(
        seen,
        &[
            ("Y(base)", 990),
            ("Y(attack)", share),
            ("U", share),
            ("N", 1_000),
            ("accuracy", 985),
            ("recovery", 1_000),
        ],
    )
}
