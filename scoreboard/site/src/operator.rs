//! The page of one operator: why each point was lost.

use std::collections::BTreeMap;

use model::publication::RunEntry;
use model::{OperatorId, Part, Points, Score};
use serde::Serialize;

use crate::charts::{self, Caption};
use crate::decided::{self, DecisionView};
use crate::issue::Issue;
use crate::press::{Press, Sheet};
use crate::shell::Language;
use crate::standing::Standing;
use crate::{Files, SiteError, date, format, text, words};

/// How many of the rules with the largest losses stand at the top.
const LARGEST: usize = 5;

#[derive(Serialize)]
struct View {
    id: String,
    name: String,
    control: bool,
    standing: Option<Standing>,
    decision: Option<DecisionView>,
    chart: Option<String>,
    losses: Vec<Loss>,
    runs: Vec<RunLine>,
    tables: Vec<Table>,
    past: Vec<Past>,
}

/// A rule by which points were lost.
#[derive(Serialize)]
struct Loss {
    rule: String,
    trial: String,
    /// The most that one run lost by it.
    worst: String,
    window: u32,
    run: String,
    /// Runs that lost by it.
    runs: usize,
}

#[derive(Serialize)]
struct RunLine {
    name: String,
    window: u32,
    trial: String,
    attempt: u32,
    state: String,
    state_class: &'static str,
    started: String,
    points: String,
}

/// The parts of one run.
#[derive(Serialize)]
struct Table {
    run: String,
    window: u32,
    trial: String,
    state: String,
    state_class: &'static str,
    points: String,
    parts: Vec<PartLine>,
}

#[derive(Serialize)]
struct PartLine {
    rule: String,
    key: String,
    observed: Option<String>,
    points: String,
    of: String,
    lost: Option<String>,
    factors: Vec<String>,
    controls: Vec<String>,
}

/// Where the operator stood in an earlier publication.
#[derive(Serialize)]
struct Past {
    number: u32,
    published: String,
    place: String,
    total: String,
}

/// Writes `operator/ID.html` in every language, and its chart.
pub(crate) fn render(
    issue: &Issue,
    press: &Press,
    id: &OperatorId,
    files: &mut Files,
) -> Result<(), SiteError> {
    let chart = draw(issue, id, files)?;
    let path = format!("operator/{id}.html");
    for language in Language::ALL {
        let view = view(issue, language, id, chart.clone());
        let (title, template) = (view.name.clone(), "operator.html");
        let sheet = Sheet { language, path: &path, template, title, here: "" };
        press.print(issue, &sheet, &view, files)?;
    }
    Ok(())
}

fn view(issue: &Issue, language: Language, id: &OperatorId, chart: Option<String>) -> View {
    let runs = issue.runs_of(id);
    let entry = Issue::entry_in(issue.publication, id);
    View {
        id: id.to_string(),
        name: issue.name(id),
        control: issue.is_control(id),
        standing: entry.map(|entry| Standing::new(issue, language, entry)),
        decision: decision(issue, language, id),
        chart,
        losses: losses(language, &runs),
        runs: runs.iter().map(|entry| run_line(issue, language, entry)).collect(),
        tables: runs.iter().filter_map(|entry| table(issue, language, entry)).collect(),
        past: past(issue, language, id),
    }
}

/// What is decided about the operator at present.
fn decision(issue: &Issue, language: Language, id: &OperatorId) -> Option<DecisionView> {
    let present = decided::present(issue).into_iter().find(|decided| decided.decision.operator == *id)?;
    Some(DecisionView::new(issue, language, &present))
}

/// The rules by which a run lost most, each with its worst run.
fn losses(language: Language, runs: &[&RunEntry]) -> Vec<Loss> {
    let mut by_rule: BTreeMap<(&str, &str), Vec<(Points, &RunEntry)>> = BTreeMap::new();
    for entry in runs.iter().filter(|entry| entry.state.counts()) {
        for part in entry.score.iter().flat_map(|score| &score.parts).filter(|part| part.points < part.of) {
            let rule = (entry.run.trial.as_str(), part.rule.as_str());
            by_rule.entry(rule).or_default().push((part.of - part.points, entry));
        }
    }
    let mut worst: Vec<(Points, Loss)> = by_rule
        .into_iter()
        .filter_map(|((trial, rule), lost)| {
            // Of equal losses the first run is named.
            let (most, entry) = lost.iter().rev().max_by_key(|(points, _)| *points)?;
            Some((
                *most,
                Loss {
                    rule: words::rule(language, rule),
                    trial: trial.to_owned(),
                    worst: format::points(*most),
                    window: entry.run.window,
                    run: entry.run.to_string(),
                    runs: lost.len(),
                },
            ))
        })
        .collect();
    worst.sort_by_key(|(most, _)| -most);
    worst.into_iter().take(LARGEST).map(|(_, loss)| loss).collect()
}

fn run_line(issue: &Issue, language: Language, entry: &RunEntry) -> RunLine {
    let score = entry.score.as_ref().filter(|_| entry.state.counts());
    RunLine {
        name: entry.run.to_string(),
        window: entry.run.window,
        trial: entry.run.trial.to_string(),
        attempt: entry.run.attempt,
        state: words::state(language, entry.state),
        state_class: words::state_class(entry.state),
        started: issue
            .evidence(entry)
            .map_or_else(|| format::NONE.into(), |evidence| date::shown(language, evidence.started_ms)),
        points: format::points_or_none(score.map(|score| score.points)),
    }
}

fn table(issue: &Issue, language: Language, entry: &RunEntry) -> Option<Table> {
    let score = entry.score.as_ref().filter(|_| entry.state.counts())?;
    let controls = issue.controls_beside(&entry.run);
    Some(Table {
        run: entry.run.to_string(),
        window: entry.run.window,
        trial: entry.run.trial.to_string(),
        state: words::state(language, entry.state),
        state_class: words::state_class(entry.state),
        points: format::points(score.points),
        parts: score.parts.iter().map(|part| part_line(language, part, &controls)).collect(),
    })
}

fn part_line(language: Language, part: &Part, controls: &[&RunEntry]) -> PartLine {
    let unit = |part: &Part| words::unit(language, &part.unit);
    let observed = |part: &Part| part.observed.map(|value| format::observed(value, &unit(part)));
    let beside = |entry: &&RunEntry| {
        let theirs = same_rule(entry.score.as_ref()?, &part.rule)?;
        let seen = observed(theirs).unwrap_or_else(|| language.pick("not observed", "관측되지 않음").into());
        Some(format!("{}: {seen}", entry.run.operator))
    };
    PartLine {
        rule: words::rule(language, &part.rule),
        key: text::plain(&part.rule),
        observed: observed(part),
        points: format::points(part.points),
        of: format::points(part.of),
        lost: (part.points < part.of).then(|| format::points(part.of - part.points)),
        factors: part.factors.iter().map(|(name, value)| words::factor(language, name, *value)).collect(),
        controls: controls.iter().filter_map(beside).collect(),
    }
}

fn same_rule<'s>(score: &'s Score, rule: &str) -> Option<&'s Part> {
    score.parts.iter().find(|part| part.rule == rule)
}

fn past(issue: &Issue, language: Language, id: &OperatorId) -> Vec<Past> {
    let stood = |publication: &model::Publication| {
        let rated = Issue::entry_in(publication, id).filter(|entry| entry.status != model::Status::Unrated);
        let place = rated.and_then(|entry| entry.place);
        Past {
            number: publication.number,
            published: date::shown(language, publication.published_ms),
            place: place.map_or_else(|| format::NONE.into(), |place| place.to_string()),
            total: format::points_or_none(rated.and_then(|entry| entry.total)),
        }
    };
    issue.publications.iter().rev().map(stood).collect()
}

fn draw(issue: &Issue, id: &OperatorId, files: &mut Files) -> Result<Option<String>, SiteError> {
    let path = format!("chart/windows.{id}.svg");
    let caption = Caption {
        path: &path,
        title: format!("Points of {id} by window"),
        description: "One mark for each run that counts, by window and trial; rings are the controls.".into(),
        demonstration: issue.demonstration(),
    };
    let svg = charts::windows::draw(issue, id, &caption)?;
    Ok(svg.map(|svg| {
        files.insert(path.clone(), svg);
        path.clone()
    }))
}
