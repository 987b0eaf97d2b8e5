//! A running network, of whichever family.

use alloy_primitives::B256;

use crate::node::Node;

/// Processes of a chain's own nodes on 127.0.0.1, every pair connected.
/// Dropping it kills them all and waits for them; the folder stays.
#[derive(Debug)]
pub struct Network {
    /// The nodes, validators first, in the order of their addresses.
    pub nodes: Vec<Node>,
    /// Chain id and network id.
    pub chain_id: u64,
    pub(crate) genesis_hash: B256,
}

impl Network {
    /// Hash of block 0, the same on every node.
    #[must_use]
    pub fn genesis_hash(&self) -> B256 {
        self.genesis_hash
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
