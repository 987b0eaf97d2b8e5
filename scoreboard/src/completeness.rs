//! Whether the record of a season is whole: no run dropped, none taken twice.

use std::collections::BTreeMap;

use model::{RunKey, RunState, Season};

use crate::attribution::attribute;
use crate::record::Record;
use crate::rulebook::Rulebook;

/// What is missing from a record, or stands in it without reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// A run of the plan is not there: never begun, or a number is left out.
    #[error("run {0} is missing")]
    Missing(String),
    /// The last attempt is void, and further ones are allowed.
    #[error("run {void} is void and run {next} is missing")]
    Redraw {
        /// The last attempt.
        void: String,
        /// The one that has to follow.
        next: String,
    },
    /// A run after one that counts.
    #[error("run {extra} stands after {counting}, which counts")]
    Needless {
        /// The run that counts.
        counting: String,
        /// The one after it.
        extra: String,
    },
    /// A run that belongs to no slot of the windows asked for.
    #[error("run {0} belongs to no trial, operator or attempt of these windows")]
    Foreign(String),
}

/// Whether every slot of windows 1 to `windows` is satisfied: attempts from 1 without a gap, all
/// but the last void, the last one counts unless the season allows no further attempt. Runs of
/// later windows are not looked at.
///
/// # Errors
/// The first slot that is not.
pub fn complete(book: &Rulebook, season: &Season, windows: u32, runs: &Record) -> Result<(), Incomplete> {
    let within = runs.values().map(|filed| filed.evidence()).filter(|one| one.run.window <= windows);
    let states = within.map(|one| (one.run.clone(), attribute(book, one))).collect();
    check(season, windows, &states)
}

/// The same, from what became of each run.
pub(crate) fn check(
    season: &Season,
    windows: u32,
    states: &BTreeMap<RunKey, RunState>,
) -> Result<(), Incomplete> {
    let mut satisfied = 0;
    for window in 1..=windows {
        for trial in &season.trials {
            for operator in &season.operators {
                let (trial, operator) = (trial.id.clone(), operator.id.clone());
                satisfied += slot(season.attempts, states, RunKey { window, trial, operator, attempt: 1 })?;
            }
        }
    }
    if satisfied == states.len() {
        return Ok(());
    }
    let foreign = states.keys().find(|key| !belongs(season, windows, key)).or(states.keys().next_back());
    Err(Incomplete::Foreign(foreign.map(ToString::to_string).unwrap_or_default()))
}

/// Checks the slot whose first attempt is `key`; how many runs it holds.
fn slot(attempts: u32, states: &BTreeMap<RunKey, RunState>, first: RunKey) -> Result<usize, Incomplete> {
    let at = |attempt| RunKey { attempt, ..first.clone() };
    let Some(mut state) = states.get(&first) else {
        return Err(Incomplete::Missing(first.to_string()));
    };
    let mut last = 1u32;
    while let Some(next) = last.checked_add(1).filter(|next| *next <= attempts) {
        match states.get(&at(next)) {
            Some(_) if state.counts() => {
                let (counting, extra) = (at(last).to_string(), at(next).to_string());
                return Err(Incomplete::Needless { counting, extra });
            }
            Some(found) => state = found,
            None if state.counts() => break,
            None => {
                return Err(Incomplete::Redraw { void: at(last).to_string(), next: at(next).to_string() });
            }
        }
        last = next;
    }
    Ok(last as usize)
}

fn belongs(season: &Season, windows: u32, key: &RunKey) -> bool {
    (1..=windows).contains(&key.window)
        && (1..=season.attempts).contains(&key.attempt)
        && season.trial(&key.trial).is_some()
        && season.operator(&key.operator).is_some()
}
