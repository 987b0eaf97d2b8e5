//! Waits for the reference: what made runs void may last, and attempts are few.

use std::time::Duration;

use anyhow::bail;
use challenges::driver::Driver;
use challenges::engine::preflight::shows_new_blocks;

use crate::progress::Progress;

/// How long the reference is waited for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// After so long it is told that it is waited for.
    told_after: Duration,
    /// After so much longer the season ends, with all that it has.
    most: Duration,
}

pub(super) const PATIENCE: Patience =
    Patience { told_after: Duration::from_secs(15), most: Duration::from_secs(600) };

/// Until the reference at `rpc` shows new blocks: for all that is known the chain stands, and whoever were measured now
/// would lose an attempt by our fault, or be sent what can stop a chain.
///
/// # Errors
/// When it shows none for as long as the patience lasts.
pub(super) async fn waited_for(
    driver: &dyn Driver,
    rpc: &str,
    patience: Patience,
    progress: &Progress,
) -> anyhow::Result<()> {
    let Err(why) = shows_new_blocks(driver, rpc, patience.told_after).await else { return Ok(()) };
    let minutes = patience.most.as_secs() / 60;
    progress.say(&format!(
        "the reference {why}: waiting for it, {minutes} min at most, before the season goes on"
    ));
    if let Err(why) = shows_new_blocks(driver, rpc, patience.most).await {
        bail!(
            "the reference {why}: nobody is measured without it. Finished runs are kept: mend the reference, then go on \
             with the same command (a served season tries by itself)"
        );
    }
    progress.say("the reference shows new blocks: the season goes on");
    Ok(())
}

#[cfg(test)]
mod tests {
    use challenges::driver::of_family;

    use super::*;

    #[tokio::test]
    async fn nobody_is_measured_without_a_reference() {
        let (driver, progress) = (of_family("evm").unwrap(), Progress::new(false));
        let patience = Patience { told_after: Duration::ZERO, most: Duration::from_millis(50) };
        let why =
            waited_for(driver, "http://127.0.0.1:1", patience, &progress).await.unwrap_err().to_string();
        assert!(why.contains("http://127.0.0.1:1 does not tell its head"), "{why}");
        assert!(why.contains("same command"), "{why}");
    }
}
