//! Points of one operator's runs by window, with the controls' beside them.

use model::publication::RunEntry;
use model::{OperatorId, Points, RunState};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::palette::{INK, MUTED, RED, RULE, SERIES};
use super::{Caption, Fault, Sheet, legend, paint, write};
use crate::SiteError;
use crate::issue::Issue;

const WIDTH: i32 = 860;
const LEFT: i32 = 70;
const RIGHT: i32 = 830;
const TOP: i32 = 40;
const BOTTOM: i32 = 230;

/// The chart; none when no run of the operator counts.
pub(crate) fn draw(issue: &Issue, id: &OperatorId, caption: &Caption) -> Result<Option<Vec<u8>>, SiteError> {
    let counting: Vec<_> = issue.runs_of(id).into_iter().filter(|entry| entry.state.counts()).collect();
    let Some(last) = counting.iter().map(|entry| entry.run.window).max() else {
        return Ok(None);
    };
    let windows = last.max(issue.publication.windows);
    let svg = paint((WIDTH as u32, BOTTOM as u32 + 50), caption, |sheet| {
        key(issue, sheet)?;
        scale(sheet, windows)?;
        counting.iter().try_for_each(|entry| mark(issue, sheet, entry, windows))
    })?;
    Ok(Some(svg))
}

fn key(issue: &Issue, sheet: &Sheet) -> Result<(), Fault> {
    let ids: Vec<_> = issue.season.trials.iter().map(|trial| trial.id.to_string()).collect();
    let mut entries: Vec<_> = ids.iter().zip(SERIES).map(|(id, colour)| (colour, id.as_str())).collect();
    entries.extend([(MUTED, "controls (rings)"), (RED, "cut (cross)")]);
    legend(sheet, LEFT, &entries)
}

fn y(points: Points) -> i32 {
    let clipped = points.clamp(0, model::score::FULL);
    BOTTOM - (clipped * i64::from(BOTTOM - TOP) / model::score::FULL) as i32
}

/// The middle of a window; windows share the width.
fn x(window: u32, windows: u32) -> i32 {
    let width = f64::from(RIGHT - LEFT) / f64::from(windows.max(1));
    LEFT + (width * (f64::from(window.max(1)) - 0.5)) as i32
}

fn scale(sheet: &Sheet, windows: u32) -> Result<(), Fault> {
    for points in [0, 25, 50, 75, 100] {
        let at = y(points * 1_000);
        sheet.draw(&PathElement::new(vec![(LEFT, at), (RIGHT, at)], RULE.stroke_width(1)))?;
        write(sheet, &points.to_string(), (LEFT - 10, at), MUTED, HPos::Right)?;
    }
    let every = windows.div_ceil(20).max(1);
    for window in (1..=windows).step_by(every as usize) {
        write(sheet, &window.to_string(), (x(window, windows), BOTTOM + 16), MUTED, HPos::Center)?;
    }
    write(sheet, "window", (LEFT + (RIGHT - LEFT) / 2, BOTTOM + 36), MUTED, HPos::Center)
}

fn mark(issue: &Issue, sheet: &Sheet, entry: &RunEntry, windows: u32) -> Result<(), Fault> {
    let trials = issue.season.trials.len().max(1) as i32;
    let order = issue.season.trials.iter().position(|trial| trial.id == entry.run.trial).unwrap_or(0);
    let apart = (16).min((RIGHT - LEFT) / (windows.max(1) as i32 * (trials + 1)));
    let at = x(entry.run.window, windows) + apart * (2 * order as i32 - trials + 1) / 2;
    for control in issue.controls_beside(&entry.run) {
        if let Some(score) = &control.score {
            sheet.draw(&Circle::new((at, y(score.points)), 6, MUTED.stroke_width(1)))?;
        }
    }
    let Some(score) = &entry.score else {
        return Ok(());
    };
    let height = y(score.points);
    if matches!(entry.state, RunState::Cut(_)) {
        for (from, to) in [(-5, 5), (5, -5)] {
            let stroke = vec![(at - 5, height + from), (at + 5, height + to)];
            sheet.draw(&PathElement::new(stroke, RED.stroke_width(2)))?;
        }
        return Ok(());
    }
    sheet.draw(&Circle::new((at, height), 4, SERIES.get(order).unwrap_or(&INK).filled()))
}
