//! What can go wrong with a lab node as a whole.

use std::io;
use std::net::SocketAddr;

/// Why a lab node could not start or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The listening address could not be taken.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Settings that contradict each other.
    #[error("{0}")]
    Config(&'static str),
    /// Standard input could not be watched, or the ready line could not be written.
    #[error("standard streams: {0}")]
    Stream(#[from] io::Error),
}
