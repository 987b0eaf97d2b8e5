//! A running network, of whichever family.

use crate::node::Node;

/// Processes of a chain's own nodes on 127.0.0.1, every pair connected.
/// Dropping it kills them all and waits for them; the folder stays.
#[derive(Debug)]
pub struct Network {
    /// The nodes, validators first, in the order of their addresses.
    pub nodes: Vec<Node>,
    /// The driver that measures it: `evm`, `cometbft`.
    pub family: &'static str,
    /// Chain id and network id; 0 on CometBFT, whose chain ids are text.
    pub chain_id: u64,
    pub(crate) genesis_hash: String,
}

impl Network {
    /// Hash of the first block (block 0; on CometBFT block 1) as the chain writes it, the same on every node.
    #[must_use]
    pub fn genesis_hash(&self) -> &str {
        &self.genesis_hash
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
