//! Upgrades: of every earlier database, with what was in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use model::{Evidence, Stage as SeasonStage, Standing, Verdict};
use store::{Claim, Error, LATEST, Migrated, RunProgress, Seat, Store, migrate, migrate_to, migrations};
use tokio::task::JoinSet;

use crate::fixture::{account, at, begun, measured, operator, publication, run, spring};
use crate::stage::{Kind, Stage, ensure, refused, same};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Names of the SQL files in a folder, without their ending.
fn files(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".sql").map(str::to_owned));
    }
    Ok(names)
}

/// A migration that is not named in `migrate.rs` would never be applied, and one without data
/// never be tried.
pub(crate) fn every_file_is_embedded() -> Result<(), Failed> {
    let embedded: BTreeSet<String> = migrations().map(str::to_owned).collect();
    same(files(&folder("../../migrations"))?, embedded.clone())?;
    same(files(&folder("tests/data"))?, embedded.clone())?;
    for (name, number) in embedded.iter().zip(1..) {
        ensure(name.starts_with(&format!("{number:04}_")), || format!("{name} is not number {number}"))?;
    }
    Ok(())
}

/// What a database of migration `version` had in it.
async fn fill(stage: &Stage, version: i64) -> anyhow::Result<()> {
    let mut raw = stage.raw().await?;
    for name in files(&folder("tests/data"))?.into_iter().take(usize::try_from(version)?) {
        let sql = fs::read_to_string(folder("tests/data").join(format!("{name}.sql")))?;
        raw.execute(&sql).await.map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    }
    let evidence = folder("tests/data/evidence");
    let to = stage.place().data().join("evidence");
    for entry in fs::read_dir(evidence)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a digest").to_owned();
        fs::create_dir_all(to.join(&name[..2]))?;
        fs::copy(&path, to.join(&name[..2]).join(name))?;
    }
    Ok(())
}

pub(crate) async fn each_earlier_database_is_upgraded(stage: Stage) -> anyhow::Result<()> {
    // One stage, and a place of its own for each version.
    let mut version = 0;
    let mut stage = stage;
    loop {
        version += 1;
        same(migrate_to(&stage.place(), version).await?, Migrated { from: 0, to: version })?;
        fill(&stage, version).await?;
        same(migrate(&stage.place()).await?, Migrated { from: version, to: LATEST })?;
        let store = stage.open().await?;
        is_as_it_was(&store, version).await.map_err(|error| error.context(format!("from {version}")))?;
        is_usable(&store, version).await.map_err(|error| error.context(format!("from {version}")))?;
        same(store.verify().await?.faults, vec![])?;
        store.close().await;
        if version == LATEST {
            return stage.remove().await;
        }
        stage = stage.another().await?;
    }
}

/// Everything in `tests/data` up to this version is read as it was written.
async fn is_as_it_was(store: &Store, version: i64) -> anyhow::Result<()> {
    let season = store.season(&spring()).await?;
    same((season.stage, season.created), (SeasonStage::Trials, at(0)))?;
    same(season.frozen.map(|frozen| frozen.season), Some(crate::fixture::season("Spring")))?;
    let draft = store.season(&"autumn".parse()?).await?;
    same(
        (draft.stage, draft.declaration.as_deref()),
        (SeasonStage::Draft, Some("name = \"가을\"".as_bytes())),
    )?;
    same(store.windows(&spring()).await?.len(), 2)?;
    if version >= 2 {
        let north = store.operator(&spring(), &operator("north")).await?;
        same(
            (north.name.as_str(), north.account, north.standing),
            ("북쪽 검증인", Some(account(1)), Standing::Competing),
        )?;
        let nodes = store.node_history(&spring(), &operator("north")).await?;
        same(nodes.iter().map(|node| node.withdrawn).collect(), vec![Some(at(2)), None])?;
    }
    if version >= 3 {
        let runs = store.runs(&spring()).await?;
        let progress = |n: usize| &runs[n].progress;
        ensure(runs.len() == 3 && *progress(0) == RunProgress::Queued, || format!("{runs:?}"))?;
        ensure(matches!(progress(1), RunProgress::Leased { .. }), || format!("{runs:?}"))?;
        ensure(matches!(progress(2), RunProgress::Measured { .. }), || format!("{runs:?}"))?;
        let evidence = store.evidence(&spring()).await?;
        same(
            &evidence["w01.traffic.north.1"],
            // Of the form that was written then.
            &Evidence { schema: 1, ..crate::fixture::evidence(&run(1, "traffic", "north", 1), 1_000_000) },
        )?;
    }
    if version >= 4 {
        same(store.publications(&spring()).await?.len(), 1)?;
        let current = store.current_decisions(&spring()).await?;
        same(current[&operator("north")].decision.verdict, Verdict::Waitlist)?;
    }
    if version >= 5 {
        same(store.session(b"cookie", at(1)).await?.account, account(1))?;
        same(store.use_token(b"token", at(1)).await?.token.name.as_str(), "ci")?;
        store.take_nonce("nonce", "sign-in", at(1)).await?;
    }
    if version >= 6 {
        same(
            store.lease_next_job("conduct", "w", at(1), at(2)).await?.map(|job| job.subject),
            Some("spring".into()),
        )?;
    }
    if version >= 7 {
        same(store.audit(None, None, 9).await?[0].audit.actor.as_str(), "심사 위원")?;
    }
    if version >= 8 {
        let gone = store.node(&spring(), &operator("gone")).await?.map(|record| record.node.claim);
        let validator = "0x00000000000000000000000000000000000000aa".to_owned();
        same(gone, Some(Some(Claim { validator, proof: "0x1c".into() })))?;
        // What was declared before has none.
        same(store.node(&spring(), &operator("north")).await?.map(|record| record.node.claim), Some(None))?;
    }
    if version >= 8 {
        let seat = store.node(&spring(), &operator("gone")).await?.map(|record| record.seat);
        // Nobody had looked before.
        let told = (version >= 9).then_some(Seat { height: 120, seated: false });
        same(seat, Some(told))?;
    }
    Ok(())
}

/// The season goes on.
async fn is_usable(store: &Store, version: i64) -> anyhow::Result<()> {
    // Data of the first version alone has a season without operators.
    if version < 2 {
        return Ok(());
    }
    measured(store, &run(2, "traffic", "north", 1), "127.0.0.1:9").await?;
    let evidence = store.evidence(&spring()).await?;
    let last = store.latest_publication(&spring()).await?;
    let season = crate::fixture::season("Spring");
    store.publish(&spring(), &publication(&season, last.as_ref(), evidence.values())).await?;
    Ok(())
}

pub(crate) async fn a_newer_database_is_refused(stage: Stage) -> anyhow::Result<()> {
    stage.open().await?.close().await;
    let mut raw = stage.raw().await?;
    let newer = LATEST + 1;
    raw.execute(&format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES ({newer}, 'of tomorrow', TRUE, BYTES('x'), 1)"
    ))
    .await?;
    match Store::open(&stage.place()).await {
        Err(Error::Newer { found, known }) => same((found, known), (newer, LATEST))?,
        Err(other) => anyhow::bail!("{other:?}"),
        Ok(_) => anyhow::bail!("a newer database was opened"),
    }
    let said = Error::Newer { found: newer, known: LATEST }.to_string();
    ensure(said.contains("newer release") && said.contains("backup"), || said)?;
    stage.remove().await
}

pub(crate) async fn an_edited_migration_is_refused(stage: Stage) -> anyhow::Result<()> {
    stage.open().await?.close().await;
    let mut raw = stage.raw().await?;
    raw.execute("UPDATE _sqlx_migrations SET checksum = BYTES('x') WHERE version = 3").await?;
    refused(Kind::Damaged, "migration 3", Store::open(&stage.place()).await.map(drop))?;
    stage.remove().await
}

pub(crate) async fn many_open_a_new_place_at_once(stage: Stage) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let place = stage.place();
        tasks.spawn(async move { Store::open(&place).await });
    }
    let mut stores = Vec::new();
    while let Some(store) = tasks.join_next().await {
        stores.push(store??);
    }
    begun(&stores[0]).await?;
    for store in stores {
        same(store.season(&spring()).await?.stage, SeasonStage::Trials)?;
        store.close().await;
    }
    stage.remove().await
}
