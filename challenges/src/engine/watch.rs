//! Watches the chain while a run goes on: blocks at the reference, heads everywhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::work::Report;
use model::{Ended, HeadSample};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::ledger::Ledger;
use super::stop::Stop;
use crate::announced::listen;
use crate::driver::{Context, Driver};
use crate::http::{BLOCK_BODY, LOAD_BODY, Target};

/// Between two looks at the reference's head.
const LOOK: Duration = Duration::from_millis(100);
/// The same while it announces its blocks.
const SELDOM: Duration = Duration::from_millis(500);
/// Between two samples of all heads.
const SAMPLE: Duration = Duration::from_millis(500);
/// A head asked for that does not come within this is no head.
const HEAD_DEADLINE: Duration = Duration::from_millis(1_500);
const BLOCK_DEADLINE: Duration = Duration::from_secs(10);
/// Intervals without a block after which the reference, or the network, stands still (MEASURE 3).
const STALL_INTERVALS: u32 = 10;
/// Blocks that a control must gain in that time for the reference alone to be at fault.
const CONTROL_GAIN: u64 = 5;
/// Time without a block anywhere after which a halt is suspected and told, whatever the challenge.
const SUSPECTED: Duration = Duration::from_secs(15);
/// Never judged sooner than this, of a block that is not shown: one may take its time.
const UNREAD: Duration = Duration::from_secs(12);
/// Never judged sooner than this: on fast chains ten intervals are shorter than a busy machine's hiccup.
const LEAST_STALL: Duration = Duration::from_secs(4);

/// The nodes that are watched.
pub(super) struct Watched {
    pub(super) reference: Target,
    pub(super) controls: Vec<Target>,
    pub(super) target: Target,
    pub(super) finality_depth: u64,
    /// Time without a block after which the network stands still, where the challenge sets one.
    pub(super) halt: Option<Duration>,
    pub(super) context: Context,
}

/// What is known of the chain at this moment.
pub(super) struct Watch {
    driver: &'static dyn Driver,
    nodes: Watched,
    began: Mutex<Instant>,
    head: AtomicU64,
    read: AtomicU64,
    pub(super) ledger: Mutex<Ledger>,
    samples: Mutex<Vec<HeadSample>>,
    /// When the reference last told a head.
    told: Mutex<Option<Instant>>,
}

impl Watch {
    pub(super) fn new(driver: &'static dyn Driver, nodes: Watched, head: u64) -> Arc<Self> {
        let read = head.saturating_sub(nodes.finality_depth);
        Arc::new(Self {
            driver,
            nodes,
            began: Mutex::new(Instant::now()),
            head: AtomicU64::new(head),
            read: AtomicU64::new(read),
            ledger: Mutex::default(),
            samples: Mutex::default(),
            told: Mutex::default(),
        })
    }

    /// The run begins now: instants count from here, blocks and heads are kept.
    pub(super) fn begin(&self) -> Instant {
        let now = Instant::now();
        *self.began.lock().expect("not poisoned") = now;
        self.ledger.lock().expect("not poisoned").begin();
        self.samples.lock().expect("not poisoned").clear();
        now
    }

    /// The head last seen at the reference.
    pub(super) fn head(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    /// The last final block read.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn finality_depth(&self) -> u64 {
        self.nodes.finality_depth
    }

    /// Microseconds since the run began.
    pub(super) fn run_us(&self) -> u64 {
        self.began.lock().expect("not poisoned").elapsed().as_micros() as u64
    }

    /// Mean block interval as seen so far; a second before two blocks were seen.
    pub(super) fn interval(&self) -> Duration {
        let seen = self.ledger.lock().expect("not poisoned").interval_us();
        seen.map_or(Duration::from_secs(1), Duration::from_micros)
    }

    pub(super) fn samples(&self) -> Vec<HeadSample> {
        self.samples.lock().expect("not poisoned").clone()
    }

    async fn head_of(&self, node: &Target) -> Option<u64> {
        let reply = node.post(&self.driver.head_request(), LOAD_BODY, HEAD_DEADLINE).await.ok()?;
        self.driver.head(&reply).ok()
    }

    /// Follows the reference for ever: new heads, and each final block once. One that announces its blocks is asked only
    /// seldom, whether it is still there.
    pub(super) async fn follow(self: Arc<Self>) {
        let (sender, mut announced) = unbounded_channel();
        let mut listening = JoinSet::new();
        if let Some(subscription) = self.driver.subscription() {
            listening.spawn(listen(self.nodes.reference.address(), subscription, sender));
        }
        let mut announces = false;
        loop {
            if let Some(head) = self.head_of(&self.nodes.reference).await {
                // What is new to us was not announced, or not in time.
                announces &= !self.see(head).await;
            }
            let look = sleep(if announces && self.has_read_all() { SELDOM } else { LOOK });
            tokio::pin!(look);
            loop {
                let head = tokio::select! {
                    () = &mut look => break,
                    Some(head) = announced.recv() => head,
                };
                announces |= self.see(head).await;
                if !self.has_read_all() {
                    break;
                }
            }
        }
    }

    fn has_read_all(&self) -> bool {
        self.read() >= self.due()
    }

    /// The last block that the reference must have as final.
    fn due(&self) -> u64 {
        self.head().saturating_sub(self.nodes.finality_depth)
    }

    /// The reference has this head; whether it is a new one.
    async fn see(&self, head: u64) -> bool {
        *self.told.lock().expect("not poisoned") = Some(Instant::now());
        let now = self.run_us();
        let is_new = head > self.head.fetch_max(head, Ordering::Relaxed);
        if is_new {
            self.ledger.lock().expect("not poisoned").see_head(head, now);
        }
        self.read_up_to(head.saturating_sub(self.nodes.finality_depth)).await;
        is_new
    }

    async fn read_up_to(&self, last: u64) {
        while self.read() < last {
            let next = self.read() + 1;
            let request = self.driver.block_request(next, self.nodes.context);
            let reply = self.nodes.reference.post(&request, BLOCK_BODY, BLOCK_DEADLINE).await;
            let block = reply.ok().and_then(|reply| self.driver.block(&reply).ok().flatten());
            let Some(block) = block.filter(|block| block.height == next) else { return };
            let now = self.run_us();
            self.ledger.lock().expect("not poisoned").take(block, now);
            self.read.store(next, Ordering::Relaxed);
        }
    }

    /// Samples all heads for ever, and stops the run when the chain cannot be watched.
    pub(super) async fn sample(self: Arc<Self>, stop: Stop, reports: UnboundedSender<Report>) {
        let (mut stall, mut unread) = (Stall::new(Instant::now()), Unread::new(Instant::now()));
        loop {
            let sample = self.one_sample().await;
            let usual = || (self.interval() * STALL_INTERVALS).max(LEAST_STALL);
            let limit = self.nodes.halt.unwrap_or_else(usual);
            if let Some(head) = stall.suspect(Instant::now()) {
                // Nobody listening is no reason to stop: the commands decide that.
                let _ = reports.send(Report::HaltSuspected { head, after_ms: SUSPECTED.as_millis() as u64 });
            }
            if let Some(why) = stall.judge(Instant::now(), &sample, limit) {
                stop.stop(why);
            }
            if unread.judge(Instant::now(), self.read(), self.due(), limit.max(UNREAD)) {
                stop.stop(Ended::ReferenceLost);
            }
            self.samples.lock().expect("not poisoned").push(sample);
            sleep(SAMPLE).await;
        }
    }

    async fn one_sample(self: &Arc<Self>) -> HeadSample {
        let at_us = self.run_us();
        let controls: Vec<_> = (0..self.nodes.controls.len())
            .map(|i| {
                let watch = Arc::clone(self);
                tokio::spawn(async move { watch.head_of(&watch.nodes.controls[i]).await })
            })
            .collect();
        let target = timeout(HEAD_DEADLINE, self.head_of(&self.nodes.target)).await.ok().flatten();
        let mut heads = Vec::with_capacity(controls.len());
        for control in controls {
            heads.push(control.await.ok().flatten());
        }
        let told = *self.told.lock().expect("not poisoned");
        let reference = told.filter(|at| at.elapsed() < HEAD_DEADLINE).map(|_| self.head());
        HeadSample { at_us, reference, controls: heads, target }
    }
}

/// Since when the reference has not shown a block that it must have, or none that holds together: what it does not show
/// would be missing from everybody's run.
struct Unread {
    read: u64,
    since: Instant,
}

impl Unread {
    fn new(now: Instant) -> Self {
        Self { read: 0, since: now }
    }

    /// Whether blocks up to `due` have stood unread for so long.
    fn judge(&mut self, now: Instant, read: u64, due: u64, limit: Duration) -> bool {
        if read >= due || read > self.read {
            (self.read, self.since) = (read, now);
        }
        now - self.since >= limit
    }
}

/// Since when the reference, and everybody, has stood still.
struct Stall {
    reference: u64,
    reference_since: Instant,
    controls_then: u64,
    highest: u64,
    highest_since: Instant,
    /// It was said already that nothing moves.
    suspected: bool,
}

impl Stall {
    /// The head at which everybody has stood long enough for a halt to be suspected; told once.
    fn suspect(&mut self, now: Instant) -> Option<u64> {
        let tell = !self.suspected && now.saturating_duration_since(self.highest_since) >= SUSPECTED;
        self.suspected |= tell;
        tell.then_some(self.highest)
    }

    fn new(now: Instant) -> Self {
        Self {
            reference: 0,
            reference_since: now,
            controls_then: 0,
            highest: 0,
            highest_since: now,
            suspected: false,
        }
    }

    fn judge(&mut self, now: Instant, sample: &HeadSample, limit: Duration) -> Option<Ended> {
        let controls = sample.controls.iter().flatten().copied().max().unwrap_or(0);
        let reference = sample.reference.unwrap_or(0);
        if reference > self.reference {
            (self.reference, self.reference_since, self.controls_then) = (reference, now, controls);
        }
        if reference.max(controls) > self.highest {
            (self.highest, self.highest_since, self.suspected) = (reference.max(controls), now, false);
        }
        if now - self.reference_since >= limit && controls >= self.controls_then.saturating_add(CONTROL_GAIN)
        {
            return Some(Ended::ReferenceLost);
        }
        (now - self.highest_since >= limit).then_some(Ended::NetworkHalted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(heads: &[(Option<u64>, Option<u64>)]) -> Option<Ended> {
        let start = Instant::now();
        let mut stall = Stall::new(start);
        let limit = Duration::from_secs(10);
        heads.iter().zip(1..).find_map(|((reference, control), second)| {
            let sample =
                HeadSample { at_us: 0, reference: *reference, controls: vec![*control], target: None };
            stall.judge(start + Duration::from_secs(second), &sample, limit)
        })
    }

    #[test]
    fn a_lost_reference_is_not_a_halted_network() {
        let lost: Vec<_> = (0..15).map(|i| ((i < 3).then_some(100), Some(100 + i))).collect();
        assert_eq!(judge(&lost), Some(Ended::ReferenceLost));
        let frozen: Vec<_> = (0..15).map(|i| (Some(100), Some(100 + i))).collect();
        assert_eq!(judge(&frozen), Some(Ended::ReferenceLost));
        let halted: Vec<_> = (0..15).map(|i| (Some(100 + i.min(2)), Some(100 + i.min(2)))).collect();
        assert_eq!(judge(&halted), Some(Ended::NetworkHalted));
        let fine: Vec<_> = (0..60).map(|i| (Some(100 + i), (i % 3 > 0).then_some(100 + i))).collect();
        assert_eq!(judge(&fine), None);
    }

    #[test]
    fn a_reference_that_does_not_show_its_blocks_is_lost() {
        let start = Instant::now();
        let judge = |read: fn(u64) -> u64, due: fn(u64) -> u64| {
            let mut unread = Unread::new(start);
            (1..60u64).find(|second| {
                let now = start + Duration::from_secs(*second);
                unread.judge(now, read(*second), due(*second), Duration::from_secs(10))
            })
        };
        assert_eq!(judge(|second| 100 + second, |second| 100 + second), None);
        assert_eq!(judge(|second| 95 + second, |second| 100 + second), None, "behind, and going on");
        assert_eq!(judge(|_| 100, |_| 100), None, "the chain stands still");
        assert_eq!(judge(|second| 100 + second.min(5), |second| 100 + second), Some(15));
        assert_eq!(judge(|_| 100, |_| 101), Some(11), "a single block");
    }
}
