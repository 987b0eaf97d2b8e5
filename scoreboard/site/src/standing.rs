//! The line of one operator in the ranking, as text.

use model::{Entry, Status};
use serde::Serialize;

use crate::issue::Issue;
use crate::shell::Language;
use crate::{format, words};

/// A line of the ranking.
#[derive(Serialize)]
pub(crate) struct Standing {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) place: String,
    shared: bool,
    pub(crate) range: String,
    range_all: String,
    status: &'static str,
    status_word: &'static str,
    status_reason: &'static str,
    pub(crate) total: Option<String>,
    pub(crate) interval: Option<String>,
    bar: Option<Bar>,
    spread: String,
    trials: Vec<TrialCell>,
    windows: u32,
    cuts: u32,
    voids: u32,
    seat: Seat,
    seat_word: &'static str,
    seat_key: String,
    chance: String,
    findings: Vec<String>,
}

/// A trial's cell of a line.
#[derive(Serialize)]
struct TrialCell {
    trial: String,
    mean: String,
    windows: Option<u32>,
}

/// The small picture in the total's cell: lengths of 100.
#[derive(Serialize)]
struct Bar {
    total: String,
    low: String,
    high: String,
}

/// What the ranking means for a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Seat {
    /// Among the first by what seats go by.
    In,
    /// Not among them.
    Out,
    /// Decided by the announced lottery.
    Lottery,
    /// Has no place, or is a control.
    None,
}

impl Seat {
    /// What follows for `entry`: those in the lottery are decided by it; the others are in while
    /// seats last, by their key, equal keys by identifier.
    pub(crate) fn of(issue: &Issue, entry: &Entry) -> Self {
        let (Status::Ranked, Some(key)) = (entry.status, entry.seat_key) else {
            return Self::None;
        };
        if issue.is_control(&entry.operator) {
            return Self::None;
        }
        if entry.lottery {
            return Self::Lottery;
        }
        let before = |other: &&Entry| {
            let higher = |theirs| (theirs, &entry.operator) > (key, &other.operator);
            other.status == Status::Ranked && other.seat_key.is_some_and(higher)
        };
        let ahead = issue.publication.ranking.entries.iter().filter(before).count();
        if ahead < issue.season.seats as usize { Self::In } else { Self::Out }
    }
}

impl Standing {
    pub(crate) fn new(issue: &Issue, language: Language, entry: &Entry) -> Self {
        // An unrated entry has no number, whatever else it carries.
        let total = entry.total.filter(|_| entry.status != Status::Unrated);
        let interval = entry.interval.filter(|_| total.is_some());
        let seat = Seat::of(issue, entry);
        let same = |other: &&Entry| other.place == entry.place;
        Self {
            id: entry.operator.to_string(),
            name: issue.name(&entry.operator),
            place: entry.place.map_or_else(|| format::NONE.into(), |place| place.to_string()),
            shared: entry.place.is_some()
                && issue.publication.ranking.entries.iter().filter(same).count() > 1,
            range: range(entry.range),
            range_all: range(entry.range_all),
            status: words::status(Language::English, entry.status),
            status_word: words::status(language, entry.status),
            status_reason: words::status_reason(language, entry.status),
            bar: total.map(|total| Bar::new(total, interval)),
            total: total.map(format::points),
            interval: interval
                .map(|(low, high)| words::from_to(language, format::points(low), format::points(high))),
            spread: format::points_or_none(entry.spread.filter(|_| total.is_some())),
            trials: trials(issue, entry),
            windows: entry.windows,
            cuts: entry.cuts,
            voids: entry.voids,
            seat,
            seat_word: words::seat(language, seat),
            seat_key: format::points_or_none(entry.seat_key),
            chance: entry
                .seat_chance
                .map_or_else(|| format::NONE.into(), |chance| format::per_mille(i64::from(chance))),
            findings: entry.findings.iter().map(|finding| words::finding(language, finding)).collect(),
        }
    }
}

impl Bar {
    fn new(total: i64, interval: Option<(i64, i64)>) -> Self {
        let clip = |value: i64| format::points(value.clamp(0, model::score::FULL));
        let (low, high) = interval.unwrap_or((total, total));
        Self { total: clip(total), low: clip(low), high: clip(high) }
    }
}

fn range(range: Option<(u32, u32)>) -> String {
    match range {
        None => format::NONE.into(),
        Some((low, high)) if low == high => low.to_string(),
        Some((low, high)) => format!("{low}–{high}"),
    }
}

fn trials(issue: &Issue, entry: &Entry) -> Vec<TrialCell> {
    let cell = |trial: &model::Trial| {
        let mean = entry.trials.iter().find(|mean| mean.trial == trial.id);
        let shown = mean.and_then(|mean| mean.mean).filter(|_| entry.status != Status::Unrated);
        TrialCell {
            trial: trial.id.to_string(),
            mean: format::points_or_none(shown),
            windows: mean.map(|mean| mean.windows),
        }
    };
    issue.season.trials.iter().map(cell).collect()
}
