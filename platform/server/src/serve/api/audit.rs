//! `/api/v1/audit`: who did what, for reviewers.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::{Private, Public};
use crate::http::Class;
use crate::http::extract::{Json, Query};
use crate::http::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::serve::app::App;
use crate::serve::fault::Fault;
use crate::serve::who::SignedIn;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only what was done to this, such as `operator spring/alpha`.
    subject: Option<String>,
    /// Only what came before the entry of this number.
    before: Option<u64>,
    /// At most so many entries, 200 if more.
    #[param(minimum = 1)]
    limit: Option<u32>,
}

/// What somebody did.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct Entry {
    /// Its number, from 1.
    number: u64,
    /// When, Unix milliseconds.
    at_ms: u64,
    /// Who.
    actor: String,
    /// What.
    action: String,
    /// On what.
    subject: String,
    /// What else there is to know.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

/// The audit trail
///
/// For reviewers, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "review", params(Asked),
    responses((status = 200, body = Vec<Entry>), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Entry>>, Fault> {
    who.reviewer(&app, Class::Read)?;
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let records = app.store.audit(asked.subject.as_deref(), asked.before, limit).await?;
    let entry = |record: store::AuditRecord| Entry {
        number: record.number,
        at_ms: record.at.as_millis(),
        actor: record.audit.actor,
        action: record.audit.action,
        subject: record.audit.subject,
        detail: serde_json::from_str(&record.audit.detail).unwrap_or_default(),
    };
    Ok(Json(records.into_iter().map(entry).collect()))
}
