//! Waits for the reference: what made runs void may last, and attempts are few.

use std::time::Duration;

use anyhow::{anyhow, bail};
use challenges::driver::of_family;
use challenges::engine::preflight::shows_new_blocks;

use super::OpenSeason;
use crate::progress::Progress;

/// How long the reference may show no new block before runs that are void are drawn again all the same.
const PATIENCE: Duration = Duration::from_secs(600);
/// After so long it is told that it is waited for.
const TOLD_AFTER: Duration = Duration::from_secs(15);

/// Until the reference shows new blocks, or we have waited long enough; a plan that can stop a chain then does not go
/// on, for all that is known the chain stands.
///
/// # Errors
/// When the season's chain family is unknown, or when such a plan would be sent to a chain that shows nothing new.
pub(super) async fn waited_for(open: &OpenSeason, can_halt: bool, progress: &Progress) -> anyhow::Result<()> {
    let driver = of_family(&open.season.network.family).map_err(|why| anyhow!(why))?;
    let Err(why) = shows_new_blocks(driver, &open.reference, TOLD_AFTER).await else { return Ok(()) };
    let minutes = PATIENCE.as_secs() / 60;
    progress.say(&format!(
        "the reference {why}: waiting for it, {minutes} min at most, before runs are drawn again"
    ));
    match shows_new_blocks(driver, &open.reference, PATIENCE).await {
        Ok(()) => progress.say("the reference shows new blocks: the season goes on"),
        Err(why) if can_halt => bail!(
            "the reference {why}: nothing that can stop a chain is sent to it. Find out why, then run the same command \
             again"
        ),
        Err(why) => progress.say(&format!("the reference {why}: the season goes on all the same")),
    }
    Ok(())
}
