//! `/api/v1/seasons/{season}/admission`: what was decided, as it is published.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use model::{Decision, OperatorId, Publication};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::publication::newest;
use super::refusal::Public;
use crate::http::etag::{REVALIDATE, Tagged};
use crate::http::extract::Path;
use crate::serve::app::App;
use crate::serve::fault::Fault;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(json)).routes(routes!(csv))
}

/// What stands decided about one operator.
#[derive(Serialize, ToSchema)]
struct Admission {
    /// Who.
    operator: String,
    /// Its name.
    name: String,
    /// admit, waitlist or reject.
    verdict: String,
    /// Why.
    reason: String,
    /// Who decided.
    reviewer: String,
    /// On which publication.
    publication: u32,
    /// Its digest.
    digest: String,
    /// When, Unix milliseconds.
    decided_ms: u64,
}

/// The admission list
///
/// The decision that stands on each operator, in the newest publication.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/admission", tag = "publication",
    params(("season" = String, Path)), responses((status = 200, body = Vec<Admission>),
    (status = 304, description = "As the client has it."), Public))]
async fn json(
    State(app): State<Arc<App>>,
    Path(season): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let bytes = serde_json::to_vec(&list(&app, &season).await?).map_err(Fault::internal)?;
    Ok(Tagged::new("application/json", bytes).answer(&headers, REVALIDATE))
}

/// The admission list as CSV
#[utoipa::path(get, path = "/api/v1/seasons/{season}/admission.csv", tag = "publication",
    params(("season" = String, Path)), responses((status = 200, body = String, content_type = "text/csv"),
    (status = 304, description = "As the client has it."), Public))]
async fn csv(
    State(app): State<Arc<App>>,
    Path(season): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let mut text = String::from("operator,name,verdict,reason,reviewer,publication,digest,decided_ms\r\n");
    for one in list(&app, &season).await? {
        let (publication, decided) = (one.publication.to_string(), one.decided_ms.to_string());
        let cells = [&one.operator, &one.name, &one.verdict, &one.reason, &one.reviewer, &publication];
        let cells = cells.into_iter().chain([&one.digest, &decided]);
        text.push_str(&cells.map(|cell| self::cell(cell)).collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    Ok(Tagged::new("text/csv; charset=utf-8", text).answer(&headers, REVALIDATE))
}

/// A cell (RFC 4180) that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

async fn list(app: &App, season: &str) -> Result<Vec<Admission>, Fault> {
    let record = app.season(season).await?;
    let publication = newest(app, season).await?;
    let name = |id: &OperatorId| {
        let known = record.frozen.as_ref().and_then(|frozen| frozen.season.operator(id));
        known.map_or_else(|| id.to_string(), |operator| operator.name.clone())
    };
    let listed = standing(&publication).into_values().map(|decision| Admission {
        operator: decision.operator.to_string(),
        name: name(&decision.operator),
        verdict: decision.verdict.to_string(),
        reason: decision.reason.clone(),
        reviewer: decision.reviewer.clone(),
        publication: decision.publication,
        digest: decision.digest.to_string(),
        decided_ms: decision.decided_ms,
    });
    Ok(listed.collect())
}

/// The last decision on each operator: each but the first replaces the one before.
fn standing(publication: &Publication) -> BTreeMap<&OperatorId, &Decision> {
    publication.decisions.iter().map(|decision| (&decision.operator, decision)).collect()
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"] {
            assert!(cell(text).starts_with("\"'"), "{text:?}");
        }
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
    }
}
