//! The fault that stopped Klaytn in 2021, put back into one of four real validators: it is named, and nobody else.
//!
//! Releases up to v1.7.0 kept the key of the first change of an account in their state, and the second one wrote into
//! it. The remedy of v1.7.1 was one line, `newKey = newKey.DeepCopy()` in `(*AccountCommon).UpdateKey`. Those releases
//! are not to be had everywhere, so the call is taken out of a copy of kcn 2.0.3.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use libtest_mimic::Failed;
use localnet::KaiaOptions;
use model::plan::Via;
use model::plan::key_change::KeyChange;
use model::{Parameters, RunState};
use scoreboard::attribute;

use crate::key_change::{measured, names, season};
use crate::stage::{HALT_MS, failed, run, turns_recounted};

/// How `UpdateKey` begins in the build of kcn 2.0.3 beside the repository, and then the call: `mov rdx,[rbx+0x30]`,
/// `mov rax,rcx`, `call rdx`.
const BEGINNING: [u8; 20] = [
    0x48, 0x89, 0x5c, 0x24, 0x50, 0x48, 0x89, 0x4c, 0x24, 0x58, 0x48, 0x89, 0x44, 0x24, 0x48, 0x48, 0x89,
    0x7c, 0x24, 0x60,
];
const CALL: [u8; 9] = [0x48, 0x8b, 0x53, 0x30, 0x48, 0x89, 0xc8, 0xff, 0xd2];
/// The key itself where its copy would be: `mov rax,rbx`, `mov rbx,rcx`, and nothing.
const NO_CALL: [u8; 9] = [0x48, 0x89, 0xd8, 0x48, 0x89, 0xcb, 0x0f, 0x1f, 0x00];
/// Of these, runs may be void or name nobody: see there.
const ATTEMPTS: u32 = 3;

/// Whether the kcn that is here is one of which it is known where the call stands.
pub(crate) fn is_here() -> anyhow::Result<()> {
    let program = fs::read(localnet::find_kcn()?)?;
    place(&program).map(|_| ())
}

fn place(program: &[u8]) -> anyhow::Result<usize> {
    let whole = [&BEGINNING[..], &CALL].concat();
    let mut found = program.windows(whole.len()).enumerate().filter(|(_, bytes)| *bytes == whole);
    let (at, _) = found.next().context("this kcn is not the build of 2.0.3 in which the call is known")?;
    ensure!(found.next().is_none(), "the call stands in this kcn more than once");
    Ok(at + BEGINNING.len())
}

/// A copy of kcn with the fault.
fn faulty(directory: &Path) -> anyhow::Result<PathBuf> {
    let mut program = fs::read(localnet::find_kcn()?)?;
    let at = place(&program)?;
    program[at..at + CALL.len()].copy_from_slice(&NO_CALL);
    let path = directory.join("kcn-with-the-fault");
    fs::write(&path, program)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Two rotations of four with a failed turn in each.
fn plan() -> Parameters {
    Parameters::KeyChange(KeyChange {
        honest_rate: 2,
        horizon_blocks: 20,
        calm_ms: 3_000,
        bursts: 32,
        burst_ms: 900,
        accounts: 2,
        recover_ms: 3_000,
        halt_ms: HALT_MS,
    })
}

/// Of four validators, node 0 has the fault and applies; the others are controls and reference.
pub(crate) fn is_named() -> Result<(), Failed> {
    run(async |here| {
        let program = faulty(&here)?;
        for attempt in 1..=ATTEMPTS {
            let options = KaiaOptions {
                validators: 4,
                seed: Some(1),
                klaytn: true,
                binaries: vec![(0, program.clone())],
                ..KaiaOptions::new(here.join(attempt.to_string()))
            };
            let network = options.start().await?;
            let open = season(&network, plan(), &[0], 1)?;
            let evidence = measured(&open, 0, attempt, async { Ok(()) }).await?;
            let heights = failed(&evidence, &network.nodes[0]);
            let state = attribute(&open.book, &evidence);
            println!("{:?}, {state}: turns failed at {heights:?}", evidence.ended);
            let found = names(&open, std::slice::from_ref(&evidence));
            println!("{found:?}");
            // The faulty node can stop the chain, the reference or a control by what it hands on: such a run names nobody.
            let others = (1..4).any(|node| !failed(&evidence, &network.nodes[node]).is_empty());
            let parted = evidence.partings.iter().any(|parting| parting.via != Via::Candidate);
            if state != RunState::Measured || (found.is_empty() && (others || parted)) {
                continue;
            }
            ensure!(found.len() == 1 && found[0].0 == "node-0", "{found:?}");
            return turns_recounted(&network.nodes[3], &here, &[&evidence]).await;
        }
        bail!("{ATTEMPTS} runs could not name anybody")
    })
}
