//! Charts, each an SVG file of its own: no script, nothing from elsewhere, ASCII text only (widths
//! of other scripts are not known here; names stand in the page).

pub(crate) mod door;
pub(crate) mod honest;
pub(crate) mod latency;
mod palette;
pub(crate) mod totals;
pub(crate) mod windows;

use model::Evidence;
use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::SiteError;
use palette::{INK, PAPER};

/// A sheet, or a part of one, to draw on.
type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What can go wrong in drawing.
type Fault = DrawingAreaErrorKind<std::io::Error>;

/// What a chart says of itself to those who do not see it.
pub(crate) struct Caption<'a> {
    pub(crate) path: &'a str,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) demonstration: bool,
}

/// What draws a chart of a run; none when the evidence has nothing for it.
type Draw = fn(&Evidence, &Caption) -> Result<Option<Vec<u8>>, SiteError>;

/// A chart of a run's page.
pub(crate) struct RunChart {
    /// Part of its file's name.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// How to read it.
    pub(crate) words: &'static str,
    /// Title and how to read it, in Korean. What stands in the chart itself is English.
    pub(crate) korean: (&'static str, &'static str),
    pub(crate) draw: Draw,
}

const OF_RUN: [RunChart; 4] = [
    RunChart {
        name: "honest",
        title: "Honest traffic through this node, by second",
        words: "The line is what was sent, the filled part what landed in a block: the gap under the line is \
                loss. Reddish bands are attacks.",
        korean: (
            "이 노드를 거친 정상 트래픽 (초 단위)",
            "선은 보낸 양, 채워진 부분은 블록에 포함된 양입니다. 선 아래의 빈 곳이 손실이며, 붉은 띠는 공격 \
             구간입니다. 주황색은 원격 대조 노드를 거쳐 \
             블록에 포함된 양입니다. (sent: 보냄, landed: 블록 포함)",
        ),
        draw: honest::draw,
    },
    RunChart {
        name: "door",
        title: "Door search, step by step",
        words: "Pale is the rate asked for, dark the rate answered rightly. A step passes when it serves \
                nearly what the start rate served, in time.",
        korean: (
            "관문 탐색의 단계",
            "옅은 색은 요청한 전송률, 짙은 색은 올바르게 응답한 전송률입니다. 시작 단계와 거의 같은 비율을 \
             제때 처리하면 그 단계를 통과합니다. (asked for: 요청, answered rightly: 올바른 응답, passed: 통과, \
             not passed: 미통과)",
        ),
        draw: door::draw,
    },
    RunChart {
        name: "latency-honest",
        title: "Answer times of honest traffic",
        words: "Share of answers that came within a time. From the intended instant is what a user waits; \
                where it leaves the curve from the actual send, we were late ourselves.",
        korean: (
            "정상 트래픽의 응답 시간",
            "해당 시간 안에 도착한 응답의 비율입니다. 예정 시각 기준(intended)은 사용자가 기다리는 시간이며, \
             실제 전송 시각 기준(sent)과 벌어지는 곳은 측정 장치가 늦게 보낸 것입니다.",
        ),
        draw: latency::draw_honest,
    },
    RunChart {
        name: "latency-load",
        title: "Answer times of the door probe",
        words: "The same over all steps of the door search, those beyond the limit too.",
        korean: (
            "관문 탐색의 응답 시간",
            "처리 한계를 넘은 단계를 포함하여, 관문 탐색의 모든 단계를 같은 방식으로 나타냅니다.",
        ),
        draw: latency::draw_load,
    },
];

/// The charts that a run may have.
pub(crate) fn of_run(evidence: &Evidence) -> &'static [RunChart] {
    if evidence.phases.is_empty() { &[] } else { &OF_RUN }
}

/// Draws a sheet of this size and says what it is.
fn paint(
    size: (u32, u32),
    caption: &Caption,
    draw: impl FnOnce(&Sheet) -> Result<(), Fault>,
) -> Result<Vec<u8>, SiteError> {
    let mut svg = String::new();
    let drawn = {
        let sheet = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        sheet.fill(&PAPER).and_then(|()| draw(&sheet)).and_then(|()| sheet.present())
    };
    drawn.map_err(|fault| SiteError::Chart { path: caption.path.into(), why: fault.to_string() })?;
    Ok(describe(&svg, caption).into_bytes())
}

/// Puts title, description and the style for dark screens behind the opening tag.
fn describe(svg: &str, caption: &Caption) -> String {
    let warning = if caption.demonstration { " (demonstration: no admission follows)" } else { "" };
    let head = format!(
        "\n<title>{}{warning}</title>\n<desc>{}{warning}</desc>\n<style>{}</style>\n",
        escape(&caption.title),
        escape(&caption.description),
        palette::style(),
    );
    let opened = svg.replacen("<svg ", "<svg role=\"img\" ", 1);
    opened.replacen('\n', &head, 1)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Small text at a place of the sheet.
fn write(sheet: &Sheet, text: &str, at: (i32, i32), colour: RGBColor, anchor: HPos) -> Result<(), Fault> {
    let style = lettering(15).color(&colour).pos(Pos::new(anchor, VPos::Center));
    sheet.draw(&Text::new(text.to_owned(), at, style))
}

fn lettering(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// A mark and its meaning for each, in a row at the top.
fn legend(sheet: &Sheet, left: i32, entries: &[(RGBColor, &str)]) -> Result<(), Fault> {
    let mut x = left;
    for (colour, words) in entries {
        sheet.draw(&Rectangle::new([(x, 12), (x + 11, 20)], colour.filled()))?;
        write(sheet, words, (x + 17, 16), INK, HPos::Left)?;
        x += 40 + 7 * words.len() as i32;
    }
    Ok(())
}
