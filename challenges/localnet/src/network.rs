//! A running network, of whichever family.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::node::{Node, Protocol, STOPPED_WITHIN};
use crate::rpc;

/// A node that was started anew has this time to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// A node that is cut off has this time to part from its peers.
const CUT_WITHIN: Duration = Duration::from_secs(10);
/// With these a CometBFT node, which has no request for it, knows no peer and listens where none looks for it.
const ALONE: &[&str] = &["--p2p.persistent_peers=", "--p2p.laddr=tcp://127.0.0.1:0"];
/// Between two looks at it.
const POLL: Duration = Duration::from_millis(200);

/// Processes of a chain's own nodes on 127.0.0.1, every pair connected.
/// Dropping it kills them all and waits for them; the folder stays.
#[derive(Debug)]
pub struct Network {
    /// The nodes, validators first, in the order of their addresses.
    pub nodes: Vec<Node>,
    /// The driver that measures it: `clique`, `kaia`, `cometbft`.
    pub family: &'static str,
    /// Chain id and network id; 0 on CometBFT, whose chain ids are text.
    pub chain_id: u64,
    pub(crate) genesis_hash: String,
    /// Whether a node has to be told its peers each time it starts.
    pub(crate) dials: bool,
    /// The flags that lift a limit of its nodes, where its program has such flags.
    pub(crate) limits: Option<fn(Limit) -> Vec<String>>,
}

/// A limit that a node sets to what it takes, and that flags of its program move: to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// How much more a transaction must offer that takes another's place, per cent.
    PriceBump(u32),
    /// How many transactions wait, of one account and of all.
    Queue(u32),
    /// How many calls come in one batch; their answer may be of any length.
    Batch(u32),
}

impl Network {
    /// Hash of the first block (block 0; on CometBFT block 1) as the chain writes it, the same on every node.
    #[must_use]
    pub fn genesis_hash(&self) -> &str {
        &self.genesis_hash
    }

    /// Starts a node that has ended anew, on its data and its ports, and waits until it answers. It has its peers
    /// again, also if it was cut off.
    ///
    /// # Errors
    /// When it runs, ends again, or does not answer within 30 seconds.
    pub async fn restart(&self, index: usize) -> anyhow::Result<()> {
        self.start(index, &[]).await?;
        if self.dials {
            self.join(index).await?;
        }
        Ok(())
    }

    async fn start(&self, index: usize, once: &[&str]) -> anyhow::Result<()> {
        let node = self.node(index)?;
        node.process.restart(once).with_context(|| format!("start {}", node.name()))?;
        let deadline = Instant::now() + ANSWERS_WITHIN;
        while node.head().await.is_err() {
            node.check_running()?;
            if Instant::now() > deadline {
                return Err(node.late("did not answer in time"));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Cuts a node off: it and its peers part, and none of them dials the other again. Its RPC goes on answering; a
    /// CometBFT node is started anew for it. A peer that is started later, and dials, finds it again.
    ///
    /// # Errors
    /// When the network is a single node, or the node does not answer.
    pub async fn cut(&self, index: usize) -> anyhow::Result<()> {
        let node = self.node(index)?;
        ensure!(self.nodes.len() > 1, "this network is a single node: it has no peers to part from");
        let deadline = Instant::now() + CUT_WITHIN;
        // A peer that had begun to dial anew is there again: once more, until nobody dials.
        while node.peers().await? > 0 {
            if Instant::now() > deadline {
                return Err(node.late("kept its peers"));
            }
            if node.protocol == Protocol::CometBft {
                node.stop().await?;
                self.start(index, ALONE).await?;
            } else {
                self.part(index).await?;
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    async fn part(&self, index: usize) -> anyhow::Result<()> {
        let node = self.node(index)?;
        for peer in self.peers_of(index) {
            for (one, other) in [(node, peer), (peer, node)] {
                rpc::call(one.rpc_addr(), "admin_removePeer", json!([other.peer_url()])).await?;
            }
        }
        Ok(())
    }

    /// Joins a running node that was cut off to the others again.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn join(&self, index: usize) -> anyhow::Result<()> {
        let node = self.node(index)?;
        if node.protocol == Protocol::CometBft {
            node.stop().await?;
            return self.start(index, &[]).await;
        }
        for peer in self.peers_of(index) {
            rpc::call(node.rpc_addr(), "admin_addPeer", json!([peer.peer_url()])).await?;
        }
        Ok(())
    }

    /// Starts a running node anew with a limit moved; with `None`, with all of them as they are by themselves.
    ///
    /// # Errors
    /// When its program has no such flags, or it does not come up again.
    pub async fn lift(&self, index: usize, limit: Option<Limit>) -> anyhow::Result<()> {
        let node = self.node(index)?;
        let flags = match (limit, self.limits) {
            (None, _) => Vec::new(),
            (Some(limit), Some(flags)) => flags(limit),
            (Some(_), None) => bail!("this family's program has no flag for that: geth has"),
        };
        node.stop().await?;
        node.process.set_flags(flags);
        self.restart(index).await
    }

    /// Asks every node to end, and waits until all have, or ends those that take longer than 10 seconds.
    pub async fn stop(&self) {
        // One that has ended already needs no asking.
        let asked: Vec<&Node> = self.nodes.iter().filter(|node| node.ask_to_end().is_ok()).collect();
        let deadline = Instant::now() + STOPPED_WITHIN;
        for node in asked {
            node.end_by(deadline).await;
        }
    }

    fn node(&self, index: usize) -> anyhow::Result<&Node> {
        self.nodes.get(index).with_context(|| format!("there is no node {index}"))
    }

    /// The others, as far as they run.
    fn peers_of(&self, index: usize) -> impl Iterator<Item = &Node> {
        let others = self.nodes.iter().enumerate().filter(move |(other, _)| *other != index);
        others.map(|(_, peer)| peer).filter(|peer| peer.is_running())
    }

    /// The nodes that make blocks.
    pub fn validators(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.address().is_some())
    }

    /// The nodes that only follow.
    pub fn others(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.address().is_none())
    }
}
