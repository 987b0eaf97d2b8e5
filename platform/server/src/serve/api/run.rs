//! `.../operator/runs` and `.../operators/{operator}/runs`: runs part by part, with the controls beside.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use model::Score;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::operator::operator_id;
use super::refusal::{Private, Public};
use crate::account::token::Scope;
use crate::http::Class;
use crate::http::extract::{Json, Path};
use crate::http::page::PageRequest;
use crate::serve::app::App;
use crate::serve::fault::Fault;
use crate::serve::operator::own;
use crate::serve::runs::{self, Progress, compared};
use crate::serve::who::SignedIn;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(mine))
        .routes(routes!(one_of_mine))
        .routes(routes!(of_operator))
        .routes(routes!(one_of_operator))
}

/// A run.
#[derive(Serialize, ToSchema)]
struct Run {
    /// Its name.
    name: String,
    /// Window, from 1.
    window: u32,
    /// Trial.
    trial: String,
    /// Attempt, from 1.
    attempt: u32,
    /// queued, running, measured, cut (why), void (whose).
    state: String,
    /// Whether its window is published.
    published: bool,
    /// What it earned, thousandths of a point; none when it is void or not ended.
    points: Option<i64>,
}

/// A run part by part, with each control of its window and trial.
#[derive(Serialize, ToSchema)]
struct Detail {
    /// The run.
    run: Run,
    /// What each point was earned or lost by.
    parts: Vec<Part>,
    /// The same of each control.
    controls: Vec<Control>,
}

/// One explained contribution to a score.
#[derive(Serialize, ToSchema)]
struct Part {
    /// Rule of the rulebook.
    rule: String,
    /// What was seen; none when it was not observed, which earns the floor.
    observed: Option<i64>,
    /// Unit of `observed`.
    unit: String,
    /// Points earned, thousandths.
    points: i64,
    /// Points that full marks would be, thousandths.
    of: i64,
    /// Digest of the evidence.
    evidence: String,
}

/// A control beside a run.
#[derive(Serialize, ToSchema)]
struct Control {
    /// Its name.
    name: String,
    /// What it earned, thousandths of a point.
    points: i64,
    /// By what.
    parts: Vec<Part>,
}

fn shown(run: &runs::Run) -> Run {
    let (state, published, points) = match &run.progress {
        Progress::Queued => ("queued".to_owned(), false, None),
        Progress::Running => ("running".to_owned(), false, None),
        Progress::Ended { state, score, published } => {
            (state.to_string(), *published, score.as_ref().map(|score| score.points))
        }
    };
    Run {
        name: run.key.to_string(),
        window: run.key.window,
        trial: run.key.trial.to_string(),
        attempt: run.key.attempt,
        state,
        published,
        points,
    }
}

fn parts(score: &Score) -> Vec<Part> {
    let part = |part: &model::Part| Part {
        rule: part.rule.clone(),
        observed: part.observed,
        unit: part.unit.clone(),
        points: part.points,
        of: part.of,
        evidence: part.evidence.to_string(),
    };
    score.parts.iter().map(part).collect()
}

fn detail(found: runs::Compared) -> Json<Detail> {
    let own = match &found.run.progress {
        Progress::Ended { score: Some(score), .. } => parts(score),
        _ => Vec::new(),
    };
    let controls = found.controls.iter().map(|(name, score)| Control {
        name: name.clone(),
        points: score.points,
        parts: parts(score),
    });
    Json(Detail { run: shown(&found.run), parts: own, controls: controls.collect() })
}

/// Runs in pages: a cursor is how many were shown before.
fn paged(all: &[runs::Run], page: &PageRequest<u32>, uri: &Uri) -> Response {
    let begin = (page.after.unwrap_or(0) as usize).min(all.len());
    let end = begin.saturating_add(page.limit as usize).min(all.len());
    let runs = Json(all[begin..end].iter().map(shown).collect::<Vec<_>>());
    match u32::try_from(end).ok().filter(|_| end < all.len()) {
        Some(end) => ([page.next(uri, &end)], runs).into_response(),
        None => runs.into_response(),
    }
}

/// My runs
///
/// Those that are not published yet too. The header `Link` leads to the next page.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/operator/runs", tag = "operator",
    params(("season" = String, Path), ("limit" = Option<u32>, Query, minimum = 1, maximum = 200),
    ("cursor" = Option<String>, Query)), responses((status = 200, body = Vec<Run>), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn mine(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
    page: PageRequest<u32>,
    uri: Uri,
) -> Result<Response, Fault> {
    who.may(&app, Scope::Read, Class::Read)?;
    let season = app.season(&season).await?;
    let operator = own(&app, &season, &who).await?.operator.id;
    Ok(paged(&runs::of(&app, &season, &operator).await?, &page, &uri))
}

/// One of my runs, part by part
#[utoipa::path(get, path = "/api/v1/seasons/{season}/operator/runs/{run}", tag = "operator",
    params(("season" = String, Path), ("run" = String, Path)),
    responses((status = 200, body = Detail), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn one_of_mine(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((season, run)): Path<(String, String)>,
) -> Result<Json<Detail>, Fault> {
    who.may(&app, Scope::Read, Class::Read)?;
    let season = app.season(&season).await?;
    let operator = own(&app, &season, &who).await?.operator.id;
    Ok(detail(compared(&app, &season, &operator, &run).await?))
}

/// An operator's runs
///
/// For reviewers. The header `Link` leads to the next page.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/operators/{operator}/runs", tag = "review",
    params(("season" = String, Path), ("operator" = String, Path),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Vec<Run>), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn of_operator(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((season, operator)): Path<(String, String)>,
    page: PageRequest<u32>,
    uri: Uri,
) -> Result<Response, Fault> {
    who.reviewer(&app, Class::Read)?;
    let season = app.season(&season).await?;
    let operator = app.store.operator(&season.id, &operator_id(&operator)?).await?.id;
    Ok(paged(&runs::of(&app, &season, &operator).await?, &page, &uri))
}

/// One run of an operator, part by part
///
/// For reviewers.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/operators/{operator}/runs/{run}", tag = "review",
    params(("season" = String, Path), ("operator" = String, Path), ("run" = String, Path)),
    responses((status = 200, body = Detail), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn one_of_operator(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((season, operator, run)): Path<(String, String, String)>,
) -> Result<Json<Detail>, Fault> {
    who.reviewer(&app, Class::Read)?;
    let season = app.season(&season).await?;
    Ok(detail(compared(&app, &season, &operator_id(&operator)?, &run).await?))
}
