//! Evidence: kept once, in files that are what their names say.

use std::fs;

use model::Digest;
use model::digest::canonical_json;
use store::{Epoch, RunProgress};

use crate::fixture::{at, begun, evidence, leased, measured, now, run, spring};
use crate::stage::{Kind, Stage, ensure, refused, same};

pub(crate) async fn a_run_is_recorded_once(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let key = run(1, "traffic", "alpha", 1);
    let epoch = leased(&store, &key, "127.0.0.1:1").await?;
    let record = evidence(&key, 1);
    // A lease that ran out counts as long as nobody took it over: evidence is not thrown away.
    let digest = store.finish(&spring(), epoch, &record, at(90)).await?;
    same(digest, Digest::of(&record))?;
    same(store.finish(&spring(), epoch, &record, at(91)).await?, digest)?;
    let other = store.finish(&spring(), epoch, &evidence(&key, 2), at(91)).await;
    refused(Kind::Conflict, "recorded once", other)?;
    let progress = store.run(&spring(), &key).await?.progress;
    same(progress, RunProgress::Measured { evidence: digest, epoch, at: at(90) })?;

    measured(&store, &run(2, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    measured(&store, &run(1, "traffic", "north", 10), "127.0.0.1:2").await?;
    measured(&store, &run(1, "traffic", "north", 9), "127.0.0.1:2").await?;
    measured(&store, &run(1, "spam", "north", 1), "127.0.0.1:2").await?;
    let records = store.evidence_records(&spring()).await?;
    let names: Vec<_> = records.iter().map(|record| record.run.to_string()).collect();
    let order = [
        "w01.spam.north.1",
        "w01.traffic.alpha.1",
        "w01.traffic.north.9",
        "w01.traffic.north.10",
        "w02.traffic.alpha.1",
    ];
    same(names, order.map(String::from).to_vec())?;
    let bytes = canonical_json(&record);
    same((records[1].digest, records[1].bytes, records[1].kept), (digest, bytes.len() as u64, at(90)))?;
    same(store.read_evidence(&digest).await?, bytes)?;
    let all = store.evidence(&spring()).await?;
    same((all.len(), &all["w01.traffic.alpha.1"]), (5, &record))?;
    let unknown = store.finish(&spring(), epoch, &evidence(&run(1, "spam", "alpha", 9), 1), now()).await;
    refused(Kind::NotFound, "w01.spam.alpha.9", unknown)?;
    stage.end(store).await
}

pub(crate) async fn a_stale_lease_hands_in_nothing(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let key = run(1, "traffic", "alpha", 1);
    store.queue(&spring(), &[(key.clone(), "127.0.0.1:1".into())], now()).await?;
    let never = store.finish(&spring(), Epoch::from_number(0), &evidence(&key, 1), now()).await;
    refused(Kind::Conflict, "not leased", never)?;
    let old = leased(&store, &key, "127.0.0.1:1").await?;
    let new = store.take_over(&spring(), &key, old, "other", at(60), at(120)).await?;
    let late = store.finish(&spring(), old, &evidence(&key, 1), at(61)).await;
    refused(Kind::Conflict, "under lease 2", late)?;
    same(store.evidence_records(&spring()).await?, vec![])?;
    let progress = store.run(&spring(), &key).await?.progress;
    same(progress, RunProgress::Leased { worker: "other".into(), epoch: new.epoch, until: at(120) })?;
    stage.end(store).await
}

/// The run is marked first, and its row refused then: neither stays.
pub(crate) async fn a_failure_in_the_middle_leaves_nothing(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let key = run(1, "traffic", "alpha", 1);
    let epoch = leased(&store, &key, "127.0.0.1:1").await?;
    let mut raw = stage.raw().await?;
    raw.execute("ALTER TABLE evidence RENAME TO elsewhere").await?;
    let failed = store.finish(&spring(), epoch, &evidence(&key, 1), at(1)).await;
    ensure(matches!(failed, Err(store::Error::Db(_))), || format!("{failed:?}"))?;
    raw.execute("ALTER TABLE elsewhere RENAME TO evidence").await?;
    let progress = store.run(&spring(), &key).await?.progress;
    same(progress, RunProgress::Leased { worker: "worker".into(), epoch, until: at(60) })?;
    same(raw.count("evidence").await?, 0)?;
    same(store.orphans().await?.len(), 1)?;
    store.finish(&spring(), epoch, &evidence(&key, 1), at(2)).await?;
    same(store.orphans().await?, Vec::<std::path::PathBuf>::new())?;
    stage.end(store).await
}

pub(crate) async fn files_are_what_their_names_say(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let record = measured(&store, &run(1, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    let (digest, bytes) = (Digest::of(&record), canonical_json(&record));
    let name = digest.to_string();
    let file = stage.place().data().join("evidence").join(&name[..2]).join(format!("{name}.json"));
    same(&fs::read(&file)?, &bytes)?;

    fs::write(&file, &bytes[..bytes.len() / 2])?;
    refused(Kind::Damaged, &name, store.read_evidence(&digest).await)?;
    refused(Kind::Damaged, &name, store.evidence(&spring()).await)?;
    // Kept again, it is whole again.
    same(store.keep_evidence(bytes.clone()).await?, digest)?;
    same(&store.read_evidence(&digest).await?, &bytes)?;
    fs::remove_file(&file)?;
    refused(Kind::NotFound, &name, store.read_evidence(&digest).await)?;
    refused(Kind::NotFound, &name, store.evidence(&spring()).await)?;

    // Bytes of another run under a row of this one.
    let mut raw = stage.raw().await?;
    let other = evidence(&run(1, "traffic", "north", 1), 1);
    let foreign = store.keep_evidence(canonical_json(&other)).await?;
    let key = run(2, "traffic", "alpha", 1);
    leased(&store, &key, "127.0.0.1:1").await?;
    raw.execute(&format!(
        "UPDATE run SET state = 'measured', lease_until_ms = NULL, ended_ms = 1, evidence = '{foreign}' \
         WHERE name = '{key}'; \
         INSERT INTO evidence VALUES ('spring', '{key}', '{foreign}', {}, 1)",
        canonical_json(&other).len()
    ))
    .await?;
    store.keep_evidence(bytes).await?;
    refused(Kind::Damaged, "is of run w01.traffic.north.1", store.evidence(&spring()).await)?;
    stage.end(store).await
}

pub(crate) async fn orphans_are_listed(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    measured(&store, &run(1, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    same(store.orphans().await?.len(), 0)?;
    let digest = store.keep_evidence(b"nobody's".to_vec()).await?;
    let name = digest.to_string();
    let folder = stage.place().data().join("evidence").join(&name[..2]);
    let half = folder.join(format!(".{name}.1.0.tmp"));
    fs::write(&half, b"nob")?;
    same(store.orphans().await?, vec![half, folder.join(format!("{name}.json"))])?;
    stage.end(store).await
}
