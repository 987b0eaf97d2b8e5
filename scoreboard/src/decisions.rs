//! Whether the decisions in a publication stand on what was published before.

use std::collections::BTreeMap;

use model::{Decision, Digest, OperatorId, Publication, Role, Season};

/// Longest public reason, characters.
pub const LONGEST_REASON: usize = 2_000;
/// Longest name of a reviewer, characters.
const LONGEST_REVIEWER: usize = 200;

/// The first fault of the decisions that go into the publication after `before`: all decisions of
/// the season so far, those that were published first, each about a candidate, on an earlier
/// publication, with a reason, and naming the one that it replaces.
///
/// # Errors
/// That fault, in words.
pub fn check_decisions(
    season: &Season,
    before: &[Publication],
    decisions: &[Decision],
) -> Result<(), String> {
    let published = before.last().map_or(&[][..], |last| &last.decisions);
    if !decisions.starts_with(published) {
        return Err("a published decision was changed or left out".into());
    }
    if season.demonstration && !decisions.is_empty() {
        return Err("a demonstration decides nothing".into());
    }
    let mut current: BTreeMap<&OperatorId, u32> = BTreeMap::new();
    for (index, decision) in decisions.iter().enumerate() {
        let number = index as u32 + 1;
        let replaced = current.insert(&decision.operator, number);
        one(season, before, decision, number, replaced)
            .map_err(|fault| format!("decision {number}: {fault}"))?;
    }
    Ok(())
}

fn one(
    season: &Season,
    before: &[Publication],
    decision: &Decision,
    number: u32,
    replaced: Option<u32>,
) -> Result<(), String> {
    let need = |good: bool, fault: &str| if good { Ok(()) } else { Err(fault.to_owned()) };
    need(decision.number == number, "its number is out of order")?;
    let subject = season.operator(&decision.operator);
    need(subject.is_some_and(|one| one.role == Role::Candidate), "it is about nobody who applies")?;
    let ground = before.iter().find(|publication| publication.number == decision.publication);
    need(ground.is_some(), "it names no earlier publication")?;
    need(
        ground.is_some_and(|found| Digest::of(found) == decision.digest),
        "it names a publication with another digest",
    )?;
    need(!decision.reason.trim().is_empty(), "it has no reason")?;
    need(
        is_text(&decision.reason, LONGEST_REASON),
        "its reason is over 2000 characters, or has control characters",
    )?;
    need(is_text(&decision.reviewer, LONGEST_REVIEWER), "its reviewer has no name of 1 to 200 characters")?;
    need(decision.replaces == replaced, "it does not name the decision that it replaces")
}

/// Text for everybody to read; lines may be broken.
fn is_text(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() && c != '\n')
}
