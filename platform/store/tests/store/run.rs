//! Runs in the queue.

use store::RunProgress;

use crate::fixture::{at, begun, now, run, spring};
use crate::stage::{Kind, Stage, refused, same};

pub(crate) async fn runs_are_queued_once_and_in_order(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    // The order in which windows draw them is not that of their names.
    let drawn = ["north", "control-1", "alpha", "control-2"];
    let runs: Vec<_> = drawn
        .iter()
        .zip(1..)
        .map(|(who, port)| (run(1, "traffic", who, 1), format!("127.0.0.1:{port}")))
        .collect();
    store.queue(&spring(), &runs[..2], at(1)).await?;
    store.queue(&spring(), &runs, at(2)).await?;
    let kept = store.runs(&spring()).await?;
    let names: Vec<_> = kept.iter().map(|record| record.run.operator.as_str()).collect();
    same(names, vec!["alpha", "control-1", "control-2", "north"])?;
    let north = store.run(&spring(), &runs[0].0).await?;
    same((north.target.as_str(), north.queued), ("127.0.0.1:1", at(1)))?;
    same(north.progress, RunProgress::Queued)?;
    for (run, _) in &runs {
        let lease = store.lease_next("worker", at(3), at(9)).await?.expect("a run is queued");
        same(&lease.run, run)?;
    }
    same(store.lease_next("worker", at(3), at(9)).await?, None)?;
    // What is there stays as it is.
    store.queue(&spring(), &runs, at(4)).await?;
    same(store.lease_next("worker", at(4), at(9)).await?, None)?;
    let moved = [(runs[0].0.clone(), "127.0.0.1:99".to_owned())];
    refused(Kind::Conflict, "another attempt", store.queue(&spring(), &moved, at(5)).await)?;
    refused(Kind::NotFound, "w02.traffic", store.run(&spring(), &run(2, "traffic", "north", 1)).await)?;
    stage.end(store).await
}

pub(crate) async fn a_bad_run_queues_none(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let good = (run(1, "traffic", "alpha", 1), "127.0.0.1:1".to_owned());
    refused(Kind::Conflict, "freeze", store.queue(&spring(), std::slice::from_ref(&good), now()).await)?;
    begun(&store).await?;
    for bad in [run(3, "traffic", "alpha", 1), run(1, "door", "alpha", 1), run(1, "traffic", "who", 1)] {
        let both = [good.clone(), (bad, "127.0.0.1:2".to_owned())];
        refused(Kind::Conflict, "has no window", store.queue(&spring(), &both, now()).await)?;
        same(store.runs(&spring()).await?, vec![])?;
    }
    stage.end(store).await
}
