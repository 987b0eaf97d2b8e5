//! Totals of all operators, with their intervals.

use model::{Entry, Points, Status};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::palette::{BLUE, INK, MUTED, RULE};
use super::{Caption, Fault, Sheet, legend, paint, write};
use crate::issue::Issue;
use crate::{SiteError, format};

/// Lines that a chart has at most: the table has all.
const MOST: usize = 60;
const WIDTH: i32 = 860;
const LEFT: i32 = 170;
const RIGHT: i32 = 800;
const TOP: i32 = 52;
const STEP: i32 = 24;

struct Line {
    label: String,
    total: Points,
    interval: Option<(Points, Points)>,
    control: bool,
}

/// The chart, and how many operators it leaves out for want of room; none when nobody has a total.
pub(crate) fn draw(issue: &Issue, caption: &Caption) -> Result<Option<(Vec<u8>, usize)>, SiteError> {
    let ranking = &issue.publication.ranking;
    let controls = ranking.controls.iter().filter_map(|entry| line(entry, true));
    let mut lines: Vec<Line> = ranking.entries.iter().filter_map(|entry| line(entry, false)).collect();
    let left_out = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    lines.extend(controls.take(MOST));
    if lines.is_empty() {
        return Ok(None);
    }
    let height = TOP + STEP * lines.len() as i32 + 34;
    let svg = paint((WIDTH as u32, height as u32), caption, |sheet| {
        legend(sheet, LEFT, &[(BLUE, "candidate"), (MUTED, "control")])?;
        scale(sheet, height - 34)?;
        lines
            .iter()
            .enumerate()
            .try_for_each(|(index, line)| mark(sheet, line, TOP + STEP / 2 + STEP * index as i32))
    })?;
    Ok(Some((svg, left_out)))
}

fn line(entry: &Entry, control: bool) -> Option<Line> {
    let total = entry.total.filter(|_| entry.status != Status::Unrated)?;
    let id = entry.operator.as_str();
    let label = if id.len() > 22 { format!("{}..", &id[..20]) } else { id.to_owned() };
    Some(Line { label, total, interval: entry.interval, control })
}

/// Where points lie from left to right.
fn x(points: Points) -> i32 {
    let clipped = points.clamp(0, model::score::FULL);
    LEFT + (clipped * i64::from(RIGHT - LEFT) / model::score::FULL) as i32
}

fn scale(sheet: &Sheet, bottom: i32) -> Result<(), Fault> {
    for tens in 0..=10 {
        let at = x(tens * 10_000);
        sheet.draw(&PathElement::new(vec![(at, TOP - 6), (at, bottom)], RULE.stroke_width(1)))?;
        write(sheet, &(tens * 10).to_string(), (at, bottom + 14), MUTED, HPos::Center)?;
    }
    Ok(())
}

fn mark(sheet: &Sheet, line: &Line, y: i32) -> Result<(), Fault> {
    let colour = if line.control { MUTED } else { BLUE };
    write(sheet, &line.label, (LEFT - 12, y), INK, HPos::Right)?;
    if let Some((low, high)) = line.interval {
        let (low, high) = (x(low), x(high));
        sheet.draw(&PathElement::new(vec![(low, y), (high, y)], colour.stroke_width(2)))?;
        for end in [low, high] {
            sheet.draw(&PathElement::new(vec![(end, y - 5), (end, y + 5)], colour.stroke_width(2)))?;
        }
    }
    sheet.draw(&Circle::new((x(line.total), y), 5, colour.filled()))?;
    write(sheet, &format::points(line.total), (WIDTH - 12, y), INK, HPos::Right)
}
