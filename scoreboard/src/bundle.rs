//! The files of a bundle: everything that a ranking follows from, by path.
//!
//! ```text
//! season.json             the season, frozen
//! rulebook.json           its rules
//! publications/001.json   every publication so far, each chained to the one before
//! publications/001.note   its signature
//! evidence/SHA256.json    the record of every run
//! manifest.json           digests of all these files, and of the site's pages
//! manifest.note           its signature
//! ```

use std::collections::BTreeMap;

use model::digest::canonical_json;
use model::{Digest, Publication, Season};
use serde::{Deserialize, Serialize};

use crate::note::{NoteSigner, Subject, text};
use crate::record::Record;
use crate::rulebook::Rulebook;

/// Path of the season.
pub const SEASON: &str = "season.json";
/// Path of the rules.
pub const RULEBOOK: &str = "rulebook.json";
/// Path of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// Path of the manifest's signature.
pub const MANIFEST_NOTE: &str = "manifest.note";

/// Largest file of a bundle, bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most files of a bundle.
pub const MAX_FILES: usize = 200_000;

/// What goes into a bundle.
#[derive(Debug, Clone, Copy)]
pub struct Bundle<'a> {
    /// The season.
    pub season: &'a Season,
    /// Its rules.
    pub book: &'a Rulebook,
    /// All publications so far, from number 1.
    pub publications: &'a [Publication],
    /// Every run so far; those after the last publication's windows stay out.
    pub record: &'a Record,
    /// Pages of the site, by path; the bundle holds their digests only.
    pub pages: &'a BTreeMap<String, Digest>,
}

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this form.
    pub schema: u32,
    /// Digest of the season.
    pub season: Digest,
    /// Number of the last publication.
    pub number: u32,
    /// Digest of the last publication.
    pub publication: Digest,
    /// The key that the notes are signed with, as it is given to `--key`. That it is here proves nothing.
    pub signer: String,
    /// Digest of every file but the manifest and its note, by path.
    pub files: BTreeMap<String, Digest>,
    /// Digest of every page of the site, by path.
    pub pages: BTreeMap<String, Digest>,
}

impl Manifest {
    /// Version of the form that this code writes.
    pub const SCHEMA: u32 = 1;
}

/// Path of a publication.
pub fn publication_path(number: u32) -> String {
    format!("publications/{number:03}.json")
}

/// Path of a publication's signature.
pub fn publication_note_path(number: u32) -> String {
    format!("publications/{number:03}.note")
}

/// Path of evidence.
pub fn evidence_path(digest: Digest) -> String {
    format!("evidence/{digest}.json")
}

/// The files of a bundle, signed. The same contents and key give the same bytes.
pub fn write(bundle: &Bundle, signer: &NoteSigner) -> BTreeMap<String, Vec<u8>> {
    let season = Digest::of(bundle.season);
    let mut files = BTreeMap::new();
    files.insert(SEASON.to_owned(), canonical_json(bundle.season));
    files.insert(RULEBOOK.to_owned(), canonical_json(bundle.book));
    for publication in bundle.publications {
        let bytes = canonical_json(publication);
        let said = text(Subject::Publication, season, publication.number, Digest::of_bytes(&bytes));
        files.insert(publication_note_path(publication.number), signer.sign(&said));
        files.insert(publication_path(publication.number), bytes);
    }
    let windows = bundle.publications.last().map_or(0, |last| last.windows);
    for filed in bundle.record.values().filter(|filed| filed.evidence().run.window <= windows) {
        files.insert(evidence_path(filed.digest()), canonical_json(filed.evidence()));
    }
    seal(bundle, signer, season, files)
}

/// Adds the manifest and its note.
fn seal(
    bundle: &Bundle,
    signer: &NoteSigner,
    season: Digest,
    mut files: BTreeMap<String, Vec<u8>>,
) -> BTreeMap<String, Vec<u8>> {
    let last = bundle.publications.last();
    let number = last.map_or(0, |last| last.number);
    let manifest = canonical_json(&Manifest {
        schema: Manifest::SCHEMA,
        season,
        number,
        publication: last.map_or(Digest::of_bytes(b""), Digest::of),
        signer: signer.verifying().to_string(),
        files: files.iter().map(|(path, bytes)| (path.clone(), Digest::of_bytes(bytes))).collect(),
        pages: bundle.pages.clone(),
    });
    let said = text(Subject::Manifest, season, number, Digest::of_bytes(&manifest));
    files.insert(MANIFEST_NOTE.to_owned(), signer.sign(&said));
    files.insert(MANIFEST.to_owned(), manifest);
    files
}
