//! Real nodes on this machine, and faults between a caller and a node.
//!
//! [`GethOptions::start`] starts a clique network of geth 1.13 processes, [`KaiaOptions::start`] one of Kaia or
//! Klaytn consensus nodes, [`CometOptions::start`] one of CometBFT nodes; each is a [`Network`]. [`Anvil`] is a single EVM node,
//! [`Proxy`] a JSON-RPC proxy with a switchable [`Fault`]. Everything listens on 127.0.0.1 only
//! and ends when its value is dropped.

mod anvil;
mod body;
mod cometbft;
mod fault;
mod folder;
mod geth;
mod kaia;
mod keys;
mod launch;
mod mesh;
mod message;
mod network;
mod node;
mod process;
mod proxy;
mod rpc;
mod upstream;

pub use anvil::{Anvil, find_anvil};
pub use cometbft::{CometOptions, find_cometbft};
pub use fault::Fault;
pub use geth::{GethOptions, find_geth};
pub use kaia::{KaiaOptions, find_kcn};
pub use keys::FUNDED_KEY;
pub use network::Network;
pub use node::Node;
pub use proxy::Proxy;
pub use rpc::call;
