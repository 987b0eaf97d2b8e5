//! Many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use model::RunKey;
use store::{Error, Store};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::fixture::{at, begun, evidence, leased, now, run, spring};
use crate::stage::{Kind, Stage, ensure, refused, same};

const TASKS: usize = 16;

/// Eight runs on four targets.
fn runs() -> Vec<(RunKey, String)> {
    let operators = ["alpha", "north", "control-1", "control-2"];
    let on = |trial: &'static str| {
        operators
            .into_iter()
            .zip(1..)
            .map(move |(who, port)| (run(1, trial, who, 1), format!("127.0.0.1:{port}")))
    };
    on("traffic").chain(on("spam")).collect()
}

/// Sixteen tasks want each of eight runs, all at the same time.
pub(crate) async fn targets_are_never_leased_twice(stage: Stage) -> anyhow::Result<()> {
    let store = Arc::new(stage.open().await?);
    begun(&store).await?;
    store.queue(&spring(), &runs(), now()).await?;
    let start = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (store, start) = (store.clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            let mut won = Vec::new();
            let mut wanted = runs();
            let first = task % wanted.len();
            wanted.rotate_left(first);
            for (run, target) in wanted {
                match store.lease(&spring(), &run, &format!("worker {task}"), now(), at(60)).await {
                    Ok(lease) => won.push((target, lease.epoch.number())),
                    Err(Error::Conflict(_)) => {}
                    Err(other) => return Err(other),
                }
            }
            Ok(won)
        });
    }
    let mut won = Vec::new();
    while let Some(task) = tasks.join_next().await {
        won.extend(task??);
    }
    won.sort();
    let expected: Vec<_> = (1..=4).map(|port| (format!("127.0.0.1:{port}"), 1)).collect();
    same(won, expected)?;
    finish(stage, store).await
}

/// Sixteen workers take what is next until nothing is left.
pub(crate) async fn a_fleet_measures_every_run_once(stage: Stage) -> anyhow::Result<()> {
    let store = Arc::new(stage.open().await?);
    begun(&store).await?;
    store.queue(&spring(), &runs(), now()).await?;
    let busy = Arc::new(Mutex::new(BTreeSet::new()));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(worker(store.clone(), task, busy.clone()));
    }
    let mut measured: BTreeMap<String, u32> = BTreeMap::new();
    while let Some(task) = tasks.join_next().await {
        for run in task?? {
            *measured.entry(run.to_string()).or_default() += 1;
        }
    }
    let expected: BTreeMap<_, _> = runs().into_iter().map(|(run, _)| (run.to_string(), 1)).collect();
    same(measured, expected)?;
    same(store.evidence(&spring()).await?.len(), 8)?;
    finish(stage, store).await
}

async fn worker(
    store: Arc<Store>,
    task: usize,
    busy: Arc<Mutex<BTreeSet<String>>>,
) -> anyhow::Result<Vec<RunKey>> {
    let mut measured = Vec::new();
    loop {
        let Some(lease) = store.lease_next(&format!("worker {task}"), now(), at(60)).await? else {
            let all = store.runs(&spring()).await?;
            if all.iter().all(|run| matches!(run.progress, store::RunProgress::Measured { .. })) {
                return Ok(measured);
            }
            tokio::task::yield_now().await;
            continue;
        };
        let target = lease.target.clone();
        let alone = busy.lock().expect("not poisoned").insert(target.clone());
        ensure(alone && lease.epoch.number() == 1, || format!("{target} is leased twice"))?;
        tokio::task::yield_now().await;
        busy.lock().expect("not poisoned").remove(&target);
        store.finish(&spring(), lease.epoch, &evidence(&lease.run, 1), at(30)).await?;
        measured.push(lease.run);
    }
}

pub(crate) async fn evidence_raced_by_many_is_kept_once(stage: Stage) -> anyhow::Result<()> {
    let store = Arc::new(stage.open().await?);
    begun(&store).await?;
    let key = run(1, "traffic", "alpha", 1);
    let epoch = leased(&store, &key, "127.0.0.1:1").await?;
    let start = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (store, start, key) = (store.clone(), start.clone(), key.clone());
        // Half of them hand in the one, half the other.
        tasks.spawn(async move {
            start.wait().await;
            store.finish(&spring(), epoch, &evidence(&key, task as u64 % 2), at(30)).await
        });
    }
    let mut kept = BTreeMap::new();
    let mut conflicts = 0;
    while let Some(task) = tasks.join_next().await {
        match task? {
            Ok(digest) => *kept.entry(digest).or_insert(0) += 1,
            Err(error) => {
                conflicts += 1;
                refused(Kind::Conflict, "recorded once", Err::<(), _>(error))?;
            }
        }
    }
    same((kept.len(), kept.values().sum::<usize>(), conflicts), (1, TASKS / 2, TASKS / 2))?;
    same(stage.raw().await?.count("evidence").await?, 1)?;
    finish(stage, store).await
}

/// As two servers do, or a server and a command beside it: what reads and then writes waits for
/// the other rather than fail.
pub(crate) async fn two_stores_write_to_one_database(stage: Stage) -> anyhow::Result<()> {
    let stores = [Arc::new(stage.open().await?), Arc::new(stage.open().await?)];
    begun(&stores[0]).await?;
    let start = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (store, start) = (stores[task % 2].clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            for attempt in 1..=10 {
                let key = run(1, "spam", "alpha", task as u32 * 10 + attempt);
                store.queue(&spring(), &[(key.clone(), format!("127.0.0.1:{task}"))], now()).await?;
                let lease = store.lease(&spring(), &key, "worker", now(), at(60)).await?;
                store.finish(&spring(), lease.epoch, &evidence(&key, 1), at(30)).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let [store, other] = stores;
    same(store.evidence(&spring()).await?.len(), TASKS * 10)?;
    other.close().await;
    finish(stage, store).await
}

pub(crate) async fn finish(stage: Stage, store: Arc<Store>) -> anyhow::Result<()> {
    match Arc::try_unwrap(store) {
        Ok(store) => stage.end(store).await,
        Err(_) => Err(anyhow::anyhow!("a task still has the store")),
    }
}
