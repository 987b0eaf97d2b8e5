//! From evidence to a publication: every run with its state and score, and the ranking of them.

use std::collections::BTreeMap;

use model::publication::RunEntry;
use model::{Decision, Digest, Evidence, OperatorId, Publication, Role, Season, Seed, TrialId};

use crate::attribution::attribute;
use crate::finding::findings;
use crate::rank::rank;
use crate::record::Record;
use crate::rulebook::Rulebook;
use crate::score::score_filed;

/// Everything that a publication follows from.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The rules.
    pub book: &'a Rulebook,
    /// The season.
    pub season: &'a Season,
    /// Every run so far; those of windows after `windows` are left out.
    pub record: &'a Record,
    /// Windows closed.
    pub windows: u32,
    /// Number in the season, from 1.
    pub number: u32,
    /// Whether all windows are closed.
    pub last: bool,
    /// When it is made, Unix milliseconds.
    pub published_ms: u64,
    /// The season's seed, once revealed.
    pub seed: Option<Seed>,
    /// Digest of the bytes of the publication before.
    pub previous: Option<Digest>,
    /// Every decision so far, oldest first.
    pub decisions: &'a [Decision],
}

/// The publication that follows from a draft. Whether the record is whole is for
/// [`crate::complete`] to say.
pub fn publish(draft: Draft) -> Publication {
    compile(draft, assess(draft.book, draft.season, draft.record, draft.windows))
}

/// The publication of runs that were assessed already.
pub(crate) fn compile(draft: Draft, runs: BTreeMap<String, RunEntry>) -> Publication {
    let findings = findings(draft.book, draft.season, draft.record, draft.windows);
    Publication {
        schema: Publication::SCHEMA,
        number: draft.number,
        last: draft.last,
        demonstration: draft.season.demonstration,
        published_ms: draft.published_ms,
        windows: draft.windows,
        season: Digest::of(draft.season),
        rulebook: draft.book.digest(),
        seed: draft.seed,
        previous: draft.previous,
        decisions: draft.decisions.to_vec(),
        ranking: rank(draft.book, draft.season, &runs, &findings),
        runs,
    }
}

/// The controls' runs that count, by what they are held against.
type Controls<'a> = BTreeMap<(u32, &'a TrialId), Vec<&'a Evidence>>;

/// State and score of every run of windows 1 to `windows`, by name.
pub(crate) fn assess(
    book: &Rulebook,
    season: &Season,
    record: &Record,
    windows: u32,
) -> BTreeMap<String, RunEntry> {
    let controls = controls(book, season, record);
    let mut runs = BTreeMap::new();
    for (name, filed) in record.iter().filter(|(_, filed)| filed.evidence().run.window <= windows) {
        let evidence = filed.evidence();
        let state = attribute(book, evidence);
        let others = others(&controls, evidence);
        let score = state.counts().then(|| score_filed(book, season, evidence, filed.digest(), &others));
        let entry = RunEntry { run: evidence.run.clone(), evidence: filed.digest(), state, score };
        runs.insert(name.clone(), entry);
    }
    runs
}

fn controls<'a>(book: &Rulebook, season: &Season, record: &'a Record) -> Controls<'a> {
    let is_control = |id: &OperatorId| season.operator(id).is_some_and(|one| one.role == Role::Control);
    let mut controls = Controls::new();
    for evidence in record.values().map(|filed| filed.evidence()) {
        if is_control(&evidence.run.operator) && attribute(book, evidence).counts() {
            controls.entry((evidence.run.window, &evidence.run.trial)).or_default().push(evidence);
        }
    }
    controls
}

/// The controls that a run is held against: of its window and trial, and not itself.
fn others<'a>(controls: &Controls<'a>, evidence: &Evidence) -> Vec<&'a Evidence> {
    let same = controls.get(&(evidence.run.window, &evidence.run.trial)).map_or(&[][..], Vec::as_slice);
    same.iter().copied().filter(|control| control.run.operator != evidence.run.operator).collect()
}
