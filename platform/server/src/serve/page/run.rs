//! Runs: a table of an operator's, and one of them part by part with the controls beside it.

use axum::response::Response;
use model::{OperatorId, Part, Score};
use serde_json::{Value, json};
use site::explain;
use site::shell::Language;
use store::SeasonRecord;

use super::season::{called, head};
use super::visit::{Answer, Visit};
use super::words;
use crate::http::Class;
use crate::http::extract::Path;
use crate::serve::fault::Fault;
use crate::serve::operator;
use crate::serve::runs::{Compared, Progress, Run, compared};

/// A line of the table; `above` is the address of the page that it stands on, without the language.
pub(super) fn row(language: Language, run: &Run, above: &str) -> Value {
    let (state, class) = words::progress(language, &run.progress);
    let (points, published) = match &run.progress {
        Progress::Ended { score, published, .. } => {
            (score.as_ref().map(|score| explain::points(score.points)), Some(*published))
        }
        Progress::Queued | Progress::Running => (None, None),
    };
    json!({
        "name": run.key.to_string(),
        "href": published.map(|_| format!("/{language}/{above}/runs/{}", run.key)),
        "window": run.key.window,
        "trial": run.key.trial,
        "attempt": run.key.attempt,
        "state": state,
        "class": class,
        "points": points,
        "published": published,
    })
}

/// A run, as its own operator sees it.
pub(super) async fn own(visit: Visit, Path((season, name)): Path<(String, String)>) -> Response {
    let answer = async {
        let (who, record) = (visit.reader()?, visit.app.season(&season).await?);
        let own = operator::own(&visit.app, &record, who).await?;
        let above = format!("seasons/{}/operator", record.id);
        page(&visit, &record, &own.operator.id, &own.operator.name, &name, &above).await
    };
    visit.answer(answer.await)
}

/// A run, as reviewers see it.
pub(super) async fn reviewed(
    visit: Visit,
    Path((season, operator, name)): Path<(String, String, String)>,
) -> Response {
    let answer = async {
        visit.reviewer(Class::Read)?;
        let record = visit.app.season(&season).await?;
        let missing = |_| Fault::NotFound(format!("operator of this name in season {}", record.id));
        let id: OperatorId = operator.parse().map_err(missing)?;
        let operator = visit.app.store.operator(&record.id, &id).await?;
        let above = format!("seasons/{}/review/{id}", record.id);
        page(&visit, &record, &id, &operator.name, &name, &above).await
    };
    visit.answer(answer.await)
}

async fn page(
    visit: &Visit,
    record: &SeasonRecord,
    operator: &OperatorId,
    called_so: &str,
    name: &str,
    above: &str,
) -> Answer {
    let language = visit.language;
    let Compared { run, controls } = compared(&visit.app, record, operator, name).await?;
    let (attribution, score) = match &run.progress {
        Progress::Ended { state, score, .. } => {
            (Some(explain::attribution(language, *state)), score.as_ref())
        }
        Progress::Queued | Progress::Running => (None, None),
    };
    let parts = score.map(|score| score.parts.iter().map(|part| part_view(language, part, &controls)));
    let view = json!({
        "season": head(language, record),
        "operator": called_so,
        "above": visit.to(above),
        "run": row(language, &run, above),
        "attribution": attribution,
        "parts": parts.map(Iterator::collect::<Vec<_>>).unwrap_or_default(),
        "controls": controls.iter().map(|(name, score)| {
            json!({ "name": name, "points": explain::points(score.points) })
        }).collect::<Vec<_>>(),
    });
    Ok(visit.page("run", &format!("{} · {}", run.key, called(record)), &view))
}

fn part_view(language: Language, part: &Part, controls: &[(String, Score)]) -> Value {
    let beside = controls.iter().filter_map(|(name, score)| {
        let same = score.parts.iter().find(|other| other.rule == part.rule)?;
        Some(json!({
            "name": name,
            "observed": observed(language, same),
            "points": explain::points(same.points),
        }))
    });
    json!({
        "rule": explain::rule(language, &part.rule),
        "key": part.rule,
        "observed": observed(language, part),
        "points": explain::points(part.points),
        "of": explain::points(part.of),
        "lost": (part.points < part.of).then(|| explain::points(part.of - part.points)),
        "factors": part.factors.iter().map(|(name, value)| explain::factor(language, name, *value))
            .collect::<Vec<_>>(),
        "controls": beside.collect::<Vec<_>>(),
    })
}

fn observed(language: Language, part: &Part) -> Option<String> {
    part.observed.map(|value| explain::observed(language, value, &part.unit))
}
