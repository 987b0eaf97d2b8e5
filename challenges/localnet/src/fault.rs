//! What a proxy does wrong, and the counting behind it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use hyper::Response;
use hyper::body::Bytes;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Answers that a canned node keeps.
const KEPT_ANSWERS: usize = 10_000;

/// What a [`crate::Proxy`] does to the requests it carries.
///
/// A *send* is a request whose method is `eth_sendRawTransaction` (or the same of another namespace, as
/// `kaia_sendRawTransaction`; on CometBFT `broadcast_tx_sync` and the like), or a batch with such a call in it, which counts as one. Faults that
/// speak of sends leave all other requests honest, so that the chain can still be watched through
/// the proxy; the other faults hit every request.
///
/// Shares are spaced exactly, not drawn: 50 ‰ are each 20th send, 50 of any 1000 in a row, counted
/// from the moment the fault was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Carries everything.
    None,
    /// Waits so long before it forwards a request, each one by itself.
    Delay(Duration),
    /// Closes the connection without an answer for a share of the sends, which are not forwarded.
    /// A client that repeats such a send by itself is counted again.
    Close {
        /// Share of the sends, in thousandths.
        per_mille: u16,
    },
    /// Serves the sends in the order they came at a steady rate, without bursts. HTTP 503 when the queue is full.
    Rate {
        /// Sends per second, at least 1 (0 is taken as 1).
        per_second: u32,
        /// Sends that may wait beside the one about to be served; 0 answers 503 whenever one waits.
        queue: u32,
    },
    /// Answers with headers at once and then with one byte a second for ever.
    Tarpit,
    /// Answers 200 with an HTML page.
    Html,
    /// Answers with a body that does not end.
    Endless,
    /// Answers with one megabyte of gzip that inflates to a gibibyte of blanks.
    GzipBomb,
    /// Answers a share of the sends that the upstream refused as if they had been taken: with the hash the
    /// transaction would have, which the proxy works out.
    WrongClass {
        /// Share of the refused sends, in thousandths.
        per_mille: u16,
    },
    /// Closes every connection as soon as it is made, and those that are open.
    Refuse,
    /// Answers a share of the sends with the transaction's hash and does not forward them.
    AcceptAll {
        /// Share of the sends, in thousandths.
        per_mille: u16,
    },
    /// Answers a share of the sends with -32000 `transaction rejected` and does not forward them.
    RejectAll {
        /// Share of the sends, in thousandths.
        per_mille: u16,
    },
    /// Stands still for `length` at the beginning of every `every`: what comes then waits until it is over.
    Stall {
        /// From one standstill to the next.
        every: Duration,
        /// Its length.
        length: Duration,
    },
    /// Answers 429 to the sends of one source address above so many a second.
    LimitBySource {
        /// Sends per second of one address.
        per_second: u32,
    },
    /// Answers everything but sends as it was answered the first time.
    Canned {
        /// So long; then it asks anew, and keeps that.
        kept: Duration,
    },
    /// Names another proposer in a share of its answers that show blocks.
    ForgedProposer {
        /// Share of those answers, in thousandths.
        per_mille: u16,
    },
    /// Shows, for every height it is asked for, what stood so many blocks before.
    Stale {
        /// Blocks before.
        blocks: u64,
    },
}

/// A fault in force, with what it has counted since it was set.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) fault: Fault,
    counted: AtomicU64,
    line: Line,
    since: Instant,
    /// By source address: in which second how many came.
    sources: Mutex<HashMap<IpAddr, (u64, u32)>>,
    answers: Mutex<FirstAnswers>,
}

impl Rule {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            fault,
            counted: AtomicU64::new(0),
            line: Line::default(),
            since: Instant::now(),
            sources: Mutex::default(),
            answers: Mutex::default(),
        }
    }

    /// Counts one event and tells whether it is in the share.
    pub(crate) fn hits(&self, per_mille: u16) -> bool {
        let share = u64::from(per_mille.min(1000));
        let index = self.counted.fetch_add(1, Ordering::Relaxed);
        (index + 1) * share / 1000 > index * share / 1000
    }

    /// Waits until a standstill is over.
    pub(crate) async fn stand_still(&self, every: Duration, length: Duration) {
        let now = self.since.elapsed();
        let into = Duration::from_nanos((now.as_nanos() % every.as_nanos().max(1)) as u64);
        if into < length {
            sleep_until(self.since + (now - into) + length).await;
        }
    }

    /// Whether a source address is below its limit; counts.
    pub(crate) async fn admits(&self, source: IpAddr, per_second: u32) -> bool {
        let second = self.since.elapsed().as_secs();
        let mut sources = self.sources.lock().await;
        let counted = sources.entry(source).or_default();
        if counted.0 != second {
            *counted = (second, 0);
        }
        counted.1 += 1;
        counted.1 <= per_second
    }

    /// How a request was answered the first time in this stretch of `kept`; `fresh` is asked when it was not.
    pub(crate) async fn first_answer(
        &self,
        request: Vec<u8>,
        kept: Duration,
        fresh: impl Future<Output = Response<Bytes>>,
    ) -> Response<Bytes> {
        let stretch = || self.since.elapsed().as_nanos() / kept.as_nanos().max(1);
        let asked_in = stretch();
        if let Some(known) = self.answers.lock().await.of(asked_in).get(&request) {
            return known.clone();
        }
        let answer = fresh.await;
        let mut answers = self.answers.lock().await;
        let known = answers.of(stretch());
        if known.len() < KEPT_ANSWERS && asked_in == stretch() {
            known.insert(request, answer.clone());
        }
        answer
    }

    /// Waits for this request's turn. `false`: the queue is full.
    pub(crate) async fn turn(&self, per_second: u32, queue: u32) -> bool {
        self.line.turn(Duration::from_secs(1) / per_second.max(1), queue).await
    }
}

/// First answers, by request, in one stretch of the time since the fault was set.
#[derive(Debug, Default)]
struct FirstAnswers {
    stretch: u128,
    by_request: HashMap<Vec<u8>, Response<Bytes>>,
}

impl FirstAnswers {
    /// Those of this stretch; those of earlier ones are forgotten.
    fn of(&mut self, stretch: u128) -> &mut HashMap<Vec<u8>, Response<Bytes>> {
        if self.stretch < stretch {
            (self.stretch, self.by_request) = (stretch, HashMap::new());
        }
        &mut self.by_request
    }
}

/// A first-come first-served line with a fixed time between turns.
#[derive(Debug, Default)]
struct Line {
    /// Requests before their turn, the one at the head included.
    waiting: AtomicU32,
    /// The earliest next turn. tokio's mutex serves in the order of asking.
    next: Mutex<Option<Instant>>,
}

impl Line {
    async fn turn(&self, gap: Duration, queue: u32) -> bool {
        let came = Instant::now();
        let Some(_place) = Place::take(&self.waiting, queue) else {
            return false;
        };
        let mut next = self.next.lock().await;
        // Counted from the planned turn, not from when the timer fired: late timers do not lower the rate.
        let turn = next.map_or(came, |next| next.max(came));
        *next = Some(turn + gap);
        sleep_until(turn).await;
        true
    }
}

/// A place in the line; given back when dropped, by a client that left too.
struct Place<'a>(&'a AtomicU32);

impl<'a> Place<'a> {
    /// `queue` places beside the one at the head.
    fn take(waiting: &'a AtomicU32, queue: u32) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) <= queue).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_evenly_spaced() {
        for per_mille in [0, 1, 50, 333, 999, 1000] {
            let rule = Rule::new(Fault::Close { per_mille });
            let hits: Vec<usize> = (0..2000).filter(|_| rule.hits(per_mille)).collect();
            assert_eq!(hits.len(), 2 * usize::from(per_mille));
            for pair in hits.windows(2) {
                let gap = pair[1] - pair[0];
                assert!(gap.abs_diff(1000 / usize::from(per_mille)) <= 1, "{per_mille}: gap {gap}");
            }
        }
    }

    #[test]
    fn a_place_refused_or_left_is_free_again() {
        let waiting = AtomicU32::new(0);
        let head = Place::take(&waiting, 1).unwrap();
        let second = Place::take(&waiting, 1).unwrap();
        assert!(Place::take(&waiting, 1).is_none());
        drop(second);
        assert!(Place::take(&waiting, 1).is_some());
        drop(head);
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_exact_and_has_no_bursts() {
        let rule = Rule::new(Fault::Rate { per_second: 200, queue: 1000 });
        let start = Instant::now();
        for turn in 0..401 {
            assert!(rule.turn(200, 1000).await);
            // tokio's timer rounds up to a millisecond; the error does not add up.
            let late = start.elapsed() - Duration::from_millis(5 * turn);
            assert!(late <= Duration::from_millis(1), "turn {turn} is {late:?} late");
        }
        // Time in which nobody asked is not made up for.
        tokio::time::advance(Duration::from_secs(1)).await;
        let start = Instant::now();
        assert!(rule.turn(200, 1000).await && rule.turn(200, 1000).await);
        assert!(start.elapsed() >= Duration::from_millis(5));
    }
}
