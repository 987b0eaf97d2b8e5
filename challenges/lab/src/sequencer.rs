//! The reference: a node that makes blocks on its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::Address;
use bytes::Bytes;
use clap::Args;
use hyper::StatusCode;
use tokio::time::MissedTickBehavior;

use crate::chain::{Chain, Genesis};
use crate::error::LabError;
use crate::http::{self, Closed, Handler, Reply, Running};
use crate::methods::SharedChain;
use crate::rpc;

/// Settings of a sequencer.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct SequencerConfig {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value_t = Self::default().listen)]
    pub listen: SocketAddr,
    /// The id that every transaction must be signed for.
    #[arg(long)]
    pub chain_id: u64,
    /// Milliseconds between blocks.
    #[arg(long, default_value_t = Self::default().block_ms)]
    pub block_ms: u64,
    /// Gas a block may use.
    #[arg(long, default_value_t = Self::default().gas_limit)]
    pub gas_limit: u64,
    /// Wei per gas; it never moves.
    #[arg(long, default_value_t = Self::default().base_fee)]
    pub base_fee: u64,
    /// An account that gets 10^26 wei; give it once for each.
    #[arg(long, value_name = "ADDRESS")]
    pub fund: Vec<Address>,
    /// Transactions of one sender that may wait behind a nonce gap.
    #[arg(long, default_value_t = Self::default().queued_per_sender)]
    pub queued_per_sender: usize,
}

impl Default for SequencerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            chain_id: 1337,
            block_ms: 250,
            gas_limit: 30_000_000,
            base_fee: 1_000_000_000,
            fund: Vec::new(),
            queued_per_sender: 64,
        }
    }
}

/// A node that makes blocks, executes transfers and reverts, and checks real signatures and nonces.
#[derive(Debug)]
pub struct Sequencer {
    chain: SharedChain,
}

impl Sequencer {
    /// Starts a sequencer on the current runtime.
    ///
    /// # Errors
    /// The address is taken, or there is no time between blocks.
    pub async fn start(config: SequencerConfig) -> Result<Running, LabError> {
        if config.block_ms == 0 {
            return Err(LabError::Config("block-ms must be above 0"));
        }
        let interval = Duration::from_millis(config.block_ms);
        let listen = config.listen;
        let chain = Chain::new(&Genesis {
            chain_id: config.chain_id,
            gas_limit: config.gas_limit,
            base_fee: config.base_fee,
            fund: config.fund,
            queued_per_sender: config.queued_per_sender,
        });
        let sequencer = Arc::new(Self { chain: SharedChain::new(chain) });
        let running = http::serve(listen, Arc::clone(&sequencer)).await?;
        Ok(running.with(tokio::spawn(sequencer.make_blocks(interval))))
    }

    /// A block that comes late is not made up for: the next ones keep their times.
    async fn make_blocks(self: Arc<Self>, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.chain.lock().seal(unix_seconds());
        }
    }
}

impl Handler for Sequencer {
    async fn answer(&self, _: IpAddr, body: Bytes) -> Result<Reply, Closed> {
        let reply = rpc::answer(&body, |method, params| self.chain.call(method, params));
        Ok(http::json(StatusCode::OK, reply))
    }
}

fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
