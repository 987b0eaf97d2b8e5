//! What a run of a plan that can stop a chain finds, told at once: who fails in its turns must not wait for the end of a
//! window.

use model::{Evidence, Season};
use scoreboard::{Finding, Rulebook, findings, record};

/// The findings of one run by itself, a sentence for each operator.
pub(super) fn of_one(book: &Rulebook, season: &Season, evidence: &Evidence) -> Vec<String> {
    let found = findings(book, season, &record([evidence.clone()]), season.windows);
    let sentence = |(operator, findings): (_, Vec<Finding>)| {
        let words: Vec<String> = findings.iter().map(Finding::text).collect();
        format!("{operator}: {}", words.join("; "))
    };
    found.into_iter().map(sentence).collect()
}
