//! The publication that is shown, with what belongs to it found by name.

use std::collections::{BTreeMap, BTreeSet};

use model::publication::RunEntry;
use model::{Digest, Entry, Evidence, OperatorId, Publication, Role, RunKey, Season, TrialId};

use crate::{SiteError, Source, text};

/// The publication that is shown and everything it rests on.
pub(crate) struct Issue<'a> {
    pub(crate) season: &'a Season,
    pub(crate) publication: &'a Publication,
    pub(crate) publications: &'a [Publication],
    pub(crate) source: &'a Source<'a>,
    by_operator: BTreeMap<&'a OperatorId, Vec<&'a RunEntry>>,
    /// Counting runs of controls, by window and trial.
    controls: BTreeMap<(u32, &'a TrialId), Vec<&'a RunEntry>>,
}

impl<'a> Issue<'a> {
    pub(crate) fn new(source: &'a Source<'a>) -> Result<Self, SiteError> {
        let publication = source.publications.last().ok_or(SiteError::NothingPublished)?;
        let number = publication.number;
        if Digest::of(source.season) != publication.season {
            return Err(SiteError::NotTheSame { what: "season", number });
        }
        if source.rulebook.digest() != publication.rulebook {
            return Err(SiteError::NotTheSame { what: "rulebook", number });
        }
        let mut issue = Self {
            season: source.season,
            publication,
            publications: source.publications,
            source,
            by_operator: BTreeMap::new(),
            controls: BTreeMap::new(),
        };
        issue.sort_runs();
        Ok(issue)
    }

    fn sort_runs(&mut self) {
        for entry in self.publication.runs.values() {
            let run = &entry.run;
            self.by_operator.entry(&run.operator).or_default().push(entry);
            if entry.state.counts() && self.is_control(&run.operator) {
                self.controls.entry((run.window, &run.trial)).or_default().push(entry);
            }
        }
    }

    /// Whether no admission follows from what is shown.
    pub(crate) fn demonstration(&self) -> bool {
        self.season.demonstration || self.publication.demonstration
    }

    /// Everybody who has a page: of the season, the ranking and the runs.
    pub(crate) fn operators(&self) -> BTreeSet<OperatorId> {
        let ranking = &self.publication.ranking;
        let season = self.season.operators.iter().map(|operator| &operator.id);
        let ranked = ranking.entries.iter().chain(&ranking.controls).map(|entry| &entry.operator);
        let measured = self.publication.runs.values().map(|entry| &entry.run.operator);
        season.chain(ranked).chain(measured).cloned().collect()
    }

    /// The name on pages.
    pub(crate) fn name(&self, id: &OperatorId) -> String {
        let given = self.season.operator(id).map_or("", |operator| operator.name.as_str());
        text::name(given, id.as_str())
    }

    pub(crate) fn is_control(&self, id: &OperatorId) -> bool {
        self.season.operator(id).is_some_and(|operator| operator.role == Role::Control)
    }

    /// The line of an operator in a ranking.
    pub(crate) fn entry_in(publication: &'a Publication, id: &OperatorId) -> Option<&'a Entry> {
        let ranking = &publication.ranking;
        ranking.entries.iter().chain(&ranking.controls).find(|entry| entry.operator == *id)
    }

    /// All runs of an operator: by window, then trial as the season lists them, then attempt.
    pub(crate) fn runs_of(&self, id: &OperatorId) -> Vec<&'a RunEntry> {
        let mut runs = self.by_operator.get(id).cloned().unwrap_or_default();
        runs.sort_by_key(|entry| (entry.run.window, self.trial_order(&entry.run.trial), entry.run.attempt));
        runs
    }

    fn trial_order(&self, trial: &TrialId) -> usize {
        self.season.trials.iter().position(|known| known.id == *trial).unwrap_or(usize::MAX)
    }

    /// Counting runs of the controls in the window and trial of `run`, other than its own operator's.
    pub(crate) fn controls_beside(&self, run: &RunKey) -> Vec<&'a RunEntry> {
        let there = self.controls.get(&(run.window, &run.trial));
        there.into_iter().flatten().copied().filter(|entry| entry.run.operator != run.operator).collect()
    }

    pub(crate) fn evidence(&self, entry: &RunEntry) -> Option<&'a Evidence> {
        self.source.evidence.get(&entry.run.to_string())
    }
}
