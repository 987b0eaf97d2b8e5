//! Changes that stand or fall together: what somebody does, all that follows from it, and its line in
//! the audit trail. Whoever is killed in the middle has done nothing.
//!
//! ```rust,ignore
//! let mut act = store.begin().await?;
//! act.move_operator(&season, &id, Standing::Competing, Standing::Withdrawn, now).await?;
//! act.note(&audit, now).await?;
//! act.commit().await?;
//! ```
//!
//! The methods are in the files of what they change; each is there on [`Store`] too, as an act of its own.

use crate::Store;
use crate::database::Tx;
use crate::error::Result;

/// Changes under way. Dropped without [`Act::commit`], they leave nothing; one that failed must be
/// dropped. While it lives nobody else writes to SQLite: nothing is waited for in the middle.
pub struct Act<'a> {
    pub(crate) store: &'a Store,
    pub(crate) tx: Tx,
}

impl Store {
    /// Begins changes that stand or fall together.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn begin(&self) -> Result<Act<'_>> {
        Ok(Act { store: self, tx: self.pools.begin().await? })
    }
}

impl Act<'_> {
    /// Makes the changes last.
    ///
    /// # Errors
    /// When the database cannot be written; then there are none, or nobody can tell.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await
    }
}

/// Does one thing as an act of its own.
macro_rules! alone {
    ($store:expr, $method:ident($($argument:expr),*)) => {{
        let mut act = $store.begin().await?;
        let done = act.$method($($argument),*).await?;
        act.commit().await?;
        Ok(done)
    }};
}
pub(crate) use alone;
