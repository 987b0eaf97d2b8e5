//! Backups and their return, and what `verify` finds.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use model::Digest;
use store::{Place, Store, Verified, restore};

use crate::fixture::{begun, measured, publication, run, season, spring};
use crate::stage::{Kind, Stage, ensure, refused, same};

/// A season of two runs and two publications.
async fn filled(stage: &Stage) -> anyhow::Result<Store> {
    let store = stage.open().await?;
    let season = begun(&store).await?;
    let alpha = measured(&store, &run(1, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    let north = measured(&store, &run(1, "traffic", "north", 1), "127.0.0.1:2").await?;
    let first = publication(&season, None, [&alpha]);
    store.publish(&spring(), &first).await?;
    store.publish(&spring(), &publication(&season, Some(&first), [&alpha, &north])).await?;
    Ok(store)
}

const WHOLE: Verified = Verified { evidence: 2, publications: 2, faults: vec![] };

pub(crate) async fn a_backup_comes_back(stage: Stage) -> anyhow::Result<()> {
    let store = filled(&stage).await?;
    let (copy, back) = (stage.directory().join("copy"), stage.directory().join("back"));
    let orphan = store.keep_evidence(b"nobody's".to_vec()).await?;
    store.backup(&copy).await?;
    refused(Kind::Conflict, "there already", store.backup(&copy).await)?;
    // What comes after is not in it.
    measured(&store, &run(2, "traffic", "alpha", 1), "127.0.0.1:1").await?;

    same(restore(&copy, &back).await?, WHOLE)?;
    refused(Kind::Conflict, "there already", restore(&copy, &back).await)?;
    refused(Kind::Conflict, "in use", restore(stage.place().data(), &stage.directory().join("x")).await)?;
    refused(Kind::NotFound, "backup", restore(stage.directory(), &stage.directory().join("x")).await)?;
    let restored = Store::open(&Place::sqlite(&back)).await?;
    same(restored.verify().await?, WHOLE)?;
    same(restored.publications(&spring()).await?, store.publications(&spring()).await?)?;
    same(restored.runs(&spring()).await?.len(), 2)?;
    refused(Kind::NotFound, "evidence file", restored.read_evidence(&orphan).await)?;
    // It goes on where it was.
    measured(&restored, &run(2, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    restored.close().await;
    stage.end(store).await
}

/// As `migrations/README.md` says it.
pub(crate) async fn a_dump_comes_back(stage: Stage) -> anyhow::Result<()> {
    let second = stage.second_database().await?.context("it is PostgreSQL")?;
    let store = filled(&stage).await?;
    refused(Kind::Invalid, "pg_dump", store.backup(&stage.directory().join("copy")).await)?;
    let dump = stage.directory().join("touchstone.dump");
    let data = stage.directory().join("back");
    let option = |name: &str, value: &std::ffi::OsStr| {
        let mut option = std::ffi::OsString::from(name);
        option.push(value);
        option
    };
    let from =
        [option("--file=", dump.as_os_str()), option("--dbname=", stage.url().unwrap_or_default().as_ref())];
    tool("pg_dump", &["--format=custom"], &from)?;
    let copied = Command::new("cp").arg("-a").arg(stage.place().data()).arg(&data).status()?;
    ensure(copied.success(), || format!("cp: {copied}"))?;
    let into = [option("--dbname=", second.url.as_ref()), dump.into_os_string()];
    tool("pg_restore", &["--exit-on-error", "--no-owner"], &into)?;
    // What comes after is not in it.
    measured(&store, &run(2, "traffic", "alpha", 1), "127.0.0.1:1").await?;

    let restored = Store::open(&Place::postgres(&data, &second.url)).await?;
    same(restored.verify().await?, WHOLE)?;
    same(restored.publications(&spring()).await?, store.publications(&spring()).await?)?;
    measured(&restored, &run(2, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    restored.close().await;
    second.remove().await?;
    stage.end(store).await
}

fn tool(program: &str, options: &[&str], more: &[std::ffi::OsString]) -> anyhow::Result<()> {
    let output = Command::new(program).args(options).args(more).output();
    let output =
        output.with_context(|| format!("cannot start {program}: apt-get install postgresql-client"))?;
    ensure(output.status.success(), || format!("{program}: {}", String::from_utf8_lossy(&output.stderr)))
}

pub(crate) async fn a_damaged_backup_does_not_come_back(stage: Stage) -> anyhow::Result<()> {
    let store = filled(&stage).await?;
    let (copy, back) = (stage.directory().join("copy"), stage.directory().join("back"));
    store.backup(&copy).await?;
    let digest = store.evidence_records(&spring()).await?[0].digest;
    let file = evidence_file(&Place::sqlite(&copy), &digest);
    let bytes = fs::read(&file)?;
    fs::write(&file, b"{}")?;
    refused(Kind::Damaged, &digest.to_string(), restore(&copy, &back).await)?;
    fs::remove_file(&file)?;
    refused(Kind::NotFound, &digest.to_string(), restore(&copy, &back).await)?;
    fs::write(&file, bytes)?;

    let database = copy.join("touchstone.sqlite");
    let whole = fs::read(&database)?;
    let mut broken = whole.clone();
    broken[4096..8192].fill(0x5a);
    fs::write(&database, broken)?;
    let damaged = restore(&copy, &back).await;
    ensure(damaged.is_err(), || "a page of noise is not found".into())?;
    ensure(!back.exists(), || "something was left of a damaged backup".into())?;
    fs::write(&database, whole)?;
    same(restore(&copy, &back).await?, WHOLE)?;

    // A backup that cannot be whole is none.
    fs::remove_file(evidence_file(&stage.place(), &digest))?;
    let second = stage.directory().join("second");
    refused(Kind::NotFound, &digest.to_string(), store.backup(&second).await)?;
    ensure(!second.exists(), || "half a backup was left".into())?;
    stage.end(store).await
}

fn evidence_file(place: &Place, digest: &Digest) -> PathBuf {
    let name = digest.to_string();
    place.data().join("evidence").join(&name[..2]).join(format!("{name}.json"))
}

pub(crate) async fn what_is_damaged_is_found(stage: Stage) -> anyhow::Result<()> {
    let store = filled(&stage).await?;
    same(store.verify().await?, WHOLE)?;
    let records = store.evidence_records(&spring()).await?;
    fs::write(evidence_file(&stage.place(), &records[0].digest), b"{}")?;
    fs::remove_file(evidence_file(&stage.place(), &records[1].digest))?;
    let mut raw = stage.raw().await?;
    // Somebody who may remove triggers may change anything; the digests tell.
    raw.execute(if stage.is_postgres() {
        "DROP TRIGGER append_only ON publication"
    } else {
        "DROP TRIGGER publication_update"
    })
    .await?;
    raw.execute("UPDATE publication SET document = BYTES('{}') WHERE number = 2").await?;
    let forged = season("Forged");
    let document = String::from_utf8(model::digest::canonical_json(&forged))?;
    raw.execute(&format!("UPDATE season SET document = BYTES('{}')", document.replace('\'', "''"))).await?;
    let found = store.verify().await?;
    same((found.evidence, found.publications), (0, 0))?;
    let said = found.faults.join("\n");
    let sentences = [
        "season spring does not match its digest",
        "does not hold what its name says",
        "there is no evidence file",
        "publication 1 of season spring does not continue",
        "publication 2 of season spring does not match its digest",
    ];
    for sentence in sentences {
        ensure(said.contains(sentence), || format!("{sentence}: not in\n{said}"))?;
    }
    // The next opening puts the triggers back.
    store.close().await;
    let store = stage.open().await?;
    let refused = raw.execute("UPDATE publication SET windows = 9").await;
    ensure(refused.is_err(), || "a trigger that was removed stays away".into())?;
    stage.end(store).await
}
