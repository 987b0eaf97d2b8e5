//! What a challenge that can stop a chain needs before it begins, and what is looked at after it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use model::plan::Via;
use model::plan::key_change::KeyChange;
use model::work::Work;
use model::{Parameters, Parting};

use super::preflight::Nodes;
use crate::driver::{Context, Driver};
use crate::http::{BLOCK_BODY, Target};

const DEADLINE: Duration = Duration::from_secs(10);
/// Between two blocks asked for.
const PAUSE: Duration = Duration::from_millis(5);
/// A node is looked at for so long at the most.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// The same while somebody waits to be told that the network stands still.
pub(super) const HALTED_PATIENCE: Duration = Duration::from_secs(5);
/// Blocks that a node may fail to show before it is asked no more.
const SILENT: u32 = 2;
/// Blocks that are compared at the most: the last ones.
const COMPARED: usize = 1_000;
/// Turns that every validator must have while keys change.
const ROTATIONS: u64 = 2;
/// What a turn costs that fails, seconds: on Kaia a block comes ten seconds after the one before it then.
const FAILED_TURN_S: u64 = 10;

/// How long keys must change at the least for each of so many validators to have its turns, seconds: two of them, and
/// in each rotation one that fails.
pub fn least_storm_s(validators: usize) -> u64 {
    ROTATIONS * (validators as u64 + FAILED_TURN_S)
}

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
    let reply = reply.map_err(|_| NotNow::Unread)?;
    let block = driver.block(&reply).ok().flatten().ok_or(NotNow::Unread)?;
    let council = driver.council(&reply, &block).map_err(|_| NotNow::Unread)?;
    let seats = Seats { height: head, committee: block.committee, council };
    let family = &work.network.family;
    allowed(plan, family, &work.healthy, &seats).map_err(NotNow::Refused)
}

/// Why a plan that can stop a chain does not run.
pub(super) enum NotNow {
    /// It may not, as long as this is so.
    Refused(String),
    /// The reference does not show its block: nothing is known.
    Unread,
}

/// Who is seated at a block.
pub struct Seats {
    /// Its height.
    pub height: u64,
    /// Who could propose and vote there; empty where the family does not tell.
    pub committee: Vec<String>,
    /// Among whom turns go round, of which a committee may be a draw.
    pub council: Vec<String>,
}

/// Whether a plan may run while these are seated, of whom `healthy` are known to be controls or the reference.
///
/// # Errors
/// Why not, with the remedy.
pub fn allowed(plan: &KeyChange, family: &str, healthy: &[String], seats: &Seats) -> Result<(), String> {
    let Seats { height, committee, council } = seats;
    if committee.is_empty() {
        return Err(format!(
            "family {family} does not tell its validators: key-change can stop a chain, and runs only where healthy \
             controls are known to hold more than two thirds of it"
        ));
    }
    let is_healthy = |member: &&String| healthy.iter().any(|known| known.eq_ignore_ascii_case(member));
    let held = committee.iter().filter(is_healthy).count();
    let all = committee.len();
    if held * 3 <= all * 2 {
        return Err(format!(
            "controls and reference hold {held} of {all} seats of the committee at block {height}, and key-change can stop \
             a chain: it runs only while they hold more than two thirds (declare more [[operator]] tables with role = \
             \"control\" and their validator, and the reference's validator in [network]; or unseat candidates)"
        ));
    }
    let storm_ms = u64::from(plan.storm_ms());
    let (turns, needed_s) = (council.len(), least_storm_s(council.len()));
    if storm_ms < needed_s * 1_000 {
        return Err(format!(
            "the storm of {storm_ms} ms gives {turns} validators less than {ROTATIONS} turns each, at a block a second and \
             {FAILED_TURN_S} s for a turn of the candidate's that fails: it takes {needed_s} s; raise bursts or burst_ms"
        ));
    }
    Ok(())
}

/// Blocks of the run that the candidate or a control names by another hash than `ours`, (height, hash) at the
/// reference, as far as they show them within `patience`. A node that does not have a block has not parted; one whose
/// block would not be believed has, if it names another: what the fault of 2021 leaves behind need not hold together.
pub(super) async fn partings(
    driver: &dyn Driver,
    nodes: &Nodes,
    ours: &[(u64, String)],
    patience: Duration,
) -> Vec<Parting> {
    let ours: BTreeMap<u64, &String> =
        ours.iter().rev().take(COMPARED).map(|(height, hash)| (*height, hash)).collect();
    let first = nodes.controls.first().map(|node| node.address);
    let distant = nodes.controls.get(1..).and_then(<[_]>::last).map(|node| node.address);
    let look = async |via: Via, address: Option<SocketAddr>| {
        let mut found = Vec::new();
        if let Some(address) = address {
            let looking =
                compare(driver, nodes.context, Target::new(address, None), &ours, |height, hash| {
                    found.push(Parting { via, height, hash });
                });
            // What was found until then is kept: nobody holds up a season by slow answers.
            let _ = tokio::time::timeout(patience, looking).await;
        }
        found
    };
    let (candidate, first, distant) = tokio::join!(
        look(Via::Candidate, Some(nodes.target.address)),
        look(Via::Control, first),
        look(Via::Distant, distant)
    );
    [candidate, first, distant].concat()
}

/// Asks a node for the blocks of these heights, and tells each that it names by another hash, once.
async fn compare(
    driver: &dyn Driver,
    context: Context,
    node: Target,
    ours: &BTreeMap<u64, &String>,
    mut parted: impl FnMut(u64, String),
) {
    let (mut silent, mut told) = (0, BTreeSet::new());
    // The last ones first: there may be no time for all.
    for &asked in ours.keys().rev() {
        let Ok(reply) = node.post(&driver.block_request(asked, context), BLOCK_BODY, DEADLINE).await else {
            silent += 1;
            if silent > SILENT {
                return;
            }
            continue;
        };
        for (height, hash) in driver.named(&reply) {
            let other = ours.get(&height).is_some_and(|known| **known != hash);
            if other && height <= asked && told.insert(height) {
                parted(height, hash);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> KeyChange {
        KeyChange {
            honest_rate: 1,
            horizon_blocks: 20,
            calm_ms: 1_000,
            bursts: 40,
            burst_ms: 700,
            accounts: 1,
            recover_ms: 1_000,
            halt_ms: 30_000,
        }
    }

    fn told(healthy: &[&str], committee: &[&str], council: &[&str]) -> String {
        let [healthy, committee, council] = [healthy, committee, council]
            .map(|names| names.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        let seats = Seats { height: 7, committee, council };
        allowed(&plan(), "kaia", &healthy, &seats).err().unwrap_or_default()
    }

    #[test]
    fn more_than_two_thirds_must_be_healthy_and_the_storm_long_enough() {
        let told_all = |healthy: &[&str], members: &[&str]| told(healthy, members, members);
        assert_eq!(told_all(&["0xA", "0xb", "0xC"], &["0xa", "0xB", "0xc", "0xd"]), "");
        let two_of_three = told_all(&["0xa", "0xb"], &["0xa", "0xb", "0xc"]);
        assert!(two_of_three.contains("hold 2 of 3 seats"), "exactly two thirds");
        assert!(told_all(&["0xa"], &[]).contains("does not tell its validators"));
        let five = ["1", "2", "3", "4", "5"];
        assert!(told_all(&five, &five).contains("it takes 30 s"), "two of five turns fail in 28 s");
        let council = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];
        let refused = told(&five, &five, &council);
        assert!(refused.contains("12 validators") && refused.contains("it takes 44 s"), "{refused}");
    }
}
