//! The season's directory: evidence files are its state.
//!
//! ```text
//! season.json        the season as published; another season cannot use the directory
//! runs/NAME.json     evidence, written once: to a temporary name, synced, renamed
//! runs/NAME.started  a run was begun under this name; without evidence it was interrupted
//! publications/      NNN.json, one for each closed window
//! private/           seed and signing key
//! bundle/, site/     made anew from the above at each publication
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use model::digest::canonical_json;
use model::{Evidence, Publication, RunKey, Season};

/// A season's directory, held by this process alone.
pub struct Records {
    directory: PathBuf,
    _lock: File,
}

impl Records {
    /// Opens or makes the directory.
    ///
    /// # Errors
    /// When it cannot be written, another process holds it, or it belongs to another season.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        for part in ["runs", "publications", "private"] {
            let path = directory.join(part);
            fs::create_dir_all(&path).with_context(|| {
                format!("cannot make {}: choose a directory that can be written with --out", path.display())
            })?;
        }
        let lock = File::create(directory.join("lock"))
            .with_context(|| format!("cannot write in {}: choose another --out", directory.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { directory: directory.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another touchstone is at work in {}: wait for it, or choose another --out",
                    directory.display()
                )
            }
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the directory"),
        }
    }

    /// The directory of secrets.
    pub fn private(&self) -> PathBuf {
        self.directory.join("private")
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Claims the directory for `season`, or finds that it is this season's already.
    ///
    /// # Errors
    /// When it belongs to another season.
    pub fn claim(&self, season: &Season) -> anyhow::Result<()> {
        let path = self.directory.join("season.json");
        let bytes = canonical_json(season);
        match fs::read(&path) {
            Ok(there) if there == bytes => Ok(()),
            Ok(_) => bail!(
                "{} holds another season, or this one before its file was changed: a season is frozen once begun; \
                 choose another --out",
                self.directory.display()
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => write_once(&path, &bytes),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// All evidence, by run name.
    ///
    /// # Errors
    /// When a file cannot be read or is no evidence; nothing is skipped.
    pub fn evidence(&self) -> anyhow::Result<BTreeMap<String, Evidence>> {
        let mut all = BTreeMap::new();
        for (name, path) in self.listing("runs", "json")? {
            let evidence: Evidence = read_json(&path)?;
            if evidence.run.to_string() != name {
                bail!(
                    "{} is the evidence of another run: restore it, or remove it to have it measured again",
                    path.display()
                );
            }
            all.insert(name, evidence);
        }
        Ok(all)
    }

    /// Names of runs that were begun.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn started(&self) -> anyhow::Result<Vec<RunKey>> {
        self.listing("runs", "started")?.values().map(|path| read_json(path)).collect()
    }

    /// Notes that a run is begun under this name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn start(&self, run: &RunKey) -> anyhow::Result<()> {
        write_once(&self.path(run, "started"), &canonical_json(run))
    }

    /// Keeps the evidence of a run.
    ///
    /// # Errors
    /// When it cannot be written, or the run has evidence already.
    pub fn keep(&self, evidence: &Evidence) -> anyhow::Result<()> {
        let path = self.path(&evidence.run, "json");
        if path.exists() {
            bail!("{} is there already: a run is recorded once", path.display());
        }
        write_once(&path, &canonical_json(evidence))
    }

    /// All publications, oldest first.
    ///
    /// # Errors
    /// When one cannot be read or is none.
    pub fn publications(&self) -> anyhow::Result<Vec<Publication>> {
        self.listing("publications", "json")?.values().map(|path| read_json(path)).collect()
    }

    /// Keeps a publication.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn publish(&self, publication: &Publication) -> anyhow::Result<()> {
        let name = format!("{:03}.json", publication.number);
        write_once(&self.directory.join("publications").join(name), &canonical_json(publication))
    }

    /// Replaces the folder `name` by these files, so that a reader never finds half of
    /// one: the old, the new, or for the instant between two renames none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace(&self, name: &str, files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
        let (new, old) =
            (self.directory.join(format!(".{name}.new")), self.directory.join(format!(".{name}.old")));
        let here = self.directory.join(name);
        for path in [&new, &old] {
            remove(path)?;
        }
        for (file, bytes) in files {
            let path = new.join(file);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            }
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if here.exists() {
            fs::rename(&here, &old).with_context(|| format!("cannot replace {}", here.display()))?;
        }
        fs::rename(&new, &here).with_context(|| format!("cannot write {}", here.display()))?;
        remove(&old)
    }

    fn path(&self, run: &RunKey, extension: &str) -> PathBuf {
        self.directory.join("runs").join(format!("{run}.{extension}"))
    }

    fn listing(&self, folder: &str, extension: &str) -> anyhow::Result<BTreeMap<String, PathBuf>> {
        let folder = self.directory.join(folder);
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == extension)
                && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
            {
                found.insert(name.to_owned(), path.clone());
            }
        }
        Ok(found)
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is damaged: restore it from a copy", path.display()))
}

/// Writes a file so that it is there whole or not at all.
fn write_once(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let wrap = || format!("cannot write {}", path.display());
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary).with_context(wrap)?;
    file.write_all(bytes).with_context(wrap)?;
    file.sync_all().with_context(wrap)?;
    fs::rename(&temporary, path).with_context(wrap)?;
    let parent = path.parent().unwrap_or(Path::new("."));
    File::open(parent).and_then(|directory| directory.sync_all()).with_context(wrap)
}
