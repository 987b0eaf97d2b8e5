//! Who is measured when, drawn from the season's seed.

use crate::draw::{Draw, Seed};
use crate::id::{OperatorId, TrialId};
use crate::season::Season;

/// The operators in the order in which one trial of one window takes them: candidates in a drawn
/// order, a control first and a control last, so that both ends of the window are held against
/// something known.
pub fn order(season: &Season, seed: &Seed, window: u32, trial: &TrialId) -> Vec<OperatorId> {
    let mut draw = Draw::new(seed, &format!("timetable {window} {trial}"));
    let mut candidates: Vec<_> = season.candidates().map(|o| o.id.clone()).collect();
    let mut controls: Vec<_> = season.controls().map(|o| o.id.clone()).collect();
    draw.shuffle(&mut candidates);
    draw.shuffle(&mut controls);
    let last = if controls.len() > 1 { controls.pop() } else { None };
    controls.into_iter().chain(candidates).chain(last).collect()
}
