//! An account's own page: how it stands in each season, and its API tokens.

use axum::response::Response;
use model::Stage;
use serde_json::{Value, json};
use site::explain;
use site::shell::Language;
use store::TokenRecord;

use super::form::{FaultView, Form, Tried};
use super::season::{called, part};
use super::visit::{Answer, Visit};
use super::words;
use super::words::fault::Said;
use super::words::next::{Part, next};
use crate::season::held::now;
use crate::serve::fault::Fault;
use crate::serve::token;

pub(super) async fn show(visit: Visit) -> Response {
    visit.answer(page(&visit, None).await)
}

/// Makes a token void.
pub(super) async fn revoke(visit: Visit, given: Form) -> Response {
    let fault = match revoked(&visit, &given).await {
        Ok(()) => return visit.done("home"),
        Err(fault @ Fault::NotSignedIn(_)) => return visit.answer(Err(fault)),
        Err(fault) => fault,
    };
    let said = Said::of(visit.language, fault);
    visit.answer(page(&visit, Some(Tried { form: "revoke", given, said })).await)
}

async fn revoked(visit: &Visit, given: &Form) -> Result<(), Fault> {
    let missing = |_| Fault::NotFound("token of this name".into());
    token::revoke(&visit.app, visit.actor()?, &given.get("token").parse().map_err(missing)?).await
}

async fn page(visit: &Visit, tried: Option<Tried>) -> Answer {
    let (language, who) = (visit.language, visit.reader()?);
    let mut seasons = Vec::new();
    for record in visit.app.store.seasons().await?.into_iter().filter(|season| season.stage != Stage::Draft) {
        let part = part(visit, &record).await?;
        let standing = match part {
            Part::Operator(standing) => Some(words::standing(language, standing)),
            Part::Stranger | Part::Visitor => None,
        };
        seasons.push(json!({
            "id": record.id,
            "name": called(&record),
            "stage": words::stage(language, record.stage),
            "standing": standing,
            "next": next(language, &record, part),
            "takes_part": standing.is_some() || record.stage == Stage::Open,
        }));
    }
    seasons.reverse();
    let tokens = token::list(&visit.app, who).await?;
    let view = json!({
        "account": who.account.as_str(),
        "site": visit.app.site.to_string(),
        "reviewer": visit.is_reviewer(),
        "seasons": seasons,
        "tokens": tokens.iter().map(|token| token_view(language, token)).collect::<Vec<_>>(),
        "fault": FaultView::of(tried.as_ref()),
    });
    Ok(match tried {
        None => visit.page("home", "", &view),
        Some(tried) => visit.refused("home", "", tried.said, &view),
    })
}

fn token_view(language: Language, record: &TokenRecord) -> Value {
    let instant = |ms: store::UnixMs| {
        json!({
            "shown": explain::instant(language, ms.as_millis()),
            "iso": explain::machine_instant(ms.as_millis()),
        })
    };
    json!({
        "id": record.id,
        "name": record.token.name,
        "scope": record.token.scope,
        "created": instant(record.created),
        "expires": instant(record.token.expires),
        "used": record.used.map(instant),
        "good": record.revoked.is_none() && record.token.expires > now(),
        "revoked": record.revoked.is_some(),
    })
}
