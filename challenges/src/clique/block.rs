//! One block: what is in it, who sealed it, and whose turn it was, each held against the headers before it.
//!
//! The hash of every header is worked out from its fields, each names the one before, and each tells its sealer by its
//! signature. The signers, whom no header but the first and one in each epoch lists, are told by the node; with them all
//! the headers must be as the rules want them: sealed by a signer, in turn exactly if the difficulty says so, and not too
//! soon after another of the same. Of a set of up to sixteen that leaves a liar the name of a signer who sealed none of
//! the sixteen blocks before, or whom a vote in them was about, and nothing else.

use alloy_primitives::{Address, keccak256};
use model::Turn;
use serde_json::Value;

use super::header::Header;
use super::signers::Signers;
use crate::driver::{Block, Malformed, Reply, Request};
use crate::evm::block;
use crate::jsonrpc::{Envelope, batch, batch_request};

/// Headers before a block that are fetched with it: all that bar anybody among up to 33 signers.
const BEFORE: u64 = 16;
/// Blocks from one that lists the signers to the next, unless the genesis says otherwise.
const EPOCH: u64 = 30_000;
/// What a batch has beside the headers before: block, receipts, signers, sealer, the last list of signers.
const BESIDE: usize = 5;

/// Asks for a block, its receipts, what the node says of its signers and sealer, and the headers before it. A height
/// below 0 is asked for as 0: all batches are of one size.
pub(super) fn request(height: u64) -> Request {
    let at = |height: u64| format!(r#"["{height:#x}"]"#);
    let parent = height.saturating_sub(1);
    let mut calls = block::calls(height).to_vec();
    calls.push(("clique_getSigners", at(parent)));
    calls.push(("clique_getSigner", at(height)));
    calls.push(("eth_getHeaderByNumber", at(parent - parent % EPOCH)));
    calls.extend((1..=BEFORE).map(|back| ("eth_getHeaderByNumber", at(height.saturating_sub(back)))));
    batch_request(&calls)
}

/// None when the node does not have the block yet.
pub(super) fn read(reply: &Reply) -> Result<Option<Block>, Malformed> {
    let mut parts = batch(reply, BESIDE + BEFORE as usize)?;
    let before = parts.split_off(BESIDE);
    let [told, receipts, signers, sealer, list] = <[Envelope; BESIDE]>::try_from(parts)
        .map_err(|_| Malformed("the batch is not answered one for one".into()))?;
    let told = told.value()?;
    let Some(mut block) = block::told(&told, &receipts.value()?)? else { return Ok(None) };
    let header = Header::read(&told)?;
    is_empty_as_told(&header, &block)?;
    let list = Header::read(&list.value()?)?;
    let signers = match signers.value() {
        Ok(told) => addresses(&told)?,
        // A node without the namespace: they are as last listed, or will not fit the headers.
        Err(_) => list.listed,
    };
    let signers = Signers::new(signers).ok_or_else(|| Malformed("the signers told are none".into()))?;
    let before = before_it(&header, before)?;
    agrees(&header, &signers, &before, &sealer)?;
    block.committee = signers.all().iter().map(name).collect();
    block.turn = header.sealer.map(|sealer| turn(&header, sealer, &signers, &before));
    block.next = next(header, &signers, before);
    Ok(Some(block))
}

/// The root is of contents that are not told, but it says whether there are any.
fn is_empty_as_told(header: &Header, block: &Block) -> Result<(), Malformed> {
    let is_empty = header.transactions_root == keccak256([alloy_rlp::EMPTY_STRING_CODE]);
    if is_empty == block.transactions.is_empty() {
        return Ok(());
    }
    let number = header.number;
    Err(Malformed(format!("block {number} is forged: other transactions are in it than are told")))
}

/// The headers before `header`, the last of them first, each named by the one after it as its parent; down to the first
/// block at the furthest.
fn before_it(header: &Header, told: Vec<Envelope>) -> Result<Vec<Header>, Malformed> {
    let mut before: Vec<Header> = Vec::with_capacity(told.len());
    for part in told {
        let child = before.last().unwrap_or(header);
        if child.number == 0 {
            break;
        }
        let parent = Header::read(&part.value()?)?;
        if parent.hash != child.parent || parent.number.checked_add(1) != Some(child.number) {
            let number = child.number;
            return Err(Malformed(format!("block {number} is forged: it does not follow the parent told")));
        }
        before.push(parent);
    }
    Ok(before)
}

/// Fails when the node says something else than the headers.
fn agrees(header: &Header, signers: &Signers, before: &[Header], sealer: &Envelope) -> Result<(), Malformed> {
    let number = header.number;
    signers.agree(header, before)?;
    let told = sealer.result.as_str().map(address).transpose()?;
    if told.is_some() && told != header.sealer {
        return Err(Malformed(format!("block {number} is forged: told to be by another than sealed it")));
    }
    Ok(())
}

/// Whose turn it was: round 0 is that of who is in turn, and round 1 anybody else's.
fn turn(header: &Header, sealer: Address, signers: &Signers, before: &[Header]) -> Turn {
    let first = signers.in_turn(header.number);
    let is_out_of_turn = first != sealer;
    let is_barred = signers.barred(before).any(|one| one == first) || signers.may_have_lost(first, before);
    let all_known = before.len() >= signers.rest() || before.last().is_some_and(|one| one.number == 0);
    let only_if = |so: bool| if is_out_of_turn && so { vec![name(&first)] } else { Vec::new() };
    Turn {
        proposer: name(&sealer),
        round: is_out_of_turn.into(),
        failed: only_if(!is_barred && all_known),
        barred: only_if(is_barred),
        absent: None,
    }
}

/// Who has the turn after it; not known where its vote may have changed the signers, or who is in turn is barred.
fn next(header: Header, signers: &Signers, mut before: Vec<Header>) -> Option<String> {
    let (number, has_ballot) = (header.number, header.ballot.is_some());
    before.insert(0, header);
    let first = signers.in_turn(number.checked_add(1)?);
    let is_barred = signers.barred(&before).any(|one| one == first);
    (!has_ballot && !is_barred).then(|| name(&first))
}

fn addresses(told: &Value) -> Result<Vec<Address>, Malformed> {
    let listed = told.as_array().ok_or_else(|| Malformed("the signers are no list".into()))?;
    listed.iter().map(|one| address(one.as_str().unwrap_or_default())).collect()
}

fn address(text: &str) -> Result<Address, Malformed> {
    text.parse().map_err(|_| Malformed("a signer told is no address".into()))
}

/// As the chain writes it.
fn name(address: &Address) -> String {
    format!("{address:#x}")
}

#[cfg(test)]
mod tests;
