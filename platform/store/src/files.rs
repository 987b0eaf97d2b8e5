//! Evidence files: `DIR/ab/DIGEST.json`, named by what is in them, there whole or not at all.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use model::Digest;

use crate::error::{Error, Result};
use crate::place::{make_directory, sync_directory};

/// A directory of evidence files.
#[derive(Debug, Clone)]
pub(crate) struct EvidenceFiles {
    directory: PathBuf,
}

/// Tells apart the temporary files of tasks that write at once.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

impl EvidenceFiles {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The file of this digest, whether it is there or not.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.directory.join(&name[..2]).join(format!("{name}.json"))
    }

    /// Writes a file, unless it is there already; a damaged one is replaced.
    pub(crate) fn keep(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of_bytes(bytes);
        let path = self.path(&digest);
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(digest);
        }
        let folder = path.parent().unwrap_or(&self.directory);
        if !folder.is_dir() {
            make_directory(folder)?;
            sync_directory(&self.directory)?;
        }
        let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{digest}.{}.{count}.tmp", std::process::id()));
        write_synced(&temporary, bytes)?;
        fs::rename(&temporary, &path).map_err(Error::file(&path))?;
        sync_directory(folder)?;
        Ok(digest)
    }

    /// Reads a file and holds it against its name.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Vec<u8>> {
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::NotFound(format!("evidence file {}", path.display())));
            }
            Err(error) => return Err(Error::file(&path)(error)),
        };
        if Digest::of_bytes(&bytes) != *digest {
            return Err(Error::Damaged(format!("{} does not hold what its name says", path.display())));
        }
        Ok(bytes)
    }

    /// All files of the directory, half-written ones too, in order of their paths.
    pub(crate) fn all(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for path in listing(&self.directory)? {
            if path.is_dir() {
                found.extend(listing(&path)?);
            } else {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }
}

fn listing(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).map_err(Error::file(directory))?;
    entries.map(|entry| Ok(entry.map_err(Error::file(directory))?.path())).collect()
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| {
        // A full disk must not be filled further with halves.
        let _ = fs::remove_file(path);
        Error::file(path)(error)
    })
}
