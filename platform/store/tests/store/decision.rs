//! Decisions: on a publication, with a reason; corrected by new ones.

use model::{Digest, Publication, Verdict};
use store::{NewDecision, Store};

use crate::fixture::{at, begun, measured, operator, publication, run, spring};
use crate::stage::{Kind, Stage, refused, same};

async fn published(store: &Store) -> anyhow::Result<Publication> {
    let season = begun(store).await?;
    let seen = measured(store, &run(1, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    let first = publication(&season, None, [&seen]);
    store.publish(&spring(), &first).await?;
    Ok(first)
}

fn admit(publication: &Publication, who: &str) -> NewDecision {
    NewDecision {
        operator: operator(who),
        publication: publication.number,
        digest: Digest::of(publication),
        verdict: Verdict::Admit,
        reason: "1위, 여유 있음".into(),
        reviewer: "R. Viewer".into(),
        replaces: None,
    }
}

pub(crate) async fn a_decision_rests_on_a_publication(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let first = published(&store).await?;
    let decide = async |decision: NewDecision| store.decide(&spring(), &decision, at(9)).await;
    let good = admit(&first, "alpha");
    refused(Kind::Invalid, "reason", decide(NewDecision { reason: " \n".into(), ..good.clone() }).await)?;
    refused(
        Kind::Invalid,
        "reviewer",
        decide(NewDecision { reviewer: String::new(), ..good.clone() }).await,
    )?;
    refused(Kind::Invalid, "NUL", decide(NewDecision { reason: "a\0".into(), ..good.clone() }).await)?;
    refused(Kind::NotFound, "publication 2", decide(NewDecision { publication: 2, ..good.clone() }).await)?;
    let other = NewDecision { digest: Digest::of_bytes(b""), ..good.clone() };
    refused(Kind::Conflict, "not what was decided on", decide(other).await)?;
    refused(Kind::Conflict, "does not rank control-1", decide(admit(&first, "control-1")).await)?;
    refused(Kind::Conflict, "no decision", decide(NewDecision { replaces: Some(1), ..good.clone() }).await)?;
    same(store.decisions(&spring()).await?, vec![])?;

    same(decide(good.clone()).await?, 1)?;
    let kept = store.decisions(&spring()).await?;
    same((kept.len(), kept[0].number, kept[0].decided), (1, 1, at(9)))?;
    same(&kept[0].decision, &good)?;
    stage.end(store).await
}

pub(crate) async fn a_correction_names_the_one_it_replaces(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let first = published(&store).await?;
    let decide = async |decision: NewDecision| store.decide(&spring(), &decision, at(9)).await;
    same(decide(admit(&first, "alpha")).await?, 1)?;
    same(decide(admit(&first, "north")).await?, 2)?;
    refused(Kind::Conflict, "decision 1 on alpha stands", decide(admit(&first, "alpha")).await)?;
    let reject = |replaces| NewDecision {
        verdict: Verdict::Reject,
        reason: "withdrawn by itself".into(),
        replaces: Some(replaces),
        ..admit(&first, "alpha")
    };
    refused(Kind::Conflict, "decision 1 on alpha stands", decide(reject(2)).await)?;
    same(decide(reject(1)).await?, 3)?;
    refused(Kind::Conflict, "decision 3 on alpha stands", decide(reject(1)).await)?;
    same(decide(NewDecision { verdict: Verdict::Waitlist, ..reject(3) }).await?, 4)?;

    let all: Vec<_> = store.decisions(&spring()).await?.iter().map(|record| record.number).collect();
    same(all, vec![1, 2, 3, 4])?;
    let current = store.current_decisions(&spring()).await?;
    let stands: Vec<_> =
        current.iter().map(|(who, it)| (who.as_str(), it.number, it.decision.verdict)).collect();
    same(stands, vec![("alpha", 4, Verdict::Waitlist), ("north", 2, Verdict::Admit)])?;
    stage.end(store).await
}
