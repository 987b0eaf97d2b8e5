//! One flag that ends a run, and why.

use model::Ended;
use tokio::sync::watch;

/// Ends a run; the first reason stays.
#[derive(Clone)]
pub(super) struct Stop(watch::Sender<Option<Ended>>);

impl Stop {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Ends the run for this reason, unless it has ended already.
    pub(super) fn stop(&self, why: Ended) {
        self.0.send_if_modified(|reason| {
            let first = reason.is_none();
            if first {
                *reason = Some(why);
            }
            first
        });
    }

    /// Why the run has ended, if it has.
    pub(super) fn reason(&self) -> Option<Ended> {
        *self.0.borrow()
    }

    /// Waits until the run ends.
    pub(super) async fn stopped(&self) -> Ended {
        let mut receiver = self.0.subscribe();
        loop {
            if let Some(why) = *receiver.borrow_and_update() {
                return why;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// `work`, unless the run ends before.
    pub(super) async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::select! {
            why = self.stopped() => Err(why),
            done = work => Ok(done),
        }
    }
}
