//! A network that stands still: how it is told of, also to the hook of somebody who wants to know at once.

use std::time::Duration;

use model::{Ended, Evidence, RunKey};
use tokio::process::Command;

/// Longer than this the hook is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `command` in a shell of its own, with TOUCHSTONE_RUN, TOUCHSTONE_HEAD (the last head seen) and
/// TOUCHSTONE_CHAIN_ID in its environment.
///
/// # Errors
/// In words, when it could not be run, failed, or took too long.
pub async fn tell(command: &str, evidence: &Evidence) -> Result<(), String> {
    let head = last_head(evidence);
    let child = Command::new("sh")
        .args(["-c", command])
        .env("TOUCHSTONE_RUN", evidence.run.to_string())
        .env("TOUCHSTONE_HEAD", head.map_or(String::new(), |head| head.to_string()))
        .env("TOUCHSTONE_CHAIN_ID", evidence.network.chain_id.to_string())
        .kill_on_drop(true)
        .status();
    match tokio::time::timeout(PATIENCE, child).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("the halt hook failed ({status}): {command}")),
        Ok(Err(why)) => Err(format!("the halt hook cannot be run ({why}): {command}")),
        Err(_) => {
            Err(format!("the halt hook took longer than {} s and was ended: {command}", PATIENCE.as_secs()))
        }
    }
}

/// The last head that the run saw; none when the reference told none.
pub fn last_head(evidence: &Evidence) -> Option<u64> {
    evidence.heads.iter().filter_map(|sample| sample.reference).max()
}

/// What is said when nothing has moved for a while.
pub fn suspected(head: u64, after_ms: u64) -> String {
    format!("no block anywhere for {} s after height {head}: a halt is suspected", after_ms / 1_000)
}

/// A plan that can stop a chain seems to have: nothing more is sent before somebody has looked.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}: the chain stood still under a plan that can stop it: find out why, unseat who was found, then go on with the \
     same command (a served season is suspended until a reviewer resumes it)"
)]
pub(crate) struct HaltedByPlan(pub(crate) RunKey);

/// Whether a run ended because neither reference nor controls showed the chain going on.
pub(crate) fn saw_no_chain(evidence: &Evidence) -> bool {
    matches!(evidence.ended, Ended::ReferenceLost | Ended::ReferenceUnread | Ended::NetworkHalted)
}
