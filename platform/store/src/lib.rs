//! What a season leaves behind, kept: in SQLite or PostgreSQL, and evidence in files that their
//! digests name. Every SQL statement of the project is in this crate and in `/migrations`.
//!
//! [`Store::open`] brings the database to the newest migration. Times, secrets and epochs come from
//! the caller: nothing here reads a clock or draws chance.
//!
//! Rows of evidence, publication, decision and audit are only ever added. The store has no
//! statement that changes them, and triggers refuse those of others.

mod act;
mod audit;
mod backup;
mod column;
mod database;
mod decision;
mod error;
mod evidence;
mod files;
mod finish;
mod freeze;
mod job;
mod lease;
mod migrate;
mod node;
mod nonce;
mod operator;
mod place;
mod publication;
mod row;
mod run;
mod season;
mod session;
mod time;
mod token;
mod verify;
mod window;

use database::Pools;
use files::EvidenceFiles;

pub use act::Act;
pub use audit::{AuditRecord, NewAudit};
pub use backup::restore;
pub use decision::{DecisionRecord, NewDecision};
pub use error::{Error, Result, Taken};
pub use evidence::EvidenceRecord;
pub use job::{JobLease, JobRecord, JobState};
pub use lease::Lease;
pub use migrate::{LATEST, Migrated, migrate, migrate_to, migrations};
pub use node::{Claim, NewNode, NodeRecord, Seat};
pub use operator::{Account, NewOperator, NotAnAccount, OperatorRecord};
pub use place::Place;
pub use run::{Epoch, RunProgress, RunRecord};
pub use season::{Frozen, SeasonRecord};
pub use session::SessionRecord;
pub use time::UnixMs;
pub use token::{NewToken, TokenRecord};
pub use verify::Verified;
pub use window::WindowRecord;

/// An open store. Cheap to share behind an `Arc`; every method may be called from many tasks.
pub struct Store {
    place: Place,
    pools: Pools,
    files: EvidenceFiles,
}

impl Store {
    /// Opens the store at `place`: makes what is not there, and brings the database to the newest
    /// migration.
    ///
    /// # Errors
    /// When the data directory or the database cannot be used, or the database is newer than this
    /// release.
    pub async fn open(place: &Place) -> Result<Self> {
        migrate(place).await?;
        let files = EvidenceFiles::new(place.evidence());
        Ok(Self { place: place.clone(), pools: Pools::open(place).await?, files })
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Closes all connections, waiting for what is under way.
    pub async fn close(&self) {
        self.pools.close().await;
    }
}
