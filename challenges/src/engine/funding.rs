//! Funds a run's accounts from its root, wave by wave, through a control.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::watch::Watch;
use crate::driver::{Driver, SignedTransaction, Wallet};
use crate::http::{LOAD_BODY, Target};

/// Transactions in one request.
const BATCH: usize = 50;
/// How long the faucet's payment to the root may take to show.
const ROOT_DEADLINE: Duration = Duration::from_secs(30);
/// Longest wait for a wave, beside twelve block intervals.
const WAVE_DEADLINE: Duration = Duration::from_secs(12);
const ATTEMPTS: usize = 3;
const LOOK: Duration = Duration::from_millis(50);

/// Waits for the root to be funded, then passes the money on. True when every account has its own.
pub(super) async fn fund(
    driver: &'static dyn Driver,
    wallet: &dyn Wallet,
    control: &Target,
    reference: &Target,
    watch: &Watch,
    progress: impl Fn(usize, usize),
) -> bool {
    // Where there is no money, what is to be in the chain before the run goes in at once.
    if driver.has_money() && !root_is_funded(driver, wallet, reference).await {
        return false;
    }
    for number in 0..wallet.waves() {
        progress(number, wallet.waves());
        let wave = tokio::task::block_in_place(|| wallet.wave(number));
        watch.ledger.lock().expect("not poisoned").know(wave.iter().map(|transaction| &transaction.id));
        if !settle(driver, &wave, control, watch).await {
            return false;
        }
    }
    true
}

async fn root_is_funded(driver: &'static dyn Driver, wallet: &dyn Wallet, reference: &Target) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < ROOT_DEADLINE {
        let reply = reference.post(&driver.account_request(wallet.root()), LOAD_BODY, WAVE_DEADLINE).await;
        let balance =
            reply.ok().and_then(|reply| driver.account(&reply).ok()).map_or(0, |(balance, _)| balance);
        if balance >= wallet.root_amount() {
            return true;
        }
        sleep(LOOK * 4).await;
    }
    false
}

/// Sends a wave until all of it is in the chain; what did not land in time is sent again.
async fn settle(
    driver: &'static dyn Driver,
    wave: &[SignedTransaction],
    control: &Target,
    watch: &Watch,
) -> bool {
    for _ in 0..ATTEMPTS {
        let missing = missing(wave, watch);
        for chunk in missing.chunks(BATCH) {
            submit(driver, chunk, control).await;
        }
        let deadline = Instant::now() + WAVE_DEADLINE.max(watch.interval() * 12);
        while Instant::now() < deadline {
            if self::missing(wave, watch).is_empty() {
                return true;
            }
            sleep(LOOK).await;
        }
    }
    false
}

fn missing<'a>(wave: &'a [SignedTransaction], watch: &Watch) -> Vec<&'a SignedTransaction> {
    let ledger = watch.ledger.lock().expect("not poisoned");
    wave.iter().filter(|transaction| ledger.landing(&transaction.id).is_none()).collect()
}

/// In batches where the family and the node take them, in the first of its ways that the node takes. Whether each
/// transaction was taken is seen from the chain, not from the answers.
async fn submit(driver: &'static dyn Driver, chunk: &[&SignedTransaction], control: &Target) {
    let requests: Vec<_> = chunk.iter().map(|transaction| &transaction.request).collect();
    for batch in driver.batches(&requests) {
        let reply = control.post(&batch, LOAD_BODY, WAVE_DEADLINE).await;
        if reply.is_ok_and(|reply| driver.took_batch(&reply)) {
            return;
        }
    }
    for request in requests {
        let _ = control.post(request, LOAD_BODY, WAVE_DEADLINE).await;
    }
}
