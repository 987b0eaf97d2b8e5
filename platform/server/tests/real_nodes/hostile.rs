//! Endpoints that are no nodes, or nodes of another chain.

use std::path::Path;

use libtest_mimic::Failed;
use localnet::{Fault, Proxy};
use model::{CutCause, RunState, Schedule, Vector, VoidCause};
use server::lab_process::LabProcess;
use tokio::sync::mpsc::unbounded_channel;

use crate::stage::{BINARY, Pace, Plan, conduct, declare, ensure, network, not_run, run, spam, trial};

pub(crate) fn bad_endpoints() -> Result<(), Failed> {
    run(async |directory| {
        let network = network(&directory.join("net")).await?;
        let good = network.nodes[0].rpc_addr();
        let proxies = [
            ("html", Proxy::start(good, Fault::Html)?),
            ("endless", Proxy::start(good, Fault::Endless)?),
            ("gzip", Proxy::start(good, Fault::GzipBomb)?),
            ("refusing", Proxy::start(good, Fault::Refuse)?),
        ];
        let account = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        let other_chain = LabProcess::sequencer(Path::new(BINARY), 4242, 500, account).await?;
        let other_genesis = LabProcess::sequencer(Path::new(BINARY), network.chain_id, 500, account).await?;
        let mut candidates = vec![("healthy", network.nodes[1].rpc_url())];
        candidates.extend(proxies.iter().map(|(name, proxy)| (*name, proxy.url())));
        candidates.push(("other-chain", other_chain.rpc()));
        candidates.push(("other-genesis", other_genesis.rpc()));
        candidates.push(("nobody", "http://127.0.0.1:9".into()));
        let bad: Vec<_> = candidates.iter().skip(1).map(|(name, _)| *name).collect();
        let trials = vec![trial(
            "spam",
            Schedule::Alone,
            1,
            spam(&[Vector::V01, Vector::V15], Pace { honest: 20, seconds: 2 }, 50),
        )?];
        let plan = Plan { windows: 1, attempts: 3, candidates, trials };
        let (events, _told) = unbounded_channel();
        let outcome = conduct(declare(&network, plan)?, &directory.join("season"), events).await?;
        for name in bad {
            let run = format!("w01.spam.{name}.1");
            let state = outcome.state(&run);
            ensure(state == Some(RunState::Cut(CutCause::NodeDown)), || format!("{run} is {state:?}"))?;
            let points = outcome.publication.runs[&run].score.as_ref().map(|score| score.points);
            ensure(points == Some(0), || format!("{run} has {points:?}"))?;
        }
        let healthy = outcome.publication.ranking.entries.iter().find(|e| e.operator.as_str() == "healthy");
        let total = healthy.and_then(|entry| entry.total);
        let runs = outcome.publication.runs.values();
        let mut its = runs.filter(|entry| entry.run.operator.as_str() == "healthy");
        if its.all(|entry| entry.state == RunState::Void(VoidCause::Ours)) {
            return not_run("a healthy candidate beside bad endpoints");
        }
        ensure(total.is_some_and(|total| total > 90_000), || format!("the healthy one has {total:?}"))
    })
}
