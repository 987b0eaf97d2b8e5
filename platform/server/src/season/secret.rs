//! Secrets of a season: they come from files or the environment, and leave in no file that is published.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use challenges::driver::of_family;
use model::Seed;

/// Environment variable of the funded test key.
pub const FAUCET_KEY: &str = "TOUCHSTONE_FAUCET_KEY";

/// A seed from the operating system's randomness.
///
/// # Errors
/// When there is none.
pub fn random_seed() -> anyhow::Result<Seed> {
    let mut bytes = [0; 32];
    let mut source = std::fs::File::open("/dev/urandom").context("cannot open /dev/urandom")?;
    source.read_exact(&mut bytes).context("cannot read /dev/urandom")?;
    Ok(Seed::new(bytes))
}

/// The funded test key: from the file, else from the environment.
///
/// # Errors
/// When there is neither, with the remedy.
pub fn faucet_key(file: Option<&Path>) -> anyhow::Result<String> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path);
        return Ok(text
            .with_context(|| format!("cannot read the key file {}", path.display()))?
            .trim()
            .to_owned());
    }
    match std::env::var(FAUCET_KEY) {
        Ok(key) if !key.trim().is_empty() => Ok(key.trim().to_owned()),
        _ => bail!(
            "no funded test key: give --faucet-key-file FILE or set {FAUCET_KEY} to the private key (64 hexadecimal \
             digits) of a test account that can pay for the runs' accounts"
        ),
    }
}

/// The funded test key, where the chain family has money: [`faucet_key`].
///
/// # Errors
/// When it is needed and not there, with the remedy.
pub fn faucet_key_for(family: &str, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let driver = of_family(family).map_err(|why| anyhow!(why))?;
    driver.has_money().then(|| faucet_key(file)).transpose()
}

/// The secret of this name in `directory`: read, or made by `draw` and kept, readable by us alone.
///
/// # Errors
/// When it cannot be read, is none, or cannot be written.
pub fn keep(
    directory: &Path,
    name: &str,
    draw: impl FnOnce() -> anyhow::Result<Seed>,
) -> anyhow::Result<Seed> {
    let path = directory.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let parsed = text.trim().parse();
            parsed.with_context(|| format!("{} holds no 64 hexadecimal digits", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let seed = draw()?;
            write_private(&path, &format!("{seed}\n"))?;
            Ok(seed)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a secret so that it is there whole or not at all: half a seed would end the season.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let wrap = || format!("cannot write {}", path.display());
    let temporary = path.with_extension("tmp");
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(&temporary).with_context(wrap)?;
    file.write_all(text.as_bytes()).with_context(wrap)?;
    file.sync_all().with_context(wrap)?;
    std::fs::rename(&temporary, path).with_context(wrap)
}
