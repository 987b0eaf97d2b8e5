//! A process that stands still in its turns, or for most of the time, or has no peers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use challenges::driver::{Driver, of_family};
use challenges::http::{BLOCK_BODY, LOAD_BODY, Target};
use localnet::{Network, Node};
use tokio::time::sleep;

/// Between two looks at the chain.
const LOOK: Duration = Duration::from_millis(50);
const DEADLINE: Duration = Duration::from_secs(2);
/// A share of the time is taken in steps of this length: what comes in waits for half of it in the mean. Capacity alone
/// does not show a starved geth: at a twentieth of the time it still took 120 transactions a second.
const STEP: Duration = Duration::from_secs(2);
/// Between two looks at the peers of a node that has none.
const APART_LOOK: Duration = Duration::from_millis(200);
/// Blocks that must stand on the one that took a turn where blocks can be left for better ones: under clique a block in
/// turn outweighs one other that came before it, and two.
const BURIED: u64 = 2;
/// After its turn was taken by another, a node has this time to catch up before it is held again.
const CATCH_UP: Duration = Duration::from_millis(500);

/// Holds node `held` (SIGSTOP) when the next turn is its own, in so many of a thousand of its turns, evenly spaced, until
/// the chain has gone on without it for good: for ever. The rotation is read off another node's blocks.
///
/// `held_at` is told each height whose turn was taken from it.
///
/// # Errors
/// When the family does not tell turns, or the node is no validator or has ended.
pub async fn pause_in_turns(
    network: &Network,
    held: usize,
    per_mille: u32,
    mut held_at: impl FnMut(u64),
) -> anyhow::Result<()> {
    let driver = of_family(network.family).map_err(anyhow::Error::msg)?;
    let node = node(network, held)?;
    let me = node.address().ok_or_else(|| anyhow::anyhow!("{} is no validator", node.name()))?.to_owned();
    let mut others = Others { network, held, asked: 0 };
    let (mut last, mut turns) = (0, 0);
    loop {
        sleep(LOOK).await;
        let Some(other) = others.now() else { continue };
        let seen = next_turn(driver, other.rpc_addr()).await.filter(|seen| seen.height > last);
        let Some(seen) = seen else {
            others.asked += 1;
            continue;
        };
        if !seen.next.eq_ignore_ascii_case(&me) {
            continue;
        }
        last = seen.height;
        turns += 1;
        if !is_in_share(turns, per_mille) {
            continue;
        }
        node.pause()?;
        held_at(seen.height + 1);
        let taken = seen.height + if seen.blocks_can_be_left { BURIED } else { 0 };
        while !others.have_gone_beyond(driver, taken).await {
            sleep(LOOK).await;
        }
        node.resume()?;
        sleep(CATCH_UP).await;
    }
}

/// Whether the turn of this number, counted from 1, is among so many of a thousand.
fn is_in_share(turn: u64, per_mille: u32) -> bool {
    let before = |turns: u64| turns * u64::from(per_mille.min(1_000)) / 1_000;
    before(turn) > before(turn - 1)
}

/// The nodes beside the one that is held, one of which is asked at a time.
struct Others<'a> {
    network: &'a Network,
    held: usize,
    asked: usize,
}

impl Others<'_> {
    fn now(&self) -> Option<&Node> {
        let running = |(index, node): &(usize, &Node)| *index != self.held && node.is_running();
        let others: Vec<&Node> =
            self.network.nodes.iter().enumerate().filter(running).map(|(_, node)| node).collect();
        others.get(self.asked.checked_rem(others.len())?).copied()
    }

    /// Whether the next of them shows a block above `height`: each is asked in turn, since one may have ended meanwhile
    /// or be cut off.
    async fn have_gone_beyond(&mut self, driver: &dyn Driver, height: u64) -> bool {
        self.asked += 1;
        let Some(node) = self.now().map(Node::rpc_addr) else { return false };
        head(driver, node).await.is_some_and(|head| head > height)
    }
}

/// Lets node `slowed` run for `percent` of the time: for ever.
///
/// # Errors
/// When it has ended.
pub async fn share_of_time(network: &Network, slowed: usize, percent: u32) -> anyhow::Result<()> {
    let node = node(network, slowed)?;
    let running = STEP * percent.min(100) / 100;
    loop {
        node.resume()?;
        sleep(running).await;
        if running < STEP {
            node.pause()?;
            sleep(STEP - running).await;
        }
    }
}

/// Keeps node `apart`, which was cut off, so: from peers, too, that are started later and dial it. Until it ends.
///
/// # Errors
/// When there is no such node.
pub async fn stay_apart(network: &Network, apart: usize) -> anyhow::Result<()> {
    let node = node(network, apart)?;
    let pid = node.pid();
    while node.is_running() && node.pid() == pid {
        // One that does not answer just now is looked at again.
        let _ = network.cut(apart).await;
        sleep(APART_LOOK).await;
    }
    Ok(())
}

fn node(network: &Network, index: usize) -> anyhow::Result<&Node> {
    network.nodes.get(index).ok_or_else(|| anyhow::anyhow!("there is no node {index}"))
}

async fn head(driver: &dyn Driver, node: SocketAddr) -> Option<u64> {
    let target = Target::new(node, None);
    let reply = target.post(&driver.head_request(), LOAD_BODY, DEADLINE).await.ok()?;
    driver.head(&reply).ok()
}

/// The newest block as far as a fault needs it.
struct Newest {
    height: u64,
    /// Who has the turn after it.
    next: String,
    /// It is not final at once.
    blocks_can_be_left: bool,
}

async fn next_turn(driver: &dyn Driver, node: SocketAddr) -> Option<Newest> {
    let target = Target::new(node, None);
    let height = head(driver, node).await?;
    let identity = target.post(&driver.identity_request(), LOAD_BODY, DEADLINE).await.ok()?;
    let blocks_can_be_left = driver.identity(&identity).ok()?.finality_depth > 0;
    let context = target.post(&driver.context_request(), BLOCK_BODY, DEADLINE).await.ok()?;
    let context = driver.context(&context).ok()?;
    let reply = target.post(&driver.block_request(height, context), BLOCK_BODY, DEADLINE).await.ok()?;
    let next = driver.block(&reply).ok()??.next?;
    Some(Newest { height, next, blocks_can_be_left })
}

/// A fault of a process that goes on until it is dropped; the process then goes on too.
pub struct Held {
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
    network: Arc<Network>,
    node: usize,
}

impl Held {
    /// Puts the fault on.
    pub fn turns(network: &Arc<Network>, node: usize, per_mille: u32) -> Self {
        let shared = Arc::clone(network);
        let task = tokio::spawn(async move { pause_in_turns(&shared, node, per_mille, |_| {}).await });
        Self { task, network: Arc::clone(network), node }
    }

    /// Puts the fault on.
    pub fn cpu(network: &Arc<Network>, node: usize, percent: u32) -> Self {
        let shared = Arc::clone(network);
        let task = tokio::spawn(async move { share_of_time(&shared, node, percent).await });
        Self { task, network: Arc::clone(network), node }
    }

    /// Goes on with a fault that was put on by [`Network::cut`]; dropping it does not join the node again.
    pub fn apart(network: &Arc<Network>, node: usize) -> Self {
        let shared = Arc::clone(network);
        let task = tokio::spawn(async move { stay_apart(&shared, node).await });
        Self { task, network: Arc::clone(network), node }
    }
}

impl Held {
    /// Whether the fault is over: its process has ended.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(node) = self.network.nodes.get(self.node) {
            // It fails only for one that has ended.
            let _ = node.resume();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_turns_is_evenly_spaced() {
        let held =
            |per_mille: u32| (1..=8).filter(|turn| is_in_share(*turn, per_mille)).collect::<Vec<u64>>();
        assert_eq!(held(1_000), (1..=8).collect::<Vec<u64>>());
        assert_eq!(held(500), [2, 4, 6, 8]);
        assert_eq!(held(250), [4, 8]);
        assert_eq!(held(5_000), held(1_000));
    }
}
