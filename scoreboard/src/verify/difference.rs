//! Names the first difference between a publication and what comes out.

use std::collections::BTreeSet;
use std::fmt::Debug;

use model::digest::canonical_json;
use model::publication::RunEntry;
use model::{Digest, Entry, Part, Publication, Score};

use super::Mismatch;

type Same = Result<(), Mismatch>;

/// The first difference, from the runs up to the places.
pub(crate) fn first_difference(file: &str, published: &Publication, computed: &Publication) -> Same {
    heads(file, published, computed)?;
    let names: BTreeSet<&String> = published.runs.keys().chain(computed.runs.keys()).collect();
    for name in names {
        match (published.runs.get(name), computed.runs.get(name)) {
            (Some(shown), Some(due)) => run(file, shown, due).map_err(|found| found.of_run(name))?,
            (Some(_), None) => return Err(Mismatch::new(file, "run", "present", "no evidence").of_run(name)),
            (None, _) => return Err(Mismatch::new(file, "run", "left out", "present").of_run(name)),
        }
    }
    entries(file, "entry", &published.ranking.entries, &computed.ranking.entries)?;
    entries(file, "control", &published.ranking.controls, &computed.ranking.controls)?;
    let (shown, due) = (published.ranking.expected_wrong_seats, computed.ranking.expected_wrong_seats);
    same(file, "expected wrong seats", &shown, &due)?;
    // Whatever was not compared by name.
    let digest = |publication| Digest::of_bytes(&canonical_json(publication));
    same(file, "bytes", &digest(published), &digest(computed))
}

fn heads(file: &str, published: &Publication, computed: &Publication) -> Same {
    same(file, "number", &published.number, &computed.number)?;
    same(file, "previous", &published.previous, &computed.previous)?;
    same(file, "season", &published.season, &computed.season)?;
    same(file, "rulebook", &published.rulebook, &computed.rulebook)?;
    same(file, "demonstration", &published.demonstration, &computed.demonstration)
}

fn same<T: PartialEq + Debug>(file: &str, what: &str, published: &T, computed: &T) -> Same {
    if published == computed {
        return Ok(());
    }
    Err(Mismatch::new(file, what, format!("{published:?}"), format!("{computed:?}")))
}

fn run(file: &str, published: &RunEntry, computed: &RunEntry) -> Same {
    same(file, "key", &published.run, &computed.run)?;
    same(file, "evidence", &published.evidence, &computed.evidence)?;
    if published.state != computed.state {
        return Err(Mismatch::new(file, "state", published.state, computed.state));
    }
    match (&published.score, &computed.score) {
        (Some(shown), Some(due)) => score(file, shown, due),
        (shown, due) => same(file, "score", shown, due),
    }
}

fn score(file: &str, published: &Score, computed: &Score) -> Same {
    let rules = |score: &Score| score.parts.iter().map(|part| part.rule.clone()).collect::<Vec<_>>();
    same(file, "parts", &rules(published), &rules(computed))?;
    for (shown, due) in published.parts.iter().zip(&computed.parts) {
        part(file, shown, due)?;
    }
    same(file, "points", &published.points, &computed.points)
}

fn part(file: &str, published: &Part, computed: &Part) -> Same {
    let rule = &computed.rule;
    same(file, &format!("{rule} observed"), &published.observed, &computed.observed)?;
    same(file, &format!("{rule} points"), &published.points, &computed.points)?;
    same(file, rule, published, computed)
}

fn entries(file: &str, what: &str, published: &[Entry], computed: &[Entry]) -> Same {
    let who = |entries: &[Entry]| entries.iter().map(|entry| entry.operator.to_string()).collect::<Vec<_>>();
    same(file, &format!("order of {what}"), &who(published), &who(computed))?;
    for (shown, due) in published.iter().zip(computed) {
        entry(file, &format!("{what} {}", due.operator), shown, due)?;
    }
    Ok(())
}

fn entry(file: &str, what: &str, published: &Entry, computed: &Entry) -> Same {
    same(file, &format!("{what}, status"), &published.status, &computed.status)?;
    same(file, &format!("{what}, place"), &published.place, &computed.place)?;
    same(file, &format!("{what}, total"), &published.total, &computed.total)?;
    same(file, what, published, computed)
}
