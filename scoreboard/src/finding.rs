//! Findings: facts from the chain that bar an operator, whatever its points (MEASURE 3).

use std::collections::BTreeMap;

use model::{Evidence, OperatorId, Role, Season, Vector};

use crate::attribution::attribute;
use crate::record::Record;
use crate::rulebook::Rulebook;

/// A finding about one operator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which invalid transaction was included.
    vector: Vector,
    /// Whether a control of the same client showed the same: then it is charged to nobody.
    shared: bool,
}

impl Finding {
    /// Whether it bars the operator.
    pub fn bars(&self) -> bool {
        !self.shared
    }

    /// In words, for pages.
    pub fn text(&self) -> String {
        let (vector, title) = (self.vector, self.vector.title());
        let charged =
            if self.shared { "; client finding, a control of the same client did the same" } else { "" };
        format!("invalid transaction included ({vector} {title}){charged}")
    }
}

/// Findings by operator, each once.
pub type Findings = BTreeMap<OperatorId, Vec<Finding>>;

/// The findings in the runs that count. A signature or a chain id that must be refused and yet
/// stands in a block is proven by the chain.
pub fn findings(book: &Rulebook, season: &Season, record: &Record, windows: u32) -> Findings {
    let counting = record
        .values()
        .map(|filed| filed.evidence())
        .filter(|evidence| evidence.run.window <= windows && attribute(book, evidence).counts());
    let seen: Vec<(&Evidence, Vector)> =
        counting.flat_map(|evidence| included(evidence).map(move |vector| (evidence, vector))).collect();
    let is_control = |id: &OperatorId| season.operator(id).is_some_and(|o| o.role == Role::Control);
    let mut findings = Findings::new();
    for (evidence, vector) in &seen {
        let shared = seen.iter().any(|(other, same)| {
            same == vector
                && other.run.operator != evidence.run.operator
                && is_control(&other.run.operator)
                && other.client == evidence.client
        });
        let finding = Finding { vector: *vector, shared };
        let known = findings.entry(evidence.run.operator.clone()).or_default();
        if !known.contains(&finding) {
            known.push(finding);
            known.sort();
        }
    }
    findings
}

/// Vectors of which no transaction may ever stand in a block, and one does. (A replay, V07, is in
/// the chain rightly.)
fn included(evidence: &Evidence) -> impl Iterator<Item = Vector> + '_ {
    let lanes = evidence.phases.iter().flat_map(|phase| &phase.lanes);
    lanes.filter(|lane| lane.landed > 0).filter_map(|lane| match lane.kind.vector() {
        Some(vector @ (Vector::V01 | Vector::V05)) => Some(vector),
        _ => None,
    })
}
