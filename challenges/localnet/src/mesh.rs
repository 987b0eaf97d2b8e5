//! Nodes joined to one network, and the wait until it lives.

use std::time::Duration;

use anyhow::bail;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::node::{Node, genesis_hash};
use crate::rpc;

/// Between two looks at all nodes.
const POLL: Duration = Duration::from_millis(200);

/// Has each pair connected. One side of a pair dials: two that dial at once can refuse each other, and
/// geth tries again only after half a minute.
pub(crate) async fn connect(nodes: &[Node]) -> anyhow::Result<()> {
    for (index, node) in nodes.iter().enumerate() {
        for peer in &nodes[index + 1..] {
            rpc::call(node.rpc_addr(), "admin_addPeer", json!([peer.peer_url()])).await?;
        }
    }
    Ok(())
}

/// Waits until every node has all others as peers and then until every head has moved on.
pub(crate) async fn wait_until_alive(nodes: &[Node], deadline: Instant) -> anyhow::Result<()> {
    let wanted = nodes.len() as u64 - 1;
    // A single node need not know what a peer is.
    for node in nodes.iter().filter(|_| wanted > 0) {
        wait(node, deadline, "has too few peers", async || Ok(node.peers().await? >= wanted)).await?;
    }
    // A sealer makes block 1 alone and unasked; only what follows shows that they agree.
    let mut highest = 1;
    for node in nodes {
        highest = highest.max(node.head().await?);
    }
    for node in nodes {
        wait(node, deadline, "has a head that does not advance", async || Ok(node.head().await? > highest))
            .await?;
    }
    Ok(())
}

/// Polls `reached`; an answer that fails counts as not yet.
async fn wait(
    node: &Node,
    deadline: Instant,
    late: &str,
    reached: impl AsyncFn() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    loop {
        node.check_running()?;
        if reached().await.unwrap_or(false) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(node.late(&format!("{late} at the deadline")));
        }
        sleep(POLL).await;
    }
}

/// The hash of the first block, which all nodes must share.
pub(crate) async fn common_genesis(nodes: &[Node]) -> anyhow::Result<String> {
    let first = genesis_hash(&nodes[0]).await?;
    for node in &nodes[1..] {
        let hash = genesis_hash(node).await?;
        if hash != first {
            bail!("{} starts from block {hash}, {} from {first}", node.name(), nodes[0].name());
        }
    }
    Ok(first)
}
