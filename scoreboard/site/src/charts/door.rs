//! The door search: the rate of each step, what of it was answered rightly, and whether it passed.

use model::plan::traffic_throughput::{knee, steps};
use model::{Class, Evidence, Parameters, PhaseRecord, Reason};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::palette::{BLUE, GREEN, INK, MUTED, ORANGE, PALE, RED, RULE};
use super::{Caption, Fault, Sheet, legend, lettering, paint, write};
use crate::SiteError;

/// The pairs and the start rate come before the first step that is held against anything.
const BEFORE: usize = 2;

/// With more steps than this their rates would run into each other; the table has them.
const ROOM_FOR_RATES: usize = 20;

struct Step {
    rate: u64,
    answered: u64,
    passed: bool,
}

/// The chart; none when no step was run.
pub(crate) fn draw(evidence: &Evidence, caption: &Caption) -> Result<Option<Vec<u8>>, SiteError> {
    let Parameters::TrafficThroughput(parameters) = &evidence.parameters else {
        return Ok(None);
    };
    let judged = steps(parameters, &evidence.phases);
    let records = evidence.phases.iter().skip(BEFORE);
    let drawn: Vec<Step> = judged
        .into_iter()
        .zip(records)
        .map(|((rate, passed), record)| Step { rate, answered: answered(record), passed })
        .collect();
    let Some(highest) = drawn.iter().map(|step| step.rate.max(step.answered)).max() else {
        return Ok(None);
    };
    let found = knee(parameters, &evidence.phases).map(|knee| f64::from(knee.capacity));
    let svg = paint((860, 320), caption, |sheet| {
        let words = [(PALE, "asked for"), (BLUE, "answered rightly"), (GREEN, "passed"), (RED, "not passed")];
        legend(sheet, 78, &words)?;
        plot(sheet, &drawn, highest.max(1) as f64 * 1.18, found)
    })?;
    Ok(Some(svg))
}

/// Requests a second of a step that were answered as a used nonce must be.
fn answered(step: &PhaseRecord) -> u64 {
    let right = step.lanes.first().map_or(0, |lane| {
        let known = lane.count(Class::Rejected(Reason::AlreadyKnown));
        lane.count(Class::Rejected(Reason::NonceTooLow)).saturating_add(known)
    });
    right.saturating_mul(1_000) / u64::from(step.duration_ms.max(1))
}

fn plot(sheet: &Sheet, steps: &[Step], top: f64, found: Option<f64>) -> Result<(), Fault> {
    let mut chart = ChartBuilder::on(sheet)
        .margin_top(34)
        .margin_left(8)
        .margin_right(28)
        .margin_bottom(8)
        .x_label_area_size(52)
        .y_label_area_size(70)
        .build_cartesian_2d(0f64..steps.len() as f64, 0f64..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RULE)
        .axis_style(MUTED)
        .label_style(lettering(15))
        .axis_desc_style(lettering(15))
        .x_labels(0)
        .y_labels(6)
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .x_desc("steps in the order they were run")
        .y_desc("requests a second")
        .draw()?;
    chart.draw_series(steps.iter().enumerate().flat_map(bars))?;
    if let Some(capacity) = found {
        let line = vec![(0.0, capacity), (steps.len() as f64, capacity)];
        chart.draw_series([PathElement::new(line, ORANGE.stroke_width(1))])?;
        let (_, height) = chart.backend_coord(&(0.0, capacity));
        write(sheet, &format!("capacity {capacity}"), (88, height - 9), ORANGE, HPos::Left)?;
    }
    for (index, step) in steps.iter().enumerate() {
        let at = chart.backend_coord(&(index as f64 + 0.5, step.rate as f64));
        let foot = chart.backend_coord(&(index as f64 + 0.5, 0.0));
        verdict(sheet, step, at, foot, steps.len())?;
    }
    Ok(())
}

/// What was asked for, and before it what was answered rightly.
fn bars((index, step): (usize, &Step)) -> [Rectangle<(f64, f64)>; 2] {
    let bar = |half: f64, height: u64, colour: RGBColor| {
        let middle = index as f64 + 0.5;
        Rectangle::new([(middle - half, 0.0), (middle + half, height as f64)], colour.filled())
    };
    [bar(0.4, step.rate, PALE), bar(0.26, step.answered, BLUE)]
}

/// Passed or not, by shape as well as by colour; and the rate, where there is room.
fn verdict(sheet: &Sheet, step: &Step, at: (i32, i32), foot: (i32, i32), of: usize) -> Result<(), Fault> {
    let (x, y) = (at.0, at.1 - 10);
    if step.passed {
        let tick = vec![(x - 4, y), (x - 1, y + 4), (x + 5, y - 4)];
        sheet.draw(&PathElement::new(tick, GREEN.stroke_width(2)))?;
    } else {
        for (from, to) in [(-4, 4), (4, -4)] {
            sheet.draw(&PathElement::new(vec![(x - 4, y + from), (x + 4, y + to)], RED.stroke_width(2)))?;
        }
    }
    if of > ROOM_FOR_RATES {
        return Ok(());
    }
    write(sheet, &step.rate.to_string(), (foot.0, foot.1 + 14), INK, HPos::Center)
}
