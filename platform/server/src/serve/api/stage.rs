//! `/api/v1/seasons/{season}/stage`: a season moved by reviewers.

use std::sync::Arc;

use axum::extract::State;
use model::Stage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::{Change, Private, Public};
use crate::http::Class;
use crate::http::extract::{Json, Path};
use crate::serve::app::App;
use crate::serve::fault::Fault;
use crate::serve::stage::{advance, next};
use crate::serve::who::SignedIn;

/// The route's template.
pub(super) const ROUTE: &str = "/api/v1/seasons/{season}/stage";

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(change))
}

/// A stage that a season may be moved to.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StageWord {
    /// Out of a suspension of an open season.
    Open,
    /// Frozen with everybody verified, and measured.
    Trials,
    /// Out of a suspension.
    Review,
    /// What was decided is published; again, for what was corrected since.
    Published,
    /// Kept to be read.
    Archived,
    /// All clocks stand still.
    Suspended,
}

/// Where to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StageBody {
    /// The stage.
    to: StageWord,
}

/// Where a season is.
#[derive(Serialize, ToSchema)]
struct Now {
    /// Its stage.
    stage: String,
    /// Stages that a reviewer may move it to from here.
    next: Vec<String>,
}

/// Move the season
///
/// For reviewers. Trials end by themselves, in review.
#[utoipa::path(post, path = "/api/v1/seasons/{season}/stage", tag = "review",
    params(("season" = String, Path)), request_body = StageBody,
    responses((status = 200, body = Now), Public, Private, Change),
    security(("token" = []), ("session" = [])))]
async fn change(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
    Json(body): Json<StageBody>,
) -> Result<Json<Now>, Fault> {
    who.reviewer(&app, Class::Write)?;
    let to = match body.to {
        StageWord::Open => Stage::Open,
        StageWord::Trials => Stage::Trials,
        StageWord::Review => Stage::Review,
        StageWord::Published => Stage::Published,
        StageWord::Archived => Stage::Archived,
        StageWord::Suspended => Stage::Suspended,
    };
    advance(&app, &app.season(&season).await?, &who, to).await?;
    let season = app.season(&season).await?;
    let next = next(&season).into_iter().map(|stage| stage.to_string()).collect();
    Ok(Json(Now { stage: season.stage.to_string(), next }))
}
