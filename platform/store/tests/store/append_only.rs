//! What triggers refuse to those who come past the store.

use model::{Digest, Verdict};
use store::{NewAudit, NewDecision};

use crate::fixture::{begun, measured, now, operator, publication, run, spring};
use crate::stage::{Stage, ensure, same};

pub(crate) async fn rows_are_not_changed_by_anybody(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let season = begun(&store).await?;
    let seen = measured(&store, &run(1, "traffic", "alpha", 1), "127.0.0.1:1").await?;
    let first = publication(&season, None, [&seen]);
    store.publish(&spring(), &first).await?;
    let decision = NewDecision {
        operator: operator("alpha"),
        publication: 1,
        digest: Digest::of(&first),
        verdict: Verdict::Admit,
        reason: "first".into(),
        reviewer: "R".into(),
        replaces: None,
    };
    store.decide(&spring(), &decision, now()).await?;
    let audit = NewAudit { actor: "a".into(), action: "b".into(), subject: "c".into(), detail: "1".into() };
    store.note(&audit, now()).await?;

    let mut raw = stage.raw().await?;
    for (table, change) in [
        ("evidence", "bytes = bytes"),
        ("publication", "document = BYTES('forged')"),
        ("decision", "verdict = 'reject'"),
        ("audit", "actor = 'somebody else'"),
    ] {
        let mut attempts = vec![format!("UPDATE {table} SET {change}"), format!("DELETE FROM {table}")];
        if stage.is_postgres() {
            attempts.push(format!("TRUNCATE {table} CASCADE"));
        } else {
            // Removes the row before, and asks no trigger of DELETE.
            attempts.push(format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}"));
            attempts.push(format!("UPDATE OR REPLACE {table} SET {change}"));
        }
        for attempt in attempts {
            let refused =
                raw.execute(&attempt).await.err().map(|error| error.to_string()).unwrap_or_default();
            ensure(refused.contains("is append-only"), || format!("{attempt}: {refused:?}"))?;
        }
        same(raw.count(table).await?, 1)?;
    }
    if !stage.is_postgres() {
        // Replacing by another key than the primary one.
        for attempt in [
            "INSERT OR REPLACE INTO decision SELECT season, 2, operator, publication, publication_digest, \
             verdict, 'forged', reviewer, replaces, decided_ms FROM decision",
            "INSERT OR REPLACE INTO publication SELECT season, 2, digest, digest, windows, document, 1 \
             FROM publication",
        ] {
            let refused = raw.execute(attempt).await.err().map(|error| error.to_string()).unwrap_or_default();
            ensure(refused.contains("is append-only"), || format!("{attempt}: {refused:?}"))?;
        }
    }
    same(store.publications(&spring()).await?, vec![first])?;
    same(store.decisions(&spring()).await?.remove(0).decision, decision)?;
    same(store.audit(None, None, 9).await?.remove(0).audit, audit)?;
    stage.end(store).await
}
