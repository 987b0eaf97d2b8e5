//! `/api/v1/seasons`: the seasons, as far as everybody may know.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use model::SeasonId;
use serde::Serialize;
use store::{SeasonRecord, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::Public;
use crate::http::etag::{REVALIDATE, Tagged};
use crate::http::extract::{Json, Path};
use crate::http::page::PageRequest;
use crate::serve::app::App;
use crate::serve::fault::{Fault, path_word};
use crate::serve::service::declared;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// A season.
#[derive(Serialize, ToSchema)]
pub(super) struct Season {
    /// Its identifier in addresses.
    id: String,
    /// Its name.
    name: String,
    /// How far it is: open, trials, review, published, archived, suspended.
    stage: String,
    /// The chain that it runs on.
    network: Network,
    /// What is measured.
    trials: Vec<Trial>,
    /// Windows in which everybody is measured.
    windows: u32,
    /// Seats to be filled.
    seats: u32,
    /// Digest of the rulebook.
    rulebook: String,
    /// Digest of the season as frozen; none before its trials.
    frozen: Option<String>,
    /// Commitment to the seed, which the last publication reveals; none before the trials.
    seed_commitment: Option<String>,
    /// How many publications there are.
    publications: u32,
}

/// A chain.
#[derive(Serialize, ToSchema)]
struct Network {
    /// Chain family.
    family: String,
    /// Chain id.
    chain_id: u64,
    /// Hash of block 0.
    genesis: String,
    /// Rises when the network is reset.
    incarnation: u32,
}

/// What is measured.
#[derive(Serialize, ToSchema)]
struct Trial {
    /// Its identifier.
    id: String,
    /// The kind of task.
    challenge: String,
    /// How load reaches a node: direct, fronted.
    path: String,
    /// Its weight in the total.
    weight: u32,
}

impl Season {
    async fn of(app: &App, record: &SeasonRecord) -> Result<Self, Fault> {
        let plan = declared(record)?;
        let frozen = record.frozen.as_ref();
        let network = frozen.map_or(&plan.network, |frozen| &frozen.season.network);
        let trials = frozen.map_or(&plan.trials, |frozen| &frozen.season.trials);
        Ok(Self {
            id: record.id.to_string(),
            name: frozen.map_or(&plan.name, |frozen| &frozen.season.name).clone(),
            stage: record.stage.to_string(),
            network: Network {
                family: network.family.clone(),
                chain_id: network.chain_id,
                genesis: network.genesis.clone(),
                incarnation: network.incarnation,
            },
            trials: trials
                .iter()
                .map(|trial| Trial {
                    id: trial.id.to_string(),
                    challenge: trial.parameters.challenge().to_string(),
                    path: path_word(trial.path).to_owned(),
                    weight: trial.weight,
                })
                .collect(),
            windows: frozen.map_or(plan.windows, |frozen| frozen.season.windows),
            seats: frozen.map_or(plan.seats, |frozen| frozen.season.seats),
            rulebook: plan.book.digest().to_string(),
            frozen: frozen.map(|frozen| frozen.digest.to_string()),
            seed_commitment: frozen.map(|frozen| frozen.season.seed_commitment.to_string()),
            publications: app.store.publication_count(&record.id).await?,
        })
    }
}

/// All seasons
///
/// Oldest first. The header `Link` leads to the next page.
#[utoipa::path(get, path = "/api/v1/seasons", tag = "season",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Vec<Season>), Public))]
async fn list(
    State(app): State<Arc<App>>,
    page: PageRequest<(u64, SeasonId)>,
    uri: Uri,
) -> Result<Response, Fault> {
    let after = page.after.as_ref().map(|(ms, id)| (UnixMs::from_millis(*ms), id));
    let all = app.store.seasons().await?;
    let rest: Vec<_> = all.iter().filter(|one| after.is_none_or(|it| (one.created, &one.id) > it)).collect();
    let shown = &rest[..rest.len().min(page.limit as usize)];
    let mut seasons = Vec::new();
    for record in shown {
        seasons.push(Season::of(&app, record).await?);
    }
    match shown.last().filter(|_| shown.len() < rest.len()) {
        Some(last) => {
            let next = page.next(&uri, &(last.created.as_millis(), last.id.clone()));
            Ok(([next], Json(seasons)).into_response())
        }
        None => Ok(Json(seasons).into_response()),
    }
}

/// One season
#[utoipa::path(get, path = "/api/v1/seasons/{season}", tag = "season",
    params(("season" = String, Path)), responses((status = 200, body = Season),
    (status = 304, description = "As the client has it."), Public))]
async fn one(
    State(app): State<Arc<App>>,
    Path(season): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let season = Season::of(&app, &app.season(&season).await?).await?;
    let bytes = serde_json::to_vec(&season).map_err(Fault::internal)?;
    Ok(Tagged::new("application/json", bytes).answer(&headers, REVALIDATE))
}
