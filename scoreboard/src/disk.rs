//! The one access to files: reads a bundle from its folder.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the bundle reader is the one place that reads files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::bundle::{MANIFEST, MAX_FILE_BYTES, MAX_FILES};

/// Longest text of a key, bytes.
const MAX_KEY_BYTES: u64 = 4096;

/// Why a bundle could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The operating system refused.
    #[error("{path}: {error}")]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// The folder is no bundle.
    #[error("{0} is no bundle: it has no manifest.json")]
    NoBundle(PathBuf),
    /// A link, a device, or a name that is not text.
    #[error("{0} is neither a file nor a folder, or its name is not text")]
    Odd(PathBuf),
    /// Beyond the limits.
    #[error("{0} is larger than a bundle's file may be, or one too many")]
    TooLarge(PathBuf),
}

/// All files of the bundle in this folder, by path with `/` between. Links are not followed.
///
/// # Errors
/// The folder cannot be read, holds no manifest, or is beyond the limits of a bundle.
pub fn read_dir(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, Unreadable> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
            let path = entry.map_err(|error| unreadable(&folder, error))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let name = format!("{prefix}{}", name.ok_or_else(|| Unreadable::Odd(path.clone()))?);
            let kind = fs::symlink_metadata(&path).map_err(|error| unreadable(&path, error))?.file_type();
            if kind.is_dir() {
                folders.push((path, format!("{name}/")));
            } else if !kind.is_file() {
                return Err(Unreadable::Odd(path));
            } else if files.len() >= MAX_FILES {
                return Err(Unreadable::TooLarge(path));
            } else {
                files.insert(name, read(&path, MAX_FILE_BYTES)?);
            }
        }
        if folders.len() > MAX_FILES {
            return Err(Unreadable::TooLarge(folder));
        }
    }
    if files.contains_key(MANIFEST) { Ok(files) } else { Err(Unreadable::NoBundle(root.to_owned())) }
}

/// The text of a key file, without the end of line.
///
/// # Errors
/// The file cannot be read, is long, or is not text.
pub fn read_key(path: &Path) -> Result<String, Unreadable> {
    let text = String::from_utf8(read(path, MAX_KEY_BYTES)?).map_err(|_| Unreadable::Odd(path.to_owned()))?;
    Ok(text.trim().to_owned())
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| unreadable(path, error))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > most { Err(Unreadable::TooLarge(path.to_owned())) } else { Ok(bytes) }
}

fn unreadable(path: &Path, error: io::Error) -> Unreadable {
    Unreadable::Io { path: path.to_owned(), error }
}
