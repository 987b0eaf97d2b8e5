//! What reviewers see and do: the applicants of a season, one of them, a decision, and the season's next stage.

use axum::response::Response;
use model::{Decision, OperatorId, Stage, Verdict};
use serde_json::{Value, json};
use site::explain;
use site::shell::Language;
use store::SeasonRecord;

use super::form::{FaultView, Form, Tried, values};
use super::run::row;
use super::season::{called, head, published};
use super::visit::{Answer, Visit};
use super::words;
use super::words::fault::Said;
use crate::http::Class;
use crate::http::extract::Path;
use crate::serve::decision::{self, Applicant, Wanted};
use crate::serve::fault::{Fault, Field, FieldFault, path_word};
use crate::serve::runs;
use crate::serve::stage as stages;

pub(super) async fn list(visit: Visit, Path(id): Path<String>) -> Response {
    visit.answer(list_page(&visit, &id, None).await)
}

pub(super) async fn stage(visit: Visit, Path(id): Path<String>, given: Form) -> Response {
    if given.get("confirm").is_empty() {
        let said = Said::unconfirmed(visit.language);
        return visit.answer(list_page(&visit, &id, Some(Tried { form: "stage", given, said })).await);
    }
    let moved = async {
        let (who, _) = visit.reviewer(Class::Write)?;
        let season = visit.app.season(&id).await?;
        let to = Stage::ALL.into_iter().find(|stage| stage.to_string() == given.get("to"));
        let none = || {
            Fault::field(
                Field::To,
                FieldFault::NoneOf("open, trials, review, published, archived, suspended"),
            )
        };
        stages::advance(&visit.app, &season, who, to.ok_or_else(none)?).await
    };
    let fault = match moved.await {
        Ok(()) => return visit.done(&format!("seasons/{id}/review")),
        Err(fault @ (Fault::NotSignedIn(_) | Fault::NotReviewer)) => return visit.answer(Err(fault)),
        Err(fault) => fault,
    };
    let said = Said::of(visit.language, fault);
    visit.answer(list_page(&visit, &id, Some(Tried { form: "stage", given, said })).await)
}

pub(super) async fn show(visit: Visit, Path((season, operator)): Path<(String, String)>) -> Response {
    visit.answer(applicant_page(&visit, &season, &operator, None).await)
}

pub(super) async fn decide(
    visit: Visit,
    Path((season, operator)): Path<(String, String)>,
    given: Form,
) -> Response {
    let fault = match decided(&visit, &season, &operator, &given).await {
        Ok(_) => return visit.done(&format!("seasons/{season}/review/{operator}")),
        Err(fault @ (Fault::NotSignedIn(_) | Fault::NotReviewer)) => return visit.answer(Err(fault)),
        Err(fault) => fault,
    };
    let said = Said::of(visit.language, fault);
    let tried = Tried { form: "decision", given, said };
    visit.answer(applicant_page(&visit, &season, &operator, Some(tried)).await)
}

async fn decided(visit: &Visit, season: &str, operator: &str, given: &Form) -> Result<Decision, Fault> {
    let (who, reviewer) = visit.reviewer(Class::Write)?;
    let season = visit.app.season(season).await?;
    let number = |field: Field| {
        let number = given.get(field.name()).parse();
        number.map_err(|_| Fault::field(field, FieldFault::NotANumber))
    };
    let none = |_| Fault::field(Field::Verdict, FieldFault::NoneOf("admit, waitlist, reject"));
    let wanted = Wanted {
        operator: of_this_name(&season, operator)?,
        verdict: given.get("verdict").parse().map_err(none)?,
        reason: given.get("reason").to_owned(),
        publication: number(Field::Publication)?,
        replaces: match given.get("replaces") {
            "" => None,
            _ => Some(number(Field::Replaces)?),
        },
    };
    decision::decide(&visit.app, &season, who, reviewer, &wanted).await
}

fn of_this_name(season: &SeasonRecord, name: &str) -> Result<OperatorId, Fault> {
    name.parse().map_err(|_| Fault::NotFound(format!("operator of this name in season {}", season.id)))
}

async fn list_page(visit: &Visit, id: &str, tried: Option<Tried>) -> Answer {
    visit.reviewer(Class::Read)?;
    let (language, record) = (visit.language, visit.app.season(id).await?);
    let mut applicants = decision::applicants(&visit.app, &record).await?;
    // By place, then those without one.
    let place = |one: &Applicant| one.entry.as_ref().and_then(|entry| entry.place).unwrap_or(u32::MAX);
    applicants.sort_by_key(place);
    let undecided = applicants.iter().filter(|one| one.entry.is_some() && one.decision.is_none()).count();
    let new = decision::unpublished(&visit.app, &record).await?;
    // What is published already is not published again.
    let useful = |to: &Stage| *to != Stage::Published || record.stage != Stage::Published || new > 0;
    let steps = stages::next(&record).into_iter().filter(useful).map(|to| {
        let (words, means) = words::move_to(language, record.stage, to);
        json!({ "to": to.to_string(), "words": words, "means": means })
    });
    let view = json!({
        "season": head(language, &record),
        "steps": steps.collect::<Vec<_>>(),
        "measured": record.stage == Stage::Trials,
        "undecided": undecided,
        "unpublished": new,
        "applicants": applicants.iter().map(|one| applicant_view(language, one)).collect::<Vec<_>>(),
        "published": published(visit, &record.id).await?,
        "fault": FaultView::of(tried.as_ref()),
    });
    Ok(match tried {
        None => visit.page("review", &called(&record), &view),
        Some(tried) => visit.refused("review", &called(&record), tried.said, &view),
    })
}

async fn applicant_page(visit: &Visit, season: &str, operator: &str, tried: Option<Tried>) -> Answer {
    visit.reviewer(Class::Read)?;
    let (language, record) = (visit.language, visit.app.season(season).await?);
    let id = of_this_name(&record, operator)?;
    let one = decision::applicant(&visit.app, &record, &id).await?;
    let above = format!("seasons/{}/review/{id}", record.id);
    let runs = runs::of(&visit.app, &record, &id).await?;
    let history = decision::all(&visit.app, &record).await?;
    let history = history.iter().filter(|decision| decision.operator == id);
    let published = published(visit, &record.id).await?;
    let newest = published.as_ref().map(|published| published["number"].to_string()).unwrap_or_default();
    let replaces = one.decision.as_ref().map(|decision| decision.number.to_string()).unwrap_or_default();
    let form = Form::filled([("verdict", ""), ("reason", ""), ("publication", newest.as_str())]);
    let verdicts =
        Verdict::ALL.map(|verdict| json!({ "value": verdict, "words": explain::verdict(language, verdict) }));
    let view = json!({
        "season": head(language, &record),
        "one": applicant_view(language, &one),
        "runs": runs.iter().map(|run| row(language, run, &above)).collect::<Vec<_>>(),
        "history": history.map(|decision| decision_view(language, decision)).collect::<Vec<_>>(),
        "verdicts": verdicts,
        "may_decide": matches!(record.stage, Stage::Review | Stage::Published) && published.is_some(),
        "decision": values(tried.as_ref(), "decision", form).with("replaces", &replaces),
        "newest": newest,
        "published": published,
        "fault": FaultView::of(tried.as_ref()),
    });
    Ok(match tried {
        None => visit.page("applicant", &one.operator.name, &view),
        Some(tried) => visit.refused("applicant", &one.operator.name, tried.said, &view),
    })
}

fn applicant_view(language: Language, one: &Applicant) -> Value {
    let entry = one.entry.as_ref().map(|entry| {
        json!({
            "place": entry.place,
            "range": entry.range.map(|(low, high)| format!("{low}–{high}")),
            "total": entry.total.map(explain::points),
            "interval": entry.interval.map(|(low, high)| {
                format!("{}–{}", explain::points(low), explain::points(high))
            }),
            "status": explain::status(language, entry.status),
            "windows": entry.windows,
            "cuts": entry.cuts,
            "voids": entry.voids,
            "findings": entry.findings.iter().map(|found| explain::finding(language, found)).collect::<Vec<_>>(),
        })
    });
    let node = one.node.as_ref().map(|record| {
        json!({
            "rpc": record.node.rpc,
            "path": path_word(record.node.path),
            "path_words": words::path(language, record.node.path),
            "region": record.node.region,
            "client": record.node.client,
            "validator": record.node.claim.as_ref().map(|claim| &claim.validator),
            "seat": words::seat(language, record.seat),
            "declared": explain::instant(language, record.declared.as_millis()),
        })
    });
    json!({
        "id": one.operator.id,
        "name": one.operator.name,
        "account": one.operator.account.as_ref().map(|account| account.as_str()),
        "contact": one.operator.contact,
        "standing": words::standing(language, one.operator.standing),
        "applied": explain::instant(language, one.operator.created.as_millis()),
        "entry": entry,
        "node": node,
        "decision": one.decision.as_ref().map(|decision| decision_view(language, decision)),
    })
}

/// A decision as pages show it.
pub(super) fn decision_view(language: Language, decision: &Decision) -> Value {
    json!({
        "number": decision.number,
        "operator": decision.operator,
        "verdict": decision.verdict,
        "words": explain::verdict(language, decision.verdict),
        "reason": decision.reason,
        "publication": decision.publication,
        "reviewer": decision.reviewer,
        "decided": explain::instant(language, decision.decided_ms),
        "iso": explain::machine_instant(decision.decided_ms),
        "replaces": decision.replaces,
    })
}
