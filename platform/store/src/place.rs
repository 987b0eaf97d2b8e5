//! Where a store is: the data directory, and the database.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The SQLite file in the data directory.
pub(crate) const DATABASE: &str = "touchstone.sqlite";
/// The folder of evidence files in the data directory.
pub(crate) const EVIDENCE: &str = "evidence";

/// Where a store is. Evidence is always in the data directory; the database is a file there, or a
/// PostgreSQL server.
#[derive(Clone)]
pub struct Place {
    data: PathBuf,
    database_url: Option<String>,
}

/// The address of a server may hold a password, which does not show in logs.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = if self.database_url.is_some() { "postgres" } else { "sqlite" };
        f.debug_tuple("Place").field(&engine).field(&self.data).finish()
    }
}

impl Place {
    /// SQLite in the data directory.
    pub fn sqlite(data: &Path) -> Self {
        Self { data: data.to_owned(), database_url: None }
    }

    /// PostgreSQL at `database_url` (`postgres://…`, as in `DATABASE_URL`), evidence in `data`.
    pub fn postgres(data: &Path, database_url: &str) -> Self {
        Self { data: data.to_owned(), database_url: Some(database_url.to_owned()) }
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    pub(crate) fn database_file(&self) -> PathBuf {
        self.data.join(DATABASE)
    }

    pub(crate) fn evidence(&self) -> PathBuf {
        self.data.join(EVIDENCE)
    }

    /// Makes the data directory and, for SQLite, an empty database: readable by us alone, because
    /// contacts are in it.
    pub(crate) fn make(&self) -> Result<()> {
        make_directory(&self.evidence())?;
        if self.database_url.is_none() {
            let path = self.database_file();
            let mut options = OpenOptions::new();
            options.append(true).create(true).mode(0o600).open(&path).map_err(Error::file(&path))?;
        }
        Ok(())
    }

    /// Held by whoever migrates; sqlx has no such lock for SQLite.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.data.join("touchstone.lock");
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let file = file.map_err(Error::file(&path))?;
        file.lock().map_err(Error::file(&path))?;
        Ok(file)
    }
}

/// Makes a directory and those above it, for us alone.
pub(crate) fn make_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::file(path))
}

/// Makes the names in a directory outlive a power cut.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    fs::File::open(path).and_then(|directory| directory.sync_all()).map_err(Error::file(path))
}
