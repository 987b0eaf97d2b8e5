//! The file in which a token is kept, readable by its owner alone.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tempfile::NamedTempFile;

/// A file that can be written: known before a token exists that would be lost.
pub(super) struct Out {
    path: PathBuf,
    directory: PathBuf,
}

/// Where the token goes: where somebody said, or to the default place.
pub(super) fn path(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match given {
        Some(path) => Ok(path),
        None => default_path(std::env::var_os("XDG_CONFIG_HOME"), std::env::var_os("HOME")),
    }
}

/// `touchstone/token` in the configuration directory, which by the XDG specification must be absolute.
fn default_path(config: Option<OsString>, home: Option<OsString>) -> anyhow::Result<PathBuf> {
    let config = config.map(PathBuf::from).filter(|path| path.is_absolute());
    let home = home.map(PathBuf::from).filter(|path| path.is_absolute());
    let config = config.or_else(|| home.map(|home| home.join(".config")));
    let config = config.context("there is no HOME to keep the token in: give --out FILE")?;
    Ok(config.join("touchstone").join("token"))
}

impl Out {
    /// Makes ready to write, with the directories that it takes.
    pub(super) fn prepare(path: PathBuf) -> anyhow::Result<Self> {
        let cannot = || format!("the token cannot be kept in {}: give another --out FILE", path.display());
        ensure!(!path.is_dir() && path.file_name().is_some(), cannot());
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new(".")).to_owned();
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).with_context(cannot)?;
        // Not kept open: somebody may stop us at the question for a signature, and it would stay.
        drop(NamedTempFile::new_in(&directory).with_context(cannot)?);
        Ok(Self { path, directory })
    }

    /// Keeps a token: the file has the old content or the new one whole.
    pub(super) fn keep(self, token: &str) -> anyhow::Result<PathBuf> {
        let cannot = || format!("the token could not be kept in {}", self.path.display());
        // A temporary file is its owner's alone (0600) from its first moment.
        let mut file = NamedTempFile::new_in(&self.directory).with_context(cannot)?;
        file.write_all(format!("{token}\n").as_bytes()).with_context(cannot)?;
        file.as_file().sync_all().with_context(cannot)?;
        file.persist(&self.path).with_context(cannot)?;
        Ok(self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_kept_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/token");
        for token in ["tst_long_old_content", "tst_new"] {
            let kept = Out::prepare(path.clone()).unwrap().keep(token).unwrap();
            assert_eq!(std::fs::read_to_string(&kept).unwrap(), format!("{token}\n"));
            assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else stays");
    }

    #[test]
    fn what_cannot_be_written_is_told_before() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "x").unwrap();
        for bad in [directory.path().to_owned(), file.join("token"), PathBuf::from("/")] {
            assert!(Out::prepare(bad.clone()).is_err(), "{}", bad.display());
        }
    }

    #[test]
    fn the_default_place_is_the_configuration_directory() {
        let path = |config: Option<&str>, home: Option<&str>| {
            default_path(config.map(Into::into), home.map(Into::into)).ok()
        };
        assert_eq!(path(Some("/c"), Some("/h")), Some("/c/touchstone/token".into()));
        for relative in [None, Some(""), Some("c")] {
            assert_eq!(path(relative, Some("/h")), Some("/h/.config/touchstone/token".into()));
        }
        assert_eq!(path(None, None), None);
        assert_eq!(path(None, Some("")), None);
    }
}
