//! What became of an operator's runs, part by part with the controls beside them: what is published,
//! and for the operator itself and for reviewers what is not published yet.

use std::sync::Arc;

use model::publication::RunEntry;
use model::{Evidence, OperatorId, Publication, Role, RunKey, RunState, Score};
use scoreboard::{Rulebook, attribute, score_run};
use store::{EvidenceRecord, Frozen, RunProgress, RunRecord, SeasonRecord};

use super::app::App;
use super::fault::Fault;
use super::service::declared;

/// A run of one operator.
#[derive(Debug, Clone)]
pub struct Run {
    /// Which.
    pub key: RunKey,
    /// How far it is.
    pub progress: Progress,
}

/// How far a run is.
#[derive(Debug, Clone)]
pub enum Progress {
    /// It waits for its turn.
    Queued,
    /// It is being measured.
    Running,
    /// It has ended.
    Ended {
        /// What became of it.
        state: RunState,
        /// What it earned; none when it is void.
        score: Option<Score>,
        /// Whether its window is published.
        published: bool,
    },
}

/// A run with the controls of its window and trial.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The run.
    pub run: Run,
    /// What each control earned, by name.
    pub controls: Vec<(String, Score)>,
}

/// The runs of an operator, newest window first.
///
/// # Errors
/// When the store cannot be read.
pub async fn of(app: &App, season: &SeasonRecord, operator: &OperatorId) -> Result<Vec<Run>, Fault> {
    let Some(look) = Look::at(app, season).await? else { return Ok(Vec::new()) };
    let mut runs = Vec::new();
    for record in look.runs.iter().filter(|run| run.run.operator == *operator) {
        runs.push(Run { key: record.run.clone(), progress: look.progress(record).await? });
    }
    runs.sort_by(|a, b| b.key.window.cmp(&a.key.window).then_with(|| a.key.cmp(&b.key)));
    Ok(runs)
}

/// One run of an operator, with the controls beside it.
///
/// # Errors
/// [`Fault::NotFound`] when the operator has no run of this name.
pub async fn compared(
    app: &App,
    season: &SeasonRecord,
    operator: &OperatorId,
    name: &str,
) -> Result<Compared, Fault> {
    let missing = || Fault::NotFound(format!("run {name} of {operator}"));
    let look = Look::at(app, season).await?.ok_or_else(missing)?;
    let of_operator = |run: &&RunRecord| run.run.operator == *operator && run.run.to_string() == name;
    let record = look.runs.iter().find(of_operator).ok_or_else(missing)?;
    let run = Run { key: record.run.clone(), progress: look.progress(record).await? };
    let mut controls = Vec::new();
    for other in look.runs.iter().filter(|other| look.is_control_of(&other.run, &record.run)) {
        if let Progress::Ended { score: Some(score), .. } = look.progress(other).await? {
            controls.push((look.name(&other.run.operator), score));
        }
    }
    Ok(Compared { run, controls })
}

/// What a look at runs needs.
struct Look<'a> {
    app: &'a App,
    frozen: &'a Frozen,
    book: Rulebook,
    published: Option<Arc<Publication>>,
    runs: Vec<RunRecord>,
    evidence: Vec<EvidenceRecord>,
}

impl<'a> Look<'a> {
    /// None before the season is frozen: there are no runs.
    async fn at(app: &'a App, season: &'a SeasonRecord) -> Result<Option<Self>, Fault> {
        let Some(frozen) = &season.frozen else { return Ok(None) };
        let book = declared(season)?.book;
        let published = app.latest(&season.id).await?;
        // In this order: of a run that is measured here, the evidence is there.
        let runs = app.store.runs(&season.id).await?;
        let evidence = app.store.evidence_records(&season.id).await?;
        Ok(Some(Self { app, frozen, book, published, runs, evidence }))
    }

    async fn progress(&self, record: &RunRecord) -> Result<Progress, Fault> {
        match record.progress {
            RunProgress::Queued => return Ok(Progress::Queued),
            RunProgress::Leased { .. } => return Ok(Progress::Running),
            RunProgress::Measured { .. } => {}
        }
        if let Some(RunEntry { state, score, .. }) = self.entry(&record.run) {
            return Ok(Progress::Ended { state: *state, score: score.clone(), published: true });
        }
        let evidence = self.evidence_of(&record.run).await?;
        let state = attribute(&self.book, &evidence);
        let score = match state.counts() {
            true => Some(self.score(&evidence).await?),
            false => None,
        };
        Ok(Progress::Ended { state, score, published: false })
    }

    fn entry(&self, run: &RunKey) -> Option<&RunEntry> {
        self.published.as_ref()?.runs.get(&run.to_string())
    }

    async fn evidence_of(&self, run: &RunKey) -> Result<Evidence, Fault> {
        let record = self.evidence.iter().find(|record| record.run == *run);
        let record = record.ok_or_else(|| Fault::NotFound(format!("evidence of run {run}")))?;
        Ok(self.app.store.evidence_of(record).await?)
    }

    /// As the next publication will have it, if no control is measured any more until then.
    async fn score(&self, evidence: &Evidence) -> Result<Score, Fault> {
        let mut controls = Vec::new();
        for record in self.evidence.iter().filter(|record| self.is_control_of(&record.run, &evidence.run)) {
            let control = self.app.store.evidence_of(record).await?;
            if attribute(&self.book, &control).counts() {
                controls.push(control);
            }
        }
        let controls: Vec<&Evidence> = controls.iter().collect();
        Ok(score_run(&self.book, &self.frozen.season, evidence, &controls))
    }

    fn is_control_of(&self, other: &RunKey, run: &RunKey) -> bool {
        let role = self.frozen.season.operator(&other.operator).map(|operator| operator.role);
        role == Some(Role::Control)
            && other.operator != run.operator
            && (other.window, &other.trial) == (run.window, &run.trial)
    }

    fn name(&self, operator: &OperatorId) -> String {
        let known = self.frozen.season.operator(operator).map(|operator| operator.name.clone());
        known.unwrap_or_else(|| operator.to_string())
    }
}
