//! The audit trail.

use std::sync::Arc;

use store::NewAudit;
use tokio::task::JoinSet;

use crate::fixture::{at, now};
use crate::race::finish;
use crate::stage::{Kind, Stage, refused, same};

fn act(action: &str, subject: &str) -> NewAudit {
    NewAudit {
        actor: "심사 위원".into(),
        action: action.into(),
        subject: subject.into(),
        detail: "{\"from\":\"open\"}".into(),
    }
}

pub(crate) async fn the_trail_is_read_page_by_page(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    same(store.audit(None, None, 10).await?, vec![])?;
    for number in 1..=7 {
        let subject = if number % 2 == 0 { "season spring" } else { "operator spring/alpha" };
        same(store.note(&act(&format!("act {number}"), subject), at(number)).await?, number)?;
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = store.audit(None, before, 3).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        seen.extend(page.iter().map(|record| (record.number, record.at)));
    }
    same(seen, (1..=7).rev().map(|number| (number, at(number))).collect())?;
    let of_season = store.audit(Some("season spring"), None, 10).await?;
    same(of_season.iter().map(|record| record.number).collect(), vec![6, 4, 2])?;
    same(&of_season[0].audit, &act("act 6", "season spring"))?;

    let spoilt = NewAudit { detail: "{".into(), ..act("x", "y") };
    refused(Kind::Invalid, "no JSON", store.note(&spoilt, now()).await)?;
    refused(Kind::Invalid, "action", store.note(&act("", "y"), now()).await)?;
    same(stage.raw().await?.count("audit").await?, 7)?;
    stage.end(store).await
}

pub(crate) async fn many_append_at_once(stage: Stage) -> anyhow::Result<()> {
    let store = Arc::new(stage.open().await?);
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { store.note(&act(&format!("act {task}"), "season"), now()).await });
    }
    let mut numbers = Vec::new();
    while let Some(task) = tasks.join_next().await {
        numbers.push(task??);
    }
    numbers.sort();
    same(numbers, (1..=20).collect())?;
    finish(stage, store).await
}
