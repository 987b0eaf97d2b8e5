//! One operator's runs, added up.

use std::collections::BTreeMap;

use model::publication::RunEntry;
use model::ranking::TrialMean;
use model::{Operator, OperatorId, RunState, Season, Status, TrialId};

use crate::finding::Finding;
use crate::rulebook::Minimums;
use crate::scale::{median, rounded};

/// Runs by operator: (trial, window, entry).
pub(crate) type ByOperator<'a> = BTreeMap<&'a OperatorId, Vec<&'a RunEntry>>;

/// What one operator's runs come to. Points are thousandths.
pub(crate) struct Tally<'a> {
    pub(crate) operator: &'a Operator,
    pub(crate) findings: &'a [Finding],
    pub(crate) status: Status,
    /// Weighted mean of the trial means; none where a trial has no window.
    pub(crate) total: Option<f64>,
    /// s_i: spread of the totals between windows; none of fewer than two windows.
    pub(crate) spread: Option<f64>,
    /// Windows that count, the fewest over trials.
    pub(crate) windows: u32,
    pub(crate) cuts: u32,
    pub(crate) voids: u32,
    pub(crate) trials: Vec<TrialMean>,
}

/// Points of the windows of one trial.
struct Course {
    weight: f64,
    points: BTreeMap<u32, f64>,
}

impl Course {
    fn of(season: &Season, trial: &TrialId, runs: &[&RunEntry]) -> Self {
        let weight = season.trial(trial).map_or(0.0, |trial| f64::from(trial.weight));
        let counting = runs.iter().filter(|entry| entry.run.trial == *trial && entry.state.counts());
        let scored =
            counting.filter_map(|entry| Some((entry.run.window, entry.score.as_ref()?.points as f64)));
        Self { weight, points: scored.collect() }
    }

    fn mean(&self) -> Option<f64> {
        let sum: f64 = self.points.values().sum();
        (!self.points.is_empty()).then(|| sum / self.points.len() as f64)
    }
}

impl<'a> Tally<'a> {
    pub(crate) fn of(
        minimums: &Minimums,
        season: &Season,
        operator: &'a Operator,
        runs: &[&RunEntry],
        findings: &'a [Finding],
    ) -> Self {
        let courses: Vec<Course> =
            season.trials.iter().map(|trial| Course::of(season, &trial.id, runs)).collect();
        let windows = courses.iter().map(|course| course.points.len()).min().unwrap_or(0) as u32;
        let named = season.trials.iter().zip(&courses);
        Self {
            operator,
            findings,
            status: status(minimums, windows, findings),
            total: total(&courses),
            spread: spread(&courses),
            windows,
            cuts: number(runs, |state| matches!(state, RunState::Cut(_))),
            voids: number(runs, |state| matches!(state, RunState::Void(_))),
            trials: named.map(|(trial, course)| trial_mean(&trial.id, course)).collect(),
        }
    }

    /// Whether it has a number: measured in every trial, and often enough.
    pub(crate) fn rated(&self) -> bool {
        self.total.is_some() && self.status != Status::Unrated
    }
}

fn status(minimums: &Minimums, windows: u32, findings: &[Finding]) -> Status {
    if findings.iter().any(Finding::bars) {
        Status::Barred
    } else if windows < minimums.rated_windows {
        Status::Unrated
    } else if windows < minimums.ranked_windows {
        Status::Provisional
    } else {
        Status::Ranked
    }
}

fn number(runs: &[&RunEntry], of: impl Fn(RunState) -> bool) -> u32 {
    runs.iter().filter(|entry| of(entry.state)).count() as u32
}

fn trial_mean(trial: &TrialId, course: &Course) -> TrialMean {
    TrialMean { trial: trial.clone(), mean: course.mean().map(rounded), windows: course.points.len() as u32 }
}

/// Weighted mean of the trial means.
fn total(courses: &[Course]) -> Option<f64> {
    let mut sum = 0.0;
    for course in courses {
        sum += course.weight * course.mean()?;
    }
    divided(sum, courses)
}

/// Standard deviation of the per-window totals. A trial that is void in a window is filled with the
/// operator's own mean in that trial, here only.
fn spread(courses: &[Course]) -> Option<f64> {
    let mut windows: Vec<u32> = courses.iter().flat_map(|course| course.points.keys().copied()).collect();
    windows.sort_unstable();
    windows.dedup();
    let totals: Vec<f64> = windows.iter().filter_map(|window| window_total(courses, *window)).collect();
    let degrees = totals.len().checked_sub(1).filter(|degrees| *degrees > 0)? as f64;
    let mean = totals.iter().sum::<f64>() / totals.len() as f64;
    let squares: f64 = totals.iter().map(|total| (total - mean) * (total - mean)).sum();
    Some((squares / degrees).sqrt())
}

fn window_total(courses: &[Course], window: u32) -> Option<f64> {
    let mut sum = 0.0;
    for course in courses {
        sum += course.weight * course.points.get(&window).copied().or_else(|| course.mean())?;
    }
    divided(sum, courses)
}

fn divided(sum: f64, courses: &[Course]) -> Option<f64> {
    let weights: f64 = courses.iter().map(|course| course.weight).sum();
    (weights > 0.0).then(|| sum / weights)
}

/// s': the square root of the median s_i squared, over the candidates that are rated.
pub(crate) fn common_spread(tallies: &[Tally]) -> f64 {
    let rated = tallies.iter().filter(|tally| tally.rated() && tally.status != Status::Barred);
    let squares = rated.filter_map(|tally| tally.spread).map(|spread| spread * spread).collect();
    median(squares).map_or(0.0, f64::sqrt)
}
