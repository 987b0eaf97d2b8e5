//! A process that stands still in its turns, or for most of the time, or has no peers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use challenges::driver::{Block, Context, Driver, of_family};
use challenges::http::{BLOCK_BODY, LOAD_BODY, Target};
use localnet::{Network, Node};
use tokio::time::sleep;

/// Between two looks at the chain.
const LOOK: Duration = Duration::from_millis(20);
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
/// `taken_at` is told each height whose turn was taken from it: not where its block was out before it was held.
///
/// # Errors
/// When the family does not tell turns, or the node is no validator or has ended.
pub async fn pause_in_turns(
    network: &Network,
    held: usize,
    per_mille: u32,
    mut taken_at: impl FnMut(u64),
) -> anyhow::Result<()> {
    let driver = of_family(network.family).map_err(anyhow::Error::msg)?;
    let node = node(network, held)?;
    let me = node.address().ok_or_else(|| anyhow::anyhow!("{} is no validator", node.name()))?.to_owned();
    let is_me = |who: &str| who.eq_ignore_ascii_case(&me);
    let mut others = Others { network, driver, held, asked: 0, chain: None };
    let (mut last, mut turns) = (0, 0);
    loop {
        sleep(LOOK).await;
        // Nothing but the head is asked until it is a new one: a node that has the turn makes its block at once.
        let Some(block) = others.block_after(last).await else { continue };
        let Some(next) = block.next else { continue };
        last = block.height;
        if !is_me(&next) {
            continue;
        }
        turns += 1;
        if !is_in_share(turns, per_mille) {
            continue;
        }
        node.pause()?;
        let turn = block.height + 1;
        let maker = loop {
            if let Some(maker) = others.maker(turn).await {
                break maker;
            }
            sleep(LOOK).await;
        };
        node.resume()?;
        if !is_me(&maker) {
            taken_at(turn);
        }
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
    driver: &'a dyn Driver,
    held: usize,
    asked: usize,
    chain: Option<Chain>,
}

/// What the blocks of a chain are read by.
#[derive(Clone, Copy)]
struct Chain {
    context: Context,
    /// Blocks that must stand on one for it to stay.
    buried: u64,
}

impl Others<'_> {
    /// The next of them that runs: each is asked in turn, since one may have ended meanwhile, be cut off, or be late.
    fn turn_to_next(&mut self) -> Option<SocketAddr> {
        self.asked += 1;
        let running = |(index, node): &(usize, &Node)| *index != self.held && node.is_running();
        let others: Vec<&Node> =
            self.network.nodes.iter().enumerate().filter(running).map(|(_, node)| node).collect();
        others.get(self.asked.checked_rem(others.len())?).map(|node| node.rpc_addr())
    }

    /// The newest block, if it stands above `height`.
    async fn block_after(&mut self, height: u64) -> Option<Block> {
        let node = self.turn_to_next()?;
        let newest = head(self.driver, node).await.filter(|newest| *newest > height)?;
        self.block(node, newest).await
    }

    /// Who made the block at `height`, once it is there for good.
    async fn maker(&mut self, height: u64) -> Option<String> {
        let node = self.turn_to_next()?;
        let buried = self.chain.map_or(0, |chain| chain.buried);
        head(self.driver, node).await.filter(|newest| *newest >= height + buried)?;
        Some(self.block(node, height).await?.turn?.proposer)
    }

    async fn block(&mut self, node: SocketAddr, height: u64) -> Option<Block> {
        let target = Target::new(node, None);
        let chain = match self.chain {
            Some(chain) => chain,
            None => *self.chain.insert(chain(self.driver, &target).await?),
        };
        let request = self.driver.block_request(height, chain.context);
        let reply = target.post(&request, BLOCK_BODY, DEADLINE).await.ok()?;
        self.driver.block(&reply).ok()?
    }
}

async fn chain(driver: &dyn Driver, node: &Target) -> Option<Chain> {
    let identity = node.post(&driver.identity_request(), LOAD_BODY, DEADLINE).await.ok()?;
    let blocks_can_be_left = driver.identity(&identity).ok()?.finality_depth > 0;
    let context = node.post(&driver.context_request(), BLOCK_BODY, DEADLINE).await.ok()?;
    let buried = if blocks_can_be_left { BURIED } else { 0 };
    Some(Chain { context: driver.context(&context).ok()?, buried })
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
