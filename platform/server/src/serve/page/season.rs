//! A season: how far it is, what it measures, and what a visitor can do next.

use axum::response::Response;
use model::{Network, SeasonId, Stage, Trial};
use serde_json::{Value, json};
use site::explain;
use site::shell::Language;
use store::SeasonRecord;

use super::visit::{Answer, Visit};
use super::words;
use super::words::next::{Part, next};
use crate::http::extract::Path;
use crate::serve::fault::Fault;
use crate::serve::service::declared;

/// What a season is, frozen or not.
pub(super) struct Plan {
    name: String,
    pub(super) network: Network,
    windows: u32,
    seats: u32,
    attempts: u32,
    pub(super) trials: Vec<Trial>,
}

/// The plan of a season: as frozen, else as declared.
///
/// # Errors
/// When it is neither.
pub(super) fn plan(record: &SeasonRecord) -> Result<Plan, Fault> {
    if let Some(frozen) = &record.frozen {
        let season = frozen.season.clone();
        let (windows, seats, attempts) = (season.windows, season.seats, season.attempts);
        let (name, network, trials) = (season.name, season.network, season.trials);
        return Ok(Plan { name, network, windows, seats, attempts, trials });
    }
    let plan = declared(record)?;
    let (windows, seats, attempts) = (plan.windows, plan.seats, plan.attempts);
    Ok(Plan { name: plan.name, network: plan.network, windows, seats, attempts, trials: plan.trials })
}

/// What a season is called on pages.
pub(super) fn called(record: &SeasonRecord) -> String {
    plan(record).map_or_else(|_| record.id.to_string(), |plan| plan.name)
}

/// The head of each page of a season.
pub(super) fn head(language: Language, record: &SeasonRecord) -> Value {
    json!({
        "id": record.id,
        "name": called(record),
        "stage": words::stage(language, record.stage),
        "now": words::stage_now(language, record.stage),
        "resumes": record.resumes.map(|stage| words::stage(language, stage)),
    })
}

/// Where what is published of a season stands; nothing before the first time.
pub(super) async fn published(visit: &Visit, id: &SeasonId) -> Result<Option<Value>, Fault> {
    let Some(latest) = visit.app.latest(id).await? else { return Ok(None) };
    let site = format!("/seasons/{id}/site/{}", visit.language.pick("", "ko/"));
    Ok(Some(json!({
        "number": latest.number,
        "last": latest.last,
        "when": explain::instant(visit.language, latest.published_ms),
        "iso": explain::machine_instant(latest.published_ms),
        "list": format!("{site}index.html"),
        "operators": format!("{site}operator/"),
        "admission": format!("{site}admission.html"),
        "csv": format!("/seasons/{id}/site/admission.csv"),
        "json": format!("/seasons/{id}/site/admission.json"),
        "bundle": format!("/seasons/{id}/bundle.tar"),
        "key": format!("/seasons/{id}/signer.vkey"),
    })))
}

/// How whoever visits stands to a season.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn part(visit: &Visit, record: &SeasonRecord) -> Result<Part, Fault> {
    let Some(who) = visit.who() else { return Ok(Part::Stranger) };
    let operator = visit.app.store.operator_of(&record.id, &who.account).await?;
    Ok(operator.map_or(Part::Visitor, |operator| Part::Operator(operator.standing)))
}

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Response {
    visit.answer(page(&visit, &id).await)
}

async fn page(visit: &Visit, id: &str) -> Answer {
    let (language, record) = (visit.language, visit.app.season(id).await?);
    let (plan, part) = (plan(&record)?, part(visit, &record).await?);
    // Strangers may apply too: the page of operators leads to sign-in and back.
    let takes_part = matches!(part, Part::Operator(_)) || record.stage == Stage::Open;
    let view = json!({
        "season": head(language, &record),
        "network": plan.network,
        "windows": plan.windows,
        "seats": plan.seats,
        "attempts": plan.attempts,
        "trials": plan.trials.iter().map(|trial| trial_view(language, trial)).collect::<Vec<_>>(),
        "published": published(visit, &record.id).await?,
        "next": next(language, &record, part),
        "takes_part": takes_part,
        "reviewer": visit.is_reviewer(),
    });
    Ok(visit.page("season", &plan.name, &view))
}

fn trial_view(language: Language, trial: &Trial) -> Value {
    json!({
        "id": trial.id,
        "challenge": words::challenge(language, trial.parameters.challenge()),
        "path": words::path(language, trial.path),
        "schedule": words::schedule(language, trial.schedule),
        "weight": trial.weight,
    })
}
