//! Points of one run, each with its reason.

use model::{Digest, Evidence, Parameters, Part, Points, Score, Season};

use crate::rulebook::Rulebook;
use crate::{defense, door, duty, ingress, key_change};

/// The score of a run that counts. `controls` are the counting runs of control operators other
/// than this one, of the same trial and window. No other candidate's run has any influence.
///
/// Every part of the trial is listed; what was not observed (the run was cut) earns nothing.
pub fn score_run(book: &Rulebook, season: &Season, evidence: &Evidence, controls: &[&Evidence]) -> Score {
    score_filed(book, season, evidence, Digest::of(evidence), controls)
}

/// The same for evidence whose digest is known.
pub(crate) fn score_filed(
    book: &Rulebook,
    season: &Season,
    evidence: &Evidence,
    digest: Digest,
    controls: &[&Evidence],
) -> Score {
    let parts = match season.trial(&evidence.run.trial).map(|trial| &trial.parameters) {
        Some(Parameters::TrafficThroughput(_)) => vec![
            ingress::inclusion(&book.traffic, evidence, digest),
            ingress::delay(&book.traffic, evidence, digest),
            door::capacity(&book.traffic, evidence, digest, controls),
        ],
        Some(Parameters::SpamDefense(p)) => defense::parts(&book.defense, p, evidence, digest, controls),
        Some(Parameters::Duty(p)) => duty::parts(&book.duty, p, season, evidence, digest),
        Some(Parameters::KeyChange(_)) => vec![key_change::turns(&book.key_change, evidence, digest)],
        None => Vec::new(),
    };
    debug_assert!(parts.iter().all(is_sound), "a part earns from nothing to its full marks");
    Score::of(parts)
}

fn is_sound(part: &Part) -> bool {
    let within = |points: Points| (0..=part.of).contains(&points);
    within(part.points) && (part.observed.is_some() || part.points == 0)
}
