//! What reviewers decided, as the publication that is shown has it.

use std::collections::BTreeMap;

use model::{Decision, Operator, OperatorId, Role};
use serde::Serialize;

use crate::issue::Issue;
use crate::press::DigestView;
use crate::shell::Language;
use crate::{date, format, text, words};

/// A decision, with what it stands on and what became of it.
#[derive(Clone, Copy)]
pub(crate) struct Decided<'a> {
    pub(crate) decision: &'a Decision,
    /// Place of the operator in the publication decided on; none if it had none there.
    pub(crate) place: Option<u32>,
    /// Number of the later decision that stands in its stead.
    pub(crate) replaced_by: Option<u32>,
}

/// Every decision, oldest first.
pub(crate) fn all<'a>(issue: &Issue<'a>) -> Vec<Decided<'a>> {
    let mut later: BTreeMap<&OperatorId, u32> = BTreeMap::new();
    let newest_first = issue.publication.decisions.iter().rev().map(|decision| Decided {
        decision,
        place: place(issue, decision),
        replaced_by: later.insert(&decision.operator, decision.number),
    });
    let mut found: Vec<_> = newest_first.collect();
    found.reverse();
    found
}

/// The decision that holds for each operator: admitted first, then by place, then by number.
pub(crate) fn present<'a>(issue: &Issue<'a>) -> Vec<Decided<'a>> {
    let mut found = all(issue);
    found.retain(|decided| decided.replaced_by.is_none());
    found.sort_by_key(|Decided { decision, place, .. }| {
        (decision.verdict.as_str(), place.is_none(), *place, decision.number)
    });
    found
}

/// Candidates about whom nothing is decided; nobody as long as nothing is decided about anybody.
pub(crate) fn undecided<'a>(issue: &Issue<'a>) -> Vec<&'a Operator> {
    let decisions = &issue.publication.decisions;
    let open = |operator: &&Operator| {
        operator.role == Role::Candidate
            && !decisions.is_empty()
            && decisions.iter().all(|decision| decision.operator != operator.id)
    };
    issue.season.operators.iter().filter(open).collect()
}

fn place(issue: &Issue, decision: &Decision) -> Option<u32> {
    let ground = issue.publications.iter().find(|past| past.number == decision.publication)?;
    Issue::entry_in(ground, &decision.operator)?.place
}

/// A decision as pages show it.
#[derive(Serialize)]
pub(crate) struct DecisionView {
    number: u32,
    id: String,
    name: String,
    verdict: &'static str,
    verdict_word: &'static str,
    place: String,
    reason: String,
    reviewer: String,
    publication: u32,
    digest: DigestView,
    decided: String,
    decided_iso: String,
    replaces: Option<u32>,
    replaced_by: Option<u32>,
}

impl DecisionView {
    pub(crate) fn new(issue: &Issue, language: Language, decided: &Decided) -> Self {
        let decision = decided.decision;
        Self {
            number: decision.number,
            id: decision.operator.to_string(),
            name: issue.name(&decision.operator),
            verdict: decision.verdict.as_str(),
            verdict_word: words::verdict(language, decision.verdict),
            place: decided.place.map_or_else(|| format::NONE.into(), |place| place.to_string()),
            reason: text::lines(&decision.reason),
            reviewer: text::name(&decision.reviewer, format::NONE),
            publication: decision.publication,
            digest: (&decision.digest).into(),
            decided: date::shown(language, decision.decided_ms),
            decided_iso: date::iso(decision.decided_ms),
            replaces: decision.replaces,
            replaced_by: decided.replaced_by,
        }
    }
}
