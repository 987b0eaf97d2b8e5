//! Publications: each the next of its chain, on evidence that is there.

use model::digest::canonical_json;
use model::{Digest, Publication, Seed, Stage as SeasonStage};

use crate::fixture::{begun, evidence, measured, now, publication, run, season, spring};
use crate::stage::{Kind, Stage, refused, same};

pub(crate) async fn publications_are_chained(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let season = begun(&store).await?;
    same(store.latest_publication(&spring()).await?, None)?;
    let seen = measured(&store, &run(1, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    let first = publication(&season, None, [&seen]);
    let publish = async |publication: &Publication| store.publish(&spring(), publication).await;
    let unnamed = Publication { previous: Some(Digest::of(&season)), ..first.clone() };
    refused(Kind::Conflict, "does not name the one before", publish(&unnamed).await)?;
    same(publish(&first).await?, Digest::of(&first))?;
    same(publish(&first).await?, Digest::of(&first))?;
    let changed = Publication { demonstration: false, ..first.clone() };
    refused(Kind::Conflict, "at publication 1: 1 is not the next", publish(&changed).await)?;

    let second = publication(&season, Some(&first), [&seen]);
    let skipped = Publication { number: 3, ..second.clone() };
    refused(Kind::Conflict, "3 is not the next", publish(&skipped).await)?;
    let forked = Publication { previous: Some(Digest::of(&changed)), ..second.clone() };
    refused(Kind::Conflict, "does not name the one before", publish(&forked).await)?;
    let revealed = Publication { last: true, seed: Some(Seed::from_number(7)), ..second };
    publish(&revealed).await?;
    refused(Kind::Conflict, "at publication 2", publish(&first).await)?;

    same(store.publications(&spring()).await?, vec![first.clone(), revealed.clone()])?;
    same(store.publication(&spring(), 1).await?, first)?;
    let kept = store.latest_publication(&spring()).await?.expect("two were published");
    same(canonical_json(&kept), canonical_json(&revealed))?;
    refused(Kind::NotFound, "publication 3", store.publication(&spring(), 3).await)?;
    stage.end(store).await
}

pub(crate) async fn a_publication_rests_on_stored_evidence(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let season_here = begun(&store).await?;
    let seen = measured(&store, &run(1, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    let unseen = evidence(&run(1, "traffic", "north", 1), 1);
    let missing = store.publish(&spring(), &publication(&season_here, None, [&seen, &unseen])).await;
    refused(Kind::Conflict, "w01.traffic.north.1", missing)?;
    let forged = evidence(&seen.run, 99);
    let other = store.publish(&spring(), &publication(&season_here, None, [&forged])).await;
    refused(Kind::Conflict, "w01.traffic.alpha.1", other)?;
    let foreign = store.publish(&spring(), &publication(&season("Other"), None, [&seen])).await;
    refused(Kind::Conflict, "as it was frozen", foreign)?;
    let winter = "winter".parse()?;
    let nowhere = store.publish(&winter, &publication(&season_here, None, [&seen])).await;
    refused(Kind::NotFound, "season winter", nowhere)?;
    // Evidence of one season is nothing to another, even of the same name.
    store.create_season(&winter, &season_here, SeasonStage::Trials, now()).await?;
    let borrowed = store.publish(&winter, &publication(&season_here, None, [&seen])).await;
    refused(Kind::Conflict, "not stored", borrowed)?;
    same(stage.raw().await?.count("publication").await?, 0)?;
    stage.end(store).await
}
