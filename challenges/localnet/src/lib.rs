//! Real nodes on this machine, and faults between a caller and a node.
//!
//! [`GethNetwork`] is a clique network of geth 1.13 processes, [`Anvil`] a single EVM node,
//! [`Proxy`] a JSON-RPC proxy with a switchable [`Fault`]. Everything listens on 127.0.0.1 only
//! and ends when its value is dropped.

mod anvil;
mod body;
mod fault;
mod genesis;
mod geth;
mod mesh;
mod message;
mod node;
mod process;
mod proxy;
mod rpc;
mod upstream;

pub use anvil::{Anvil, find_anvil};
pub use fault::Fault;
pub use genesis::FUNDED_KEY;
pub use geth::{GethNetwork, GethOptions, find_geth};
pub use node::GethNode;
pub use proxy::Proxy;
pub use rpc::call;
