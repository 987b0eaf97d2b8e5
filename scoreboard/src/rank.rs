//! From scored runs to the ranking (MEASURE 4).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use model::publication::RunEntry;
use model::{Entry, Operator, OperatorId, Ranking, Season, Status};

use crate::estimate::{Estimate, ranges};
use crate::finding::{Finding, Findings};
use crate::rulebook::Rulebook;
use crate::scale::rounded;
use crate::seats::{Chance, chances, expected_wrong};
use crate::tally::{ByOperator, Tally, common_spread};

/// The ranking of these runs, by run name. The order of input has no influence.
pub fn rank(
    book: &Rulebook,
    season: &Season,
    runs: &BTreeMap<String, RunEntry>,
    findings: &Findings,
) -> Ranking {
    let by_operator = by_operator(runs);
    let tally = |operator| tally(book, season, operator, &by_operator, findings);
    let mut candidates: Vec<Tally> = season.candidates().map(tally).collect();
    candidates.sort_by(|a, b| a.operator.id.cmp(&b.operator.id));
    let mut controls: Vec<Tally> = season.controls().map(tally).collect();
    controls.sort_by(|a, b| a.operator.id.cmp(&b.operator.id));

    let common = common_spread(&candidates);
    let estimate = |tally: &Tally| Estimate::of(&book.confidence, tally, common);
    let mut entries: Vec<Entry> = candidates.iter().map(|one| entry(one, estimate(one))).collect();
    let wrong = place(book, season, &candidates, common, &mut entries);
    entries.sort_by_key(order);
    Ranking {
        entries,
        controls: controls.iter().map(|one| entry(one, estimate(one))).collect(),
        expected_wrong_seats: wrong,
    }
}

/// Operators whom a second look may move over the line: chance of a seat above 5 and below 95 %.
pub fn second_look(book: &Rulebook, ranking: &Ranking) -> Vec<OperatorId> {
    let low = book.confidence.second_look.min(1_000);
    let in_doubt = |chance: u32| chance > low && chance < 1_000 - low;
    let entries = ranking.entries.iter().filter(|entry| entry.seat_chance.is_some_and(in_doubt));
    entries.map(|entry| entry.operator.clone()).collect()
}

fn by_operator(runs: &BTreeMap<String, RunEntry>) -> ByOperator<'_> {
    let mut sorted = ByOperator::new();
    for entry in runs.values() {
        sorted.entry(&entry.run.operator).or_default().push(entry);
    }
    sorted
}

fn tally<'a>(
    book: &Rulebook,
    season: &Season,
    operator: &'a Operator,
    runs: &ByOperator,
    findings: &'a Findings,
) -> Tally<'a> {
    let runs = runs.get(&operator.id).map_or(&[][..], Vec::as_slice);
    let findings = findings.get(&operator.id).map_or(&[][..], Vec::as_slice);
    Tally::of(&book.minimums, season, operator, runs, findings)
}

/// An entry without a place.
fn entry(tally: &Tally, estimate: Option<Estimate>) -> Entry {
    Entry {
        operator: tally.operator.id.clone(),
        status: tally.status,
        place: None,
        range: None,
        range_all: None,
        total: estimate.map(|one| rounded(one.mean)),
        interval: estimate.map(|one| one.interval()),
        spread: estimate.map(|one| rounded(one.spread)),
        windows: tally.windows,
        cuts: tally.cuts,
        voids: tally.voids,
        trials: tally.trials.clone(),
        seat_key: None,
        seat_chance: None,
        lottery: false,
        findings: tally.findings.iter().map(Finding::text).collect(),
    }
}

/// Gives places and chances to the ranked among `entries` (in the order of `tallies`); what comes
/// back is the expected number of wrong seats.
fn place(book: &Rulebook, season: &Season, tallies: &[Tally], common: f64, entries: &mut [Entry]) -> u32 {
    let rules = &book.confidence;
    let mut ranked: Vec<(&mut Entry, Estimate)> = Vec::new();
    for (tally, entry) in tallies.iter().zip(entries) {
        if let (Status::Ranked, Some(one)) = (tally.status, Estimate::of(rules, tally, common)) {
            ranked.push((entry, one));
        }
    }
    let estimates: Vec<Estimate> = ranked.iter().map(|(_, estimate)| *estimate).collect();
    let chances = chances(rules, &estimates, season.seats, common);
    for (index, ((entry, estimate), chance)) in ranked.into_iter().zip(&chances).enumerate() {
        fill(entry, &estimates, index, &estimate, chance);
    }
    expected_wrong(&chances)
}

fn fill(entry: &mut Entry, all: &[Estimate], index: usize, own: &Estimate, chance: &Chance) {
    if let Some(ranges) = ranges(all, index) {
        entry.place = Some(ranges.alone.0);
        entry.range = Some(ranges.alone);
        entry.range_all = Some(ranges.all);
    }
    entry.seat_key = Some(rounded(own.seat_key()));
    entry.seat_chance = Some(chance.per_mille);
    entry.lottery = chance.lottery;
}

/// Ranked by place, then provisional, unrated, barred; then by total, then by identifier.
fn order(entry: &Entry) -> (u8, u32, Reverse<Option<i64>>, OperatorId) {
    let class = match entry.status {
        Status::Ranked => 0,
        Status::Provisional => 1,
        Status::Unrated => 2,
        Status::Barred => 3,
    };
    (class, entry.place.unwrap_or(u32::MAX), Reverse(entry.total), entry.operator.clone())
}
