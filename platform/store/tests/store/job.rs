//! Jobs.

use store::JobState;

use crate::fixture::{at, now};
use crate::stage::{Kind, Stage, refused, same};

pub(crate) async fn a_job_is_done_by_one_worker(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    refused(
        Kind::NotFound,
        "conduct spring",
        store.lease_job("conduct", "spring", "a", now(), at(30)).await,
    )?;
    store.enqueue("conduct", "spring", now(), now()).await?;
    store.enqueue("conduct", "spring", at(500), now()).await?;
    same(store.jobs("conduct").await?.len(), 1)?;
    let a = store.lease_job("conduct", "spring", "a", now(), at(30)).await?;
    same((a.number, a.epoch.number(), a.attempts), (1, 1, 1))?;
    refused(
        Kind::Conflict,
        "a has the job",
        store.lease_job("conduct", "spring", "b", at(29), at(60)).await,
    )?;
    store.renew_job(&a, at(29), at(60)).await?;
    refused(
        Kind::Conflict,
        "a has the job",
        store.lease_job("conduct", "spring", "b", at(59), at(90)).await,
    )?;
    // Started anew, it has its job again, and its former self has not.
    let again = store.lease_job("conduct", "spring", "a", at(59), at(90)).await?;
    refused(Kind::Conflict, "stop working", store.renew_job(&a, at(59), at(90)).await)?;
    // It died: another server goes on.
    let b = store.lease_job("conduct", "spring", "b", at(90), at(120)).await?;
    same((b.epoch.number(), b.attempts), (3, 3))?;
    refused(Kind::Conflict, "stop working", store.finish_job(&again, at(91)).await)?;
    refused(Kind::Conflict, "stop working", store.retry_job(&again, "x", at(91)).await)?;
    refused(Kind::Conflict, "stop working", store.renew_job(&b, at(120), at(150)).await)?;
    store.finish_job(&b, at(121)).await?;
    refused(Kind::Conflict, "stop working", store.finish_job(&b, at(122)).await)?;
    refused(Kind::NotFound, "not done", store.lease_job("conduct", "spring", "b", at(123), at(150)).await)?;

    store.enqueue("conduct", "spring", now(), at(200)).await?;
    let second = store.lease_job("conduct", "spring", "c", at(200), at(230)).await?;
    same((second.number, second.epoch.number()), (2, 1))?;
    let all = store.jobs("conduct").await?;
    let states: Vec<_> = all.iter().map(|job| (job.number, job.state, job.worker.as_deref())).collect();
    same(states, vec![(1, JobState::Done, Some("b")), (2, JobState::Leased, Some("c"))])?;
    stage.end(store).await
}

pub(crate) async fn a_failed_job_is_tried_again_later(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    for (subject, due) in [("b", 0), ("a", 0), ("c", 100)] {
        store.enqueue("prove", subject, at(due), now()).await?;
    }
    let next = async |seconds| store.lease_next_job("prove", "w", at(seconds), at(seconds + 10)).await;
    let first = next(1).await?.expect("a job is due");
    same(first.subject.as_str(), "b")?;
    store.retry_job(&first, "no answer", at(50)).await?;
    let second = next(2).await?.expect("a job is due");
    same(second.subject.as_str(), "a")?;
    same(next(3).await?, None)?;
    same(store.lease_next_job("other kind", "w", at(3), at(4)).await?, None)?;
    refused(Kind::Conflict, "not due", store.lease_job("prove", "b", "w", at(49), at(60)).await)?;
    let kept = store.jobs("prove").await?;
    same((kept[0].failure.as_deref(), kept[0].attempts, kept[0].due), (Some("no answer"), 1, at(50)))?;
    store.finish_job(&second, at(4)).await?;
    same(next(50).await?.map(|lease| (lease.subject, lease.attempts)), Some(("b".into(), 2)))?;
    // Run out, it is the next again.
    same(next(60).await?.map(|lease| (lease.subject, lease.attempts)), Some(("b".into(), 3)))?;
    same(next(100).await?.map(|lease| lease.subject), Some("b".into()))?;
    same(next(101).await?.map(|lease| lease.subject), Some("c".into()))?;
    stage.end(store).await
}
