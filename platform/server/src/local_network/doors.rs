//! Where the nodes of a local network are measured: an ingress before each.

use std::sync::Arc;

use localnet::{Fault, Network, Node, Ports, Proxy};

/// Nodes that nobody applies with: the reference and two controls at least.
pub const KEPT: usize = 3;
/// Candidates on a network of a single node, unless said otherwise.
const USUAL_CANDIDATES: usize = 3;

/// A network with a door before each node, or, where a single node is the whole chain, several before that one: they
/// can misbehave each in its way, but what the node does itself it does behind all of them.
pub struct Doors {
    network: Arc<Network>,
    proxies: Vec<Proxy>,
}

impl Doors {
    /// Opens them, all well behaved.
    ///
    /// # Errors
    /// When a port is taken.
    pub fn open(network: Arc<Network>, candidates: Option<usize>, ports: Ports) -> anyhow::Result<Self> {
        let count = if is_single(&network) {
            candidates.unwrap_or(USUAL_CANDIDATES) + KEPT
        } else {
            network.nodes.len()
        };
        let node = |door: usize| &network.nodes[door % network.nodes.len()];
        let proxies = (0..count).map(|door| Proxy::before(door, node(door).rpc_addr(), Fault::None, ports));
        let proxies = proxies.collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { network, proxies })
    }

    /// The network behind them.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.proxies.len()
    }

    /// Whether one node stands behind all of them.
    pub fn lead_to_one_node(&self) -> bool {
        is_single(&self.network)
    }

    /// The place in its network of the node behind a door.
    pub fn node_index(&self, door: usize) -> usize {
        door % self.network.nodes.len()
    }

    /// The node behind a door.
    pub fn node(&self, door: usize) -> &Node {
        &self.network.nodes[self.node_index(door)]
    }

    /// What a door is called.
    pub fn name(&self, door: usize) -> String {
        if self.lead_to_one_node() { format!("door {door}") } else { self.node(door).name().to_owned() }
    }

    /// The address of a door.
    pub fn rpc(&self, door: usize) -> String {
        self.proxies[door].url()
    }

    /// Makes a door misbehave, in place of what it did before.
    pub fn set(&self, door: usize, fault: Fault) {
        self.proxies[door].set(fault);
    }
}

/// A chain without validators is one node's.
fn is_single(network: &Network) -> bool {
    network.validators().next().is_none()
}
