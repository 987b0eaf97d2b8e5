//! How long heads stood still, from the samples taken through a run.

use model::HeadSample;

/// The longest time in which neither the reference nor any control advanced, microseconds. A head
/// that was not answered has not advanced.
pub(crate) fn longest_halt_us(samples: &[HeadSample]) -> u64 {
    let mut longest = 0;
    let mut since = None;
    let mut best: Vec<Option<u64>> = Vec::new();
    for sample in samples {
        let mut moved = false;
        for (index, head) in heads(sample).enumerate() {
            if best.len() <= index {
                best.push(None);
            }
            if let Some(known) = best.get_mut(index) {
                moved |= rises(known, head);
            }
        }
        let from = *since.get_or_insert(sample.at_us);
        longest = longest.max(sample.at_us.saturating_sub(from));
        if moved {
            since = Some(sample.at_us);
        }
    }
    longest
}

/// The longest time in which the reference did not advance while a control went on by `blocks` or
/// more, microseconds.
pub(crate) fn longest_loss_us(samples: &[HeadSample], blocks: u32) -> u64 {
    let mut longest = 0;
    let mut reference = None;
    let mut span = Span::default();
    for sample in samples {
        span.extend(sample);
        if span.controls_advanced(blocks) {
            longest = longest.max(span.length_us(sample.at_us));
        }
        if rises(&mut reference, sample.reference) {
            span = Span::default();
            span.extend(sample);
        }
    }
    longest
}

fn heads(sample: &HeadSample) -> impl Iterator<Item = Option<u64>> + '_ {
    std::iter::once(sample.reference).chain(sample.controls.iter().copied())
}

/// Takes a head that is above the known one; whether it was.
fn rises(known: &mut Option<u64>, head: Option<u64>) -> bool {
    let rises = head.is_some() && head > *known;
    if rises {
        *known = head;
    }
    rises
}

/// A time in which the reference stands still.
#[derive(Default)]
struct Span {
    since_us: Option<u64>,
    /// First and highest head of each control.
    controls: Vec<Option<(u64, u64)>>,
}

impl Span {
    fn extend(&mut self, sample: &HeadSample) {
        self.since_us.get_or_insert(sample.at_us);
        if self.controls.len() < sample.controls.len() {
            self.controls.resize(sample.controls.len(), None);
        }
        for (known, head) in self.controls.iter_mut().zip(&sample.controls) {
            let Some(head) = *head else { continue };
            let (first, highest) = known.unwrap_or((head, head));
            *known = Some((first, highest.max(head)));
        }
    }

    fn controls_advanced(&self, blocks: u32) -> bool {
        self.controls.iter().flatten().any(|(first, highest)| highest - first >= u64::from(blocks))
    }

    fn length_us(&self, now_us: u64) -> u64 {
        self.since_us.map_or(0, |since| now_us.saturating_sub(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: u64, reference: Option<u64>, control: Option<u64>) -> HeadSample {
        HeadSample { at_us: second * 1_000_000, reference, controls: vec![control], target: None }
    }

    #[test]
    fn a_halt_is_measured_from_the_last_advance_of_anybody() {
        let samples: Vec<_> = (0..30).map(|s| sample(s, Some(s.min(5)), Some(s.min(8)))).collect();
        assert_eq!(longest_halt_us(&samples), 21_000_000);
        let alive: Vec<_> = (0..30).map(|s| sample(s, Some(5), Some(s))).collect();
        assert_eq!(longest_halt_us(&alive), 1_000_000);
    }

    #[test]
    fn silence_is_no_advance() {
        let samples: Vec<_> = (0..30).map(|s| sample(s, None, None)).collect();
        assert_eq!(longest_halt_us(&samples), 29_000_000);
        assert_eq!(longest_loss_us(&samples, 5), 0);
    }

    #[test]
    fn the_reference_is_lost_only_while_a_control_goes_on() {
        let lost: Vec<_> = (0..30).map(|s| sample(s, (s < 10).then_some(s), Some(s))).collect();
        assert_eq!(longest_loss_us(&lost, 5), 20_000_000);
        let halted: Vec<_> = (0..30).map(|s| sample(s, Some(s.min(9)), Some(s.min(12)))).collect();
        assert_eq!(longest_loss_us(&halted, 5), 0);
    }

    #[test]
    fn hostile_instants_do_not_overflow() {
        let samples = [sample(3, Some(u64::MAX), Some(0)), sample(0, Some(0), Some(u64::MAX))];
        longest_halt_us(&samples);
        longest_loss_us(&samples, u32::MAX);
    }
}
