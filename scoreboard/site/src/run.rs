//! The page of one run: what was sent, what came back, and whose doing its end was.

use model::plan::traffic_throughput;
use model::publication::RunEntry;
use model::{Evidence, Histogram, LaneRecord, Parameters, PhaseRecord};
use serde::Serialize;

use crate::charts::{self, Caption};
use crate::issue::Issue;
use crate::press::{DigestView, Frame, Press};
use crate::{Files, SiteError, date, format, text, words};

#[derive(Serialize)]
struct View {
    name: String,
    operator: String,
    operator_name: String,
    window: u32,
    trial: String,
    attempt: u32,
    state: String,
    state_class: &'static str,
    attribution: &'static str,
    points: Option<String>,
    digest: DigestView,
    record: Option<Record>,
    charts: Vec<ChartView>,
}

/// What the evidence says.
#[derive(Serialize)]
struct Record {
    started: String,
    started_iso: String,
    ended: &'static str,
    observer: &'static str,
    client: String,
    network: String,
    plan: DigestView,
    blocks: String,
    block_interval: Option<String>,
    knee: Option<String>,
    phases: Vec<PhaseView>,
    unknown: Vec<Unknown>,
    check: Check,
}

#[derive(Serialize)]
struct PhaseView {
    number: usize,
    name: String,
    start: String,
    length: String,
    lanes: Vec<LaneView>,
}

#[derive(Serialize)]
struct LaneView {
    kind: String,
    via: &'static str,
    offered: String,
    answers: Vec<String>,
    withheld: String,
    landed: String,
    intended: Percentiles,
    sent: Percentiles,
}

#[derive(Serialize)]
struct Percentiles {
    p50: String,
    p95: String,
    p99: String,
}

/// A message that no table knows.
#[derive(Serialize)]
struct Unknown {
    phase: String,
    lane: String,
    message: String,
}

/// The generator's account of itself.
#[derive(Serialize)]
struct Check {
    sent: String,
    withheld: String,
    lag: Percentiles,
    sink: Percentiles,
    sink_lost: String,
}

#[derive(Serialize)]
struct ChartView {
    path: String,
    alt: String,
    words: &'static str,
}

/// Writes `run/NAME.html` and its charts.
pub(crate) fn render(
    issue: &Issue,
    press: &Press,
    entry: &RunEntry,
    files: &mut Files,
) -> Result<(), SiteError> {
    let run = &entry.run;
    let evidence = issue.evidence(entry);
    let charts = match evidence {
        Some(evidence) => draw(issue, entry, evidence, files)?,
        None => Vec::new(),
    };
    let score = entry.score.as_ref().filter(|_| entry.state.counts());
    let view = View {
        name: run.to_string(),
        operator: run.operator.to_string(),
        operator_name: issue.name(&run.operator),
        window: run.window,
        trial: run.trial.to_string(),
        attempt: run.attempt,
        state: entry.state.to_string(),
        state_class: words::state_class(entry.state),
        attribution: words::attribution(entry.state),
        points: score.map(|score| format::points(score.points)),
        digest: (&entry.evidence).into(),
        record: evidence.map(record),
        charts,
    };
    let title = format!("{}, {}, window {}", view.operator_name, view.trial, view.window);
    let frame = Frame::new(issue, title, "../", "");
    files.insert(format!("run/{run}.html"), press.page("run.html", &frame, &view)?);
    Ok(())
}

fn record(evidence: &Evidence) -> Record {
    let network = &evidence.network;
    Record {
        started: date::utc(evidence.started_ms),
        started_iso: date::iso(evidence.started_ms),
        ended: words::ended(evidence.ended),
        observer: words::observer(evidence.observer),
        client: text::name(&evidence.client, "not told"),
        network: format!("{}, chain id {}", text::plain(&network.family), network.chain_id),
        plan: (&evidence.plan).into(),
        blocks: blocks(evidence),
        block_interval: (evidence.block_interval_us > 0)
            .then(|| format::duration_us(evidence.block_interval_us)),
        knee: knee(evidence),
        phases: evidence.phases.iter().enumerate().map(|(index, phase)| phase_view(index, phase)).collect(),
        unknown: unknown(evidence),
        check: check(evidence),
    }
}

fn blocks(evidence: &Evidence) -> String {
    match (evidence.blocks.first(), evidence.blocks.last()) {
        (Some(first), Some(last)) => {
            format!("{} ({} to {})", evidence.blocks.len(), first.height, last.height)
        }
        _ => "none".into(),
    }
}

fn knee(evidence: &Evidence) -> Option<String> {
    let Parameters::TrafficThroughput(parameters) = &evidence.parameters else {
        return None;
    };
    let knee = traffic_throughput::knee(parameters, &evidence.phases)?;
    let least = if knee.at_least { "at least " } else { "" };
    let after = if knee.recovered { "served again" } else { "not served again" };
    Some(format!("{least}{} requests/s; start rate {after} after the overload", knee.capacity))
}

fn phase_view(index: usize, phase: &PhaseRecord) -> PhaseView {
    PhaseView {
        number: index + 1,
        name: text::plain(&phase.name),
        start: format::duration_us(phase.start_us),
        length: format::duration_us(u64::from(phase.duration_ms) * 1_000),
        lanes: phase.lanes.iter().map(lane_view).collect(),
    }
}

fn lane_view(lane: &LaneRecord) -> LaneView {
    let answer = |(class, count): (&model::Class, &u64)| format!("{class} {}", format::count(*count));
    LaneView {
        kind: words::lane(lane.kind),
        via: words::via(lane.via),
        offered: format::count(lane.offered),
        answers: lane.outcomes.iter().filter(|(_, count)| **count > 0).map(answer).collect(),
        withheld: format::count(lane.withheld),
        landed: format::count(lane.landed),
        intended: percentiles(&lane.intended_us),
        sent: percentiles(&lane.sent_us),
    }
}

fn percentiles(histogram: &Histogram) -> Percentiles {
    let at = |per_mille| format::duration_or_none(histogram.quantile(per_mille));
    Percentiles { p50: at(500), p95: at(950), p99: at(990) }
}

fn unknown(evidence: &Evidence) -> Vec<Unknown> {
    let lanes = evidence.phases.iter().flat_map(|phase| phase.lanes.iter().map(move |lane| (phase, lane)));
    let messages =
        lanes.flat_map(|(phase, lane)| lane.unknown.iter().map(move |message| (phase, lane, message)));
    let view = |(phase, lane, message): (&PhaseRecord, &LaneRecord, &String)| Unknown {
        phase: text::plain(&phase.name),
        lane: format!("{}, {}", words::lane(lane.kind), words::via(lane.via)),
        message: text::plain(message),
    };
    messages.map(view).collect()
}

fn check(evidence: &Evidence) -> Check {
    let check = &evidence.self_check;
    Check {
        sent: format::count(check.sent),
        withheld: format::count(check.withheld),
        lag: percentiles(&check.lag_us),
        sink: percentiles(&check.sink_us),
        sink_lost: format::count(check.sink_lost),
    }
}

/// Draws what the evidence has, each chart into a file of its own.
fn draw(
    issue: &Issue,
    entry: &RunEntry,
    evidence: &Evidence,
    files: &mut Files,
) -> Result<Vec<ChartView>, SiteError> {
    let mut views = Vec::new();
    for chart in charts::of_run(evidence) {
        let path = format!("chart/{}.{}.svg", entry.run, chart.name);
        let title = format!("{} ({})", chart.title, entry.run);
        let caption = Caption {
            path: &path,
            title,
            description: chart.words.into(),
            demonstration: issue.demonstration(),
        };
        if let Some(svg) = (chart.draw)(evidence, &caption)? {
            files.insert(path.clone(), svg);
            views.push(ChartView { path, alt: chart.title.into(), words: chart.words });
        }
    }
    Ok(views)
}
