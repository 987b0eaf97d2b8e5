//! Works a bundle out again, from the evidence up, and names the first difference.

mod difference;
mod files;

use std::collections::BTreeMap;

use model::publication::RunEntry;
use model::{Digest, Publication, RunKey, RunState, Seed};
use serde::Serialize;

use crate::bundle::publication_path;
use crate::completeness::check as check_complete;
use crate::decisions::check_decisions;
use crate::note::VerifyingNote;
use crate::publish::{Draft, assess, compile};

use difference::first_difference;
pub(crate) use files::Parsed;

/// The first thing in a bundle that is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}{}: {what}: published {published}, comes out as {computed}", run.as_ref().map(|run| format!(", run {run}")).unwrap_or_default())]
pub struct Mismatch {
    /// In which file.
    pub file: String,
    /// Which run, if it is about one.
    pub run: Option<String>,
    /// What differs.
    pub what: String,
    /// What stands there.
    pub published: String,
    /// What comes out.
    pub computed: String,
}

impl Mismatch {
    pub(crate) fn new(
        file: &str,
        what: impl Into<String>,
        published: impl ToString,
        computed: impl ToString,
    ) -> Self {
        let (published, computed) = (published.to_string(), computed.to_string());
        Self { file: file.to_owned(), run: None, what: what.into(), published, computed }
    }

    pub(crate) fn of_run(mut self, run: impl ToString) -> Self {
        self.run = Some(run.to_string());
        self
    }
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signer {
    /// The key that was given, of this name.
    Checked(String),
    /// The key that the bundle itself names: whose it is was not checked.
    Unchecked,
}

/// A bundle whose every byte comes out the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Name of the season.
    pub season: String,
    /// Publications.
    pub publications: u32,
    /// Digest of the last one.
    pub publication: Digest,
    /// Whether all windows are closed: the seed is revealed, and only decisions may follow.
    pub last: bool,
    /// Windows closed.
    pub windows: u32,
    /// Runs, void ones too.
    pub runs: u32,
    /// Name of the rules.
    pub rulebook: String,
    /// Whether they are, to the letter, rules that this programme was built with.
    pub known_rulebook: bool,
    /// Who signed.
    pub signer: Signer,
    /// Decisions in the last publication.
    pub decisions: u32,
    /// Runs whose evidence is sealed for a time.
    pub sealed: u32,
}

/// Works out everything in a bundle again: digests, signatures, the chain of publications, every
/// run's state and points, every place.
///
/// # Errors
/// The first difference.
pub fn verify(files: &BTreeMap<String, Vec<u8>>, key: Option<&VerifyingNote>) -> Result<Verified, Mismatch> {
    let parsed = Parsed::read(files, key)?;
    check_seed(&parsed)?;
    let runs = assess(&parsed.book, &parsed.season, &parsed.record, parsed.season.windows);
    let mut previous: Option<&Publication> = None;
    for (index, publication) in parsed.publications.iter().enumerate() {
        check_publication(&parsed, index, publication, previous, &runs)?;
        previous = Some(publication);
    }
    let last = parsed.last()?;
    Ok(Verified {
        season: parsed.season.name.clone(),
        publications: last.number,
        publication: Digest::of(last),
        last: last.last,
        windows: last.windows,
        runs: runs.len() as u32,
        rulebook: format!("{} v{}", parsed.book.name, parsed.book.version),
        known_rulebook: parsed.book.is_shipped(),
        signer: key.map_or(Signer::Unchecked, |key| Signer::Checked(key.name().to_owned())),
        decisions: last.decisions.len() as u32,
        sealed: 0,
    })
}

/// The seed is revealed once all windows are closed, is the one that was committed to, and
/// every run's seed follows from it.
fn check_seed(parsed: &Parsed) -> Result<(), Mismatch> {
    for (index, publication) in parsed.publications.iter().enumerate() {
        let file = publication_path(index as u32 + 1);
        let closed = index > 0 && parsed.publications[index - 1].last;
        if closed && !publication.last {
            return Err(Mismatch::new(&file, "last", false, true));
        }
        if publication.seed.is_some() != publication.last {
            let (shown, due) = (revealed(publication.seed.is_some()), revealed(publication.last));
            return Err(Mismatch::new(&file, "seed", shown, due));
        }
        let Some(seed) = publication.seed else { continue };
        if seed.commitment() != parsed.season.seed_commitment {
            let (shown, due) = (seed.commitment(), parsed.season.seed_commitment);
            return Err(Mismatch::new(&file, "commitment of the seed", shown, due));
        }
        check_run_seeds(parsed, &seed)?;
    }
    Ok(())
}

fn revealed(is: bool) -> &'static str {
    if is { "revealed" } else { "not revealed" }
}

fn check_run_seeds(parsed: &Parsed, seed: &Seed) -> Result<(), Mismatch> {
    for filed in parsed.record.values() {
        let evidence = filed.evidence();
        let due = evidence.run.seed(seed);
        if evidence.seed != due {
            let file = crate::bundle::evidence_path(filed.digest());
            return Err(Mismatch::new(&file, "seed", evidence.seed, due).of_run(&evidence.run));
        }
    }
    Ok(())
}

fn check_publication(
    parsed: &Parsed,
    index: usize,
    publication: &Publication,
    previous: Option<&Publication>,
    runs: &BTreeMap<String, RunEntry>,
) -> Result<(), Mismatch> {
    let file = publication_path(index as u32 + 1);
    let (season, windows) = (&parsed.season, publication.windows);
    check_windows(&file, season.windows, publication, previous)?;
    check_decisions(season, &parsed.publications[..index], &publication.decisions)
        .map_err(|fault| Mismatch::new(&file, "decisions", fault, "sound"))?;
    let within = |entry: &RunEntry| entry.run.window <= windows;
    let runs: BTreeMap<String, RunEntry> = runs
        .iter()
        .filter(|(_, entry)| within(entry))
        .map(|(name, entry)| (name.clone(), entry.clone()))
        .collect();
    let states: BTreeMap<RunKey, RunState> =
        runs.values().map(|entry| (entry.run.clone(), entry.state)).collect();
    check_complete(season, windows, &states)
        .map_err(|fault| Mismatch::new(&file, "record of runs", "complete", fault))?;
    let computed = compile(
        Draft {
            book: &parsed.book,
            season,
            record: &parsed.record,
            windows,
            number: index as u32 + 1,
            last: publication.last,
            published_ms: publication.published_ms,
            seed: publication.seed,
            previous: previous.map(Digest::of),
            decisions: &publication.decisions,
        },
        runs,
    );
    first_difference(&file, publication, &computed)
}

/// Windows rise from one publication to the next, and the last one closes the season.
fn check_windows(
    file: &str,
    all: u32,
    publication: &Publication,
    previous: Option<&Publication>,
) -> Result<(), Mismatch> {
    let least = if publication.last { all } else { previous.map_or(1, |before| before.windows) };
    if (least..=all).contains(&publication.windows) {
        return Ok(());
    }
    Err(Mismatch::new(file, "windows", publication.windows, least))
}
