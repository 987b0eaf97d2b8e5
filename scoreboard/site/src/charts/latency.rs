//! Answer times: the share answered within a time, from the intended instant and from the send.

use std::collections::BTreeMap;

use model::plan::{LaneKind, Via};
use model::{Evidence, Histogram, LaneRecord};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::palette::{BLUE, INK, MUTED, ORANGE, RULE};
use super::{Caption, Fault, Sheet, legend, lettering, paint, write};
use crate::SiteError;

/// Honest traffic through this node, all phases.
pub(crate) fn draw_honest(evidence: &Evidence, caption: &Caption) -> Result<Option<Vec<u8>>, SiteError> {
    draw(evidence, LaneKind::Honest, caption)
}

/// The door probe, all steps.
pub(crate) fn draw_load(evidence: &Evidence, caption: &Caption) -> Result<Option<Vec<u8>>, SiteError> {
    draw(evidence, LaneKind::Load, caption)
}

fn draw(evidence: &Evidence, kind: LaneKind, caption: &Caption) -> Result<Option<Vec<u8>>, SiteError> {
    let intended = share_within(evidence, kind, |lane| &lane.intended_us);
    let sent = share_within(evidence, kind, |lane| &lane.sent_us);
    let times = || intended.iter().chain(&sent).map(|point| point.0);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(None);
    };
    let svg = paint((860, 330), caption, |sheet| {
        legend(sheet, 78, &[(BLUE, "from the intended instant"), (ORANGE, "from the actual send")])?;
        curves(sheet, (milliseconds(first) / 1.5, milliseconds(last) * 1.5), &intended, &sent)
    })?;
    Ok(Some(svg))
}

/// (microseconds, per cent of answers that came within them), a staircase.
fn share_within(evidence: &Evidence, kind: LaneKind, of: fn(&LaneRecord) -> &Histogram) -> Vec<(u64, f64)> {
    let lanes = evidence.phases.iter().flat_map(|phase| &phase.lanes);
    let wanted = lanes.filter(|lane| lane.kind == kind && lane.via == Via::Candidate);
    let mut buckets: BTreeMap<u64, u64> = BTreeMap::new();
    for (upper, count) in wanted.flat_map(|lane| of(lane).buckets()) {
        let held = buckets.entry(upper.max(1)).or_default();
        *held = held.saturating_add(count);
    }
    let total = buckets.values().fold(0u64, |sum, count| sum.saturating_add(*count));
    let mut points = Vec::with_capacity(buckets.len() * 2);
    let mut seen = 0;
    for (upper, count) in buckets.into_iter().filter(|(_, count)| *count > 0) {
        points.push((upper, share(seen, total)));
        seen = count.saturating_add(seen);
        points.push((upper, share(seen, total)));
    }
    points
}

fn milliseconds(us: u64) -> f64 {
    us as f64 / 1_000.0
}

fn share(part: u64, total: u64) -> f64 {
    part as f64 * 100.0 / total.max(1) as f64
}

fn curves(
    sheet: &Sheet,
    (low, high): (f64, f64),
    intended: &[(u64, f64)],
    sent: &[(u64, f64)],
) -> Result<(), Fault> {
    let mut chart = ChartBuilder::on(sheet)
        .margin_top(34)
        .margin_left(8)
        .margin_right(28)
        .margin_bottom(8)
        .x_label_area_size(52)
        .y_label_area_size(70)
        .build_cartesian_2d((low..high).log_scale(), 0f64..100f64)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RULE)
        .axis_style(MUTED)
        .label_style(lettering(15))
        .axis_desc_style(lettering(15))
        .disable_x_mesh()
        .x_label_formatter(&|_| String::new())
        .set_tick_mark_size(LabelAreaPosition::Bottom, 0)
        .y_labels(6)
        .y_label_formatter(&|percent| format!("{percent:.0} %"))
        .x_desc("time to the answer, logarithmic")
        .draw()?;
    for tick in ticks(low, high) {
        let ends = [0.0, 100.0].map(|share| chart.backend_coord(&(tick, share)));
        sheet.draw(&PathElement::new(ends, RULE.stroke_width(1)))?;
        write(sheet, &time(tick), (ends[0].0, ends[0].1 + 14), INK, HPos::Center)?;
    }
    for (curve, colour) in [(sent, ORANGE), (intended, BLUE)] {
        let points = curve.iter().map(|(us, share)| (milliseconds(*us), *share));
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    }
    Ok(())
}

/// 1, 2 and 5 of each power of ten between `low` and `high`, milliseconds; of many powers only 1.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let powers = || (0..10).map(|power| 10u64.pow(power) as f64 / 1_000.0);
    let digits: &[f64] = if high > low * 2_000.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all = powers().flat_map(|power| digits.iter().map(move |digit| digit * power));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

/// A label of the time axis.
fn time(ms: f64) -> String {
    if ms >= 1_000.0 {
        format!("{} s", ms / 1_000.0)
    } else if ms >= 1.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.0} us", ms * 1_000.0)
    }
}
