//! The publication that is shown, with what belongs to it found by name.

use std::collections::BTreeSet;

use model::publication::RunEntry;
use model::{Entry, Evidence, OperatorId, Publication, Role, Season, TrialId};

use crate::{SiteError, Source, text};

/// The publication that is shown and everything it rests on.
pub(crate) struct Issue<'a> {
    pub(crate) season: &'a Season,
    pub(crate) publication: &'a Publication,
    pub(crate) publications: &'a [Publication],
    pub(crate) source: &'a Source<'a>,
}

impl<'a> Issue<'a> {
    pub(crate) fn new(source: &'a Source<'a>) -> Result<Self, SiteError> {
        let publication = source.publications.last().ok_or(SiteError::NothingPublished)?;
        Ok(Self { season: source.season, publication, publications: source.publications, source })
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
        let mut runs: Vec<_> =
            self.publication.runs.values().filter(|entry| entry.run.operator == *id).collect();
        runs.sort_by_key(|entry| (entry.run.window, self.trial_order(&entry.run.trial), entry.run.attempt));
        runs
    }

    fn trial_order(&self, trial: &TrialId) -> usize {
        self.season.trials.iter().position(|known| known.id == *trial).unwrap_or(usize::MAX)
    }

    /// Counting runs of the controls in a window of a trial, other than `besides`'s own.
    pub(crate) fn controls_beside(
        &self,
        window: u32,
        trial: &TrialId,
        besides: &OperatorId,
    ) -> Vec<&'a RunEntry> {
        let beside = |entry: &&RunEntry| {
            entry.run.window == window
                && entry.run.trial == *trial
                && entry.run.operator != *besides
                && entry.state.counts()
                && self.is_control(&entry.run.operator)
        };
        self.publication.runs.values().filter(beside).collect()
    }

    pub(crate) fn evidence(&self, entry: &RunEntry) -> Option<&'a Evidence> {
        self.source.evidence.get(&entry.run.to_string())
    }
}
