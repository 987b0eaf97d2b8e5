//! Leases: one a run, one a target, for a time.

use model::Stage as SeasonStage;
use store::RunProgress;

use crate::fixture::{at, begun, evidence, leased, now, run, season, spring};
use crate::stage::{Kind, Stage, refused, same};

pub(crate) async fn one_lease_a_run_and_a_target(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let (first, second) = (run(1, "traffic", "alpha", 1), run(1, "spam", "alpha", 1));
    let target = "127.0.0.1:8551".to_owned();
    let runs = [(first.clone(), target.clone()), (second.clone(), target.clone())];
    store.queue(&spring(), &runs, now()).await?;
    let lease = store.lease(&spring(), &first, "seoul", now(), at(60)).await?;
    same((lease.epoch.number(), lease.target.as_str(), lease.until), (1, target.as_str(), at(60)))?;
    let kept = store.run(&spring(), &first).await?.progress;
    same(kept, RunProgress::Leased { worker: "seoul".into(), epoch: lease.epoch, until: at(60) })?;
    refused(Kind::Conflict, "seoul", store.lease(&spring(), &first, "busan", now(), at(60)).await)?;
    refused(Kind::Conflict, "target", store.lease(&spring(), &second, "busan", now(), at(60)).await)?;
    // Also after it ran out: the worker may be measuring still.
    refused(Kind::Conflict, "target", store.lease(&spring(), &second, "busan", at(99), at(199)).await)?;
    // And in another season.
    let autumn = "autumn".parse()?;
    store.create_season(&autumn, &season("Autumn"), SeasonStage::Trials, now()).await?;
    store.queue(&autumn, &[(first.clone(), target)], now()).await?;
    refused(Kind::Conflict, "target", store.lease(&autumn, &first, "busan", now(), at(60)).await)?;

    store.finish(&spring(), lease.epoch, &evidence(&first, 1), at(50)).await?;
    refused(Kind::Conflict, "measured", store.lease(&spring(), &first, "busan", at(51), at(60)).await)?;
    same(store.lease(&autumn, &first, "busan", at(51), at(60)).await?.epoch.number(), 1)?;
    refused(Kind::Conflict, "target", store.lease(&spring(), &second, "busan", at(51), at(60)).await)?;
    let unknown = store.lease(&spring(), &run(1, "spam", "alpha", 9), "busan", now(), at(1)).await;
    refused(Kind::NotFound, "w01.spam.alpha.9", unknown)?;
    stage.end(store).await
}

pub(crate) async fn a_lease_is_renewed_while_it_lasts(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let key = run(1, "traffic", "alpha", 1);
    let epoch = leased(&store, &key, "127.0.0.1:1").await?;
    store.renew(&spring(), &key, epoch, at(59), at(120)).await?;
    store.renew(&spring(), &key, epoch, at(119), at(180)).await?;
    same(store.expired(at(179)).await?, vec![])?;
    same(store.expired(at(180)).await?.len(), 1)?;
    refused(Kind::Conflict, "ran out", store.renew(&spring(), &key, epoch, at(180), at(240)).await)?;
    let other = store::Epoch::from_number(epoch.number() + 1);
    refused(Kind::Conflict, "under lease 1", store.renew(&spring(), &key, other, at(100), at(240)).await)?;
    store.finish(&spring(), epoch, &evidence(&key, 1), at(181)).await?;
    refused(Kind::Conflict, "measured", store.renew(&spring(), &key, epoch, at(100), at(240)).await)?;
    stage.end(store).await
}

pub(crate) async fn a_lease_that_ran_out_is_taken_over(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let key = run(1, "traffic", "alpha", 1);
    let old = leased(&store, &key, "127.0.0.1:1").await?;
    let take = async |epoch, worker, seconds| {
        store.take_over(&spring(), &key, epoch, worker, at(seconds), at(seconds + 60)).await
    };
    refused(Kind::Conflict, "not run out", take(old, "other", 59).await)?;
    // Its own holder, started anew, need not wait.
    let own = take(old, "worker", 59).await?.epoch;
    refused(Kind::Conflict, "under lease 2", take(old, "other", 200).await)?;
    let new = take(own, "other", 200).await?;
    same((new.epoch.number(), new.until), (3, at(260)))?;
    for stale in [old, own] {
        let handed = store.finish(&spring(), stale, &evidence(&key, 1), at(201)).await;
        refused(Kind::Conflict, "under lease 3", handed)?;
        refused(Kind::Conflict, "under lease 3", store.renew(&spring(), &key, stale, at(1), at(2)).await)?;
    }
    store.finish(&spring(), new.epoch, &evidence(&key, 2), at(202)).await?;
    refused(Kind::Conflict, "measured", take(new.epoch, "other", 400).await)?;
    same(store.expired(at(1_000)).await?, vec![])?;
    stage.end(store).await
}

pub(crate) async fn nothing_is_leased_outside_the_trials(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let key = run(1, "traffic", "alpha", 1);
    store.queue(&spring(), &[(key.clone(), "127.0.0.1:1".into())], now()).await?;
    store.move_season(&spring(), SeasonStage::Trials, SeasonStage::Suspended, at(1)).await?;
    refused(Kind::Conflict, "is suspended", store.lease(&spring(), &key, "w", at(2), at(3)).await)?;
    same(store.lease_next("w", at(2), at(3)).await?, None)?;
    store.move_season(&spring(), SeasonStage::Suspended, SeasonStage::Trials, at(4)).await?;
    same(store.lease_next("w", at(5), at(6)).await?.map(|lease| lease.run), Some(key))?;
    stage.end(store).await
}

pub(crate) async fn the_oldest_run_with_a_free_target_is_next(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let autumn = "autumn".parse()?;
    store.create_season(&autumn, &season("Autumn"), SeasonStage::Trials, now()).await?;
    // Twenty runs on one target, more than are looked at in one go, then one on another.
    let crowded: Vec<_> =
        (1..=20).map(|attempt| (run(1, "spam", "north", attempt), "127.0.0.1:1".to_owned())).collect();
    store.queue(&spring(), &crowded, now()).await?;
    let free = run(1, "spam", "alpha", 1);
    store.queue(&autumn, &[(free.clone(), "127.0.0.1:2".into())], now()).await?;
    let next = async || store.lease_next("w", now(), at(60)).await;
    same(next().await?.map(|lease| (lease.season, lease.run)), Some((spring(), crowded[0].0.clone())))?;
    same(next().await?.map(|lease| (lease.season, lease.run)), Some((autumn.clone(), free.clone())))?;
    same(next().await?, None)?;
    let expired = store.expired(at(60)).await?;
    let order: Vec<_> = expired.iter().map(|record| (&record.season, &record.run)).collect();
    same(order, vec![(&spring(), &crowded[0].0), (&autumn, &free)])?;
    stage.end(store).await
}
