//! Publishes a closed window: the publication, the bundle and the site.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use model::{Decision, Digest, Evidence, Publication};
use scoreboard::{Bundle, Draft, NoteSigner, Record, bundle, complete, record};
use store::UnixMs;

use super::records::Records;
use super::{OpenSeason, secret};
use crate::standing;

/// Name that publications of a season's own key are signed with.
const SIGNER: &str = "touchstone-season";

/// Publishes windows 1 to `window`, and decisions made since the last publication, unless that was
/// done before; writes bundle and site.
/// Returns the ranked list as text.
///
/// # Errors
/// When a run is missing, or a file cannot be written.
pub async fn publish(
    open: &OpenSeason,
    records: &Records,
    evidence: &BTreeMap<String, Evidence>,
    window: u32,
    now: UnixMs,
) -> anyhow::Result<String> {
    let record = record(evidence.values().cloned());
    complete(&open.book, &open.season, window, &record)
        .map_err(|missing| anyhow!("not published: {missing}"))?;
    let mut publications = records.publications().await?;
    let decisions = records.decisions().await?;
    let closed = window == open.season.windows;
    let news = publications
        .last()
        .is_none_or(|last| last.windows < window || (closed && last.decisions.len() < decisions.len()));
    if news {
        let next = draft(open, &record, &publications, window, &decisions, now)?;
        records.publish(&next).await?;
        publications.push(next);
    }
    write(open, records, &record, &publications)?;
    let shown = publications.iter().rfind(|publication| publication.windows == window);
    let shown = shown.context("the window's publication is among them")?;
    Ok(standing::table(&open.season, shown))
}

fn draft(
    open: &OpenSeason,
    record: &Record,
    before: &[Publication],
    window: u32,
    decisions: &[Decision],
    now: UnixMs,
) -> anyhow::Result<Publication> {
    let previous = before.last();
    scoreboard::check_decisions(&open.season, before, decisions)
        .map_err(|fault| anyhow!("not published: {fault}"))?;
    let last = window == open.season.windows;
    Ok(scoreboard::publish(Draft {
        book: &open.book,
        season: &open.season,
        record,
        windows: window,
        number: previous.map_or(1, |previous| previous.number + 1),
        last,
        published_ms: now.as_millis(),
        // The seed is revealed when nothing is drawn from it any more.
        seed: last.then_some(open.seed),
        previous: previous.map(Digest::of),
        decisions,
    }))
}

fn write(
    open: &OpenSeason,
    records: &Records,
    record: &Record,
    publications: &[Publication],
) -> anyhow::Result<()> {
    let key = secret::keep(&records.private(), "signing.key", secret::random_seed)?;
    let signer = NoteSigner::new(SIGNER, key.as_bytes()).map_err(|e| anyhow!("the signing key: {e}"))?;
    let vkey = signer.verifying().to_string();
    let windows = publications.last().map_or(0, |last| last.windows);
    let shown: BTreeMap<String, Evidence> = record
        .iter()
        .filter(|(_, filed)| filed.evidence().run.window <= windows)
        .map(|(name, filed)| (name.clone(), filed.evidence().clone()))
        .collect();
    let source = site::Source {
        season: &open.season,
        rulebook: &open.book,
        publications,
        evidence: &shown,
        signer: &vkey,
    };
    let mut site = site::render(&source).context("the site cannot be made")?;
    let pages = site.iter().map(|(path, bytes)| (path.clone(), Digest::of_bytes(bytes))).collect();
    let contents = Bundle { season: &open.season, book: &open.book, publications, record, pages: &pages };
    let files = bundle::write(&contents, &signer);
    // Pages link to the evidence they were made from.
    site.extend(
        files.iter().filter(|(path, _)| path.starts_with("evidence/")).map(|(p, b)| (p.clone(), b.clone())),
    );
    let download = BTreeMap::from([
        ("bundle.tar".to_owned(), pack(&files).context("the bundle cannot be packed")?),
        ("signer.vkey".to_owned(), format!("{vkey}\n").into_bytes()),
    ]);
    records.replace("bundle", &files)?;
    records.replace("download", &download)?;
    records.replace("site", &site)?;
    std::fs::write(records.directory().join("signer.vkey"), format!("{vkey}\n"))
        .context("cannot write signer.vkey")
}

/// The bundle as one file for whoever checks it: the same files give the same bytes.
fn pack(files: &BTreeMap<String, Vec<u8>>) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, format!("bundle/{path}"), bytes.as_slice())?;
    }
    archive.into_inner()
}
