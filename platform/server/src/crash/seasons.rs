//! Seasons, one after another: candidates apply, trials begin, reviewers decide, the list is published.

use std::time::{Duration, Instant};

use anyhow::ensure;
use hyper::Method;
use serde_json::{Value, json};

use super::api::As;
use super::memory::{Decided, Found};
use super::scene::CANDIDATES;
use super::writer::{Said, Writer};

/// How often a season is looked at that is being measured.
const LOOK: Duration = Duration::from_millis(250);
/// With nobody killing, a season that does not end within this time waits for ever.
const PATIENCE: Duration = Duration::from_secs(150);
/// Decisions on each season.
const DECISIONS: usize = 6;
/// Number of the reviewer among the people.
const REVIEWER: usize = 0;

/// Where the season in hand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// So many candidates have a node.
    Gather(usize),
    Begin,
    Measure,
    Decide(usize),
    Publish,
}

/// The seasons of a scene.
pub(super) struct Seasons {
    ids: Vec<String>,
    /// RPC of the candidates' nodes.
    pub(super) nodes: Vec<String>,
    /// Number of the season in hand.
    now: usize,
    step: Step,
    looked: Instant,
    since_over: Option<Instant>,
}

impl Seasons {
    pub(super) fn new(ids: Vec<String>, nodes: Vec<String>) -> Self {
        let looked = Instant::now();
        Self { ids, nodes, now: 0, step: Step::Gather(0), looked, since_over: None }
    }

    /// Whether no season is under way.
    pub(super) fn rests(&self) -> bool {
        matches!(self.step, Step::Gather(_))
    }

    /// Whether there is no season any more.
    pub(super) fn all_done(&self) -> bool {
        self.now >= self.ids.len()
    }

    /// Those that have ended, oldest first.
    pub(super) fn ended(&self) -> &[String] {
        &self.ids[..self.now]
    }
}

impl Writer {
    /// Whether operators may still apply to a season, declare nodes, and be edited.
    pub(super) fn is_open(&self, season: &str) -> bool {
        let number = self.seasons.ids.iter().position(|id| id == season).unwrap_or_default();
        number > self.seasons.now
            || (number == self.seasons.now && matches!(self.seasons.step, Step::Gather(_)))
    }

    /// One of the next seasons.
    pub(super) fn open_season(&mut self) -> Option<String> {
        let next = self.seasons.now + 1;
        let left = self.seasons.ids.len().saturating_sub(next).min(3);
        self.pick(left).map(|pick| self.seasons.ids[next + pick].clone())
    }

    /// Brings the season in hand a step further, if it is time for that.
    pub(super) async fn seasons_step(&mut self) -> anyhow::Result<()> {
        let Some(season) = self.seasons.ids.get(self.seasons.now).cloned() else { return Ok(()) };
        match self.seasons.step {
            // Whoever left in the meantime applies again: only who is frozen with the season can be decided on.
            Step::Gather(CANDIDATES) => {
                let missing = (0..CANDIDATES).find(|count| !self.is_gathered(&season, count + 1));
                self.seasons.step = missing.map_or(Step::Begin, Step::Gather);
            }
            Step::Gather(count) => self.gather(&season, count).await?,
            Step::Begin => self.advance(&season, "trials", Step::Measure).await?,
            Step::Measure => self.measure(&season).await?,
            Step::Decide(DECISIONS) => self.seasons.step = Step::Publish,
            Step::Decide(count) => {
                self.decide(&season, count).await?;
                self.seasons.step = Step::Decide(count + 1);
            }
            Step::Publish => {
                self.advance(&season, "published", Step::Gather(0)).await?;
                if self.seasons.rests() {
                    self.seasons.now += 1;
                }
            }
        }
        Ok(())
    }

    /// Candidate `count` applies, and declares its node.
    async fn gather(&mut self, season: &str, count: usize) -> anyhow::Result<()> {
        let number = self.apply(season, count + 1).await?;
        self.declare(number, count).await?;
        if self.is_gathered(season, count + 1) {
            self.seasons.step = Step::Gather(count + 1);
        }
        Ok(())
    }

    /// Whether somebody takes part in a season that has not begun.
    fn is_gathered(&self, season: &str, person: usize) -> bool {
        let mut entries = self.memory.entries.iter();
        let entry = entries.find(|entry| entry.season == season && entry.person == person);
        let state = entry.and_then(|entry| entry.state.value().as_ref());
        state.is_some_and(|state| state.standing == "verified")
    }

    /// Looks whether the trials are over; of every third season a candidate leaves meanwhile.
    async fn measure(&mut self, season: &str) -> anyhow::Result<()> {
        if self.seasons.looked.elapsed() < LOOK {
            return Ok(());
        }
        self.seasons.looked = Instant::now();
        let stage = self.stage(season).await?;
        if stage == "review" {
            self.seasons.step = Step::Decide(0);
            self.seasons.since_over = None;
        } else if self.seasons.now % 3 == 2 && self.draw.below(40) == 0 {
            let of_season = |entry: &super::memory::Entry| entry.season == season && entry.person == 1;
            let number = self.memory.entries.iter().position(of_season);
            let leaves = number.filter(|number| {
                let state = self.memory.entries[*number].state.value();
                state.as_ref().is_some_and(|state| state.standing != "withdrawn")
            });
            if let Some(number) = leaves {
                self.leave_as(number).await?;
            }
        }
        if self.is_over() {
            let since = *self.seasons.since_over.get_or_insert_with(Instant::now);
            ensure!(since.elapsed() < PATIENCE, "season {season} is stuck: it is still in {stage}");
        }
        Ok(())
    }

    /// Moves a season to its next stage.
    async fn advance(&mut self, season: &str, to: &str, next: Step) -> anyhow::Result<()> {
        let session = self.session(REVIEWER)?;
        let path = format!("/api/v1/seasons/{season}/stage");
        match self.ask(Method::POST, &path, As::Session(&session), Some(&json!({ "to": to }))).await? {
            Said::Yes { .. } => {
                self.trace_stage(season);
                self.seasons.step = next;
            }
            said => {
                if let Said::No(status, body) = &said {
                    self.refused(&format!("{season} to {to}"), *status, body);
                }
                // Begun or not: a season that is there already is not moved again.
                let stage = self.stage(season).await?;
                if stage == to || (to == "trials" && stage == "review") {
                    self.memory.answered(Found::Done);
                    self.trace_stage(season);
                    self.seasons.step = next;
                } else {
                    self.memory.answered(Found::Kept);
                }
            }
        }
        Ok(())
    }

    fn trace_stage(&mut self, season: &str) {
        let account = self.memory.people[REVIEWER].account;
        self.memory.trace(&account, "advance-season", format!("season {season}"));
    }

    /// A decision on one of the candidates, in place of the one before.
    async fn decide(&mut self, season: &str, count: usize) -> anyhow::Result<()> {
        let (operator, verdict) =
            (format!("operator-{}", count % CANDIDATES + 1), ["admit", "waitlist", "reject"][count % 3]);
        let decided = self.memory.decisions.get(season).cloned().unwrap_or_default();
        let replaces = decided.iter().rposition(|one| one.operator == operator);
        let replaces = replaces.map(|index| u32::try_from(index + 1)).transpose()?;
        let reason = format!("Reason {count}: {}", self.draw.bits());
        let body = json!({
            "operator": operator, "verdict": verdict, "reason": reason, "publication": super::scene::WINDOWS,
            "replaces": replaces,
        });
        let wanted = Decided { operator, verdict: verdict.into(), reason, replaces };
        let session = self.session(REVIEWER)?;
        let path = format!("/api/v1/seasons/{season}/decisions");
        let said = self.ask(Method::POST, &path, As::Session(&session), Some(&body)).await?;
        match said {
            Said::Yes { .. } => self.decided(season, wanted),
            Said::No(status, body) => self.refused("a decision", status, &body),
            Said::Lost => {
                let seen = self.decisions(season).await?;
                let before = decided.len();
                if seen.len() == before + 1 && seen[before] == wanted {
                    self.memory.answered(Found::Done);
                    self.decided(season, wanted);
                } else if seen.len() == before {
                    self.memory.answered(Found::Kept);
                }
                self.look_at_decisions(season).await?;
            }
        }
        Ok(())
    }

    fn decided(&mut self, season: &str, wanted: Decided) {
        let account = self.memory.people[REVIEWER].account;
        self.memory.trace(&account, "decide", format!("operator {season}/{}", wanted.operator));
        self.memory.decisions.entry(season.to_owned()).or_default().push(wanted);
    }

    /// Holds the decisions of a season against what was acknowledged.
    pub(super) async fn look_at_decisions(&mut self, season: &str) -> anyhow::Result<()> {
        let seen = self.decisions(season).await?;
        let known = self.memory.decisions.get(season).cloned().unwrap_or_default();
        if seen != known {
            self.memory
                .lost
                .push(format!("the decisions of {season} are {seen:?}, acknowledged were {known:?}"));
        }
        Ok(())
    }

    async fn decisions(&mut self, season: &str) -> anyhow::Result<Vec<Decided>> {
        let session = self.session(REVIEWER)?;
        let body = self.read(&format!("/api/v1/seasons/{season}/decisions"), As::Session(&session)).await?;
        let body = body.unwrap_or_default();
        let list = body.get("decisions").unwrap_or(&body).as_array().cloned().unwrap_or_default();
        Ok(list.iter().map(decided).collect())
    }

    /// The stage that a season is in.
    pub(super) async fn stage(&mut self, season: &str) -> anyhow::Result<String> {
        let body = self.read(&format!("/api/v1/seasons/{season}"), As::Anybody).await?.unwrap_or_default();
        Ok(body.get("stage").and_then(Value::as_str).unwrap_or("no stage").to_owned())
    }
}

fn decided(body: &Value) -> Decided {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let replaces = body.get("replaces").and_then(Value::as_u64);
    Decided {
        operator: text("operator"),
        verdict: text("verdict"),
        reason: text("reason"),
        replaces: replaces.and_then(|number| number.try_into().ok()),
    }
}
