//! The EVM driver against anvil: another client, other messages, no ranking.

use std::path::PathBuf;

use libtest_mimic::Failed;
use localnet::AnvilOptions;
use model::plan::{LaneKind, Via};
use model::{Class, Ended, Evidence, Reason};
use tokio::process::Command;

use crate::stage::{BINARY, ensure, run};

/// Anvil's first account holds test money.
const KEY: &str = localnet::FUNDED_KEY;

pub(crate) fn is_here() -> anyhow::Result<()> {
    localnet::find_anvil().map(|_| ())
}

async fn challenge(directory: &std::path::Path, rpc: &str, name: &str) -> anyhow::Result<Evidence> {
    let file: PathBuf = directory.join(format!("{name}.json"));
    let output = Command::new(BINARY)
        .args(["challenge", name, "--rpc", rpc, "--seed", "5", "--json", "--evidence"])
        .arg(&file)
        .env("TOUCHSTONE_FAUCET_KEY", KEY)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure(output.status.success(), || format!("{name}: {said}"))?;
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    ensure(shown["observer"] == "self-observed", || format!("{shown}"))?;
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

pub(crate) fn driver() -> Result<(), Failed> {
    run(async |directory| {
        let anvil = AnvilOptions::new(directory.join("net")).start().await?;
        let rpc = anvil.nodes[0].rpc_url();
        let spam = challenge(&directory, &rpc, "spam-defense").await?;
        ensure(spam.ended == Ended::Completed, || format!("{:?}", spam.ended))?;
        for (kind, reasons) in [
            // anvil 1.7.1 takes the legacy form of a foreign chain id, a quarter of the lane, and a high s,
            // a third of the lane (seen here): what comes from those accounts next is late or a replacement.
            (LaneKind::V01, &[Reason::WrongChain, Reason::Underpriced, Reason::NonceTooLow][..]),
            // A flipped bit recovers a stranger without money.
            (
                LaneKind::V05,
                &[Reason::BadSignature, Reason::Funds, Reason::Underpriced, Reason::NonceTooLow][..],
            ),
            (LaneKind::V07, &[Reason::NonceTooLow, Reason::AlreadyKnown][..]),
        ] {
            let lanes = spam.phases.iter().filter_map(|phase| phase.lane(kind, Via::Candidate));
            for lane in lanes {
                let right: u64 = reasons.iter().map(|reason| lane.count(Class::Rejected(*reason))).sum();
                let taken = if kind == LaneKind::V07 { 0 } else { lane.count(Class::Accepted) };
                let fair = right * 2 > lane.offered && right + taken == lane.offered;
                ensure(fair, || format!("{kind:?}: {:?}", lane.outcomes))?;
                ensure(lane.unknown.is_empty(), || format!("{kind:?}: {:?}", lane.unknown))?;
            }
        }
        for phase in &spam.phases {
            for lane in phase.lanes.iter().filter(|lane| lane.kind == LaneKind::Honest) {
                ensure(lane.landed == lane.offered, || {
                    format!("{}: {}/{}", phase.name, lane.landed, lane.offered)
                })?;
            }
            if let Some(lane) = phase.lane(LaneKind::V15, Via::Candidate) {
                let reverted = lane.transactions.iter().filter(|t| t.2 > 0 && t.3 == 0).count() as u64;
                ensure(reverted == lane.landed && reverted > 0, || format!("{reverted} of {}", lane.landed))?;
            }
        }
        let traffic = challenge(&directory, &rpc, "traffic-throughput").await?;
        ensure(traffic.ended == Ended::Completed, || format!("{:?}", traffic.ended))
    })
}
