//! Seasons and their windows.

use model::{Role, Stage, Standing};
use store::{Store, UnixMs};

use crate::fixture::{at, begun, leased, now, run, season, spring};
use crate::stage::{Kind, Stage as Scene, ensure, refused, same};

pub(crate) async fn a_season_is_created_once(scene: Scene) -> anyhow::Result<()> {
    let store = scene.open().await?;
    let document = begun(&store).await?;
    store.create_season(&spring(), &document, Stage::Open, at(5)).await?;
    let other = store.create_season(&spring(), &season("Another"), Stage::Trials, at(5)).await;
    refused(Kind::Conflict, "choose another id", other)?;
    let autumn = "autumn".parse()?;
    refused(
        Kind::Invalid,
        "does not begin",
        store.create_season(&autumn, &document, Stage::Review, now()).await,
    )?;
    // Of the same time: told apart by name.
    store.create_season(&autumn, &season("Autumn"), Stage::Draft, now()).await?;

    let kept = store.season(&spring()).await?;
    same((kept.stage, kept.resumes, kept.created, kept.changed), (Stage::Trials, None, now(), now()))?;
    let frozen = kept.frozen.expect("it was created frozen");
    same(&frozen.season, &document)?;
    same(frozen.digest, model::Digest::of(&document))?;
    let names: Vec<_> = store.seasons().await?.into_iter().map(|season| season.id.to_string()).collect();
    same(names, vec!["autumn".to_owned(), "spring".to_owned()])?;
    refused(Kind::NotFound, "season winter", store.season(&"winter".parse()?).await)?;

    let operators = store.operators(&spring()).await?;
    let who: Vec<_> = operators.iter().map(|o| (o.id.as_str(), o.role, o.standing)).collect();
    let competing = |id, role| (id, role, Standing::Competing);
    let expected = vec![
        competing("alpha", Role::Candidate),
        competing("control-1", Role::Control),
        competing("control-2", Role::Control),
        competing("north", Role::Candidate),
    ];
    same(who, expected)?;
    scene.end(store).await
}

pub(crate) async fn a_draft_is_frozen_once(scene: Scene) -> anyhow::Result<()> {
    let store = scene.open().await?;
    let (id, document) = (spring(), season("Spring"));
    let written = "name = \"봄\" # \0".as_bytes();
    store.draft_season(&id, written, now()).await?;
    store.draft_season(&id, written, at(1)).await?;
    refused(Kind::Conflict, "another declaration", store.draft_season(&id, b"x", now()).await)?;
    store.redeclare_season(&id, b"name = \"Spring\"", at(2)).await?;
    refused(Kind::Conflict, "only an open season", store.freeze_season(&id, &document, at(2)).await)?;
    store.move_season(&id, Stage::Draft, Stage::Open, at(3)).await?;
    refused(Kind::Conflict, "not frozen", store.move_season(&id, Stage::Open, Stage::Trials, at(3)).await)?;
    same(store.windows(&id).await?, vec![])?;

    store.freeze_season(&id, &document, at(4)).await?;
    store.freeze_season(&id, &document, at(5)).await?;
    refused(Kind::Conflict, "frozen", store.freeze_season(&id, &season("Other"), at(5)).await)?;
    refused(Kind::Conflict, "frozen", store.redeclare_season(&id, b"y", at(5)).await)?;
    let kept = store.season(&id).await?;
    same(kept.declaration.as_deref(), Some(&b"name = \"Spring\""[..]))?;
    same((kept.stage, kept.changed), (Stage::Trials, at(4)))?;
    same(kept.frozen.map(|frozen| (frozen.season, frozen.at)), Some((document, at(4))))?;
    same(store.windows(&id).await?.len(), 2)?;
    scene.end(store).await
}

pub(crate) async fn stages_move_as_they_may(scene: Scene) -> anyhow::Result<()> {
    let store = scene.open().await?;
    begun(&store).await?;
    let go = async |from, to, seconds| store.move_season(&spring(), from, to, at(seconds)).await;
    refused(Kind::Conflict, "not open", go(Stage::Open, Stage::Trials, 1).await)?;
    refused(Kind::Conflict, "cannot become", go(Stage::Trials, Stage::Published, 1).await)?;
    go(Stage::Trials, Stage::Suspended, 2).await?;
    same(store.season(&spring()).await?.resumes, Some(Stage::Trials))?;
    refused(Kind::Conflict, "cannot become", go(Stage::Suspended, Stage::Review, 3).await)?;
    go(Stage::Suspended, Stage::Trials, 3).await?;
    same(store.season(&spring()).await?.resumes, None)?;
    for (from, to) in [
        (Stage::Trials, Stage::Review),
        (Stage::Review, Stage::Published),
        (Stage::Published, Stage::Archived),
    ] {
        go(from, to, 4).await?;
    }
    refused(Kind::Conflict, "cannot become", go(Stage::Archived, Stage::Draft, 5).await)?;
    let nobody = store.move_season(&"winter".parse()?, Stage::Draft, Stage::Open, now()).await;
    refused(Kind::NotFound, "winter", nobody)?;
    scene.end(store).await
}

/// What is wrong in the middle takes back what was written before it.
pub(crate) async fn a_bad_season_leaves_nothing(scene: Scene) -> anyhow::Result<()> {
    let store = scene.open().await?;
    let create = async |document| store.create_season(&spring(), &document, Stage::Trials, now()).await;
    let mut nul = season("Spring");
    nul.operators[3].name = "con\0trol".into();
    refused(Kind::Invalid, "NUL", create(nul).await)?;
    let mut twice = season("Spring");
    twice.trials.push(twice.trials[0].clone());
    refused(Kind::Invalid, "same id", create(twice).await)?;
    let mut many = season("Spring");
    many.windows = u32::MAX;
    refused(Kind::Invalid, "windows", create(many).await)?;
    let mut raw = scene.raw().await?;
    for table in ["season", "network", "trial", "season_window", "operator"] {
        same(raw.count(table).await?, 0)?;
    }
    // A name that pages show, and columns do not hold, may contain anything.
    let mut odd = season("Spr\0ing");
    odd.operators[0].name = "'); DROP TABLE season; --".into();
    create(odd.clone()).await?;
    same(store.season(&spring()).await?.frozen.map(|frozen| frozen.season), Some(odd))?;
    scene.end(store).await
}

pub(crate) async fn windows_open_and_close_in_order(scene: Scene) -> anyhow::Result<()> {
    let store = scene.open().await?;
    begun(&store).await?;
    let id = spring();
    refused(Kind::Conflict, "earlier", store.open_window(&id, 2, at(1)).await)?;
    refused(Kind::Conflict, "not opened", store.close_window(&id, 1, at(1)).await)?;
    refused(Kind::NotFound, "window 3", store.open_window(&id, 3, at(1)).await)?;
    store.open_window(&id, 1, at(1)).await?;
    store.open_window(&id, 1, at(2)).await?;

    let key = run(1, "traffic", "alpha", 1);
    let epoch = leased(&store, &key, "127.0.0.1:8551").await?;
    refused(Kind::Conflict, "not measured", store.close_window(&id, 1, at(3)).await)?;
    store.finish(&id, epoch, &crate::fixture::evidence(&key, 1), at(3)).await?;
    store.close_window(&id, 1, at(4)).await?;
    store.close_window(&id, 1, at(5)).await?;
    refused(Kind::Conflict, "closed", store.open_window(&id, 1, at(6)).await)?;
    store.open_window(&id, 2, at(6)).await?;
    same(times(&store).await?, vec![(1, Some(at(1)), Some(at(4))), (2, Some(at(6)), None)])?;
    ensure(store.windows(&"winter".parse()?).await?.is_empty(), || "windows of no season".into())?;
    scene.end(store).await
}

type Times = (u32, Option<UnixMs>, Option<UnixMs>);

async fn times(store: &Store) -> anyhow::Result<Vec<Times>> {
    let windows = store.windows(&spring()).await?;
    Ok(windows.into_iter().map(|window| (window.number, window.opened, window.closed)).collect())
}
