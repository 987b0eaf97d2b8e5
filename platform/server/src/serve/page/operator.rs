//! An operator's page in a season: who it is, its node, its runs, and the way out.

use axum::response::Response;
use model::trial::Path as LoadPath;
use model::{Stage, Standing};
use serde_json::json;
use site::explain;
use store::SeasonRecord;

use super::form::{FaultView, Form, Tried, values};
use super::run::row;
use super::season::{Plan, called, head, plan, published};
use super::visit::{Answer, Visit};
use super::words;
use super::words::fault::Said;
use super::words::next::{Part, next};
use crate::http::extract::Path;
use crate::serve::fault::{Fault, Field, FieldFault, path_word};
use crate::serve::operator::{self, Declaration, Own, Profile};
use crate::serve::who::SignedIn;
use crate::serve::{runs, validator};

const PATHS: [LoadPath; 2] = [LoadPath::Direct, LoadPath::Fronted];

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Response {
    visit.answer(page(&visit, &id, None).await)
}

pub(super) async fn profile(visit: Visit, Path(id): Path<String>, given: Form) -> Response {
    let applied = async {
        let (who, season) = (visit.actor()?, visit.app.season(&id).await?);
        let profile = Profile {
            id: given.get("id").to_owned(),
            name: given.get("name").to_owned(),
            contact: Some(given.get("contact").to_owned()),
        };
        operator::apply(&visit.app, &season, who, &profile).await
    };
    let tried = applied.await.map(drop);
    finish(&visit, &id, "profile", given, tried).await
}

pub(super) async fn node(visit: Visit, Path(id): Path<String>, given: Form) -> Response {
    let declared = async {
        let (who, season) = (visit.actor()?, visit.app.season(&id).await?);
        let path = PATHS.into_iter().find(|path| path_word(*path) == given.get("path"));
        let none = || Fault::field(Field::Path, FieldFault::NoneOf("direct, fronted"));
        let declaration = Declaration {
            rpc: given.get("rpc").to_owned(),
            path: path.ok_or_else(none)?,
            region: Some(given.get("region").to_owned()),
            client: Some(given.get("client").to_owned()),
            validator: Some(given.get("validator").to_owned()),
            validator_proof: Some(given.get("validator_proof").to_owned()),
        };
        operator::declare(&visit.app, &season, who, &declaration).await
    };
    let tried = declared.await.map(drop);
    finish(&visit, &id, "node", given, tried).await
}

pub(super) async fn withdrawal(visit: Visit, Path(id): Path<String>, given: Form) -> Response {
    if given.get("confirm").is_empty() {
        let said = Said::unconfirmed(visit.language);
        return visit.answer(page(&visit, &id, Some(Tried { form: "withdrawal", given, said })).await);
    }
    let left = async {
        let (who, season) = (visit.actor()?, visit.app.season(&id).await?);
        operator::withdraw(&visit.app, &season, who).await
    };
    let tried = left.await.map(drop);
    finish(&visit, &id, "withdrawal", given, tried).await
}

/// Back to the page; with the form as it was filled in when it does not do.
async fn finish(
    visit: &Visit,
    id: &str,
    form: &'static str,
    given: Form,
    tried: Result<(), Fault>,
) -> Response {
    match tried {
        Ok(()) => visit.done(&format!("seasons/{id}/operator")),
        Err(fault @ Fault::NotSignedIn(_)) => visit.answer(Err(fault)),
        Err(fault) => {
            let said = Said::of(visit.language, fault);
            visit.answer(page(visit, id, Some(Tried { form, given, said })).await)
        }
    }
}

async fn page(visit: &Visit, id: &str, tried: Option<Tried>) -> Answer {
    let (language, who, record) = (visit.language, visit.reader()?, visit.app.season(id).await?);
    let own = match operator::own(&visit.app, &record, who).await {
        Ok(own) => Some(own),
        Err(Fault::NotApplied(_)) => None,
        Err(fault) => return Err(fault),
    };
    let mut rows = Vec::new();
    if let Some(own) = &own {
        for run in runs::of(&visit.app, &record, &own.operator.id).await? {
            rows.push(row(language, &run, &format!("seasons/{}/operator", record.id)));
        }
    }
    let part = own.as_ref().map_or(Part::Visitor, |own| Part::Operator(own.operator.standing));
    let standing = own.as_ref().map(|own| own.operator.standing);
    let view = json!({
        "season": head(language, &record),
        "own": own.as_ref().map(|own| json!({ "id": own.operator.id, "name": own.operator.name })),
        "standing": standing.map(|standing| words::standing(language, standing)),
        "next": next(language, &record, part),
        "applies": record.stage == Stage::Open && !matches!(standing, Some(Standing::Barred)),
        "again": standing == Some(Standing::Withdrawn),
        "declares": record.stage == Stage::Open
            && matches!(standing, Some(Standing::Applied | Standing::Verified)),
        "leave": words::leave(language, record.stage),
        "may_leave": may_leave(&record, own.as_ref()),
        "paths": paths(visit, &record)?,
        "proof_command": proof_command(&record, who)?,
        "profile": values(tried.as_ref(), "profile", profile_form(own.as_ref())),
        "node": values(tried.as_ref(), "node", node_form(own.as_ref())),
        "declared_rpc": own.as_ref().and_then(|own| own.node.as_ref()).map(|record| &record.node.rpc),
        "validator": own.as_ref().and_then(|own| own.node.as_ref()).and_then(|record| {
            let validator = &record.node.claim.as_ref()?.validator;
            Some(json!({ "name": validator, "seat": words::seat(language, record.seat) }))
        }),
        "declared": own.as_ref().and_then(|own| own.node.as_ref()).map(|node| {
            explain::instant(language, node.declared.as_millis())
        }),
        "runs": rows,
        "applied": own.is_some(),
        "measured": own.is_some() && record.stage == Stage::Trials,
        "published": published(visit, &record.id).await?,
        "fault": FaultView::of(tried.as_ref()),
    });
    let name = called(&record);
    Ok(match tried {
        None => visit.page("operator", &name, &view),
        Some(tried) => visit.refused("operator", &name, tried.said, &view),
    })
}

/// The paths that the season measures on, else all: what cannot be is told by the act.
fn paths(visit: &Visit, record: &SeasonRecord) -> Result<Vec<serde_json::Value>, Fault> {
    let trials = plan(record)?.trials;
    let taken = PATHS.into_iter().filter(|path| trials.iter().any(|trial| trial.path == *path));
    let view = |path| json!({ "value": path_word(path), "words": words::path(visit.language, path) });
    Ok(taken.map(view).collect())
}

/// How the validator's claim is signed; nothing where no trial is about validators.
fn proof_command(record: &SeasonRecord, who: &SignedIn) -> Result<Option<String>, Fault> {
    let Plan { network, trials, .. } = plan(record)?;
    let command = || validator::command(&network.family, &network.genesis, &record.id, &who.account);
    Ok(validator::is_needed(&trials).then(command))
}

fn may_leave(record: &SeasonRecord, own: Option<&Own>) -> bool {
    let stage = matches!(record.stage, Stage::Open | Stage::Trials | Stage::Review | Stage::Suspended);
    stage && own.is_some_and(|own| own.operator.standing.may_become(Standing::Withdrawn))
}

fn profile_form(own: Option<&Own>) -> Form {
    let operator = own.map(|own| &own.operator);
    Form::filled([
        ("id", operator.map_or("", |operator| operator.id.as_str())),
        ("name", operator.map_or("", |operator| operator.name.as_str())),
        ("contact", operator.and_then(|operator| operator.contact.as_deref()).unwrap_or_default()),
    ])
}

fn node_form(own: Option<&Own>) -> Form {
    let node = own.and_then(|own| own.node.as_ref()).map(|record| &record.node);
    let claim = node.and_then(|node| node.claim.as_ref());
    Form::filled([
        ("rpc", node.map_or("", |node| node.rpc.as_str())),
        ("path", node.map_or("", |node| path_word(node.path))),
        ("region", node.and_then(|node| node.region.as_deref()).unwrap_or_default()),
        ("client", node.and_then(|node| node.client.as_deref()).unwrap_or_default()),
        ("validator", claim.map_or("", |claim| claim.validator.as_str())),
        ("validator_proof", claim.map_or("", |claim| claim.proof.as_str())),
    ])
}
