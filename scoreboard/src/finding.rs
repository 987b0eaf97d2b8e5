//! Findings: facts from the chain that bar an operator, whatever its points (MEASURE 3).

use std::collections::BTreeMap;

use model::{Evidence, Operator, OperatorId, Role, Season, Vector};

use crate::attribution::attribute;
use crate::key_change::{Seen, Storm};
use crate::record::Record;
use crate::rulebook::Rulebook;

/// A finding about one operator: what the chain shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A transaction was included that is never valid.
    Included {
        /// Of which vector.
        vector: Vector,
        /// Whether a control of the same client showed the same: then it is charged to nobody.
        shared: bool,
    },
    /// Its turns failed at these heights, while accounts changed their keys.
    FailedTurns(Vec<u64>),
    /// Its node showed other blocks than the reference at these heights, while accounts changed their keys.
    Parted(Vec<u64>),
}

impl Finding {
    /// Whether it bars the operator.
    pub fn bars(&self) -> bool {
        !matches!(self, Self::Included { shared: true, .. })
    }

    /// In words, for pages.
    pub fn text(&self) -> String {
        match self {
            Self::Included { vector, shared } => {
                let charged =
                    if *shared { "; client finding, a control of the same client did the same" } else { "" };
                format!("invalid transaction included ({vector} {}){charged}", vector.title())
            }
            Self::FailedTurns(heights) => {
                format!("its turns failed while keys changed, at {}", listed(heights))
            }
            Self::Parted(heights) => {
                format!("its chain parted from the reference while keys changed, at {}", listed(heights))
            }
        }
    }
}

/// Heights as they stand in a sentence; of many only the first.
fn listed(heights: &[u64]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = heights.iter().take(SHOWN).map(u64::to_string).collect();
    let more = heights.len().saturating_sub(SHOWN);
    let noun = if heights.len() == 1 { "height" } else { "heights" };
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun} {}{rest}", shown.join(", "))
}

/// Findings by operator, each once.
pub type Findings = BTreeMap<OperatorId, Vec<Finding>>;

/// The findings in the runs that count.
pub fn findings(book: &Rulebook, season: &Season, record: &Record, windows: u32) -> Findings {
    let counting: Vec<&Evidence> = record
        .values()
        .map(|filed| filed.evidence())
        .filter(|evidence| evidence.run.window <= windows && attribute(book, evidence).counts())
        .collect();
    let mut findings = Findings::new();
    let mut find = |operator: &OperatorId, finding: Finding| {
        let known = findings.entry(operator.clone()).or_default();
        if !known.contains(&finding) {
            known.push(finding);
            known.sort();
        }
    };
    included_findings(season, &counting, &mut find);
    key_change_findings(book, season, &counting, &mut find);
    findings
}

/// A signature or a chain id that must be refused and yet stands in a block is proven by the chain.
fn included_findings(season: &Season, counting: &[&Evidence], find: &mut impl FnMut(&OperatorId, Finding)) {
    let seen: Vec<(&Evidence, Vector)> = counting
        .iter()
        .flat_map(|evidence| included(evidence).map(move |vector| (*evidence, vector)))
        .collect();
    let is_control = |id: &OperatorId| season.operator(id).is_some_and(|o| o.role == Role::Control);
    for (evidence, vector) in &seen {
        let shared = seen.iter().any(|(other, same)| {
            same == vector
                && other.run.operator != evidence.run.operator
                && is_control(&other.run.operator)
                && other.client == evidence.client
        });
        find(&evidence.run.operator, Finding::Included { vector: *vector, shared });
    }
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

/// Failed turns and parted chains, from every run that can name somebody: all validators see the same key changes,
/// whoever the run was about. Each height once.
fn key_change_findings(
    book: &Rulebook,
    season: &Season,
    counting: &[&Evidence],
    find: &mut impl FnMut(&OperatorId, Finding),
) {
    let rules = &book.key_change;
    let storms = counting.iter().filter_map(|run| Storm::of(rules, run));
    let storms: Vec<Storm<'_>> = storms.filter(|storm| storm.can_name(season)).collect();
    let named = |candidate: &Operator| Some((candidate.id.clone(), candidate.validator.clone()?));
    for (operator, validator) in season.candidates().filter_map(named) {
        let mut all = Seen::default();
        for seen in storms.iter().map(|storm| storm.seen(&validator)) {
            if seen.fails(rules) {
                all.failed.extend(seen.failed);
            }
            all.parted.extend(seen.parted);
        }
        let heights = |mut heights: Vec<u64>| {
            heights.sort_unstable();
            heights.dedup();
            heights
        };
        let (failed, parted) = (heights(all.failed), heights(all.parted));
        if !failed.is_empty() {
            find(&operator, Finding::FailedTurns(failed));
        }
        if !parted.is_empty() {
            find(&operator, Finding::Parted(parted));
        }
    }
}
