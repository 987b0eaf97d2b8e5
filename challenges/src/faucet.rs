//! Pays the root accounts of runs from the season's funded test key. The key stays with the
//! platform; no worker sees it.

use std::time::{Duration, Instant};

use model::{Parameters, Seed};
use tokio::time::sleep;

use crate::driver::{Context, Driver, Payment, SignedTransaction};
use crate::http::{BLOCK_BODY, LOAD_BODY, Target, loopback};

const DEADLINE: Duration = Duration::from_secs(5);
/// How long payments may take to show at the reference.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
/// A root gets a multiple of what its run can need, in case the price of gas rises meanwhile.
const RESERVE: u128 = 2;

/// The faucet of a season.
pub struct Faucet {
    driver: &'static dyn Driver,
    key: String,
    account: String,
    chain_id: u64,
    /// Payments go in here...
    control: Target,
    /// ...and are looked for here.
    reference: Target,
}

/// A faucet is its key: it does not show in logs.
impl std::fmt::Debug for Faucet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Faucet({})", self.account)
    }
}

impl Faucet {
    /// The faucet of this private key.
    ///
    /// # Errors
    /// In words, when the key is no key or an address is none that we send to.
    pub fn new(
        driver: &'static dyn Driver,
        key: &str,
        chain_id: u64,
        control: &str,
        reference: &str,
    ) -> Result<Self, String> {
        let target = |rpc: &str| loopback(rpc).map(|a| Target::new(a, None)).map_err(|e| e.to_string());
        Ok(Self {
            driver,
            account: driver.account_of(key)?,
            key: key.to_owned(),
            chain_id,
            control: target(control)?,
            reference: target(reference)?,
        })
    }

    /// The faucet's account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The faucet's balance, smallest unit.
    ///
    /// # Errors
    /// In words, when the reference does not tell.
    pub async fn balance(&self) -> Result<u128, String> {
        Ok(self.state(&self.account).await?.0)
    }

    /// What the run of this seed and these parameters is to be paid.
    async fn need(&self, seed: &Seed, parameters: &Parameters, context: Context) -> (String, u128) {
        let wallet = self.driver.wallet(self.chain_id, seed, parameters, context);
        (wallet.root().to_owned(), wallet.root_amount().saturating_mul(RESERVE))
    }

    /// Pays the roots of these runs and waits until all have it.
    ///
    /// # Errors
    /// In words, when the faucet is short, or the payments do not land in time.
    pub async fn fund(&self, runs: &[(Seed, Parameters)]) -> Result<(), String> {
        let context = self.context().await?;
        let mut needs = Vec::with_capacity(runs.len());
        for (seed, parameters) in runs {
            needs.push(self.need(seed, parameters, context).await);
        }
        let total = needs.iter().fold(0u128, |sum, (_, amount)| sum.saturating_add(*amount));
        let (balance, sequence) = self.state(&self.account).await?;
        if balance < total {
            return Err(format!(
                "the faucet {} holds {balance}, these runs need {total} (smallest unit): fund it and try again",
                self.account
            ));
        }
        let payments = self.payments(&needs, sequence, context)?;
        let begun = Instant::now();
        let mut next_send = begun;
        while begun.elapsed() < PATIENCE {
            if Instant::now() >= next_send {
                self.submit(&payments).await;
                next_send = Instant::now() + PATIENCE / 4;
            }
            if self.state(&self.account).await.is_ok_and(|(_, now)| now >= sequence + needs.len() as u64) {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        Err(format!("payments of the faucet {} did not land within {} s", self.account, PATIENCE.as_secs()))
    }

    fn payments(
        &self,
        needs: &[(String, u128)],
        sequence: u64,
        context: Context,
    ) -> Result<Vec<SignedTransaction>, String> {
        let pay = |((account, amount), sequence): (&(String, u128), u64)| {
            let (chain_id, key) = (self.chain_id, self.key.as_str());
            self.driver.pay(&Payment { chain_id, key, sequence, account, amount: *amount, context })
        };
        needs.iter().zip(sequence..).map(pay).collect()
    }

    async fn submit(&self, payments: &[SignedTransaction]) {
        for payment in payments {
            // Whether it was taken shows in the account's sequence number.
            let _ = self.control.post(&payment.request, LOAD_BODY, DEADLINE).await;
        }
    }

    async fn context(&self) -> Result<Context, String> {
        let reply = self.reference.post(&self.driver.context_request(), BLOCK_BODY, DEADLINE).await;
        let reply =
            reply.map_err(|class| format!("the reference does not tell the price of gas ({class})"))?;
        self.driver.context(&reply).map_err(|e| format!("the reference does not tell the price of gas: {e}"))
    }

    async fn state(&self, account: &str) -> Result<(u128, u64), String> {
        let reply = self.reference.post(&self.driver.account_request(account), LOAD_BODY, DEADLINE).await;
        let reply = reply.map_err(|class| format!("the reference does not tell of {account} ({class})"))?;
        self.driver.account(&reply).map_err(|e| format!("the reference does not tell of {account}: {e}"))
    }
}
