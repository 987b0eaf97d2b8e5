//! `/api/v1/seasons/{season}/operator`: an operator's own road; `/operators`: the reviewers' look at all.

use std::sync::Arc;

use axum::extract::State;
use model::OperatorId;
use serde::{Deserialize, Serialize};
use store::{NodeRecord, OperatorRecord, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::decision::Decision;
use super::refusal::{Change, Private, Public};
use crate::account::token::Scope;
use crate::http::Class;
use crate::http::extract::{Json, Path};
use crate::serve::app::App;
use crate::serve::decision::{Applicant, applicant, applicants};
use crate::serve::fault::{Fault, path_word};
use crate::serve::operator::{Declaration, Own, Profile, apply, declare, own, withdraw};
use crate::serve::who::SignedIn;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(mine, profile))
        .routes(routes!(node))
        .routes(routes!(withdrawal))
        .routes(routes!(all))
        .routes(routes!(one))
}

/// Who an operator says it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProfileBody {
    /// Identifier in addresses, chosen once: 1 to 40 of a-z, 0-9 and -.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", example = "alpha")]
    id: String,
    /// Name on pages, 1 to 80 characters that can be seen.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// How the foundation reaches the operator; never published.
    #[schema(max_length = 200)]
    contact: Option<String>,
}

/// A node as it is declared.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NodeBody {
    /// RPC, `http://IP:PORT`, on this machine.
    #[schema(example = "http://127.0.0.1:8551")]
    rpc: String,
    /// How load reaches it.
    path: PathWord,
    /// Where it stands.
    #[schema(max_length = 200)]
    region: Option<String>,
    /// What it runs.
    #[schema(max_length = 200)]
    client: Option<String>,
    /// The validator behind it, as its chain writes it. Needed with its proof where the season has `duty` or
    /// `key-change`.
    #[schema(max_length = 200, example = "0x0e656bf6fa7eb449aba79820fc786b024453898e")]
    validator: Option<String>,
    /// What the validator's key signed, as `touchstone validator sign` prints it.
    #[schema(max_length = 200)]
    validator_proof: Option<String>,
}

/// How load reaches a node.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum PathWord {
    /// The operator's own RPC.
    Direct,
    /// The operator's sentry or RPC node.
    Fronted,
}

/// An operator, as itself and reviewers see it.
#[derive(Serialize, ToSchema)]
struct Operator {
    /// Its identifier.
    id: String,
    /// Its account.
    account: Option<String>,
    /// Its name.
    name: String,
    /// How far it has come: applied, verified, competing, withdrawn, barred.
    standing: String,
    /// How the foundation reaches it.
    contact: Option<String>,
    /// When it applied, Unix milliseconds.
    applied_ms: u64,
    /// Its node; none while none is declared.
    node: Option<Node>,
}

/// A declared node.
#[derive(Serialize, ToSchema)]
struct Node {
    /// RPC as it was written.
    rpc: String,
    /// How load reaches it: direct, fronted.
    path: String,
    /// Where it stands.
    region: Option<String>,
    /// What it runs.
    client: Option<String>,
    /// The validator behind it, as its chain writes it; none where none was declared.
    validator: Option<String>,
    /// Whether that validator was seated when the node was last declared; none where none was declared, or the season's
    /// reference did not tell.
    seat: Option<Seat>,
    /// When it was declared, Unix milliseconds.
    declared_ms: u64,
}

/// Whether a validator was seated.
#[derive(Serialize, ToSchema)]
struct Seat {
    /// The height of the block that was looked at.
    height: u64,
    /// Whether it was seated there. Trials about validators are unrated for one that is not seated.
    seated: bool,
}

/// An operator with what is known of it.
#[derive(Serialize, ToSchema)]
struct Candidate {
    /// The operator.
    operator: Operator,
    /// Its line in the newest publication, as it stands there.
    #[schema(value_type = Option<Object>)]
    entry: Option<model::Entry>,
    /// The decision that stands on it; published or not.
    decision: Option<Decision>,
}

fn shown(operator: OperatorRecord, node: Option<NodeRecord>) -> Operator {
    Operator {
        id: operator.id.to_string(),
        account: operator.account.map(|account| account.to_string()),
        name: operator.name,
        standing: operator.standing.to_string(),
        contact: operator.contact,
        applied_ms: operator.created.as_millis(),
        node: node.map(|record| Node {
            rpc: record.node.rpc,
            path: path_word(record.node.path).to_owned(),
            region: record.node.region,
            client: record.node.client,
            validator: record.node.claim.map(|claim| claim.validator),
            seat: record.seat.map(|store::Seat { height, seated }| Seat { height, seated }),
            declared_ms: UnixMs::as_millis(record.declared),
        }),
    }
}

impl From<Own> for Json<Operator> {
    fn from(own: Own) -> Self {
        Self(shown(own.operator, own.node))
    }
}

/// My operator
#[utoipa::path(get, path = "/api/v1/seasons/{season}/operator", tag = "operator",
    params(("season" = String, Path)), responses((status = 200, body = Operator), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn mine(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
) -> Result<Json<Operator>, Fault> {
    who.may(&app, Scope::Read, Class::Read)?;
    Ok(own(&app, &app.season(&season).await?, &who).await?.into())
}

/// Apply, or change my profile
///
/// While the season is open. The first time the account applies; the identifier is chosen once.
#[utoipa::path(put, path = "/api/v1/seasons/{season}/operator", tag = "operator",
    params(("season" = String, Path)), request_body = ProfileBody,
    responses((status = 200, body = Operator), Public, Private, Change),
    security(("token" = []), ("session" = [])))]
async fn profile(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
    Json(body): Json<ProfileBody>,
) -> Result<Json<Operator>, Fault> {
    who.may(&app, Scope::Operate, Class::Write)?;
    let season = app.season(&season).await?;
    let profile = Profile { id: body.id, name: body.name, contact: body.contact };
    Ok(apply(&app, &season, &who, &profile).await?.into())
}

/// Declare my node
///
/// The node is looked at: it must answer, and be on the season's chain. Where trials are about validators, the key of the
/// validator behind it must have signed `Touchstone: account ACCOUNT runs validator VALIDATOR of chain GENESIS in season
/// SEASON` (the account in small letters): by `personal_sign` where validators are addresses; on CometBFT the proof is the
/// public key and then the signature of the text, in hexadecimal. Whether the validator is seated is asked of the season's
/// reference; one that is not, or not yet, is taken all the same.
#[utoipa::path(put, path = "/api/v1/seasons/{season}/operator/node", tag = "operator",
    params(("season" = String, Path)), request_body = NodeBody,
    responses((status = 200, body = Operator), Public, Private, Change),
    security(("token" = []), ("session" = [])))]
async fn node(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
    Json(body): Json<NodeBody>,
) -> Result<Json<Operator>, Fault> {
    who.may(&app, Scope::Operate, Class::Write)?;
    let season = app.season(&season).await?;
    let path = match body.path {
        PathWord::Direct => model::trial::Path::Direct,
        PathWord::Fronted => model::trial::Path::Fronted,
    };
    let NodeBody { rpc, path: _, region, client, validator, validator_proof } = body;
    let declaration = Declaration { rpc, path, region, client, validator, validator_proof };
    Ok(declare(&app, &season, &who, &declaration).await?.into())
}

/// Leave the season
///
/// At once: load at the node stops within seconds, and runs that were not measured to their end are cut.
#[utoipa::path(post, path = "/api/v1/seasons/{season}/operator/withdrawal", tag = "operator",
    params(("season" = String, Path)),
    responses((status = 200, body = Operator), Public, Private,
    (status = 409, description = "The season is over, or the operator has left before.",
        content_type = "application/problem+json", body = super::refusal::Described)),
    security(("token" = []), ("session" = [])))]
async fn withdrawal(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
) -> Result<Json<Operator>, Fault> {
    who.may(&app, Scope::Operate, Class::Write)?;
    Ok(withdraw(&app, &app.season(&season).await?, &who).await?.into())
}

fn candidate(applicant: Applicant) -> Candidate {
    Candidate {
        operator: shown(applicant.operator, applicant.node),
        entry: applicant.entry,
        decision: applicant.decision.map(Into::into),
    }
}

/// All who applied
///
/// For reviewers.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/operators", tag = "review",
    params(("season" = String, Path)), responses((status = 200, body = Vec<Candidate>), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn all(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
) -> Result<Json<Vec<Candidate>>, Fault> {
    who.reviewer(&app, Class::Read)?;
    let found = applicants(&app, &app.season(&season).await?).await?;
    Ok(Json(found.into_iter().map(candidate).collect()))
}

/// One who applied
///
/// For reviewers.
#[utoipa::path(get, path = "/api/v1/seasons/{season}/operators/{operator}", tag = "review",
    params(("season" = String, Path), ("operator" = String, Path)),
    responses((status = 200, body = Candidate), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn one(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((season, operator)): Path<(String, String)>,
) -> Result<Json<Candidate>, Fault> {
    who.reviewer(&app, Class::Read)?;
    let season = app.season(&season).await?;
    Ok(Json(candidate(applicant(&app, &season, &operator_id(&operator)?).await?)))
}

/// The operator that a path names.
pub(super) fn operator_id(text: &str) -> Result<OperatorId, Fault> {
    text.parse().map_err(|_| Fault::NotFound("operator of this name".into()))
}
