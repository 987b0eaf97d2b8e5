//! What came of a calibration, as a table.

use std::fmt;

use serde::Serialize;

use super::verdict::{CLEARLY_BELOW, Outcome};
use crate::local_network::fault::Kind;
use crate::network::NetworkReport;

/// What came of a calibration.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whose nodes.
    pub family: &'static str,
    /// How long it took.
    pub seconds: u64,
    /// Each fault, once for each that must see it.
    pub faults: Vec<FaultRow>,
    /// Each healthy run.
    pub healthy: Vec<HealthyRow>,
}

/// One fault and one that must see it.
#[derive(Debug, Clone, Serialize)]
pub struct FaultRow {
    /// Its name.
    pub fault: &'static str,
    /// What must see it.
    pub by: String,
    /// Whether it did.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// One run of healthy nodes.
#[derive(Debug, Clone, Serialize)]
pub struct HealthyRow {
    /// The challenge, or the network check.
    pub by: String,
    /// Its seed; 0 where there is none.
    pub seed: u32,
    /// What it was blamed for.
    pub blamed: Vec<String>,
}

impl HealthyRow {
    /// Of a look at a network without a fault.
    pub fn of_look(look: Option<&(Kind, NetworkReport)>) -> Self {
        let nodes = look.iter().flat_map(|(_, report)| &report.nodes);
        let blamed = nodes.flat_map(|node| node.faults.iter().map(|fault| format!("{} {fault}", node.name)));
        Self { by: "network check".into(), seed: 0, blamed: blamed.collect() }
    }
}

/// Whether a look at a network, whose first candidate had a fault, blames that one and nobody else.
pub fn looked(look: Option<&(Kind, NetworkReport)>) -> Outcome {
    let Some((_, report)) = look else {
        return Outcome::NotMeasured("the network was not looked at".into());
    };
    let mut named = report.nodes.iter().filter(|node| !node.faults.is_empty());
    let is_faulty =
        |name: &str| report.nodes.iter().find(|n| n.role == "candidate").is_some_and(|n| n.name == name);
    match (named.next(), named.next()) {
        (Some(node), None) if is_faulty(&node.name) => Outcome::Seen(node.faults.join(", ")),
        (None, _) => Outcome::NotSeen("nothing to be mended".into()),
        (Some(node), _) => Outcome::NotSeen(format!("{} was named: {}", node.name, node.faults.join(", "))),
    }
}

impl Report {
    /// Whether every fault that was tried was seen, and nobody healthy blamed.
    pub fn holds(&self) -> bool {
        !self.faults.iter().any(|row| row.outcome.is_bad())
            && self.healthy.iter().all(|row| row.blamed.is_empty())
    }

    fn count(&self, word: &str) -> usize {
        self.faults.iter().filter(|row| row.outcome.word() == word).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:<58} {:<13} by what, or why not", "fault", "must be seen by", "was it?")?;
        for FaultRow { fault, by, outcome } in &self.faults {
            writeln!(f, "{fault:<18} {by:<58} {:<13} {}", outcome.word(), outcome.why())?;
        }
        let blamed = self.healthy.iter().filter(|row| !row.blamed.is_empty());
        for row in blamed.clone() {
            writeln!(
                f,
                "healthy {:<10} {:<58} {:<13} {}",
                row.seed,
                row.by,
                "BLAMED",
                row.blamed.join(", ")
            )?;
        }
        writeln!(
            f,
            "\n{} seen, {} not seen, {} not measured, {} not run; {} healthy runs, {} of them blamed; {}, {} s\nseen: a part \
             named for the fault earns {} % of its full marks less than healthy runs do in the median",
            self.count("seen"),
            self.count("NOT SEEN"),
            self.count("NOT MEASURED"),
            self.count("not run"),
            self.healthy.len(),
            blamed.count(),
            self.family,
            self.seconds,
            CLEARLY_BELOW / 10,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_network::fault::KINDS;
    use crate::network::NodeReport;

    fn look(faults: [&str; 3]) -> (Kind, NetworkReport) {
        let roles = ["reference", "candidate", "candidate"];
        let nodes = roles.into_iter().zip(faults).zip(["reference", "node-1", "node-2"]);
        let nodes = nodes.map(|((role, fault), name)| {
            let faults = Some(fault.to_owned()).filter(|fault| !fault.is_empty()).into_iter().collect();
            NodeReport { name: name.into(), role, faults, ..NodeReport::default() }
        });
        let nodes = nodes.collect();
        let report = NetworkReport {
            nodes,
            compared_at: None,
            committees: 0,
            committee: vec![],
            controls_hold: 0,
            faults: vec![],
            notes: vec![],
        };
        (KINDS[0], report)
    }

    #[test]
    fn a_look_sees_a_fault_when_it_names_the_faulty_node_alone() {
        assert_eq!(looked(Some(&look(["", "stands still", ""]))), Outcome::Seen("stands still".into()));
        for wrong in [["", "", ""], ["", "", "x"], ["x", "", ""], ["", "x", "y"]] {
            assert!(matches!(looked(Some(&look(wrong))), Outcome::NotSeen(_)), "{wrong:?}");
        }
        assert!(looked(None).is_bad());
        assert_eq!(HealthyRow::of_look(Some(&look(["", "", "x"]))).blamed, ["node-2 x"]);
    }

    #[test]
    fn a_calibration_holds_when_nothing_tried_was_missed_and_nobody_blamed() {
        let row = |outcome| FaultRow { fault: "delay", by: "x".into(), outcome };
        let healthy = |blamed: &[&str]| HealthyRow {
            by: "x".into(),
            seed: 1,
            blamed: blamed.iter().map(|word| (*word).to_owned()).collect(),
        };
        let report = |outcome, blamed: &[&str]| Report {
            family: "geth",
            seconds: 1,
            faults: vec![row(Outcome::Seen("a".into())), row(outcome)],
            healthy: vec![healthy(&[]), healthy(blamed)],
        };
        assert!(report(Outcome::NotRun("b".into()), &[]).holds());
        assert!(!report(Outcome::NotSeen("b".into()), &[]).holds());
        assert!(!report(Outcome::NotMeasured("b".into()), &[]).holds());
        let blamed = report(Outcome::NotRun("b".into()), &["a 1.0 % of 99.0 %"]);
        assert!(!blamed.holds());
        let words = blamed.to_string();
        assert!(
            words.contains("1 seen, 0 not seen, 0 not measured, 1 not run; 2 healthy runs, 1"),
            "{words}"
        );
    }
}
