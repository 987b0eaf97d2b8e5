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
use super::stall::{SUSPECTED, Stall, Unread};
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
        self.ledger.lock().expect("not poisoned").begin(self.head());
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
        // Where every block is final a lower head is one that was told late.
        if is_new || self.nodes.finality_depth > 0 {
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
        let is_target_apart = self.nodes.target.address() != self.nodes.reference.address();
        let (mut stall, mut unread) =
            (Stall::new(Instant::now(), is_target_apart), Unread::new(Instant::now()));
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
                stop.stop(Ended::ReferenceUnread);
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
