//! Whether operators of a season that is being measured still consent to it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::{OperatorId, SeasonId, Standing};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How often the store is asked. Whoever leaves is left alone within this time and the two seconds
/// in which a worker stops.
const LOOK: Duration = Duration::from_millis(500);

/// Who left a season, or was put out; looked up for as long as this lives. The store is asked and
/// nobody else: a withdrawal may have been taken by another server than the one that measures.
pub struct Consents {
    left: watch::Receiver<BTreeSet<OperatorId>>,
    looking: JoinHandle<()>,
}

/// Whether one operator still consents.
#[derive(Clone)]
pub struct Consent {
    operator: OperatorId,
    left: watch::Receiver<BTreeSet<OperatorId>>,
}

impl Consents {
    /// Begins to look.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn watch(store: Arc<Store>, season: SeasonId) -> store::Result<Self> {
        let (tell, left) = watch::channel(who_left(&store, &season).await?);
        let looking = tokio::spawn(async move {
            loop {
                sleep(LOOK).await;
                match who_left(&store, &season).await {
                    Ok(now) => drop(tell.send_if_modified(|before| {
                        let changed = *before != now;
                        *before = now;
                        changed
                    })),
                    // A store that is lost for long ends the leases, and with them the workers.
                    Err(error) => tracing::warn!("season {season}: nobody knows who left: {error}"),
                }
            }
        });
        Ok(Self { left, looking })
    }

    /// That of one operator.
    pub fn of(&self, operator: &OperatorId) -> Consent {
        Consent { operator: operator.clone(), left: self.left.clone() }
    }
}

impl Drop for Consents {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

impl Consent {
    /// Whether it is gone.
    pub fn is_withdrawn(&self) -> bool {
        self.left.borrow().contains(&self.operator)
    }

    /// Waits until it is gone.
    pub async fn withdrawn(&mut self) {
        let operator = &self.operator;
        if self.left.wait_for(|left| left.contains(operator)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn who_left(store: &Store, season: &SeasonId) -> store::Result<BTreeSet<OperatorId>> {
    let operators = store.operators(season).await?;
    let left =
        operators.into_iter().filter(|one| matches!(one.standing, Standing::Withdrawn | Standing::Barred));
    Ok(left.map(|one| one.id).collect())
}
