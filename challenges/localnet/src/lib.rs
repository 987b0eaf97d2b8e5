//! Real nodes on this machine, and faults between a caller and a node.
//!
//! [`GethOptions::start`] starts a clique network of geth 1.13 processes, [`KaiaOptions::start`] one of Kaia or
//! Klaytn consensus nodes, [`CometOptions::start`] one of CometBFT nodes; [`AnvilOptions::start`] a single EVM node;
//! each is a [`Network`]. [`Proxy`] is a JSON-RPC proxy with a switchable [`Fault`]. Everything listens on 127.0.0.1 only
//! and ends when its value is dropped.

mod anvil;
mod body;
mod cometbft;
mod fault;
mod folder;
mod geth;
mod install;
mod kaia;
mod keys;
mod launch;
mod mesh;
mod message;
mod network;
mod node;
mod ports;
mod process;
mod proxy;
mod rpc;
mod tunnel;
mod upstream;

pub use anvil::{AnvilOptions, find_anvil};
pub use cometbft::{CometOptions, find_cometbft};
pub use fault::Fault;
pub use geth::{GethOptions, find_geth};
pub use install::{Tool, tools_dir};
pub use kaia::{KaiaOptions, find_kcn};
pub use keys::FUNDED_KEY;
pub use network::{Limit, Network};
pub use node::Node;
pub use ports::Ports;
pub use proxy::Proxy;
pub use rpc::call;
