//! The lab: yardsticks for a load-measuring engine.
//!
//! A [`Sequencer`] makes blocks out of real signed transfers and is the reference. An [`Ingress`] stands before it with a
//! [`Character`] that is known exactly: served rate, queue, latency, loss, error classes, stalls. Both speak JSON-RPC
//! over HTTP/1.1 on real sockets, one process each. What an engine measures against them can be checked against what
//! they were told to be.
//!
//! Everything that decides is pure and takes the time as an argument ([`Chain`], [`VirtualQueue`], [`Stall`]); clocks
//! and sockets are outside of it.

mod block;
mod chain;
mod character;
mod deck;
mod error;
mod gate;
mod http;
mod ingress;
mod load;
mod methods;
mod node;
mod pool;
mod queue;
mod refusal;
mod rpc;
mod sequencer;
mod stall;
mod transaction;
mod upstream;

pub use block::{Block, Receipt};
pub use chain::{Account, Chain, Genesis};
pub use character::{Character, ErrorClass, Overflow};
pub use error::LabError;
pub use http::Running;
pub use ingress::{Ingress, IngressConfig};
pub use load::Load;
pub use node::LabNode;
pub use queue::VirtualQueue;
pub use refusal::{Refusal, Shortfall};
pub use sequencer::{Sequencer, SequencerConfig};
pub use stall::Stall;
pub use transaction::Transaction;
