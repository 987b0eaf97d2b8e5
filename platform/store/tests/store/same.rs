//! The same operations on both engines: the same bytes, in the same order.

use std::sync::Arc;

use libtest_mimic::Failed;
use model::digest::canonical_json;
use model::{Digest, Role, Stage as SeasonStage, Standing, Verdict};
use store::{Claim, NewAudit, NewDecision, NewNode, NewOperator, NewToken, Store};

use crate::fixture::{account, at, begun, evidence, now, operator, publication, run, season, spring};
use crate::server::Server;
use crate::stage::{Stage, ensure, same};

pub(crate) fn on_both_engines(server: &Arc<Server>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done: anyhow::Result<()> = runtime.block_on(async {
        let left = transcript(Stage::sqlite()?).await?;
        let right = transcript(Stage::postgres(server).await?).await?;
        ensure(left.len() > 20, || format!("{left:?}"))?;
        for (left, right) in left.iter().zip(&right) {
            same(left, right)?;
        }
        same(left.len(), right.len())
    });
    done.map_err(|error| Failed::from(format!("{error:#}")))
}

/// Everything that can be read after a season of operations.
async fn transcript(stage: Stage) -> anyhow::Result<Vec<String>> {
    let store = stage.open().await?;
    season_of_operations(&store).await?;
    let id = spring();
    let mut said = Vec::new();
    let mut say = |what: &str, value: &dyn std::fmt::Debug| said.push(format!("{what}: {value:?}"));
    say("seasons", &store.seasons().await?);
    say("windows", &store.windows(&id).await?);
    for operator in store.operators(&id).await? {
        say("operator", &operator);
        say("history", &store.node_history(&id, &operator.id).await?);
    }
    say("nodes", &store.nodes(&id).await?);
    for run in store.runs(&id).await? {
        say("run", &run);
    }
    say("expired", &store.expired(at(10_000)).await?);
    for record in store.evidence_records(&id).await? {
        say("evidence", &record);
        say("evidence bytes", &store.read_evidence(&record.digest).await?);
    }
    for publication in store.publications(&id).await? {
        say("publication bytes", &canonical_json(&publication));
    }
    say("publication bytes as stored", &stored(&stage).await?);
    say("decisions", &store.decisions(&id).await?);
    say("stands", &store.current_decisions(&id).await?);
    say("tokens", &store.tokens(&account(1)).await?);
    say("jobs", &store.jobs("conduct").await?);
    say("audit", &store.audit(None, None, 100).await?);
    let refused = store.lease(&id, &run(1, "traffic", "a-1", 1), "w", now(), at(1)).await;
    say("words", &refused.err().map(|error| error.to_string()));
    stage.end(store).await?;
    Ok(said)
}

/// The documents past the store, as lengths and digests by the engine's own account.
async fn stored(stage: &Stage) -> anyhow::Result<(i64, i64)> {
    let mut raw = stage.raw().await?;
    let publications = raw.number("SELECT CAST(SUM(LENGTH(document)) AS BIGINT) FROM publication").await?;
    Ok((publications, raw.number("SELECT CAST(SUM(LENGTH(document)) AS BIGINT) FROM season").await?))
}

fn claim(number: u16) -> Option<Claim> {
    number.is_multiple_of(2).then(|| Claim { validator: format!("validator-{number}"), proof: "0x1b".into() })
}

/// Identifiers that collations order otherwise than their bytes.
const NAMES: [&str; 7] = ["b", "a-b", "ab", "a-1", "a1", "1a", "z-0"];

async fn season_of_operations(store: &Store) -> anyhow::Result<()> {
    let id = spring();
    let document = begun(store).await?;
    for (name, number) in NAMES.into_iter().zip(1_u16..) {
        let who = NewOperator {
            id: operator(name),
            account: Some(account(number.into())),
            name: format!("Ünïcode {name} 검증인"),
            role: Role::Candidate,
            contact: None,
        };
        store.apply(&id, &who, now()).await?;
        store.move_operator(&id, &who.id, Standing::Applied, Standing::Verified, at(1)).await?;
        for round in 0..2 {
            let target = format!("127.0.0.1:{}", 9_000 + number * 2 + round);
            let rpc = format!("http://{target}");
            let path = model::trial::Path::Direct;
            let node = NewNode {
                rpc,
                target,
                path,
                region: None,
                client: Some("geth".into()),
                claim: claim(number),
            };
            store.declare_node(&id, &who.id, &node, at(2)).await?;
        }
        store.create_season(&name.parse()?, &season(name), SeasonStage::Trials, now()).await?;
        let token = NewToken { account: account(1), scope: "read".into(), name: name.into(), expires: at(9) };
        store.add_token(name.as_bytes(), &token, now()).await?;
        store.enqueue("conduct", name, now(), now()).await?;
        let audit = NewAudit {
            actor: name.into(),
            action: "apply".into(),
            subject: "spring".into(),
            detail: "{}".into(),
        };
        store.note(&audit, now()).await?;
    }
    let runs: Vec<_> =
        NAMES.iter().map(|name| (run(1, "traffic", name, 1), format!("127.0.0.1:{}", name.len()))).collect();
    store.queue(&id, &runs, at(3)).await?;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let lease = store.lease_next("worker", at(4), at(60)).await?.expect("a run is queued");
        if seen.len() < 3 {
            seen.push(evidence(&lease.run, 7));
            store.finish(&id, lease.epoch, &seen[seen.len() - 1], at(5)).await?;
        }
    }
    let first = publication(&document, None, &seen[..1]);
    store.publish(&id, &first).await?;
    store.publish(&id, &publication(&document, Some(&first), &seen)).await?;
    for (who, verdict, replaces) in [
        ("north", Verdict::Admit, None),
        ("alpha", Verdict::Reject, None),
        ("north", Verdict::Waitlist, Some(1)),
    ] {
        let decision = NewDecision {
            operator: operator(who),
            publication: 1,
            digest: Digest::of(&first),
            verdict,
            reason: "이유".into(),
            reviewer: "R".into(),
            replaces,
        };
        store.decide(&id, &decision, at(6)).await?;
    }
    Ok(())
}
