//! A small lab: one sequencer, which is also the reference, and healthy ingresses before it.

use std::path::Path;

use anyhow::anyhow;
use challenges::driver::{Driver, of_family};
use challenges::engine::preflight::inspect;
use lab::Character;
use model::Network;
use server::lab_process::{LAB_FAUCET_KEY, LabProcess};

/// The program under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_touchstone");
pub(crate) const CHAIN: u64 = 1337;
const BLOCK_MS: u64 = 200;

/// A lab; its processes end with it.
pub(crate) struct Lab {
    pub(crate) sequencer: LabProcess,
    pub(crate) ingresses: Vec<LabProcess>,
    pub(crate) network: Network,
}

impl Lab {
    pub(crate) async fn start(ingresses: usize) -> anyhow::Result<Self> {
        let sequencer = sequencer(CHAIN, LAB_FAUCET_KEY).await?;
        let mut started = Vec::new();
        for _ in 0..ingresses {
            let healthy = Character::default();
            started.push(LabProcess::ingress(Path::new(BINARY), sequencer.address, &healthy).await?);
        }
        let identity = inspect(driver()?, &sequencer.rpc()).await.map_err(|why| anyhow!(why))?;
        let network =
            Network { family: "evm".into(), chain_id: CHAIN, genesis: identity.genesis, incarnation: 1 };
        Ok(Self { sequencer, ingresses: started, network })
    }
}

/// A sequencer whose genesis funds the account of this key.
pub(crate) async fn sequencer(chain: u64, key: &str) -> anyhow::Result<LabProcess> {
    let account = driver()?.account_of(key).map_err(|why| anyhow!(why))?;
    LabProcess::sequencer(Path::new(BINARY), chain, BLOCK_MS, &account).await
}

pub(crate) fn driver() -> anyhow::Result<&'static dyn Driver> {
    of_family("evm").map_err(|why| anyhow!(why))
}
