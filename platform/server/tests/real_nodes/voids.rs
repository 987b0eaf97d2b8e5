//! Whose fault it is: ours, the network's, or theirs.

use libtest_mimic::Failed;
use localnet::{Fault, Network, Proxy};
use model::{CutCause, Ended, RunState, Schedule, Vector, VoidCause};
use server::progress::Event;
use tokio::sync::mpsc::unbounded_channel;

use crate::stage::{
    Outcome, Pace, Plan, conduct, declare, ensure, network, not_run, reference, run, spam, trial,
};

/// Runs one short trial on one candidate and the controls, `attempts` times at most where the machine was too busy;
/// `strike` happens when the candidate's run comes to its attack.
async fn struck(
    directory: &std::path::Path,
    network: &Network,
    candidate: String,
    attempts: u32,
    strike: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let plan = Plan {
        windows: 1,
        attempts,
        candidates: vec![("alpha", candidate)],
        trials: vec![trial(
            "spam",
            Schedule::Together,
            1,
            spam(&[Vector::V01, Vector::V05], Pace { honest: 20, seconds: 6 }, 50),
        )?],
    };
    let declared = declare(network, plan)?;
    let (events, mut told) = unbounded_channel::<Event>();
    let season = conduct(declared, directory, events);
    let strike = async {
        while let Some(event) = told.recv().await {
            if let Event::Phase { run, phase } = event
                && run.contains("alpha")
                && phase.starts_with("V01")
            {
                strike()?;
                break;
            }
        }
        // Keep listening, so that the season is not told to nobody.
        while told.recv().await.is_some() {}
        anyhow::Ok(())
    };
    let (outcome, struck) = tokio::join!(season, strike);
    struck?;
    outcome
}

pub(crate) fn tarpit() -> Result<(), Failed> {
    run(async |directory| {
        let network = network(&directory.join("net")).await?;
        let proxy = Proxy::start(network.nodes[0].rpc_addr(), Fault::None)?;
        let strike = || {
            proxy.set(Fault::Tarpit);
            Ok(())
        };
        let outcome = struck(&directory.join("season"), &network, proxy.url(), 3, strike).await?;
        let state = outcome.state("w01.spam.alpha.1");
        ensure(state == Some(RunState::Cut(CutCause::NodeDown)), || format!("the tarpit is {state:?}"))?;
        for control in ["control-1", "control-2"] {
            let runs = outcome.publication.runs.values();
            let last =
                runs.filter(|entry| entry.run.operator.as_str() == control).max_by_key(|e| e.run.attempt);
            match last.map(|entry| entry.state) {
                Some(RunState::Measured) => {}
                // Void each time, by what the machine says of itself: nothing is known of the control.
                Some(RunState::Void(VoidCause::Ours)) => return not_run("a candidate that tarpits"),
                state => ensure(false, || format!("{control} is {state:?}"))?,
            }
        }
        Ok(())
    })
}

pub(crate) fn lost_reference() -> Result<(), Failed> {
    run(async |directory| {
        let network = network(&directory.join("net")).await?;
        let strike = || reference(&network).pause();
        let season = directory.join("season");
        let outcome = struck(&season, &network, network.nodes[0].rpc_url(), 1, strike).await?;
        for (name, entry) in &outcome.publication.runs {
            let state = entry.state;
            ensure(state == RunState::Void(VoidCause::Ours), || format!("{name} is {state:?}"))?;
            ensure(outcome.evidence[name].ended == Ended::ReferenceLost, || {
                format!("{name} did not stop early")
            })?;
        }
        ensure(outcome.publication.runs.len() == 3, || "three runs".into())?;
        let entry = &outcome.publication.ranking.entries[0];
        ensure(entry.total.is_none(), || format!("no data is unrated, not {:?}", entry.total))
    })
}

pub(crate) fn halted_network() -> Result<(), Failed> {
    run(async |directory| {
        let network = network(&directory.join("net")).await?;
        let strike = || network.nodes[1].pause().and_then(|()| network.nodes[2].pause());
        let season = directory.join("season");
        let outcome = struck(&season, &network, network.nodes[0].rpc_url(), 1, strike).await?;
        for (name, entry) in &outcome.publication.runs {
            let state = entry.state;
            ensure(state == RunState::Void(VoidCause::Network), || format!("{name} is {state:?}"))?;
        }
        ensure(outcome.publication.runs.len() == 3, || "three runs".into())
    })
}
