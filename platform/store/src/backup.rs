//! Copies of a SQLite store while it is used, and their return. For PostgreSQL see
//! `migrations/README.md`.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::database::Engine;
use crate::error::{Error, Result};
use crate::files::EvidenceFiles;
use crate::migrate::blocking;
use crate::place::{make_directory, sync_directory};
use crate::{Place, Store, Verified};

impl Store {
    /// Writes a copy of the database and of all evidence that it names to the new directory `to`,
    /// which is there whole or not at all. Others may go on writing meanwhile.
    ///
    /// # Errors
    /// `Conflict` when `to` is there already; `Damaged` or `NotFound` when an evidence file is;
    /// `Invalid` on PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        let Engine::Sqlite(pool) = self.pools.writer() else {
            return Err(Error::Invalid(
                "this backup is for SQLite: copy PostgreSQL with pg_dump, and then the evidence folder \
                 (see migrations/README.md)"
                    .into(),
            ));
        };
        let new = NewDirectory::begin(to).await?;
        let file = new.place().database_file();
        let name = file.to_str().ok_or_else(|| Error::Invalid(format!("{} is no text", file.display())))?;
        sqlx::query("VACUUM INTO $1").bind(name).execute(pool).await?;
        // After the database, because files come before their rows: all that it names are there.
        self.copy_evidence(&self.files, &new.place()).await?;
        blocking(move || {
            fs::set_permissions(&file, Permissions::from_mode(0o600)).map_err(Error::file(&file))?;
            File::open(&file).and_then(|database| database.sync_all()).map_err(Error::file(&file))
        })
        .await?;
        new.finish().await
    }

    /// Copies the files of all evidence that this database names, each held against its digest.
    async fn copy_evidence(&self, from: &EvidenceFiles, to: &Place) -> Result<()> {
        let digests = self.evidence_digests().await?;
        let (from, to) = (from.clone(), EvidenceFiles::new(to.evidence()));
        blocking(move || digests.iter().try_for_each(|digest| to.keep(&from.read(digest)?).map(drop))).await
    }
}

/// Brings a backup back as the new data directory `to`: migrated to this release, and checked as
/// by [`Store::verify`]. Nothing is left in `to` unless all of it is good.
///
/// # Errors
/// `NotFound` without a backup in `from`; `Conflict` when `to` is there already, or `from` is in
/// use; `Newer`; `Damaged` with what is wrong.
pub async fn restore(from: &Path, to: &Path) -> Result<Verified> {
    let from = Place::sqlite(from);
    let database = from.database_file();
    if !database.is_file() {
        return Err(Error::NotFound(format!(
            "backup in {}: name a directory that was made as one",
            from.data().display()
        )));
    }
    if database.with_extension("sqlite-wal").exists() {
        return Err(Error::Conflict(format!(
            "{} is a data directory and may be in use, not a backup: make a backup of it first",
            from.data().display()
        )));
    }
    let new = NewDirectory::begin(to).await?;
    let place = new.place();
    let file = place.database_file();
    blocking(move || {
        fs::copy(&database, &file).map_err(Error::file(&file))?;
        fs::set_permissions(&file, Permissions::from_mode(0o600)).map_err(Error::file(&file))
    })
    .await?;
    let store = Store::open(&place).await?;
    store.copy_evidence(&EvidenceFiles::new(from.evidence()), &place).await?;
    let verified = store.verify().await?;
    store.close().await;
    if !verified.faults.is_empty() {
        return Err(Error::Damaged(format!(
            "the backup in {}: {}",
            from.data().display(),
            verified.faults.join("; ")
        )));
    }
    new.finish().await?;
    Ok(verified)
}

/// A directory being made beside its name; dropped before [`NewDirectory::finish`], it is removed.
struct NewDirectory {
    partial: PathBuf,
    name: PathBuf,
}

impl NewDirectory {
    async fn begin(name: &Path) -> Result<Self> {
        let name = name.to_owned();
        blocking(move || {
            if name.exists() {
                return Err(Error::Conflict(format!(
                    "{} is there already: name a directory that is not",
                    name.display()
                )));
            }
            let mut partial = name.clone().into_os_string();
            partial.push(".partial");
            let partial = PathBuf::from(partial);
            // Left by a process that was killed.
            if partial.exists() {
                fs::remove_dir_all(&partial).map_err(Error::file(&partial))?;
            }
            make_directory(&Place::sqlite(&partial).evidence())?;
            Ok(Self { partial, name })
        })
        .await
    }

    fn place(&self) -> Place {
        Place::sqlite(&self.partial)
    }

    /// Gives the directory its name.
    async fn finish(self) -> Result<()> {
        blocking(move || {
            sync_directory(&self.partial)?;
            fs::rename(&self.partial, &self.name).map_err(Error::file(&self.name))?;
            let parent = self.name.parent().filter(|parent| !parent.as_os_str().is_empty());
            sync_directory(parent.unwrap_or(Path::new(".")))
        })
        .await
    }
}

impl Drop for NewDirectory {
    fn drop(&mut self) {
        // Gone already when it got its name.
        let _ = fs::remove_dir_all(&self.partial);
    }
}
