//! A lease of a run, kept up while its worker measures.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use model::Evidence;
use store::{Error, Lease, Store, UnixMs};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// A lease lasts so long after it was last renewed. After a crash nobody measures the node for
/// this time.
pub const LEASE: Duration = Duration::from_secs(15);
/// It is renewed so often.
const RENEWAL: Duration = Duration::from_secs(2);
/// A worker that is told of no renewal ends so long before its lease does: it promises to be gone
/// in two seconds, and gets twice that.
pub(super) const FAREWELL: Duration = Duration::from_secs(4);
/// What a worker is told that it has, milliseconds.
pub const WORKER_LEASE_MS: u64 = (LEASE.as_secs() - FAREWELL.as_secs()) * 1000;

/// A run in our hands. Dropping it stops renewing.
pub struct Held {
    lease: Lease,
    store: Arc<Store>,
    state: watch::Receiver<Result<(), String>>,
    renewing: JoinHandle<()>,
}

impl Held {
    /// Keeps up a lease that was just taken.
    pub fn new(store: Arc<Store>, lease: Lease) -> Self {
        let (say, state) = watch::channel(Ok(()));
        let renewing = tokio::spawn(renew(Arc::clone(&store), lease.clone(), say));
        Self { lease, store, state, renewing }
    }

    /// Waits until the lease was renewed once more.
    ///
    /// # Errors
    /// Why it cannot be relied on any more: the worker must end.
    pub async fn renewed(&mut self) -> Result<(), String> {
        match self.state.changed().await {
            Ok(()) => self.state.borrow_and_update().clone(),
            Err(_) => Err("its renewal ended".into()),
        }
    }

    /// Hands in the evidence of the run, once.
    ///
    /// # Errors
    /// When it cannot be written, or the run is in other hands by now.
    pub async fn finish(self, evidence: &Evidence) -> store::Result<()> {
        finish(&self.store, &self.lease, evidence).await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// Hands in evidence under a lease. A database that is busy is asked again for as long as the
/// lease surely lasts.
pub(super) async fn finish(store: &Store, lease: &Lease, evidence: &Evidence) -> store::Result<()> {
    let begun = Instant::now();
    loop {
        match store.finish(&lease.season, lease.epoch, evidence, now()).await {
            Err(Error::Busy(_)) if begun.elapsed() < LEASE => sleep(Duration::from_millis(100)).await,
            done => return done.map(drop),
        }
    }
}

/// Renews until that is not possible any more.
async fn renew(store: Arc<Store>, lease: Lease, say: watch::Sender<Result<(), String>>) {
    let mut good_until = Instant::now() + LEASE;
    loop {
        sleep(RENEWAL).await;
        let asked = Instant::now();
        let renewing = store.renew(&lease.season, &lease.run, lease.epoch, now(), now().plus(LEASE));
        let why = match timeout(RENEWAL, renewing).await {
            Ok(Ok(())) => {
                good_until = asked + LEASE;
                drop(say.send_replace(Ok(())));
                continue;
            }
            Ok(Err(Error::Conflict(why))) => {
                drop(say.send_replace(Err(why)));
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database does not answer".into(),
        };
        tracing::warn!("the lease of {} is not renewed: {why}", lease.run);
        if Instant::now() + FAREWELL >= good_until {
            drop(say.send_replace(Err(why)));
            return;
        }
    }
}

/// The wall clock.
pub fn now() -> UnixMs {
    SystemTime::now().into()
}
