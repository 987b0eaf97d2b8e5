//! Times in which nothing is served.

/// Nothing is served in the first `length` of every period of `every` (both nanoseconds).
///
/// A server that stalls has a clock of its own, which stands still meanwhile. A queue that runs on that clock needs to
/// know nothing about stalls.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    every: u64,
    length: u64,
}

impl Stall {
    /// A pattern that begins with a stall at 0. `length` must be below `every`, or there is no stall at all.
    #[must_use]
    pub fn new(every: u64, length: u64) -> Self {
        if length < every { Self { every, length } } else { Self { every: 1, length: 0 } }
    }

    /// The server's own clock at the time `wall` (nanoseconds).
    #[must_use]
    pub fn work(&self, wall: u64) -> u64 {
        let active = self.every - self.length;
        let within = (wall % self.every).saturating_sub(self.length);
        (wall / self.every) * active + within
    }

    /// The time at which the server's own clock shows `work` and the server is not stalled (nanoseconds).
    #[must_use]
    pub fn wall(&self, work: u64) -> u64 {
        let active = self.every - self.length;
        let start = (work / active).saturating_mul(self.every);
        start.saturating_add(self.length + work % active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_still_in_a_stall() {
        let stall = Stall::new(100, 30);
        assert_eq!([0, 15, 30].map(|t| stall.work(t)), [0, 0, 0]);
        assert_eq!([31, 99, 100, 130, 131].map(|t| stall.work(t)), [1, 69, 70, 70, 71]);
    }

    #[test]
    fn nothing_is_ever_due_within_a_stall() {
        let stall = Stall::new(100, 30);
        for work in 0..1_000 {
            let wall = stall.wall(work);
            assert!(wall % 100 >= 30, "{work} is due at {wall}");
            assert_eq!(stall.work(wall), work);
        }
    }

    #[test]
    fn without_a_stall_both_clocks_agree() {
        for stall in [Stall::new(0, 0), Stall::new(50, 0), Stall::new(10, 10)] {
            for time in [0, 1, 49, 50, 1_000_003] {
                assert_eq!(stall.work(time), time);
                assert_eq!(stall.wall(time), time);
            }
        }
    }
}
