//! What can go wrong, told apart by what the caller can do about it.

use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;

/// A store's answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the store did not do what it was asked; nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was named is not there.
    #[error("there is no {0}")]
    NotFound(String),
    /// What is stored speaks against it: which, and what to do.
    #[error("{0}")]
    Conflict(String),
    /// Another operator has declared it.
    #[error("{why}")]
    Taken {
        /// What of the node.
        what: Taken,
        /// Which, and what to do.
        why: String,
    },
    /// The argument cannot be stored at all.
    #[error("{0}")]
    Invalid(String),
    /// The database was written by a newer release.
    #[error(
        "the database is at migration {found}, this release knows up to {known}: it was written by a newer \
         release of touchstone; use that one, or restore a backup from before it"
    )]
    Newer {
        /// Last migration in the database.
        found: i64,
        /// Last migration of this release.
        known: i64,
    },
    /// What is stored contradicts itself: restore it from a backup.
    #[error("damaged: {0}; restore it from a backup")]
    Damaged(String),
    /// Another process holds the database, or it takes too long: worth trying again.
    #[error("the database is busy ({0}): try again")]
    Busy(String),
    /// A file of the data directory cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database refuses.
    #[error("the database: {0}")]
    Db(#[source] sqlx::Error),
}

/// What of a node only one operator of a season can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The address that is loaded.
    Target,
    /// The validator.
    Validator,
}

impl Error {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        |source| Self::File { path: path.to_owned(), source }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy("no connection is free".into());
        }
        let code = error.as_database_error().and_then(|database| database.code());
        match code.as_deref() {
            // SQLite: busy, locked. PostgreSQL: statement timeout, lock timeout, deadlock, serialization.
            Some("5" | "6" | "261" | "262" | "517" | "773" | "57014" | "55P03" | "40P01" | "40001") => {
                Self::Busy(error.to_string())
            }
            // SQLite: corrupt, not a database.
            Some("11" | "26" | "267" | "523" | "779") => Self::Damaged(error.to_string()),
            _ => Self::Db(error),
        }
    }
}

impl Error {
    pub(crate) fn of_migration(error: MigrateError, known: i64) -> Self {
        match error {
            MigrateError::VersionMissing(found) if found > known => Self::Newer { found, known },
            MigrateError::VersionMissing(found) => {
                Self::Damaged(format!("migration {found} was applied and is not among those of this release"))
            }
            MigrateError::VersionMismatch(version) => Self::Damaged(format!(
                "migration {version} was applied with another text than this release has; a released migration \
                 is never edited"
            )),
            MigrateError::Execute(error) => Self::from(error),
            MigrateError::ExecuteMigration(error, version) => match Self::from(error) {
                busy @ Self::Busy(_) => busy,
                other => Self::Conflict(format!("migration {version} cannot be applied: {other}")),
            },
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// Whether a row with the same key was there already.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|database| database.is_unique_violation())
}

/// Whether it was there already in the unique index over this column: the message of either engine names it (SQLite the
/// columns, PostgreSQL the index).
pub(crate) fn is_taken_in(error: &sqlx::Error, column: &str) -> bool {
    is_taken(error) && error.as_database_error().is_some_and(|database| database.message().contains(column))
}

/// Whether the row names another one that is not there.
pub(crate) fn names_nothing(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|database| database.is_foreign_key_violation())
}
