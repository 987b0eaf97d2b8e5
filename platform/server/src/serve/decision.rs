//! Decisions of reviewers, and what reviewers decide on.

use std::collections::BTreeMap;

use model::{Decision, Digest, Entry, OperatorId, Role, Stage, Verdict};
use scoreboard::LONGEST_REASON;
use serde_json::json;
use store::{DecisionRecord, NewDecision, NodeRecord, OperatorRecord, SeasonRecord};

use super::app::{App, noted};
use super::fault::{Fault, Field, FieldFault};
use super::text::lines;
use super::who::SignedIn;
use crate::config::Reviewer;
use crate::season::held::now;
use crate::season::records::decision;

/// A decision as a reviewer makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// About whom.
    pub operator: OperatorId,
    /// What is to become of them.
    pub verdict: Verdict,
    /// Why, for everybody to read.
    pub reason: String,
    /// Number of the publication that the reviewer looked at.
    pub publication: u32,
    /// Number of the decision that this one replaces.
    pub replaces: Option<u32>,
}

/// An applicant as reviewers see it.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// The operator.
    pub operator: OperatorRecord,
    /// Its node.
    pub node: Option<NodeRecord>,
    /// Its line in the latest publication.
    pub entry: Option<Entry>,
    /// What was decided.
    pub decision: Option<Decision>,
}

/// Records a decision.
///
/// # Errors
/// When the season is not in review, or the decision does not stand on what was published.
pub async fn decide(
    app: &App,
    season: &SeasonRecord,
    who: &SignedIn,
    reviewer: &Reviewer,
    wanted: &Wanted,
) -> Result<Decision, Fault> {
    let reason = lines(Field::Reason, &wanted.reason, LONGEST_REASON)?;
    let publication = app.store.publication(&season.id, wanted.publication).await;
    let publication = publication.map_err(|error| match error {
        store::Error::NotFound(_) => Fault::field(Field::Publication, FieldFault::NoSuch),
        other => other.into(),
    })?;
    let new = NewDecision {
        operator: wanted.operator.clone(),
        publication: wanted.publication,
        digest: Digest::of(&publication),
        verdict: wanted.verdict,
        reason,
        reviewer: reviewer.name.clone(),
        replaces: wanted.replaces,
    };
    let decided = now();
    let mut act = app.store.begin().await?;
    let stage = act.hold_season(&season.id).await?.stage;
    if !matches!(stage, Stage::Review | Stage::Published) {
        let needed = "in review (or published, for a correction)";
        return Err(Fault::Stage { season: season.id.clone(), stage, needed });
    }
    let number = act.decide(&season.id, &new, decided).await?;
    let detail = json!({ "number": number, "verdict": wanted.verdict, "publication": wanted.publication });
    let subject = format!("operator {}/{}", season.id, wanted.operator);
    noted(act, who.account.as_str(), "decide", &subject, &detail).await?;
    Ok(decision(DecisionRecord { number, decision: new, decided }))
}

/// Every decision of a season so far, oldest first; those that are not published yet too.
///
/// # Errors
/// When the store cannot be read.
pub async fn all(app: &App, season: &SeasonRecord) -> Result<Vec<Decision>, Fault> {
    Ok(app.store.decisions(&season.id).await?.into_iter().map(decision).collect())
}

/// How many decisions are in no publication yet.
///
/// # Errors
/// When the store cannot be read.
pub async fn unpublished(app: &App, season: &SeasonRecord) -> Result<usize, Fault> {
    let published = app.latest(&season.id).await?.map_or(0, |publication| publication.decisions.len());
    Ok(app.store.decisions(&season.id).await?.len().saturating_sub(published))
}

/// Everybody who applied, by identifier.
///
/// # Errors
/// When the store cannot be read.
pub async fn applicants(app: &App, season: &SeasonRecord) -> Result<Vec<Applicant>, Fault> {
    let nodes = app.store.nodes(&season.id).await?.into_iter();
    let mut nodes: BTreeMap<_, _> = nodes.map(|node| (node.operator.clone(), node)).collect();
    let mut decisions = app.store.current_decisions(&season.id).await?;
    let published = app.latest(&season.id).await?;
    let entry = |id: &OperatorId| {
        let entries = published.as_ref().map_or(&[][..], |publication| &publication.ranking.entries);
        entries.iter().find(|entry| entry.operator == *id).cloned()
    };
    let operators = app.store.operators(&season.id).await?;
    let candidates = operators.into_iter().filter(|operator| operator.role == Role::Candidate);
    let applicant = |operator: OperatorRecord| Applicant {
        node: nodes.remove(&operator.id),
        entry: entry(&operator.id),
        decision: decisions.remove(&operator.id).map(decision),
        operator,
    };
    Ok(candidates.map(applicant).collect())
}

/// One applicant.
///
/// # Errors
/// [`Fault::NotFound`] when nobody of this identifier applied.
pub async fn applicant(app: &App, season: &SeasonRecord, id: &OperatorId) -> Result<Applicant, Fault> {
    let missing = || Fault::NotFound(format!("operator {id} in season {}", season.id));
    applicants(app, season).await?.into_iter().find(|one| one.operator.id == *id).ok_or_else(missing)
}
