//! `/api/v1/seasons/{season}/publications`, `/ranking`, `/evidence`: what is published, byte for byte.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use model::digest::canonical_json;
use model::{Digest, Publication};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::Public;
use crate::http::etag::{IMMUTABLE, REVALIDATE, Tagged};
use crate::http::extract::{Json, Path};
use crate::http::page::PageRequest;
use crate::serve::app::App;
use crate::serve::fault::Fault;

const JSON: &str = "application/json";

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(ranking))
        .routes(routes!(evidence))
}

/// A publication, in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = PublicationEntry)]
struct Entry {
    /// Its number in the season, from 1.
    number: u32,
    /// Digest of its bytes.
    digest: String,
    /// When it was made, Unix milliseconds.
    published_ms: u64,
    /// Windows closed.
    windows: u32,
    /// Whether all windows are closed.
    last: bool,
    /// Decisions in it.
    decisions: usize,
}

/// The publications of a season
///
/// Oldest first. The header `Link` leads to the next page.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/publications", tag = "publication",
    params(("season" = String, Path), ("limit" = Option<u32>, Query, minimum = 1, maximum = 200),
    ("cursor" = Option<String>, Query)), responses((status = 200, body = Vec<Entry>), Public))]
async fn list(
    State(app): State<Arc<App>>,
    Path(season): Path<String>,
    page: PageRequest<u32>,
    uri: Uri,
) -> Result<Response, Fault> {
    let season = app.season(&season).await?;
    let count = app.store.publication_count(&season.id).await?;
    let first = page.after.unwrap_or(0).saturating_add(1);
    let last = count.min(first.saturating_add(page.limit - 1));
    let mut entries = Vec::new();
    for number in first..=last {
        entries.push(entry(&app.store.publication(&season.id, number).await?));
    }
    if last < count && !entries.is_empty() {
        return Ok(([page.next(&uri, &last)], Json(entries)).into_response());
    }
    Ok(Json(entries).into_response())
}

fn entry(publication: &Publication) -> Entry {
    Entry {
        number: publication.number,
        digest: Digest::of(publication).to_string(),
        published_ms: publication.published_ms,
        windows: publication.windows,
        last: publication.last,
        decisions: publication.decisions.len(),
    }
}

/// One publication
///
/// The bytes whose digest the next one names. They never change.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/publications/{number}", tag = "publication",
    params(("season" = String, Path), ("number" = u32, Path, minimum = 1)),
    responses((status = 200, body = Object), (status = 304, description = "As the client has it."), Public))]
async fn one(
    State(app): State<Arc<App>>,
    Path((season, number)): Path<(String, u32)>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let season = app.season(&season).await?;
    let publication = app.store.publication(&season.id, number).await?;
    Ok(Tagged::new(JSON, canonical_json(&publication)).answer(&headers, IMMUTABLE))
}

/// The ranked list
///
/// That of the newest publication.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/ranking", tag = "publication",
    params(("season" = String, Path)),
    responses((status = 200, body = Object), (status = 304, description = "As the client has it."), Public))]
async fn ranking(
    State(app): State<Arc<App>>,
    Path(season): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let publication = newest(&app, &season).await?;
    Ok(Tagged::new(JSON, canonical_json(&publication.ranking)).answer(&headers, REVALIDATE))
}

/// The newest publication of a season.
pub(super) async fn newest(app: &App, season: &str) -> Result<Arc<Publication>, Fault> {
    let season = app.season(season).await?;
    let none = || Fault::NotFound(format!("publication of season {} yet", season.id));
    app.latest(&season.id).await?.ok_or_else(none)
}

/// Evidence of a published run
///
/// By its digest, which is the SHA-256 of the bytes.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/evidence/{digest}", tag = "publication",
    params(("season" = String, Path), ("digest" = String, Path)),
    responses((status = 200, body = Object), (status = 304, description = "As the client has it."), Public))]
async fn evidence(
    State(app): State<Arc<App>>,
    Path((season, digest)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let missing = || Fault::NotFound("published evidence of this digest".into());
    let digest: Digest = digest.parse().map_err(|_| missing())?;
    let publication = newest(&app, &season).await?;
    if publication.runs.values().all(|run| run.evidence != digest) {
        return Err(missing());
    }
    Ok(Tagged::new(JSON, app.store.read_evidence(&digest).await?).answer(&headers, IMMUTABLE))
}
