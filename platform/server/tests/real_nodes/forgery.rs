//! Forgeries of a measured bundle, with and without the signer's help.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use model::{Digest, Publication, RunState, Season, VoidCause};
use scoreboard::{Bundle, NoteSigner, Record, Rulebook, VerifyingNote, bundle, record, verify};

use crate::stage::ensure;

type Files = BTreeMap<String, Vec<u8>>;

/// Every forgery is found: a byte of any file, and results forged with all digests and
/// signatures made again.
pub(crate) fn all_are_found(season: &Path, files: &Files, key: &VerifyingNote) -> anyhow::Result<()> {
    flipped_bytes(files, key)?;
    let book: Rulebook = serde_json::from_slice(&files[bundle::RULEBOOK])?;
    let original: Season = serde_json::from_slice(&files[bundle::SEASON])?;
    let publications = publications(files)?;
    let secret = std::fs::read_to_string(season.join("private/signing.key"))?;
    let secret: model::Seed = secret.trim().parse()?;
    let signer = NoteSigner::new(key.name(), secret.as_bytes())?;
    let evidence = files.iter().filter(|(path, _)| path.starts_with("evidence/"));
    let evidence = evidence.map(|(_, bytes)| serde_json::from_slice(bytes)).collect::<Result<Vec<_>, _>>()?;
    let whole = record(evidence);
    let remake = |record: &Record, publications: &[Publication]| {
        let pages = BTreeMap::new();
        let contents = Bundle {
            season: &original,
            book: &book,
            publications: &chained(publications),
            record,
            pages: &pages,
        };
        verify(&bundle::write(&contents, &signer), Some(key))
    };
    remake(&whole, &publications).map_err(|e| anyhow::anyhow!("the honest one, made again: {e}"))?;
    let forged = [
        ("a forged score", remake(&whole, &forged_score(&publications)?)),
        ("a changed void", remake(&whole, &changed_void(&publications)?)),
        ("a dropped run", {
            let (record, publications) = dropped_run(&whole, &publications)?;
            remake(&record, &publications)
        }),
    ];
    for (what, found) in forged {
        let told = found.map_or_else(|mismatch| mismatch.to_string(), |_| String::new());
        ensure(!told.is_empty(), || format!("{what} is not found"))?;
        println!("{what}: {told}");
    }
    Ok(())
}

fn flipped_bytes(files: &Files, key: &VerifyingNote) -> anyhow::Result<()> {
    for path in files.keys() {
        let mut changed = files.clone();
        let bytes = changed.get_mut(path).context("a file")?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        ensure(verify(&changed, Some(key)).is_err(), || format!("a changed byte of {path} is not found"))?;
    }
    println!("a byte changed in each of {} files: found each time", files.len());
    Ok(())
}

fn publications(files: &Files) -> anyhow::Result<Vec<Publication>> {
    let found = files.iter().filter(|(path, _)| path.starts_with("publications/") && path.ends_with(".json"));
    found.map(|(_, bytes)| Ok(serde_json::from_slice(bytes)?)).collect()
}

/// The same publications, each naming the one before anew.
fn chained(publications: &[Publication]) -> Vec<Publication> {
    let mut chain: Vec<Publication> = Vec::new();
    for publication in publications {
        let previous = chain.last().map(Digest::of);
        chain.push(Publication { previous, ..publication.clone() });
    }
    chain
}

fn forged_score(publications: &[Publication]) -> anyhow::Result<Vec<Publication>> {
    let mut forged = publications.to_vec();
    let last = forged.last_mut().context("a publication")?;
    let score =
        last.runs.values_mut().find_map(|entry| entry.score.as_mut().filter(|score| score.points < 90_000));
    let score = score.context("a run that lost points")?;
    score.points += 5_000;
    score.parts[0].points += 5_000;
    Ok(forged)
}

fn changed_void(publications: &[Publication]) -> anyhow::Result<Vec<Publication>> {
    let mut forged = publications.to_vec();
    for publication in &mut forged {
        let cut = publication.runs.values_mut().find(|entry| matches!(entry.state, RunState::Cut(_)));
        let cut = cut.context("a run that was cut")?;
        (cut.state, cut.score) = (RunState::Void(VoidCause::Ours), None);
    }
    Ok(forged)
}

fn dropped_run(record: &Record, publications: &[Publication]) -> anyhow::Result<(Record, Vec<Publication>)> {
    let mut forged = publications.to_vec();
    let last = forged.last().context("a publication")?;
    let name = last.runs.iter().rev().find(|(_, entry)| matches!(entry.state, RunState::Cut(_)));
    let name = name.context("a run that was cut")?.0.clone();
    for publication in &mut forged {
        publication.runs.remove(&name);
    }
    let mut record = record.clone();
    record.remove(&name);
    Ok((record, forged))
}
