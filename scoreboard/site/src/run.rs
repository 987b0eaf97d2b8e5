//! The page of one run: what was sent, what came back, and whose doing its end was.

use model::plan::traffic_throughput;
use model::publication::RunEntry;
use model::{Evidence, Histogram, LaneRecord, Parameters, PhaseRecord};
use serde::Serialize;

use crate::charts::{self, Caption, RunChart};
use crate::issue::Issue;
use crate::press::{DigestView, Press, Sheet};
use crate::shell::Language;
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
    alt: &'static str,
    words: &'static str,
}

/// Writes `run/NAME.html` in every language, and its charts.
pub(crate) fn render(
    issue: &Issue,
    press: &Press,
    entry: &RunEntry,
    files: &mut Files,
) -> Result<(), SiteError> {
    let charts = match issue.evidence(entry) {
        Some(evidence) => draw(issue, entry, evidence, files)?,
        None => Vec::new(),
    };
    let path = format!("run/{}.html", entry.run);
    for language in Language::ALL {
        let view = view(issue, language, entry, &charts);
        let window = language.pick("window", "측정 구간");
        let title = format!("{}, {}, {window} {}", view.operator_name, view.trial, view.window);
        let sheet = Sheet { language, path: &path, template: "run.html", title, here: "" };
        press.print(issue, &sheet, &view, files)?;
    }
    Ok(())
}

fn view(issue: &Issue, language: Language, entry: &RunEntry, charts: &[Drawn]) -> View {
    let run = &entry.run;
    let score = entry.score.as_ref().filter(|_| entry.state.counts());
    View {
        name: run.to_string(),
        operator: run.operator.to_string(),
        operator_name: issue.name(&run.operator),
        window: run.window,
        trial: run.trial.to_string(),
        attempt: run.attempt,
        state: words::state(language, entry.state),
        state_class: words::state_class(entry.state),
        attribution: words::attribution(language, entry.state),
        points: score.map(|score| format::points(score.points)),
        digest: (&entry.evidence).into(),
        record: issue.evidence(entry).map(|evidence| record(language, evidence)),
        charts: charts.iter().map(|drawn| chart_view(language, drawn)).collect(),
    }
}

fn record(language: Language, evidence: &Evidence) -> Record {
    Record {
        started: date::shown(language, evidence.started_ms),
        started_iso: date::iso(evidence.started_ms),
        ended: words::ended(language, evidence.ended),
        observer: words::observer(language, evidence.observer),
        client: text::name(&evidence.client, language.pick("not told", "알려지지 않음")),
        network: words::network(language, &evidence.network),
        plan: (&evidence.plan).into(),
        blocks: blocks(language, evidence),
        block_interval: (evidence.block_interval_us > 0)
            .then(|| format::duration_us(evidence.block_interval_us)),
        knee: knee(language, evidence),
        phases: evidence
            .phases
            .iter()
            .enumerate()
            .map(|(index, phase)| phase_view(language, index, phase))
            .collect(),
        unknown: unknown(language, evidence),
        check: check(evidence),
    }
}

fn blocks(language: Language, evidence: &Evidence) -> String {
    match (evidence.blocks.first(), evidence.blocks.last()) {
        (Some(first), Some(last)) => {
            let heights = words::from_to(language, first.height, last.height);
            format!("{} ({heights})", evidence.blocks.len())
        }
        _ => language.pick("none", "없음").into(),
    }
}

fn knee(language: Language, evidence: &Evidence) -> Option<String> {
    let Parameters::TrafficThroughput(parameters) = &evidence.parameters else {
        return None;
    };
    let knee = traffic_throughput::knee(parameters, &evidence.phases)?;
    Some(words::knee(language, knee.capacity, knee.at_least, knee.recovered))
}

fn phase_view(language: Language, index: usize, phase: &PhaseRecord) -> PhaseView {
    PhaseView {
        number: index + 1,
        name: words::phase(language, &phase.name),
        start: format::duration_us(phase.start_us),
        length: format::duration_us(u64::from(phase.duration_ms) * 1_000),
        lanes: phase.lanes.iter().map(|lane| lane_view(language, lane)).collect(),
    }
}

fn lane_view(language: Language, lane: &LaneRecord) -> LaneView {
    let answer = |(class, count): (&model::Class, &u64)| {
        format!("{} {}", words::answer(language, *class), format::count(*count))
    };
    LaneView {
        kind: words::lane(language, lane.kind),
        via: words::via(language, lane.via),
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

fn unknown(language: Language, evidence: &Evidence) -> Vec<Unknown> {
    let lanes = evidence.phases.iter().flat_map(|phase| phase.lanes.iter().map(move |lane| (phase, lane)));
    let messages =
        lanes.flat_map(|(phase, lane)| lane.unknown.iter().map(move |message| (phase, lane, message)));
    let view = |(phase, lane, message): (&PhaseRecord, &LaneRecord, &String)| Unknown {
        phase: words::phase(language, &phase.name),
        lane: format!("{}, {}", words::lane(language, lane.kind), words::via(language, lane.via)),
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

/// A chart and the path of its file.
type Drawn = (String, &'static RunChart);

fn chart_view(language: Language, (path, chart): &Drawn) -> ChartView {
    let (alt, words) = language.pick((chart.title, chart.words), chart.korean);
    ChartView { path: path.clone(), alt, words }
}

/// Draws what the evidence has, each chart into a file of its own.
fn draw(
    issue: &Issue,
    entry: &RunEntry,
    evidence: &Evidence,
    files: &mut Files,
) -> Result<Vec<Drawn>, SiteError> {
    let mut drawn = Vec::new();
    for chart in charts::of_run(evidence) {
        let path = format!("chart/{}.{}.svg", entry.run, chart.name);
        let caption = Caption {
            path: &path,
            title: format!("{} ({})", chart.title, entry.run),
            description: chart.words.into(),
            demonstration: issue.demonstration(),
        };
        if let Some(svg) = (chart.draw)(evidence, &caption)? {
            files.insert(path.clone(), svg);
            drawn.push((path, chart));
        }
    }
    Ok(drawn)
}
