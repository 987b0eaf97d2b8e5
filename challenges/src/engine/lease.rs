//! Until when a run may go on.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Ends a run by itself unless the platform renews it: a platform that stands still, or that
/// lost its database, must not keep a worker at a node that somebody else was given.
#[derive(Clone)]
pub(super) struct Lease(watch::Sender<Instant>);

impl Lease {
    pub(super) fn new(length: Duration) -> Self {
        Self(watch::Sender::new(Instant::now() + length))
    }

    /// From now on it lasts so long.
    pub(super) fn renew(&self, length: Duration) {
        self.0.send_replace(Instant::now() + length);
    }

    /// Waits until it has run out.
    pub(super) async fn ran_out(&self) {
        let mut until = self.0.subscribe();
        loop {
            let end = *until.borrow_and_update();
            tokio::select! {
                () = sleep_until(end) => return,
                _ = until.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_runs_out_when_it_is_not_renewed() {
        let start = Instant::now();
        let lease = Lease::new(Duration::from_secs(10));
        let renewing = async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(4)).await;
                lease.renew(Duration::from_secs(10));
            }
        };
        tokio::join!(lease.ran_out(), renewing);
        assert_eq!(start.elapsed().as_secs(), 22);
    }
}
