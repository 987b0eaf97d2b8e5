//! `touchstone season check`: the declared nodes, looked at.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{anyhow, bail};
use challenges::driver::{Driver, of_family};
use challenges::engine::hazard::{self, Seats};
use challenges::engine::preflight::inspect;
use challenges::faucet::Faucet;
use challenges::http::{BLOCK_BODY, Target, loopback};
use model::{Network, Parameters, Role, Season};

use super::{OpenSeason, file, rehearsal, secret};

const DEADLINE: Duration = Duration::from_secs(10);

/// Looks at everything that a season file declares; prints what it finds.
///
/// # Errors
/// When something must be mended before the season can run.
pub async fn run(path: &Path, key_file: Option<&Path>) -> anyhow::Result<()> {
    let declared = file::read(path)?;
    println!("{}: well formed", path.display());
    let open = OpenSeason::freeze(declared, model::Seed::from_number(0), false);
    let mut faults = 0;
    for (name, found) in look(&open).await? {
        match found {
            Ok(what) => println!("  ok     {name}: {what}"),
            Err(why) => {
                faults += 1;
                println!("  FAULT  {name}: {why}");
            }
        }
    }
    for why in not_rehearsed(&open, path).await? {
        faults += 1;
        println!("  FAULT  {why}");
    }
    match money(&open, key_file).await {
        Ok(what) => println!("  ok     faucet: {what}"),
        Err(why) => {
            faults += 1;
            println!("  FAULT  faucet: {why:#}");
        }
    }
    if faults > 0 {
        bail!("{faults} to be mended before `touchstone season run {}`", path.display());
    }
    let key = key_file.map(|file| format!(" --faucet-key-file {}", file.display())).unwrap_or_default();
    println!("ready: touchstone season run {}{key} --out DIR", path.display());
    Ok(())
}

/// What must be in order before a season begins: the reference and the controls. A candidate
/// that is down is its own loss, and is told by its runs.
///
/// # Errors
/// The first that is not, with the remedy.
pub async fn require(open: &OpenSeason) -> anyhow::Result<()> {
    let candidates: Vec<String> =
        open.season.candidates().map(|candidate| candidate.id.to_string()).collect();
    for (name, found) in look(open).await? {
        match found {
            Err(why) if candidates.contains(&name) => eprintln!("warning: candidate {name}: {why}"),
            Err(why) => bail!("{name}: {why}"),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// What of the season's plans that can stop a chain has not passed on a release that its controls or its reference run,
/// with the remedy.
///
/// # Errors
/// When the record of rehearsals cannot be read.
pub async fn not_rehearsed(open: &OpenSeason, path: &Path) -> anyhow::Result<Vec<String>> {
    let driver = of_family(&open.season.network.family).map_err(|why| anyhow!(why))?;
    let mut clients = BTreeSet::new();
    let controls = open.season.controls().filter_map(|control| open.nodes.get(&control.id));
    for rpc in controls.chain([&open.reference]) {
        if let Ok(identity) = inspect(driver, rpc).await {
            clients.insert(identity.client);
        }
    }
    Ok(rehearsal::missing(&open.season, &rehearsal::read(path)?, &clients))
}

type Found = (String, Result<String, String>);

async fn look(open: &OpenSeason) -> anyhow::Result<Vec<Found>> {
    let driver = of_family(&open.season.network.family).map_err(|why| anyhow!(why))?;
    let network = &open.season.network;
    let mut reference = node(driver, &open.reference, network).await;
    let mut seats = None;
    if reference.is_ok() {
        match shows_blocks(driver, &open.reference).await {
            Ok(seen) => seats = seen,
            Err(why) => {
                reference =
                    Err(format!("{} does not show what a run needs of a block: {why}", open.reference));
            }
        }
    }
    let mut found = vec![("reference".to_owned(), reference)];
    found.extend(seats.iter().flat_map(|seats| refused(&open.season, seats)));
    for operator in &open.season.operators {
        if let Some(rpc) = open.nodes.get(&operator.id) {
            let role = if operator.role == Role::Control { " (control)" } else { "" };
            let what = node(driver, rpc, network).await.map(|what| what + role);
            found.push((operator.id.to_string(), what));
        }
    }
    Ok(found)
}

async fn node(driver: &dyn Driver, rpc: &str, network: &Network) -> Result<String, String> {
    let identity =
        inspect(driver, rpc).await.map_err(|why| format!("{why} (correct the address, or mend the node)"))?;
    if identity.chain_id != network.chain_id {
        return Err(format!(
            "{rpc} is on chain {}, the season on {}: correct chain_id or the address",
            identity.chain_id, network.chain_id
        ));
    }
    if identity.genesis != network.genesis {
        return Err(format!(
            "{rpc} has genesis {}, the season {}: correct genesis or the address",
            identity.genesis, network.genesis
        ));
    }
    Ok(format!("{} at {rpc}", identity.client))
}

/// The trials that can stop a chain and would not run on it as it is seated now.
fn refused<'a>(season: &'a Season, seats: &'a Seats) -> impl Iterator<Item = Found> + 'a {
    let healthy: Vec<String> = season.healthy().map(str::to_owned).collect();
    season.trials.iter().filter_map(move |trial| {
        let Parameters::KeyChange(plan) = &trial.parameters else { return None };
        let why = hazard::allowed(plan, &season.network.family, &healthy, seats).err()?;
        Some((format!("trial {}", trial.id), Err(why)))
    })
}

/// Whether the family's driver can read the node's blocks: another kind of chain, or a node that answers too little, is
/// better found before the season than by runs without a block. Who is seated at the last one; none on a chain that has
/// none yet.
async fn shows_blocks(driver: &dyn Driver, rpc: &str) -> Result<Option<Seats>, String> {
    let target = Target::new(loopback(rpc).map_err(|why| why.to_string())?, None);
    let ask = async |request| {
        let reply = target.post(&request, BLOCK_BODY, DEADLINE).await;
        reply.map_err(|class| format!("no answer ({class})"))
    };
    let head = driver.head(&ask(driver.head_request()).await?).map_err(|why| why.to_string())?;
    let context = driver.context(&ask(driver.context_request()).await?).map_err(|why| why.to_string())?;
    let depth = inspect(driver, rpc).await?.finality_depth;
    let Some(height) = head.checked_sub(depth).filter(|height| *height > 0) else { return Ok(None) };
    let reply = ask(driver.block_request(height, context)).await?;
    match driver.block(&reply).map_err(|why| why.to_string())? {
        Some(block) => {
            let council = driver.council(&reply, &block).map_err(|why| why.to_string())?;
            Ok(Some(Seats { height, committee: block.committee, council }))
        }
        None => Err(format!("it does not have block {height}, though its head is {head}")),
    }
}

async fn money(open: &OpenSeason, key_file: Option<&Path>) -> anyhow::Result<String> {
    let network = &open.season.network;
    let driver = of_family(&network.family).map_err(|why| anyhow!(why))?;
    let Some(key) = secret::faucet_key_for(&network.family, key_file)? else {
        return Ok(format!("none needed: the chain family `{}` has no money", network.family));
    };
    let faucet = Faucet::new(driver, &key, network.chain_id, open.funding_node(), &open.reference);
    let faucet = faucet.map_err(|why| anyhow!(why))?;
    match faucet.balance().await.map_err(|why| anyhow!(why))? {
        0 => bail!(
            "{} has no money on this chain: fund it, or use the key of another account",
            faucet.account()
        ),
        balance => Ok(format!("{} holds {balance} (smallest unit)", faucet.account())),
    }
}
