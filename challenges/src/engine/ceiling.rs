//! The hard ceiling: what a plan asks for beyond it is not sent.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Lets at most `ceiling` requests through in any second, also in the first one.
///
/// A governor of rate r and burst b admits r + b in one sliding second, so the two share the
/// ceiling: a tenth for catching up after a late wake, the rest as rate. The bucket starts empty,
/// so that a worker started anew does not add a burst to what the one before it sent.
pub struct Ceiling(DefaultDirectRateLimiter);

/// The highest rate, requests per second, that a plan can hold under a ceiling.
pub fn sustainable(ceiling: u32) -> u32 {
    ceiling.saturating_sub(burst(ceiling)).max(1)
}

/// The least ceiling under which `rate` requests per second can be held.
pub fn ceiling_for(rate: u32) -> u32 {
    (1..).map(|extra| rate + extra).find(|ceiling| sustainable(*ceiling) >= rate).unwrap_or(u32::MAX)
}

fn burst(ceiling: u32) -> u32 {
    (ceiling / 5).max(1)
}

impl Ceiling {
    /// A ceiling of so many requests in any second.
    pub fn new(ceiling: u32) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let burst = at_least_one(burst(ceiling));
        let limiter =
            RateLimiter::direct(Quota::per_second(at_least_one(sustainable(ceiling))).allow_burst(burst));
        // Empty the bucket; this cannot fail, the cells are the bucket's own size.
        let _ = limiter.check_n(burst);
        Self(limiter)
    }

    /// Whether one more request may go now.
    pub fn admits(&self) -> bool {
        self.0.check().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn no_sliding_second_exceeds_the_ceiling_also_at_the_start() {
        let ceiling = Ceiling::new(200);
        let (begin, mut sent) = (Instant::now(), Vec::new());
        while begin.elapsed() < Duration::from_millis(2_200) {
            if ceiling.admits() {
                sent.push(begin.elapsed());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        let worst = sent.iter().map(|from| {
            sent.iter().filter(|at| **at >= *from && **at < *from + Duration::from_secs(1)).count()
        });
        assert!(worst.max().unwrap() <= 200);
        assert!(sent.iter().filter(|at| **at < Duration::from_millis(100)).count() <= 17, "starts empty");
        assert!(sent.len() >= 300, "and lets its rate through: {}", sent.len());
    }

    #[test]
    fn a_plan_can_hold_what_its_ceiling_was_made_for() {
        for rate in [1, 7, 100, 999, 1_000] {
            assert!(sustainable(ceiling_for(rate)) >= rate);
        }
    }
}
