//! The look at all nodes before a run: are they there, and on the right chain?

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use model::work::{Endpoint, Work};
use model::{Class, Ended};

use super::route::Node;
use crate::driver::{Context, Driver, Identity};
use crate::http::{BLOCK_BODY, LOAD_BODY, Target, loopback};

const DEADLINE: Duration = Duration::from_secs(5);
/// A node is given up after so many looks, a second apart.
const LOOKS: usize = 3;
/// Between two looks at a node that is to show new blocks.
const AGAIN: Duration = Duration::from_millis(500);

/// The nodes of a run, looked at.
pub(super) struct Nodes {
    pub(super) target: Node,
    pub(super) reference: SocketAddr,
    pub(super) controls: Vec<Node>,
    pub(super) head: u64,
    pub(super) finality_depth: u64,
    pub(super) context: Context,
}

/// Why nothing can be measured.
pub(super) enum Refused {
    /// An address that we do not send to.
    Address(String),
    /// A run that ends before it begins.
    Ended(Ended),
}

enum Look {
    Is(Identity),
    Silent,
    OtherChain,
}

/// Looks at reference, controls and target; a candidate that is down or elsewhere is its own fault,
/// a reference or control that is, is ours.
pub(super) async fn look(driver: &dyn Driver, work: &Work) -> Result<Nodes, Refused> {
    let address = |endpoint: &Endpoint| loopback(&endpoint.rpc).map_err(|e| Refused::Address(e.to_string()));
    let target = address(&work.target)?;
    let reference = work.reference.as_ref().map_or(Ok(target), address)?;
    let ours = |look| match look {
        Look::Is(identity) => Ok(identity),
        Look::Silent | Look::OtherChain => Err(Refused::Ended(Ended::ReferenceLost)),
    };
    let candidate = identify(driver, target, work).await;
    let mut depth = 0;
    if work.reference.is_some() {
        depth = ours(identify(driver, reference, work).await)?.finality_depth;
    }
    let mut controls = Vec::new();
    for endpoint in &work.controls {
        let address = address(endpoint)?;
        let client = ours(identify(driver, address, work).await)?.client;
        controls.push(Node { address, client, validator: endpoint.validator.clone() });
    }
    let identity = match candidate {
        Look::Is(identity) => identity,
        Look::Silent => return Err(Refused::Ended(Ended::Unreachable)),
        Look::OtherChain => return Err(Refused::Ended(Ended::WrongChain)),
    };
    if work.reference.is_none() {
        depth = identity.finality_depth;
    }
    let (head, context) = state(driver, reference).await.ok_or(Refused::Ended(Ended::ReferenceLost))?;
    let validator = work.target.validator.clone();
    let target = Node { address: target, client: identity.client, validator };
    Ok(Nodes { target, reference, controls, head, finality_depth: depth, context })
}

async fn identify(driver: &dyn Driver, address: SocketAddr, work: &Work) -> Look {
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let Some(identity) = ask(driver, address).await else { continue };
        let same = identity.chain_id == work.network.chain_id && identity.genesis == work.network.genesis;
        return if same { Look::Is(identity) } else { Look::OtherChain };
    }
    Look::Silent
}

async fn ask(driver: &dyn Driver, address: SocketAddr) -> Option<Identity> {
    let reply =
        Target::new(address, None).post(&driver.identity_request(), LOAD_BODY, DEADLINE).await.ok()?;
    driver.identity(&reply).ok()
}

async fn state(driver: &dyn Driver, reference: SocketAddr) -> Option<(u64, Context)> {
    let target = Target::new(reference, None);
    let head = target.post(&driver.head_request(), LOAD_BODY, DEADLINE).await.ok()?;
    let context = target.post(&driver.context_request(), BLOCK_BODY, DEADLINE).await.ok()?;
    Some((driver.head(&head).ok()?, driver.context(&context).ok()?))
}

/// What is at an address, in words for the person who wrote it into a file.
///
/// # Errors
/// What is wrong, with the remedy.
pub async fn inspect(driver: &dyn Driver, rpc: &str) -> Result<Identity, String> {
    let address = loopback(rpc).map_err(|e| e.to_string())?;
    let reply = Target::new(address, None).post(&driver.identity_request(), LOAD_BODY, DEADLINE).await;
    match reply {
        Ok(reply) => driver.identity(&reply).map_err(|e| format!("{rpc} is no node of this family: {e}")),
        Err(Class::ProtocolError) => Err(format!("{rpc} answers, but not with HTTP of bounded length")),
        Err(class) => Err(format!("{rpc} does not answer ({class}): is the node running, and its RPC open?")),
    }
}

/// Looks at a node until it shows a block that it did not have, whole, or for as long as `patience`.
///
/// # Errors
/// What it does not show, in words.
pub async fn shows_new_blocks(driver: &dyn Driver, rpc: &str, patience: Duration) -> Result<(), String> {
    let address = loopback(rpc).map_err(|e| e.to_string())?;
    let until = Instant::now() + patience;
    let mut first = None;
    loop {
        let why = match state(driver, address).await {
            None => format!("{rpc} does not tell its head"),
            Some((head, _)) if head <= *first.get_or_insert(head) => {
                format!("{rpc} stands still at block {head}")
            }
            Some((head, context)) => match shows(driver, address, head, context).await {
                true => return Ok(()),
                false => format!("{rpc} does not show its last final block, or none that holds together"),
            },
        };
        if Instant::now() >= until {
            return Err(why);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Whether the last final block below this head can be read.
async fn shows(driver: &dyn Driver, address: SocketAddr, head: u64, context: Context) -> bool {
    let Some(identity) = ask(driver, address).await else { return false };
    let height = head.saturating_sub(identity.finality_depth);
    let node = Target::new(address, None);
    let reply = node.post(&driver.block_request(height, context), BLOCK_BODY, DEADLINE).await;
    let block = reply.ok().and_then(|reply| driver.block(&reply).ok().flatten());
    block.is_some_and(|block| block.height == height)
}
