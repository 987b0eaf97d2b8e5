//! Operators of a season that is served: they apply, declare their node, and leave.

use std::time::Duration;

use challenges::driver::{Identity, of_family};
use challenges::engine::preflight::inspect;
use challenges::http::loopback;
use model::trial::Path;
use model::{OperatorId, Role, Stage, Standing};
use serde_json::json;
use store::{Act, NewNode, NewOperator, NodeRecord, OperatorRecord, SeasonRecord, Taken};

use super::app::{App, noted};
use super::fault::{Fault, Field, FieldFault, NodeFault};
use super::seat::seat;
use super::service::declared;
use super::text::{LONGEST_NAME, line, optional_line};
use super::validator::claimed;
use super::who::SignedIn;
use crate::season::file::Declared;
use crate::season::held::now;
use crate::season::members::target;

/// A node that is declared has so long to say what it is.
const LOOK: Duration = Duration::from_secs(3);

/// Who an operator says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Identifier in addresses, chosen once.
    pub id: String,
    /// Name on pages.
    pub name: String,
    /// How the foundation reaches it; shown to reviewers, never published.
    pub contact: Option<String>,
}

/// A node as an operator declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// RPC, `http://IP:PORT`.
    pub rpc: String,
    /// How load reaches it.
    pub path: Path,
    /// Where it stands.
    pub region: Option<String>,
    /// What it runs.
    pub client: Option<String>,
    /// The validator behind it: needed where a trial is about validators.
    pub validator: Option<String>,
    /// What the validator's key signed.
    pub validator_proof: Option<String>,
}

impl Declaration {
    /// A node of which nothing else is said.
    pub fn of(rpc: &str, path: Path) -> Self {
        let (region, client, validator, validator_proof) = (None, None, None, None);
        Self { rpc: rpc.to_owned(), path, region, client, validator, validator_proof }
    }
}

/// An operator with its present node.
#[derive(Debug, Clone)]
pub struct Own {
    /// The operator.
    pub operator: OperatorRecord,
    /// Its node; none while none is declared.
    pub node: Option<NodeRecord>,
}

/// The operator that an account is in a season.
///
/// # Errors
/// [`Fault::NotApplied`] when it is none.
pub async fn own(app: &App, season: &SeasonRecord, who: &SignedIn) -> Result<Own, Fault> {
    let operator = app.store.operator_of(&season.id, &who.account).await?;
    let operator = operator.ok_or_else(|| Fault::NotApplied(season.id.clone()))?;
    let node = app.store.node(&season.id, &operator.id).await?;
    Ok(Own { operator, node })
}

/// Applies to an open season, or changes how one is called and reached; who has left applies again.
///
/// # Errors
/// When the season is not open, the identifier is taken, or a field cannot be.
pub async fn apply(
    app: &App,
    season: &SeasonRecord,
    who: &SignedIn,
    profile: &Profile,
) -> Result<Own, Fault> {
    let name = line(Field::Name, &profile.name, LONGEST_NAME)?;
    let contact = optional_line(Field::Contact, profile.contact.as_deref())?;
    let id: OperatorId =
        profile.id.trim().parse().map_err(|_| Fault::field(Field::Id, FieldFault::NotAnId))?;
    let there = app.store.operator_of(&season.id, &who.account).await?;
    let mut act = app.store.begin().await?;
    open(&act.hold_season(&season.id).await?)?;
    match there {
        None => {
            not_in_the_file(season, &id)?;
            let operator = NewOperator {
                id: id.clone(),
                account: Some(who.account.clone()),
                name,
                role: Role::Candidate,
                contact,
            };
            let applied = act.apply(&season.id, &operator, now()).await;
            applied.map_err(|error| taken(error, Fault::field(Field::Id, FieldFault::Taken)))?;
        }
        Some(there) if there.id == id => {
            again(&mut act, season, &there).await?;
            act.set_profile(&season.id, &id, &name, contact.as_deref(), now()).await?;
        }
        Some(there) => {
            return Err(Fault::field(Field::Id, FieldFault::Chosen(there.id)));
        }
    }
    by(act, who, "apply", season, &id, &json!({})).await?;
    own(app, season, who).await
}

/// Whoever left an open season may come back; whoever was put out may not by themselves.
async fn again(act: &mut Act<'_>, season: &SeasonRecord, there: &OperatorRecord) -> Result<(), Fault> {
    match there.standing {
        Standing::Withdrawn => {
            let (from, to) = (Standing::Withdrawn, Standing::Applied);
            Ok(act.move_operator(&season.id, &there.id, from, to, now()).await?)
        }
        Standing::Barred => Err(standing(there)),
        Standing::Applied | Standing::Verified | Standing::Competing => Ok(()),
    }
}

/// Declares the node that is to be measured, after a look at it; another declaration takes the place
/// of the one before. Whether its validator is seated by now is noted, and refuses nobody: on a testnet it may be later.
///
/// # Errors
/// When the season is not open, or the node is not one that the season can measure.
pub async fn declare(
    app: &App,
    season: &SeasonRecord,
    who: &SignedIn,
    declaration: &Declaration,
) -> Result<Own, Fault> {
    open(season)?;
    let Own { operator, .. } = own(app, season, who).await?;
    if !matches!(operator.standing, Standing::Applied | Standing::Verified) {
        return Err(standing(&operator));
    }
    let plan = declared(season)?;
    let node = NewNode {
        claim: claimed(&plan, &season.id, &who.account, declaration)?,
        ..allowed(app, &plan, declaration)?
    };
    let seat = async {
        match &node.claim {
            Some(claim) => seat(&plan, &claim.validator).await,
            None => None,
        }
    };
    let (identity, seat) = tokio::join!(look(&plan, &node.rpc), seat);
    let identity = identity?;
    let mut act = app.store.begin().await?;
    // The trials may have begun while the node was looked at.
    open(&act.hold_season(&season.id).await?)?;
    let declared = act.declare_node(&season.id, &operator.id, &node, now()).await;
    declared.map_err(|error| others(error, &node))?;
    act.note_seat(&season.id, &operator.id, seat).await?;
    if operator.standing == Standing::Applied {
        let (from, to) = (Standing::Applied, Standing::Verified);
        act.move_operator(&season.id, &operator.id, from, to, now()).await?;
    }
    let validator = node.claim.as_ref().map(|claim| &claim.validator);
    let path = super::fault::path_word(node.path);
    let detail = json!({ "path": path, "client": identity.client, "validator": validator });
    by(act, who, "declare-node", season, &operator.id, &detail).await?;
    own(app, season, who).await
}

/// Leaves a season, at once: a worker at the node is stopped within seconds, and runs that were not
/// measured to their end are cut.
///
/// # Errors
/// When the season is over, or the operator has left before.
pub async fn withdraw(app: &App, season: &SeasonRecord, who: &SignedIn) -> Result<Own, Fault> {
    let mut act = app.store.begin().await?;
    let season = &act.hold_season(&season.id).await?;
    if !matches!(season.stage, Stage::Open | Stage::Trials | Stage::Review | Stage::Suspended) {
        let needed = "open, in its trials or in review";
        return Err(Fault::Stage { season: season.id.clone(), stage: season.stage, needed });
    }
    let Own { operator, .. } = own(app, season, who).await?;
    if !operator.standing.may_become(Standing::Withdrawn) {
        return Err(standing(&operator));
    }
    let (id, from) = (&operator.id, operator.standing);
    act.move_operator(&season.id, id, from, Standing::Withdrawn, now()).await?;
    if season.frozen.is_none() {
        // Nobody is measured yet: somebody else may declare the address.
        act.withdraw_node(&season.id, id, now()).await?;
    }
    by(act, who, "withdraw", season, id, &json!({})).await?;
    own(app, season, who).await
}

fn open(season: &SeasonRecord) -> Result<(), Fault> {
    if season.stage == Stage::Open {
        return Ok(());
    }
    Err(Fault::Stage { season: season.id.clone(), stage: season.stage, needed: "open" })
}

fn standing(operator: &OperatorRecord) -> Fault {
    Fault::Standing { operator: operator.id.clone(), standing: operator.standing }
}

/// The file's own operators, its controls above all, have no account: nobody takes their names.
fn not_in_the_file(season: &SeasonRecord, id: &OperatorId) -> Result<(), Fault> {
    if declared(season)?.operators.iter().all(|(operator, _)| operator.id != *id) {
        return Ok(());
    }
    Err(Fault::field(Field::Id, FieldFault::Taken))
}

fn allowed(app: &App, plan: &Declared, declaration: &Declaration) -> Result<NewNode, Fault> {
    let Declaration { rpc, path, region, client, .. } = declaration;
    let rpc = rpc.trim();
    let address = loopback(rpc).map_err(|fault| Fault::Node(fault.into()))?;
    // All of 127.0.0.0/8 is this machine: another address with the same port may be the same node.
    let known = plan.operators.iter().map(|(_, rpc)| rpc).chain([&plan.reference]);
    let known = known.filter_map(|rpc| Some(loopback(rpc).ok()?.port()));
    if app.addresses().map(|own| own.port()).chain(known).any(|port| port == address.port()) {
        return Err(Fault::Node(NodeFault::Ours(rpc.to_owned())));
    }
    if plan.trials.iter().all(|trial| trial.path != *path) {
        return Err(Fault::path(plan.trials.iter().map(|trial| trial.path)));
    }
    Ok(NewNode {
        rpc: rpc.to_owned(),
        target: target(rpc),
        path: *path,
        region: optional_line(Field::Region, region.as_deref())?,
        client: optional_line(Field::Client, client.as_deref())?,
        claim: None,
    })
}

async fn look(plan: &Declared, rpc: &str) -> Result<Identity, Fault> {
    let silent = |why: String| Fault::Node(NodeFault::Silent(why));
    let driver = of_family(&plan.network.family).map_err(Fault::internal)?;
    let looked = tokio::time::timeout(LOOK, inspect(driver, rpc)).await;
    let identity = looked
        .map_err(|_| silent(format!("{rpc} said nothing for {} s", LOOK.as_secs())))?
        .map_err(silent)?;
    if identity.chain_id != plan.network.chain_id {
        let (has, needs) = (identity.chain_id, plan.network.chain_id);
        return Err(Fault::Node(NodeFault::Chain { has, needs }));
    }
    if identity.genesis != plan.network.genesis {
        let (has, needs) = (identity.genesis, plan.network.genesis.clone());
        return Err(Fault::Node(NodeFault::Genesis { has, needs }));
    }
    Ok(identity)
}

/// What the store says of something that somebody else has, as the fault of its field.
fn taken(error: store::Error, fault: Fault) -> Fault {
    match error {
        store::Error::Conflict(_) => fault,
        other => other.into(),
    }
}

/// What of a node another operator has declared, as the fault of its field.
fn others(error: store::Error, node: &NewNode) -> Fault {
    match error {
        store::Error::Taken { what: Taken::Target, .. } => Fault::Node(NodeFault::Taken(node.rpc.clone())),
        store::Error::Taken { what: Taken::Validator, .. } => {
            Fault::field(Field::Validator, FieldFault::Taken)
        }
        other => other.into(),
    }
}

async fn by(
    act: Act<'_>,
    who: &SignedIn,
    action: &str,
    season: &SeasonRecord,
    id: &OperatorId,
    detail: &serde_json::Value,
) -> Result<(), Fault> {
    noted(act, who.account.as_str(), action, &format!("operator {}/{id}", season.id), detail).await
}
