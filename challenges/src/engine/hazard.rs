//! What a challenge that can stop a chain needs before it begins, and what is looked at after it.

use std::time::Duration;

use model::plan::Via;
use model::work::Work;
use model::{Parameters, Parting};

use super::preflight::Nodes;
use crate::driver::Driver;
use crate::http::{BLOCK_BODY, Target};

const DEADLINE: Duration = Duration::from_secs(10);
/// Blocks that are compared at the most: the last ones.
const COMPARED: u64 = 1_000;
/// Turns that every validator must have while keys change.
const ROTATIONS: u64 = 2;

/// Whether the plan may run on this chain now: the healthy validators hold more than two thirds of the committee, and
/// it lasts two rotations.
///
/// # Errors
/// Why not, with the remedy.
pub(super) async fn check(driver: &dyn Driver, work: &Work, nodes: &Nodes) -> Result<(), String> {
    let Parameters::KeyChange(plan) = &work.parameters else { return Ok(()) };
    let reference = Target::new(nodes.reference, None);
    let head = nodes.head.saturating_sub(nodes.finality_depth);
    let reply = reference.post(&driver.block_request(head, nodes.context), BLOCK_BODY, DEADLINE).await;
    let reply = reply.map_err(|class| format!("the reference does not tell block {head} ({class})"))?;
    let block = driver.block(&reply).map_err(|why| format!("block {head} of the reference: {why}"))?;
    let committee = block.ok_or_else(|| format!("the reference does not have block {head}"))?.committee;
    if committee.is_empty() {
        return Err(format!(
            "family {} does not tell its validators: key-change can stop a chain, and runs only where healthy \
             controls are known to hold more than two thirds of it",
            work.network.family
        ));
    }
    let healthy = |member: &&String| work.healthy.iter().any(|known| known.eq_ignore_ascii_case(member));
    let held = committee.iter().filter(healthy).count();
    let all = committee.len();
    if held * 3 <= all * 2 {
        return Err(format!(
            "the controls hold {held} of {all} seats of the committee at block {head}, and key-change can stop a chain: \
             it runs only while they hold more than two thirds (declare more [[operator]] tables with role = \
             \"control\" and their validator, or unseat candidates)"
        ));
    }
    let storm_ms = u64::from(plan.storm_ms());
    let blocks = storm_ms / 1_000;
    if blocks < ROTATIONS * all as u64 {
        return Err(format!(
            "the storm of {storm_ms} ms gives {all} validators less than {ROTATIONS} turns each at a block a second: \
             raise bursts or burst_ms"
        ));
    }
    Ok(())
}

/// Blocks of the run of which the candidate or a control shows another hash than `ours`, (height, hash) at the
/// reference. A node that does not have a block has not parted.
pub(super) async fn partings(driver: &dyn Driver, nodes: &Nodes, ours: &[(u64, String)]) -> Vec<Parting> {
    let last = ours.len().saturating_sub(COMPARED as usize);
    let mut found = Vec::new();
    let first = nodes.controls.first().map(|node| (Via::Control, node.address));
    let distant = nodes.controls.get(1..).and_then(<[_]>::last).map(|node| (Via::Distant, node.address));
    let looked_at = [Some((Via::Candidate, nodes.target.address)), first, distant];
    for (via, address) in looked_at.into_iter().flatten() {
        let node = Target::new(address, None);
        for (height, hash) in &ours[last..] {
            let Ok(reply) =
                node.post(&driver.block_request(*height, nodes.context), BLOCK_BODY, DEADLINE).await
            else {
                break;
            };
            match driver.block(&reply) {
                Ok(Some(block)) if block.hash != *hash => {
                    found.push(Parting { via, height: *height, hash: block.hash });
                }
                _ => {}
            }
        }
    }
    found
}
