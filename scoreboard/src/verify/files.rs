//! The files of a bundle, each checked by itself: there, signed, and in its one form.

use std::collections::BTreeMap;

use model::digest::canonical_json;
use model::{Digest, Evidence, Publication, Season};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Mismatch;
use crate::bundle::{
    MANIFEST, MANIFEST_NOTE, MAX_FILE_BYTES, MAX_FILES, Manifest, RULEBOOK, SEASON, evidence_path,
    publication_note_path, publication_path,
};
use crate::frozen::season_faults;
use crate::intake::intake;
use crate::note::{Subject, VerifyingNote, text};
use crate::record::{Filed, Record};
use crate::rulebook::Rulebook;

type Files = BTreeMap<String, Vec<u8>>;
type Checked<T> = Result<T, Mismatch>;

/// A bundle whose files are what they say, before anything was worked out.
pub(crate) struct Parsed {
    pub(crate) season: Season,
    pub(crate) book: Rulebook,
    pub(crate) publications: Vec<Publication>,
    pub(crate) record: Record,
}

impl Parsed {
    pub(crate) fn read(files: &Files, key: Option<&VerifyingNote>) -> Checked<Self> {
        check_limits(files)?;
        let manifest: Manifest = parse(files, MANIFEST)?;
        let signer = check_manifest(files, &manifest, key)?;
        let season: Season = parse(files, SEASON)?;
        no_faults(SEASON, season_faults(&season))?;
        equal(MANIFEST, "season", manifest.season, Digest::of(&season))?;
        let book: Rulebook = parse(files, RULEBOOK)?;
        no_faults(RULEBOOK, book.faults())?;
        equal(SEASON, "rulebook", season.rulebook, book.digest())?;
        let publications = publications(files, &manifest, &signer)?;
        let record = record(files, &season)?;
        check_no_other(files, publications.len(), &record)?;
        let parsed = Self { season, book, publications, record };
        let last = parsed.last()?;
        equal(MANIFEST, "publication", manifest.publication, Digest::of(last))?;
        no_later_runs(&parsed.record, last.windows)?;
        Ok(parsed)
    }

    /// The last publication; a bundle has at least one.
    pub(crate) fn last(&self) -> Checked<&Publication> {
        self.publications
            .last()
            .ok_or_else(|| Mismatch::new(&publication_path(1), "file", "missing", "present"))
    }
}

fn equal<T: PartialEq + ToString>(file: &str, what: &str, published: T, computed: T) -> Checked<()> {
    if published == computed { Ok(()) } else { Err(Mismatch::new(file, what, published, computed)) }
}

fn no_faults(file: &str, faults: Vec<String>) -> Checked<()> {
    faults.into_iter().next().map_or(Ok(()), |fault| Err(Mismatch::new(file, "contents", fault, "none such")))
}

fn check_limits(files: &Files) -> Checked<()> {
    if files.len() > MAX_FILES {
        return Err(Mismatch::new(MANIFEST, "files", files.len(), MAX_FILES));
    }
    let large = files.iter().find(|(_, bytes)| bytes.len() as u64 > MAX_FILE_BYTES);
    large.map_or(Ok(()), |(path, bytes)| Err(Mismatch::new(path, "bytes", bytes.len(), MAX_FILE_BYTES)))
}

fn bytes<'a>(files: &'a Files, path: &str) -> Checked<&'a [u8]> {
    files.get(path).map(Vec::as_slice).ok_or_else(|| Mismatch::new(path, "file", "missing", "present"))
}

/// Reads a file and demands that it stands in its one form: no other spacing, order or field.
fn parse<T: Serialize + DeserializeOwned>(files: &Files, path: &str) -> Checked<T> {
    let bytes = bytes(files, path)?;
    let value: T = serde_json::from_slice(bytes)
        .map_err(|error| Mismatch::new(path, "form", error, "JSON of this file's type"))?;
    if canonical_json(&value) == bytes {
        Ok(value)
    } else {
        Err(Mismatch::new(path, "form", "the same values written otherwise", "the one JSON form"))
    }
}

/// Digests of all files, and the note; the key that signed.
fn check_manifest(files: &Files, manifest: &Manifest, key: Option<&VerifyingNote>) -> Checked<VerifyingNote> {
    equal(MANIFEST, "schema", manifest.schema, Manifest::SCHEMA)?;
    for (path, digest) in &manifest.files {
        equal(path, "digest", *digest, Digest::of_bytes(bytes(files, path)?))?;
    }
    for path in files.keys().filter(|path| *path != MANIFEST && *path != MANIFEST_NOTE) {
        if !manifest.files.contains_key(path) {
            return Err(Mismatch::new(path, "file", "present", "not in the manifest"));
        }
    }
    let named = manifest.signer.parse::<VerifyingNote>();
    let named = named.map_err(|error| Mismatch::new(MANIFEST, "signer", &manifest.signer, error))?;
    if let Some(key) = key {
        equal(MANIFEST, "signer", &named.to_string(), &key.to_string())?;
    }
    let digest = Digest::of_bytes(bytes(files, MANIFEST)?);
    let said = text(Subject::Manifest, manifest.season, manifest.number, digest);
    check_note(files, MANIFEST_NOTE, &named, &said)?;
    Ok(named)
}

fn check_note(files: &Files, path: &str, signer: &VerifyingNote, said: &str) -> Checked<()> {
    signer.check(bytes(files, path)?, said).map_err(|error| Mismatch::new(path, "signature", error, "valid"))
}

fn publications(files: &Files, manifest: &Manifest, signer: &VerifyingNote) -> Checked<Vec<Publication>> {
    let mut publications = Vec::new();
    for number in 1..=manifest.number {
        let path = publication_path(number);
        let publication: Publication = parse(files, &path)?;
        equal(&path, "schema", publication.schema, Publication::SCHEMA)?;
        equal(&path, "number", publication.number, number)?;
        let digest = Digest::of_bytes(bytes(files, &path)?);
        let said = text(Subject::Publication, manifest.season, number, digest);
        check_note(files, &publication_note_path(number), signer, &said)?;
        publications.push(publication);
    }
    Ok(publications)
}

/// The evidence, each under the name of its digest, each run once.
fn record(files: &Files, season: &Season) -> Checked<Record> {
    let mut record = Record::new();
    for path in files.keys().filter(|path| path.starts_with("evidence/")) {
        let evidence: Evidence = parse(files, path)?;
        let name = evidence.run.to_string();
        intake(season, &evidence)
            .map_err(|fault| Mismatch::new(path, "evidence", fault, "sound").of_run(&name))?;
        let filed = Filed::new(evidence);
        equal(path, "path", path.clone(), evidence_path(filed.digest())).map_err(|m| m.of_run(&name))?;
        if let Some(before) = record.insert(name.clone(), filed) {
            let other = evidence_path(before.digest());
            return Err(
                Mismatch::new(path, "evidence", format!("a second one beside {other}"), "one").of_run(name)
            );
        }
    }
    Ok(record)
}

/// No file without a use.
fn check_no_other(files: &Files, publications: usize, record: &Record) -> Checked<()> {
    let notes = publications;
    let due = 4 + publications + notes + record.len();
    if files.len() == due {
        return Ok(());
    }
    let known = |path: &str| {
        [SEASON, RULEBOOK, MANIFEST, MANIFEST_NOTE].contains(&path)
            || path.starts_with("evidence/")
            || (1..=publications as u32)
                .any(|number| path == publication_path(number) || path == publication_note_path(number))
    };
    let other = files.keys().find(|path| !known(path)).map_or(MANIFEST, String::as_str);
    Err(Mismatch::new(other, "file", "present", "no part of a bundle"))
}

fn no_later_runs(record: &Record, windows: u32) -> Checked<()> {
    match record.values().find(|filed| filed.evidence().run.window > windows) {
        Some(filed) => {
            let path = evidence_path(filed.digest());
            let (shown, due) = (filed.evidence().run.window, format!("at most {windows}"));
            Err(Mismatch::new(&path, "window", shown, due).of_run(&filed.evidence().run))
        }
        None => Ok(()),
    }
}
