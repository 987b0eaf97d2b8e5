//! A block with its transactions' fate, its certificate, and whose turn it was, every part checked against the others.
//!
//! The header's hash is worked out and must be the block's; transactions and validators must hash to what the header
//! says; every vote must be signed by its validator for this block, round and chain, and the votes be of more than
//! two thirds of all power. So proposer, round and absences are facts of the chain, whoever tells them.
//!
//! Turns that failed are not in any header, and no header vouches for the priorities that a node tells. They are
//! stepped on from the told ones five heights before (from the chain's beginning, where that is nearer), must give
//! the proposer of every signed block on the way in its signed round, and must end at the told ones of this height.
//! With five validators or fewer of equal power that leaves a liar nothing; with more it leaves places in the order
//! that none of the five blocks show. Right after the set of validators changed nothing is said of failed turns.
//!
//! What one reply cannot show is that its chain is the right one: that is asked of every node before a run.

use std::collections::VecDeque;

use model::Turn;
use serde::Deserialize;

use super::commit::{self, Signed};
use super::header::{BlockId, Header};
use super::reply::{self, Envelope, base64, number, written};
use super::validators::{self, Rotation, Validators};
use super::wire::{Hash, merkle_root, sha256};
use crate::driver::{Block, Malformed, Reply, Request};

/// Heights before a block whose certificates are fetched with it: with them a batch has CometBFT's ten requests.
const BEFORE: u64 = 5;
/// Rounds beyond which failed turns are not worked out.
const MOST_ROUNDS: u32 = 1_000;

#[derive(Deserialize)]
struct ToldBlock {
    block_id: BlockId,
    block: Body,
}

#[derive(Deserialize)]
struct Body {
    header: Header,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    txs: Option<Vec<Bytes>>,
}

#[derive(Deserialize)]
struct Bytes(#[serde(deserialize_with = "base64")] Vec<u8>);

#[derive(Deserialize)]
struct Results {
    #[serde(deserialize_with = "number")]
    height: i64,
    txs_results: Option<Vec<Executed>>,
}

#[derive(Deserialize)]
struct Executed {
    #[serde(default)]
    code: u32,
}

/// Asks for a block, what became of its transactions, its certificate and validators, and what comes before.
pub(super) fn request(height: u64) -> Request {
    let at = |height: u64| format!(r#"{{"height":"{height}"}}"#);
    let page = |height: u64| format!(r#"{{"height":"{height}","page":"1","per_page":"100"}}"#);
    let first = height.saturating_sub(BEFORE).max(1);
    let mut calls = vec![
        ("block", at(height)),
        ("block_results", at(height)),
        ("commit", at(height)),
        ("validators", page(height)),
    ];
    if first < height {
        calls.push(("validators", page(first)));
        calls.extend((first..height).map(|height| ("commit", at(height))));
    }
    reply::batch_request(&calls)
}

/// The block of a reply to [`request`]; none when the node does not have it yet, or its certificate can still change.
pub(super) fn block(reply: &Reply) -> Result<Option<Block>, Malformed> {
    let mut parts: VecDeque<Envelope> = reply::batch(reply)?.into();
    if parts.iter().take(4).any(Envelope::is_too_early) {
        return Ok(None);
    }
    let mut next = || parts.pop_front().ok_or_else(|| Malformed("an answer is missing in the batch".into()));
    let told: ToldBlock = reply::read("block", next()?)?;
    let results: Results = reply::read("block_results", next()?)?;
    let certificate: commit::Told = reply::read("commit", next()?)?;
    let validators: validators::Told = reply::read("validators", next()?)?;
    if !certificate.canonical {
        return Ok(None);
    }
    let header = &told.block.header;
    let hash = header.vouched(&told.block_id.hash)?;
    let transactions = transactions(header, &told.block.data, results)?;
    certificate.signed_header.commit.certifies(header, &hash)?;
    let height = u64::try_from(header.height).map_err(|_| Malformed("a height below zero".into()))?;
    let hash = written(&hash);
    let mut block = Block { height, hash, transactions, turn: None, committee: Vec::new(), next: None };
    // A set of more than a page is not told whole: then nothing is said of turns and votes.
    if let Some(validators) = Validators::of(validators, header.height)? {
        block.turn = Some(turn(header, &certificate.signed_header, &validators, parts)?);
        block.committee = validators.addresses();
        // Those of a height are told as they are after its step.
        block.next = Some(Rotation::told(&validators).step().to_owned());
    }
    Ok(Some(block))
}

fn transactions(header: &Header, data: &Data, results: Results) -> Result<Vec<(String, bool)>, Malformed> {
    let hashes: Vec<Hash> = data.txs.iter().flatten().map(|one| sha256(&one.0)).collect();
    if merkle_root(&hashes).as_slice() != header.data_hash {
        return Err(Malformed(format!("forged transactions: they are not those of block {}", header.height)));
    }
    let executed = results.txs_results.unwrap_or_default();
    if results.height != header.height || executed.len() != hashes.len() {
        return Err(Malformed(format!(
            "{} results of height {} for {} transactions of {}",
            executed.len(),
            results.height,
            hashes.len(),
            header.height
        )));
    }
    Ok(hashes.iter().zip(executed).map(|(hash, one)| (written(hash), one.code == 0)).collect())
}

fn turn(
    header: &Header,
    signed: &Signed,
    validators: &Validators,
    before: VecDeque<Envelope>,
) -> Result<Turn, Malformed> {
    if validators.hash().as_slice() != header.validators_hash {
        return Err(Malformed(format!("forged validators: they are not those of block {}", header.height)));
    }
    let absent = signed.commit.absent(&header.chain_id, validators)?;
    let failed = failed(header, signed.commit.round, validators, before)?;
    let (proposer, round) = (header.proposer_address.clone(), signed.commit.round);
    Ok(Turn { proposer, round, failed, barred: Vec::new(), absent: Some(absent) })
}

/// Whose turns failed before the one in which the block was made; nobody where the priorities cannot be known.
fn failed(
    header: &Header,
    round: u32,
    validators: &Validators,
    mut before: VecDeque<Envelope>,
) -> Result<Vec<String>, Malformed> {
    let start = before.pop_front();
    let Some(history) = history(header, validators, before)? else { return Ok(Vec::new()) };
    let first = history.first().map_or(header.height, |(header, _)| header.height);
    // Told for a later height than the first, priorities are known after that height's step.
    let told = match start {
        _ if first == 1 => None,
        Some(start) => match start.ok().ok().and_then(|told| serde_json::from_value(told).ok()) {
            Some(told) => Validators::of(told, first)?.filter(|told| told.hash() == validators.hash()),
            None => return Ok(Vec::new()),
        },
        None => return Ok(Vec::new()),
    };
    let (mut rotation, skipped) = match &told {
        Some(told) => (Rotation::told(told), 1),
        None if first == 1 => (Rotation::new(validators), 0),
        None => return Ok(Vec::new()),
    };
    for (header, round) in history.iter().skip(skipped) {
        turns(&mut rotation, header, *round)?;
    }
    let failed = turns(&mut rotation, header, round)?;
    if !rotation.agrees(validators) {
        return Err(Malformed(format!(
            "forged priorities: those told for height {} do not follow from those of {first}",
            header.height
        )));
    }
    Ok(failed)
}

/// Goes one height on; whose turns failed there. The block must be by whom its round belongs to.
fn turns(rotation: &mut Rotation<'_>, header: &Header, round: u32) -> Result<Vec<String>, Malformed> {
    let mut failed = Vec::new();
    let mut proposer = rotation.step();
    if round > MOST_ROUNDS {
        return Ok(failed);
    }
    let mut rounds = rotation.clone();
    for _ in 0..round {
        failed.push(proposer.to_owned());
        proposer = rounds.step();
    }
    if proposer != header.proposer_address {
        return Err(Malformed(format!(
            "forged priorities: they give round {round} of height {} to {proposer}, and {} made the block",
            header.height,
            crate::driver::printable(&header.proposer_address, 40)
        )));
    }
    Ok(failed)
}

/// The headers before `header` with their rounds, rising, each named by the next as its parent and its round signed.
/// None where the node has not kept them, or other validators stood there.
fn history(
    header: &Header,
    validators: &Validators,
    before: VecDeque<Envelope>,
) -> Result<Option<Vec<(Header, u32)>>, Malformed> {
    let mut known: Vec<(Header, u32)> = Vec::new();
    for part in before.into_iter().rev() {
        let child = known.last().map_or(header, |(header, _)| header);
        let Some(told) = part.ok().ok().and_then(|told| serde_json::from_value::<commit::Told>(told).ok())
        else {
            return Ok(None);
        };
        let Signed { header, commit } = told.signed_header;
        let hash = header.vouched(&child.last_block_id.hash)?;
        if header.validators_hash != child.validators_hash {
            return Ok(None);
        }
        commit.certifies(&header, &hash)?;
        commit.absent(&header.chain_id, validators)?;
        known.push((header, commit.round));
    }
    known.reverse();
    Ok(Some(known))
}
