//! Who is measured when, drawn from the season's seed.

use crate::draw::{Draw, Seed};
use crate::id::{OperatorId, TrialId};
use crate::season::Season;
use crate::trial::Schedule;

/// A part of a window: one trial on operators that are measured at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The trial.
    pub trial: TrialId,
    /// Who is measured at once.
    pub operators: Vec<OperatorId>,
}

/// The segments of one window, in order: trials as the season lists them; all operators at once,
/// or one after another in a drawn order with a control first and a control last.
pub fn segments(season: &Season, seed: &Seed, window: u32) -> Vec<Segment> {
    let mut segments = Vec::new();
    for trial in &season.trials {
        let order = order(season, seed, window, &trial.id);
        match trial.schedule {
            Schedule::Together => segments.push(Segment { trial: trial.id.clone(), operators: order }),
            Schedule::Alone => segments
                .extend(order.into_iter().map(|id| Segment { trial: trial.id.clone(), operators: vec![id] })),
        }
    }
    segments
}

fn order(season: &Season, seed: &Seed, window: u32, trial: &TrialId) -> Vec<OperatorId> {
    let mut draw = Draw::new(seed, &format!("timetable {window} {trial}"));
    let mut candidates: Vec<_> = season.candidates().map(|o| o.id.clone()).collect();
    let mut controls: Vec<_> = season.controls().map(|o| o.id.clone()).collect();
    draw.shuffle(&mut candidates);
    draw.shuffle(&mut controls);
    let last = if controls.len() > 1 { controls.pop() } else { None };
    controls.into_iter().chain(candidates).chain(last).collect()
}
