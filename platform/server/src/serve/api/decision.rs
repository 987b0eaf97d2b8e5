//! `/api/v1/seasons/{season}/decisions`: what reviewers decide.

use std::sync::Arc;

use axum::extract::State;
use model::Verdict;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::operator::operator_id;
use super::refusal::{Change, Private, Public};
use crate::http::Class;
use crate::http::extract::{Json, Path};
use crate::serve::app::App;
use crate::serve::decision::{Wanted, all, decide};
use crate::serve::fault::Fault;
use crate::serve::who::SignedIn;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, add))
}

/// What is to become of an operator.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum VerdictWord {
    /// Gets a seat.
    Admit,
    /// Gets a seat if one falls free.
    Waitlist,
    /// Gets none in this season.
    Reject,
}

/// A decision as a reviewer makes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    /// About whom.
    operator: String,
    /// What is to become of them.
    verdict: VerdictWord,
    /// Why, for everybody to read: 1 to 2000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// Number of the publication that was looked at.
    #[schema(minimum = 1)]
    publication: u32,
    /// Number of the decision about the same operator that this one replaces.
    #[schema(minimum = 1)]
    replaces: Option<u32>,
}

/// A decision.
#[derive(Serialize, ToSchema)]
pub(super) struct Decision {
    /// Its number in the season, from 1.
    number: u32,
    /// About whom.
    operator: String,
    /// admit, waitlist or reject.
    verdict: String,
    /// Why.
    reason: String,
    /// Number of the publication it was made on.
    publication: u32,
    /// Digest of that publication.
    digest: String,
    /// Who decided, by name.
    reviewer: String,
    /// When, Unix milliseconds.
    decided_ms: u64,
    /// Number of the decision that it replaces.
    replaces: Option<u32>,
}

impl From<model::Decision> for Decision {
    fn from(decision: model::Decision) -> Self {
        Self {
            number: decision.number,
            operator: decision.operator.to_string(),
            verdict: decision.verdict.to_string(),
            reason: decision.reason,
            publication: decision.publication,
            digest: decision.digest.to_string(),
            reviewer: decision.reviewer,
            decided_ms: decision.decided_ms,
            replaces: decision.replaces,
        }
    }
}

/// All decisions
///
/// For reviewers: those that are not published yet too, oldest first.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/decisions", tag = "review",
    params(("season" = String, Path)), responses((status = 200, body = Vec<Decision>), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
) -> Result<Json<Vec<Decision>>, Fault> {
    who.reviewer(&app, Class::Read)?;
    let decisions = all(&app, &app.season(&season).await?).await?;
    Ok(Json(decisions.into_iter().map(Into::into).collect()))
}

/// Decide
///
/// For reviewers, on a publication, with a public reason. It goes into the next publication and is never
/// changed: a correction names the decision that it replaces.
#[utoipa::path(post, path = "/api/v1/seasons/{season}/decisions", tag = "review",
    params(("season" = String, Path)), request_body = DecisionBody,
    responses((status = 201, body = Decision), Public, Private, Change),
    security(("token" = []), ("session" = [])))]
async fn add(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
    Json(body): Json<DecisionBody>,
) -> Result<(axum::http::StatusCode, Json<Decision>), Fault> {
    let reviewer = who.reviewer(&app, Class::Write)?;
    let season = app.season(&season).await?;
    let wanted = Wanted {
        operator: operator_id(&body.operator)?,
        verdict: match body.verdict {
            VerdictWord::Admit => Verdict::Admit,
            VerdictWord::Waitlist => Verdict::Waitlist,
            VerdictWord::Reject => Verdict::Reject,
        },
        reason: body.reason,
        publication: body.publication,
        replaces: body.replaces,
    };
    let decision = decide(&app, &season, &who, reviewer, &wanted).await?;
    Ok((axum::http::StatusCode::CREATED, Json(decision.into())))
}
