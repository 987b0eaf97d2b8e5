//! Whose fault it is: ours, the network's, or theirs.

use libtest_mimic::Failed;
use localnet::{Fault, Network, Proxy};
use model::{CutCause, Ended, RunState, Schedule, Vector, VoidCause};
use server::progress::Event;
use tokio::sync::mpsc::unbounded_channel;

use crate::stage::{
    Outcome, Pace, Plan, conduct, declare, ensure, network, not_run, reference, run, spam, trial,
};

/// A tarpit is tried so often when the machine was too busy to measure.
const TRIES: u32 = 3;

/// Runs one short trial on one candidate and the controls; `strike` happens when the candidate's
/// run comes to its attack.
async fn struck(
    directory: &std::path::Path,
    network: &Network,
    candidate: String,
    strike: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let plan = Plan {
        windows: 1,
        attempts: 1,
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

/// The whole of it is tried again where the machine was too busy to measure a control: one measured again by itself would
/// say nothing of what a tarpit beside it does.
pub(crate) fn tarpit() -> Result<(), Failed> {
    run(async |directory| {
        let network = network(&directory.join("net")).await?;
        for attempt in 1..=TRIES {
            let proxy = Proxy::start(network.nodes[0].rpc_addr(), Fault::None)?;
            let strike = || {
                proxy.set(Fault::Tarpit);
                Ok(())
            };
            let season = directory.join(format!("season-{attempt}"));
            let outcome = struck(&season, &network, proxy.url(), strike).await?;
            let state = outcome.state("w01.spam.alpha.1");
            ensure(state == Some(RunState::Cut(CutCause::NodeDown)), || format!("the tarpit is {state:?}"))?;
            let controls = ["w01.spam.control-1.1", "w01.spam.control-2.1"].map(|run| outcome.state(run));
            if controls.iter().all(|state| *state == Some(RunState::Measured)) {
                return Ok(());
            }
            let is_known = |state: &Option<RunState>| {
                [Some(RunState::Measured), Some(RunState::Void(VoidCause::Ours))].contains(state)
            };
            ensure(controls.iter().all(is_known), || format!("the controls are {controls:?}"))?;
            eprintln!("the host was too busy, attempt {attempt} of {TRIES}");
        }
        not_run("a candidate that tarpits")
    })
}

pub(crate) fn lost_reference() -> Result<(), Failed> {
    run(async |directory| {
        let network = network(&directory.join("net")).await?;
        let strike = || reference(&network).pause();
        let season = directory.join("season");
        let outcome = struck(&season, &network, network.nodes[0].rpc_url(), strike).await?;
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
        let outcome = struck(&season, &network, network.nodes[0].rpc_url(), strike).await?;
        for (name, entry) in &outcome.publication.runs {
            let state = entry.state;
            ensure(state == RunState::Void(VoidCause::Network), || format!("{name} is {state:?}"))?;
        }
        ensure(outcome.publication.runs.len() == 3, || "three runs".into())
    })
}
