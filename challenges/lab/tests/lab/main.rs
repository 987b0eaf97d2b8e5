//! The lab from outside: known transactions, the rules of the chain, and real sockets.

mod chain;
mod client;
mod ingress;
mod sequencer;
mod transaction;
mod wallet;
