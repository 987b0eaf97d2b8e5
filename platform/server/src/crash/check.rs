//! What seasons leave behind, looked at: evidence that stays as it is, one run that counts for each
//! slot, and bundles that anybody can work out again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use model::{Digest, Publication, RunState, SeasonId};
use scoreboard::{VerifyingNote, disk, verify};
use store::{Place, RunProgress, Store};

use super::scene::ATTEMPTS;

/// Evidence that was seen, by season and run.
#[derive(Debug, Default)]
pub(super) struct Kept(BTreeMap<(String, String), Digest>);

impl Kept {
    /// Looks at the evidence of these seasons: what was seen before is there, and the same.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn look(&mut self, store: &Store, seasons: &[String]) -> anyhow::Result<Vec<String>> {
        let mut faults = Vec::new();
        for season in seasons {
            let id: SeasonId = season.parse()?;
            let mut now = BTreeMap::new();
            for run in store.runs(&id).await? {
                if let RunProgress::Measured { evidence, .. } = run.progress {
                    now.insert((season.clone(), run.run.to_string()), evidence);
                }
            }
            let before = self.0.iter().filter(|((of, _), _)| of == season);
            for ((_, run), _) in before.filter(|(key, digest)| now.get(key) != Some(digest)) {
                faults.push(format!("the evidence of {season} {run} changed"));
            }
            for (key, digest) in now {
                if self.0.insert(key, digest).is_none() {
                    // That it can be read, and is what its digest says.
                    store.read_evidence(&digest).await?;
                }
            }
        }
        Ok(faults)
    }
}

/// What the seasons that ended came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    /// Runs that were measured to their end, or cut: they count.
    pub counted: u32,
    /// Runs that are void, and were drawn again.
    pub void: u32,
    /// Slots of which every attempt was void.
    pub given_up: u32,
}

/// Works the bundle of a season out again.
///
/// # Errors
/// The first thing that is not as it has to be.
pub(super) fn season(directory: &Path, runs: &mut Runs) -> anyhow::Result<()> {
    let key = fs::read_to_string(directory.join("signer.vkey")).context("there is no key")?;
    let key: VerifyingNote = key.trim().parse()?;
    let verified = verify(&disk::read_dir(&directory.join("bundle"))?, Some(&key))?;
    ensure!(verified.last, "its last publication is not there");
    let path = format!("bundle/publications/{:03}.json", verified.publications);
    let publication: Publication = serde_json::from_slice(&fs::read(directory.join(path))?)?;
    ensure!(directory.join("site/index.html").exists(), "there is no site");
    slots(&publication, runs)
}

/// One run of each slot counts and is scored, the last attempt; or none, after the last attempt there is.
fn slots(publication: &Publication, runs: &mut Runs) -> anyhow::Result<()> {
    let mut slots: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in publication.runs.values() {
        slots.entry((entry.run.window, &entry.run.trial, &entry.run.operator)).or_default().push(entry);
    }
    for (slot, mut entries) in slots {
        entries.sort_by_key(|entry| entry.run.attempt);
        let attempts: Vec<u32> = entries.iter().map(|entry| entry.run.attempt).collect();
        let last = attempts.len() as u32;
        ensure!(attempts == (1..=last).collect::<Vec<_>>(), "{slot:?} has attempts {attempts:?}");
        let counting: Vec<u32> =
            entries.iter().filter(|entry| entry.state.counts()).map(|entry| entry.run.attempt).collect();
        ensure!(
            counting == [last] || (counting.is_empty() && last == ATTEMPTS),
            "{slot:?}: of {last} attempts there count {counting:?}"
        );
        ensure!(
            entries.iter().all(|entry| entry.score.is_some() == entry.state.counts()),
            "{slot:?} is not scored once"
        );
        runs.counted += u32::try_from(counting.len())?;
        runs.given_up += u32::from(counting.is_empty());
        runs.void += entries.iter().filter(|entry| matches!(entry.state, RunState::Void(_))).count() as u32;
    }
    Ok(())
}

/// Opens the store for a look.
pub(super) async fn open(data: &Path, database_url: Option<&str>) -> anyhow::Result<Store> {
    let place = match database_url {
        Some(url) => Place::postgres(data, url),
        None => Place::sqlite(data),
    };
    Ok(Store::open(&place).await?)
}
