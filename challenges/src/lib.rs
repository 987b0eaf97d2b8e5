//! Measures nodes: chain drivers, the open-loop engine, and the worker that runs it.
//!
//! A [`driver::Driver`] says how a chain family talks; the [`engine`] sends what a plan asks for,
//! at the instants it asks for, under a ceiling that no plan can raise; what was seen is
//! [`model::Evidence`]. Nothing here scores.

mod account;
pub mod announced;
pub mod claim;
pub mod clique;
pub mod cometbft;
pub mod driver;
pub mod engine;
pub mod evm;
pub mod faucet;
mod field;
pub mod http;
mod jsonrpc;
pub mod kaia;
mod order;
pub mod personal_sign;
mod rlp;
mod wallet;
pub mod worker;
