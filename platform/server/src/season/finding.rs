//! What runs find of operators, told when it is found: who can stop a chain must not wait for the end of a window.

use model::{Evidence, Season};
use scoreboard::{Rulebook, findings, record};

/// The findings in these runs, a sentence each.
pub(super) fn told(
    book: &Rulebook,
    season: &Season,
    runs: impl IntoIterator<Item = Evidence>,
) -> Vec<String> {
    let found = findings(book, season, &record(runs), season.windows);
    let of_one = |(operator, findings): (_, Vec<scoreboard::Finding>)| {
        let words: Vec<String> = findings.iter().map(scoreboard::Finding::text).collect();
        format!("{operator}: {}", words.join("; "))
    };
    found.into_iter().map(of_one).collect()
}
