//! The honest lane by second: what was sent and what landed.

use model::evidence::SecondRecord;
use model::plan::{LaneKind, Via};
use model::{Evidence, PhaseRecord};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::palette::{BAND, BLUE, CALM, INK, MUTED, ORANGE, RULE};
use super::{Caption, Fault, Sheet, legend, lettering, paint, write};
use crate::SiteError;

const WIDTH: u32 = 860;

/// A phase with its honest seconds.
struct Span<'a> {
    number: usize,
    phase: &'a PhaseRecord,
    here: &'a [SecondRecord],
    distant: &'a [SecondRecord],
    attack: bool,
}

impl Span<'_> {
    fn end_us(&self) -> u64 {
        self.phase.start_us.saturating_add(u64::from(self.phase.duration_ms) * 1_000)
    }

    fn start(&self) -> f64 {
        seconds(self.phase.start_us)
    }

    fn end(&self) -> f64 {
        seconds(self.end_us())
    }

    /// The second of this index, from and to; the last may be shorter.
    fn second(&self, index: usize) -> (f64, f64) {
        let from = self.phase.start_us.saturating_add(index as u64 * 1_000_000);
        (seconds(from), seconds(from.saturating_add(1_000_000).min(self.end_us().max(from))))
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1_000_000.0
}

/// The chart; none when no honest traffic went through this node.
pub(crate) fn draw(evidence: &Evidence, caption: &Caption) -> Result<Option<Vec<u8>>, SiteError> {
    let spans: Vec<Span> = evidence.phases.iter().enumerate().filter_map(span).collect();
    let all = || spans.iter().flat_map(|span| span.here.iter().chain(span.distant));
    let highest = all().map(|second| second.offered.max(second.landed)).max().unwrap_or(0);
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return Ok(None);
    };
    let frame = (
        first.start(),
        seconds(last.end_us().max(first.phase.start_us.saturating_add(1_000_000))),
        highest.max(1) as f64 * 1.2,
    );
    let svg = paint((WIDTH, 300), caption, |sheet| {
        let mut words = vec![(INK, "sent"), (BLUE, "landed")];
        if spans.iter().any(|span| !span.distant.is_empty()) {
            words.push((ORANGE, "landed through the distant control"));
        }
        legend(sheet, 78, &words)?;
        plot(sheet, &spans, frame)
    })?;
    Ok(Some(svg))
}

fn span((index, phase): (usize, &PhaseRecord)) -> Option<Span<'_>> {
    let here = phase.lane(LaneKind::Honest, Via::Candidate)?;
    let distant = phase.lane(LaneKind::Honest, Via::Distant);
    Some(Span {
        number: index + 1,
        phase,
        here: &here.seconds,
        distant: distant.map_or(&[], |lane| &lane.seconds),
        attack: phase.lanes.iter().any(|lane| lane.kind.vector().is_some()),
    })
}

fn plot(sheet: &Sheet, spans: &[Span], (from, to, top): (f64, f64, f64)) -> Result<(), Fault> {
    let mut chart = ChartBuilder::on(sheet)
        .margin_top(52)
        .margin_left(8)
        .margin_right(28)
        .margin_bottom(8)
        .x_label_area_size(52)
        .y_label_area_size(70)
        .build_cartesian_2d(from..to, 0f64..top)?;
    chart.draw_series(spans.iter().map(|span| {
        let shade = if span.attack { BAND } else { CALM };
        Rectangle::new([(span.start(), 0.0), (span.end(), top)], shade.filled())
    }))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RULE)
        .axis_style(MUTED)
        .label_style(lettering(15))
        .axis_desc_style(lettering(15))
        .x_labels(10)
        .y_labels(5)
        .x_label_formatter(&|second| format!("{second:.0}"))
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .x_desc("second of the run")
        .y_desc("transactions")
        .draw()?;
    for span in spans {
        chart.draw_series(bars(span))?;
        chart.draw_series(lines(span))?;
        let [left, right] = [span.start(), span.end()].map(|second| chart.backend_coord(&(second, top)));
        label(sheet, span, left, right)?;
    }
    Ok(())
}

fn bars<'a>(span: &'a Span) -> impl Iterator<Item = Rectangle<(f64, f64)>> + 'a {
    span.here.iter().enumerate().map(|(index, second)| {
        let (from, to) = span.second(index);
        Rectangle::new([(from, 0.0), (to, second.landed as f64)], BLUE.mix(0.75).filled())
    })
}

/// What was sent, and below it, broad enough to show from under it, what landed elsewhere.
fn lines(span: &Span) -> [PathElement<(f64, f64)>; 2] {
    let distant = stairs(span, span.distant, |second| second.landed);
    let sent = stairs(span, span.here, |second| second.offered);
    [PathElement::new(distant, ORANGE.stroke_width(4)), PathElement::new(sent, INK.stroke_width(1))]
}

fn stairs(span: &Span, seconds: &[SecondRecord], of: fn(&SecondRecord) -> u64) -> Vec<(f64, f64)> {
    let steps = seconds.iter().enumerate().flat_map(|(index, second)| {
        let (from, to) = span.second(index);
        [(from, of(second) as f64), (to, of(second) as f64)]
    });
    steps.collect()
}

/// The phase above its band: its name where there is room, else its number in the table.
fn label(sheet: &Sheet, span: &Span, left: (i32, i32), right: (i32, i32)) -> Result<(), Fault> {
    let room = right.0 - left.0;
    let name = &span.phase.name;
    let words =
        if name.is_ascii() && room >= 8 * name.len() as i32 { name.clone() } else { span.number.to_string() };
    if room < 8 * words.len() as i32 {
        return Ok(());
    }
    write(sheet, &words, (left.0.midpoint(right.0), left.1 - 9), MUTED, HPos::Center)
}
