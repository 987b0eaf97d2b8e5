//! Whether the chain, or only the reference, stands still: told from heads as they are sampled.

use std::time::{Duration, Instant};

use model::{Ended, HeadSample};

/// Blocks that a control must gain while the reference stands for it alone to be at fault; who is no further behind has
/// followed the chain.
const CONTROL_GAIN: u64 = 5;
/// Nodes that must have followed the chain to where it stands for that to be a halt.
const WITNESSES: usize = 2;
/// Time without a block anywhere after which a halt is suspected and told, whatever the challenge.
pub(super) const SUSPECTED: Duration = Duration::from_secs(15);

/// Since when the reference has not shown a block that it must have, or none that holds together: what it does not show
/// would be missing from everybody's run.
pub(super) struct Unread {
    read: u64,
    since: Instant,
}

impl Unread {
    pub(super) fn new(now: Instant) -> Self {
        Self { read: 0, since: now }
    }

    /// Whether blocks up to `due` have stood unread for so long.
    pub(super) fn judge(&mut self, now: Instant, read: u64, due: u64, limit: Duration) -> bool {
        if read >= due || read > self.read {
            (self.read, self.since) = (read, now);
        }
        now - self.since >= limit
    }
}

/// Since when the reference, and everybody, has stood still.
pub(super) struct Stall {
    reference: u64,
    reference_since: Instant,
    controls_then: u64,
    highest: u64,
    highest_since: Instant,
    /// The head that the reference, the node under test, and then each control, told last.
    told: Vec<Option<u64>>,
    /// The node under test is another node than the reference.
    is_target_apart: bool,
    /// It was said already that nothing moves.
    suspected: bool,
}

impl Stall {
    pub(super) fn new(now: Instant, is_target_apart: bool) -> Self {
        Self {
            reference: 0,
            reference_since: now,
            controls_then: 0,
            highest: 0,
            highest_since: now,
            told: Vec::new(),
            is_target_apart,
            suspected: false,
        }
    }

    /// The head at which everybody has stood long enough for a halt to be suspected; told once.
    pub(super) fn suspect(&mut self, now: Instant) -> Option<u64> {
        let tell = !self.suspected && now.saturating_duration_since(self.highest_since) >= SUSPECTED;
        self.suspected |= tell;
        tell.then_some(self.highest)
    }

    /// Why the run cannot go on, when nobody, or only the reference, has moved for so long.
    pub(super) fn judge(&mut self, now: Instant, sample: &HeadSample, limit: Duration) -> Option<Ended> {
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
        self.hear(sample);
        // One node alone cannot tell a halt from its own end, and what it does not see is not the network's doing.
        let why = if self.witnesses() < WITNESSES { Ended::ReferenceLost } else { Ended::NetworkHalted };
        (now - self.highest_since >= limit).then_some(why)
    }

    fn hear(&mut self, sample: &HeadSample) {
        let target = sample.target.filter(|_| self.is_target_apart);
        let heads: Vec<_> =
            [sample.reference, target].into_iter().chain(sample.controls.iter().copied()).collect();
        self.told.resize(heads.len(), None);
        for (told, head) in self.told.iter_mut().zip(heads) {
            *told = head.or(*told);
        }
    }

    /// How many nodes followed the chain to where it stands. Those that fell silent there are among them: who shows no
    /// block agrees with who shows no new one. The node under test counts: with two controls, of which one is measured
    /// itself and the other died first, nobody else is left, and it gains nothing by lying, as either end is void. Where it
    /// alone goes on, it is none.
    fn witnesses(&self) -> usize {
        let near = |head: &&u64| head.abs_diff(self.highest) <= CONTROL_GAIN;
        self.told.iter().flatten().filter(near).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(heads: &[(Option<u64>, Option<u64>)]) -> Option<Ended> {
        let start = Instant::now();
        let mut stall = Stall::new(start, true);
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
        let dead: Vec<_> =
            (0..15).map(|i| ((i < 3).then_some(100 + i), (i < 2).then_some(100 + i))).collect();
        assert_eq!(judge(&dead), Some(Ended::NetworkHalted), "who falls silent with the chain agrees");
        let fine: Vec<_> = (0..60).map(|i| (Some(100 + i), (i % 3 > 0).then_some(100 + i))).collect();
        assert_eq!(judge(&fine), None);
    }

    #[test]
    fn a_halt_has_two_witnesses() {
        let never: Vec<_> = (0..15).map(|i| (Some(100 + i.min(2)), None)).collect();
        assert_eq!(judge(&never), Some(Ended::ReferenceLost), "no control was ever heard");
        let early: Vec<_> = (0..30).map(|i| (Some(100 + i.min(12)), (i < 2).then_some(100 + i))).collect();
        assert_eq!(judge(&early), Some(Ended::ReferenceLost), "the control had died before");
    }

    #[test]
    fn the_node_under_test_is_a_witness_where_it_is_another_than_the_reference() {
        let judge = |is_target_apart: bool, target: fn(u64) -> u64| {
            let start = Instant::now();
            let mut stall = Stall::new(start, is_target_apart);
            (1..15u64).find_map(|second| {
                let head = Some(100 + second.min(8));
                let control = (second < 2).then_some(100);
                let target = Some(target(second));
                let sample = HeadSample { at_us: 0, reference: head, controls: vec![control], target };
                stall.judge(start + Duration::from_secs(second), &sample, Duration::from_secs(5))
            })
        };
        assert_eq!(judge(true, |second| 100 + second.min(8)), Some(Ended::NetworkHalted));
        assert_eq!(judge(false, |second| 100 + second.min(8)), Some(Ended::ReferenceLost));
        assert_eq!(judge(true, |second| 100 + 2 * second), Some(Ended::ReferenceLost), "it alone goes on");
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
