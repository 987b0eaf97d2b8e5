//! What a challenge that can stop a chain needs before it begins, and what is looked at after it.

use std::time::Duration;

use model::plan::Via;
use model::plan::key_change::KeyChange;
use model::work::Work;
use model::{Parameters, Parting};

use super::preflight::Nodes;
use crate::driver::Driver;
use crate::http::{BLOCK_BODY, Target};

const DEADLINE: Duration = Duration::from_secs(10);
/// Between two blocks asked for.
const PAUSE: Duration = Duration::from_millis(5);
/// A node is looked at for so long at the most.
const PATIENCE: Duration = Duration::from_secs(60);
/// Blocks that a node may fail to show before it is asked no more.
const SILENT: u32 = 2;
/// Blocks that are compared at the most: the last ones.
const COMPARED: usize = 1_000;
/// Turns that every validator must have while keys change.
const ROTATIONS: u64 = 2;
/// What a turn costs that fails, seconds: on Kaia a block comes ten seconds after the one before it then.
const FAILED_TURN_S: u64 = 10;

/// Whether the plan may run on this chain now: the healthy validators hold more than two thirds of the committee, and
/// it lasts two rotations.
///
/// # Errors
/// Why not, with the remedy; or that the reference does not tell.
pub(super) async fn check(driver: &dyn Driver, work: &Work, nodes: &Nodes) -> Result<(), NotNow> {
    let Parameters::KeyChange(plan) = &work.parameters else { return Ok(()) };
    let reference = Target::new(nodes.reference, None);
    let head = nodes.head.saturating_sub(nodes.finality_depth);
    let reply = reference.post(&driver.block_request(head, nodes.context), BLOCK_BODY, DEADLINE).await;
    let block = reply.ok().and_then(|reply| driver.block(&reply).ok().flatten());
    let committee = block.ok_or(NotNow::Unread)?.committee;
    allowed(plan, &committee, head, work).map_err(NotNow::Refused)
}

/// Why a plan that can stop a chain does not run.
pub(super) enum NotNow {
    /// It may not, as long as this is so.
    Refused(String),
    /// The reference does not show its block: nothing is known.
    Unread,
}

fn allowed(plan: &KeyChange, committee: &[String], head: u64, work: &Work) -> Result<(), String> {
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
            "controls and reference hold {held} of {all} seats of the committee at block {head}, and key-change can stop \
             a chain: it runs only while they hold more than two thirds (declare more [[operator]] tables with role = \
             \"control\" and their validator, and the reference's validator in [network]; or unseat candidates)"
        ));
    }
    let storm_ms = u64::from(plan.storm_ms());
    let needed_s = ROTATIONS * (all as u64 + FAILED_TURN_S);
    if storm_ms < needed_s * 1_000 {
        return Err(format!(
            "the storm of {storm_ms} ms gives {all} validators less than {ROTATIONS} turns each, at a block a second and \
             {FAILED_TURN_S} s for a turn of the candidate's that fails: it takes {needed_s} s; raise bursts or burst_ms"
        ));
    }
    Ok(())
}

/// Blocks of the run of which the candidate or a control shows another hash than `ours`, (height, hash) at the
/// reference. A node that does not have a block has not parted.
pub(super) async fn partings(driver: &dyn Driver, nodes: &Nodes, ours: &[(u64, String)]) -> Vec<Parting> {
    let last = ours.len().saturating_sub(COMPARED);
    let mut found = Vec::new();
    let first = nodes.controls.first().map(|node| (Via::Control, node.address));
    let distant = nodes.controls.get(1..).and_then(<[_]>::last).map(|node| (Via::Distant, node.address));
    let looked_at = [Some((Via::Candidate, nodes.target.address)), first, distant];
    for (via, address) in looked_at.into_iter().flatten() {
        let node = Target::new(address, None);
        let looking = async {
            let mut silent = 0;
            for (height, hash) in &ours[last..] {
                let request = driver.block_request(*height, nodes.context);
                let Ok(reply) = node.post(&request, BLOCK_BODY, DEADLINE).await else {
                    silent += 1;
                    if silent > SILENT {
                        break;
                    }
                    continue;
                };
                match driver.block(&reply) {
                    Ok(Some(block)) if block.height == *height && block.hash != *hash => {
                        found.push(Parting { via, height: *height, hash: block.hash });
                    }
                    _ => {}
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        // What was found until then is kept: nobody holds up a season by slow answers.
        let _ = tokio::time::timeout(PATIENCE, looking).await;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::work::Endpoint;
    use model::{Network, RunKey, Seed};

    fn work(healthy: &[&str]) -> (KeyChange, Work) {
        let plan = KeyChange {
            honest_rate: 1,
            horizon_blocks: 20,
            calm_ms: 1_000,
            bursts: 40,
            burst_ms: 700,
            accounts: 1,
            recover_ms: 1_000,
            halt_ms: 30_000,
        };
        let run = RunKey {
            window: 1,
            trial: "k".parse().expect("an id"),
            operator: "o".parse().expect("an id"),
            attempt: 1,
        };
        let work = Work {
            run,
            seed: Seed::from_number(1),
            parameters: Parameters::KeyChange(plan.clone()),
            network: Network { family: "kaia".into(), chain_id: 1, genesis: "0x".into(), incarnation: 1 },
            target: Endpoint { rpc: String::new(), validator: None },
            reference: None,
            controls: vec![],
            healthy: healthy.iter().map(|one| (*one).to_owned()).collect(),
            ceiling: 1,
            lease_ms: 1,
        };
        (plan, work)
    }

    #[test]
    fn more_than_two_thirds_must_be_healthy_and_the_storm_long_enough() {
        let told = |healthy: &[&str], members: &[&str]| {
            let (plan, work) = work(healthy);
            let members: Vec<String> = members.iter().map(|one| (*one).to_owned()).collect();
            allowed(&plan, &members, 7, &work).err().unwrap_or_default()
        };
        assert_eq!(told(&["0xA", "0xb", "0xC"], &["0xa", "0xB", "0xc", "0xd"]), "");
        assert!(
            told(&["0xa", "0xb"], &["0xa", "0xb", "0xc"]).contains("hold 2 of 3 seats"),
            "exactly two thirds"
        );
        assert!(told(&["0xa"], &[]).contains("does not tell its validators"));
        let five = ["1", "2", "3", "4", "5"];
        assert!(told(&five, &five).contains("it takes 30 s"), "two of five turns fail in 28 s");
    }
}
