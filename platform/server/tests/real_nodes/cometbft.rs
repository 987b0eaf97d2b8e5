//! The driver on real CometBFT validators.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use challenges::announced::listen;
use challenges::driver::{Block, Driver, Reply, SignedTransaction, of_family};
use challenges::http::{BLOCK_BODY, Target};
use libtest_mimic::Failed;
use localnet::{CometOptions, Node};
use model::plan::LaneKind;
use model::{Class, Reason, Seed, Vector};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{sleep, timeout};

use crate::stage::{Pace, run, spam};

/// Blocks whose turns are looked at.
const BLOCKS: u64 = 24;
const DEADLINE: Duration = Duration::from_secs(5);

pub(crate) fn is_here() -> anyhow::Result<()> {
    localnet::find_cometbft().map(|_| ())
}

fn driver() -> anyhow::Result<&'static dyn Driver> {
    of_family("cometbft").map_err(anyhow::Error::msg)
}

async fn answer(node: &Target, height: u64) -> anyhow::Result<Reply> {
    let reply = node
        .post(
            &driver()?.block_request(height, challenges::driver::Context::floating(0)),
            BLOCK_BODY,
            DEADLINE,
        )
        .await;
    reply.map_err(|class| anyhow!("block {height}: {class}"))
}

/// A block once the node has it and the next.
async fn block(node: &Target, height: u64) -> anyhow::Result<Block> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if let Some(block) = driver()?.block(&answer(node, height).await?)? {
            return Ok(block);
        }
        sleep(Duration::from_millis(200)).await;
    }
    bail!("block {height} did not come")
}

/// A node tells each of its blocks by itself, and before it is asked.
async fn announced(node: &Node) -> anyhow::Result<()> {
    let subscription = driver()?.subscription().context("a subscription")?;
    let (sender, mut heights) = unbounded_channel();
    let listening = tokio::spawn(listen(node.rpc_addr(), subscription, sender));
    let mut told = Vec::new();
    while told.len() < 3 {
        let next = timeout(Duration::from_secs(20), heights.recv()).await.context("no block announced")?;
        told.push(next.context("the node is not heard any more")?);
        ensure!(node.head().await? >= told[told.len() - 1], "announced before it was there");
    }
    listening.abort();
    ensure!(told[1] == told[0] + 1 && told[2] == told[0] + 2, "not each of its blocks: {told:?}");
    Ok(())
}

/// Every hash is the node's; while a validator is paused every failed turn is its; a block in which anything is
/// changed is refused, or tells the same turn.
pub(crate) fn turns() -> Result<(), Failed> {
    run(async |here| {
        let network = CometOptions { seed: Some(1), ..CometOptions::new(here.join("chain")) }.start().await?;
        let node = Target::new(network.nodes[0].rpc_addr(), None);
        announced(&network.nodes[0]).await?;
        let first = network.nodes[0].head().await?;
        let sent = send(&node).await?;
        let paused = &network.nodes[3];
        let address = paused.address().context("a validator")?;
        let (mut landed, mut failed, mut absent) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut next = None;
        for height in first..first + BLOCKS {
            if height == first + 3 {
                paused.pause()?;
            }
            if height == first + 15 {
                paused.resume()?;
            }
            let block = block(&node, height).await?;
            let turn = block.turn.context("a turn")?;
            ensure!(turn.failed.len() == turn.round as usize, "{height}: a round without its proposer");
            let to_be = next.replace(block.next.context("the next turn")?);
            let in_round_0 = turn.failed.first().unwrap_or(&turn.proposer);
            ensure!(to_be.is_none_or(|one| one == *in_round_0), "{height}: the turn of another");
            ensure!(block.committee.len() == 4 && block.committee.contains(&turn.proposer), "{height}");
            landed.extend(block.transactions.into_iter().filter(|(_, good)| *good).map(|(id, _)| id));
            let without = turn.absent.iter().flatten();
            absent.extend(without.filter(|one| *one == address).map(|_| height));
            failed.extend(turn.failed);
        }
        ensure!(sent.is_subset(&landed), "not landed: {:?}", sent.difference(&landed));
        ensure!(failed.len() >= 2 && failed.iter().all(|one| one == address), "{failed:?}, not {address}");
        ensure!(absent.len() >= 8, "{address} absent at {absent:?}");
        println!(
            "{} transactions; {} failed turns, all of {address}; absent at {absent:?}",
            sent.len(),
            failed.len()
        );
        tampered(&answer(&node, first + 12).await?)
    })
}

/// Transactions that were taken, each with the hash worked out for it; what is sent again, or is none, is refused.
async fn send(node: &Target) -> anyhow::Result<BTreeSet<String>> {
    let spam = spam(&[Vector::V04], Pace { honest: 10, seconds: 2 }, 10);
    let context = challenges::driver::Context::floating(0);
    let mut wallet = driver()?.wallet(0, &Seed::from_number(5), &spam, context);
    let honest = wallet.take(LaneKind::Honest, 20);
    let classes = [Class::Accepted, Class::Rejected(Reason::AlreadyKnown)];
    for transaction in &honest {
        for class in classes {
            expect(node, transaction, class).await?;
        }
    }
    for transaction in &wallet.take(LaneKind::V04, 8) {
        expect(node, transaction, Class::Rejected(Reason::Malformed)).await?;
    }
    Ok(honest.into_iter().map(|one| one.id).collect())
}

async fn expect(node: &Target, sent: &SignedTransaction, class: Class) -> anyhow::Result<()> {
    let reply = node.post(&sent.request, BLOCK_BODY, DEADLINE).await;
    let told = driver()?.classify("", sent, &reply.map_err(|class| anyhow!("{class}"))?);
    ensure!(told.class == class, "{told:?}, not {class}");
    Ok(())
}

/// Changes one text after another in a real answer, by a letter.
fn tampered(reply: &Reply) -> anyhow::Result<()> {
    let text = String::from_utf8(reply.body.to_vec())?;
    let honest = driver()?.block(reply)?.context("a block")?;
    let truth = honest.turn.context("a turn")?;
    let (mut found, mut harmless) = (0, 0);
    for (place, mark) in text.match_indices("\":\"") {
        let at = place + mark.len();
        if !text.as_bytes()[at].is_ascii_alphanumeric() {
            continue;
        }
        let mut lie = text.clone();
        lie.replace_range(at..=at, if &text[at..=at] == "1" { "2" } else { "1" });
        match driver()?.block(&Reply { status: 200, body: lie.into() }) {
            Ok(Some(block)) => {
                harmless += 1;
                let seen = block.turn.context("a turn")?;
                let same = (&seen.proposer, seen.round, &seen.absent)
                    == (&truth.proposer, truth.round, &truth.absent);
                let same = same && (seen.failed.is_empty() || seen.failed == truth.failed);
                ensure!(same && block.hash == honest.hash, "not found out: {}", &text[place - 20..at + 8]);
            }
            Ok(None) | Err(_) => found += 1,
        }
    }
    println!("{found} lies found out, {harmless} harmless");
    ensure!(found > 100, "{found} lies found out, {harmless} harmless");
    Ok(())
}
