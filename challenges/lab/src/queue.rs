//! One server with a queue before it, as arithmetic.

/// Nanoseconds in a second.
const SECOND: u128 = 1_000_000_000;

/// A single server that needs exactly 1/rate seconds for a request, and a queue of known length before it.
///
/// Nothing is rounded: work is counted in parts of a nanosecond, so that the served rate is exact however long it runs.
#[derive(Clone, Debug)]
pub struct VirtualQueue {
    /// Requests a second; 0 means no limit.
    rate: u64,
    /// Requests that may wait.
    room: u64,
    /// When the server has done everything it was given, in nanoseconds times rate.
    free: u128,
}

impl VirtualQueue {
    /// A server for `rate` requests a second (0: no limit) and a queue for `room` requests beside the one being served.
    #[must_use]
    pub fn new(rate: u64, room: u64) -> Self {
        Self { rate, room, free: 0 }
    }

    /// A request arrives at `now` (nanoseconds). Gives when its service is done (nanoseconds, rounded up), or `None` if
    /// the queue is full.
    pub fn offer(&mut self, now: u64) -> Option<u64> {
        if self.rate == 0 {
            return Some(now);
        }
        let rate = u128::from(self.rate);
        let now = u128::from(now) * rate;
        // The one in service counts too: if it is alone, the new one waits in the first place of the queue.
        let inside = self.free.saturating_sub(now).div_ceil(SECOND);
        if inside > u128::from(self.room) {
            return None;
        }
        self.free = self.free.max(now) + SECOND;
        u64::try_from(self.free.div_ceil(rate)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn an_idle_server_takes_one_service_time() {
        let mut queue = VirtualQueue::new(4, 0);
        assert_eq!(queue.offer(10), Some(10 + SECOND / 4));
        assert_eq!(queue.offer(10 + SECOND), Some(10 + SECOND + SECOND / 4));
    }

    #[test]
    fn the_queue_holds_exactly_its_room() {
        let mut queue = VirtualQueue::new(1, 3);
        let done: Vec<_> = (0..6).map(|_| queue.offer(0)).collect();
        let seconds = [1, 2, 3, 4].map(|s| Some(s * SECOND));
        assert_eq!(done[..4], seconds);
        assert_eq!(done[4..], [None, None]);
        assert_eq!(queue.offer(SECOND - 1), None);
        assert_eq!(queue.offer(SECOND), Some(5 * SECOND));
    }

    #[test]
    fn three_times_the_rate_is_served_at_the_rate() {
        // 7 does not divide a second; 1,000 seconds would show any rounding. Without a queue the server would be idle
        // from the end of one service to the next arrival.
        for (rate, room) in [(7, 1), (7, 5), (333, 64), (1_000, 100)] {
            let mut queue = VirtualQueue::new(rate, room);
            let seconds = 1_000;
            let offered = 3 * rate * seconds;
            let admitted: Vec<u64> =
                (0..offered).filter_map(|i| queue.offer(i * SECOND / (3 * rate))).collect();
            let total = admitted.len() as u64;
            assert!(total.abs_diff(rate * seconds + room) <= 1, "{total}");
            let end = seconds * SECOND;
            let served = admitted.iter().filter(|done| **done <= end).count() as u64;
            assert!(served.abs_diff(rate * seconds) <= 1, "{served}");
        }
    }

    #[test]
    fn below_the_rate_nothing_is_refused() {
        let mut queue = VirtualQueue::new(100, 0);
        assert!((0..10_000).all(|i| queue.offer(i * SECOND / 100).is_some()));
    }

    #[test]
    fn no_limit_means_at_once() {
        let mut queue = VirtualQueue::new(0, 0);
        assert!((0..100).all(|_| queue.offer(5) == Some(5)));
    }

    #[test]
    fn the_ends_of_the_numbers_do_not_panic() {
        let mut queue = VirtualQueue::new(u64::MAX, u64::MAX);
        assert!(queue.offer(u64::MAX - 1).is_some());
        assert_eq!(VirtualQueue::new(1, 1).offer(u64::MAX), None);
    }
}
