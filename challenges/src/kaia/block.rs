//! One block: what is in it, who made it and who voted, each held against the signatures in its header.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, keccak256};
use model::Turn;
use serde_json::Value;

use super::header::Header;
use super::rotation::{self, Policy};
use super::seal;
use crate::driver::{Block, Context, Malformed, Reply, Request};
use crate::jsonrpc::{batch, batch_request, height, text};

/// No chain changes the round so often: one that a node tells is not believed.
const MOST_ROUNDS: u32 = 1_000;

/// The block with its receipts and what the node says of its making; its parent, whose proposer the rotation goes on
/// from; the first block, which names the rotation. Headers alone are told by no release of before 2021.
pub(super) fn request(height: u64, context: Context) -> Request {
    let name = |method: &str| format!("{}_{method}", context.namespace);
    let without_transactions = |height: u64| format!(r#"["{height:#x}",false]"#);
    batch_request(&[
        (name("getBlockWithConsensusInfoByNumber"), format!(r#"["{height:#x}"]"#)),
        (name("getBlockByNumber"), without_transactions(height.saturating_sub(1))),
        (name("getBlockByNumber"), without_transactions(0)),
    ])
}

/// None when the node does not have the block yet.
pub(super) fn read(reply: &Reply) -> Result<Option<Block>, Malformed> {
    let parts = batch(reply, 3)?;
    let missing = parts[0].refusal().is_some_and(|words| words.starts_with("the block does not exist"));
    if missing || (parts[0].refusal().is_none() && parts[0].result.is_null()) {
        return Ok(None);
    }
    let mut values = parts.into_iter().map(|part| part.value());
    let mut next = || values.next().unwrap_or_else(|| Err(Malformed("a batch cut short".into())));
    let (told, parent, genesis) = (next()?, Header::read(&next()?)?, Header::read(&next()?)?);
    let header = Header::read(&told)?;
    let transactions = transactions(&told, &header, &genesis)?;
    let (height, hash) = (header.number, header.hash.to_string());
    if height == 0 {
        let committee = header.council.iter().map(name).collect();
        return Ok(Some(Block { height, hash, transactions, turn: None, committee, next: None }));
    }
    let (making, policy) = (Making::read(&told, &header)?, Policy::of(&genesis));
    let turn = Some(making.turn(&header, &parent, policy)?);
    let committee = making.committee.iter().map(name).collect();
    let next = policy.proposer(&rotation::order(&header.council), making.proposer, 0);
    Ok(Some(Block { height, hash, transactions, turn, committee, next: next.as_ref().map(name) }))
}

/// (height, hash) of the block and of its parent, as the node names them.
pub(super) fn named(reply: &Reply) -> Vec<(u64, String)> {
    let parts = batch(reply, 3).unwrap_or_default();
    let one = |told: Value| {
        let hash: B256 = text(&told, "hash").ok()?.parse().ok()?;
        Some((told.get("number").and_then(|number| height(number).ok())?, hash.to_string()))
    };
    parts.into_iter().take(2).filter_map(|part| one(part.value().ok()?)).collect()
}

/// The council of a block; its committee is drawn from it.
pub(super) fn council(reply: &Reply) -> Result<Vec<String>, Malformed> {
    let told = batch(reply, 3)?.remove(0).value()?;
    Ok(Header::read(&told)?.council.iter().map(name).collect())
}

/// (hash, success) of each. The header's root is of their contents, which receipts do not hold, but it tells whether
/// there are any.
fn transactions(told: &Value, header: &Header, genesis: &Header) -> Result<Vec<(String, bool)>, Malformed> {
    let receipts = told.get("transactions").and_then(Value::as_array);
    let receipts = receipts.ok_or_else(|| Malformed("no `transactions` in the block".into()))?;
    let none = [keccak256([]), genesis.transactions_root].contains(&header.transactions_root);
    if none != receipts.is_empty() {
        let number = header.number;
        return Err(Malformed(format!(
            "block {number} is forged: other transactions are in it than are told"
        )));
    }
    let one = |receipt: &Value| {
        let hash: Result<B256, _> = text(receipt, "transactionHash")?.parse();
        let hash = hash.map_err(|_| Malformed("the hash of a transaction is no hash".into()))?;
        let success = receipt.get("status").and_then(Value::as_str) == Some("0x1");
        Ok((hash.to_string(), success))
    };
    receipts.iter().map(one).collect()
}

/// What the signatures say of a block's making, and what only the node says.
struct Making {
    proposer: Address,
    voters: BTreeSet<Address>,
    /// Told by the node; it may be a draw from the council, which no header holds.
    committee: Vec<Address>,
    /// Told by the node, in agreement with the header's byte.
    round: u32,
    /// Whose turn round 0 was, as the node says.
    origin: Option<Address>,
}

impl Making {
    fn read(told: &Value, header: &Header) -> Result<Self, Malformed> {
        let making = Self {
            proposer: seal::proposer(header)?,
            voters: seal::voters(header)?,
            committee: committee(told, header)?,
            round: round(told, header)?,
            origin: address(told, "originProposer")?,
        };
        making.agrees(told, header)?;
        Ok(making)
    }

    /// Fails when the node says something else than the signatures.
    fn agrees(&self, told: &Value, header: &Header) -> Result<(), Malformed> {
        let number = header.number;
        let forged = |what: String| Err(Malformed(format!("block {number} is forged: {what}")));
        if let Some(told) = address(told, "proposer")?.filter(|told| *told != self.proposer) {
            return forged(format!("told to be by {}, sealed by {}", name(&told), name(&self.proposer)));
        }
        if let Some(told) = addresses(told, "committers")? {
            let told: BTreeSet<Address> = told.into_iter().collect();
            if told != self.voters {
                return forged("its votes are by others than are told".into());
            }
        }
        let seated = |one: &Address| self.committee.contains(one);
        if !self.voters.iter().all(seated) || !seated(&self.proposer) {
            return forged("its proposer or a voter is not of its committee".into());
        }
        let (votes, needed) = (self.voters.len(), seal::quorum(self.committee.len()));
        if votes < needed {
            return forged(format!("it has {votes} votes and needs {needed}"));
        }
        Ok(())
    }

    fn turn(&self, header: &Header, parent: &Header, policy: Policy) -> Result<Turn, Malformed> {
        let number = header.number;
        if parent.hash != header.parent {
            return Err(Malformed(format!("block {number} is forged: it does not follow the parent told")));
        }
        // Releases differ in whom the rotation begins with after the first block.
        let previous = if parent.number == 0 { None } else { Some(seal::proposer(parent)?) };
        let order = rotation::order(&header.council);
        let turn_of = |round| previous.and_then(|one| policy.proposer(&order, one, round));
        let origin = self.origin.filter(|told| !self.could_be_first(header, turn_of(0), told));
        let made_in = self.made_in(order.len(), turn_of);
        let (Some(made_in), None) = (made_in, origin) else {
            let (by, round) = (name(&self.proposer), self.round);
            return Err(Malformed(format!(
                "block {number} is forged: round {round} is not the turn of {by}, or round 0 not of whom is told"
            )));
        };
        // Of the rounds between making and commit only the node's word tells: nobody is charged for them.
        let failed: Option<Vec<Address>> = (0..made_in).map(turn_of).collect();
        let failed = failed.unwrap_or_else(|| self.origin.filter(|_| self.round > 0).into_iter().collect());
        let absent = self.committee.iter().filter(|one| !self.voters.contains(*one));
        Ok(Turn {
            proposer: name(&self.proposer),
            round: self.round,
            failed: failed.iter().map(name).collect(),
            barred: (made_in < self.round).then(|| name(&self.proposer)).into_iter().collect(),
            absent: Some(absent.map(name).collect()),
        })
    }

    /// The round in which the block was made: that of its commit, or an earlier one of the first rotation. A block that
    /// had its prepares and not its commits in time is locked, and whoever has the turn next hands it on as it is, with
    /// the seal of its maker (`startNewRound` of Klaytn and Kaia). None where the maker had no such turn.
    fn made_in(&self, seats: usize, turn_of: impl Fn(u32) -> Option<Address>) -> Option<u32> {
        let is_its = |round: u32| turn_of(round).is_none_or(|one| one == self.proposer);
        if is_its(self.round) {
            return Some(self.round);
        }
        // Before the fork Permissionless the round is not signed: the less of it is taken on the node's word, the better.
        let is_first_rotation = (self.round as usize) < seats;
        (0..self.round).rev().find(|round| is_first_rotation && is_its(*round))
    }

    /// Whether round 0 can have been the turn of who is `told`, where `first` is worked out or not.
    fn could_be_first(&self, header: &Header, first: Option<Address>, told: &Address) -> bool {
        let first = first.or((self.round == 0).then_some(self.proposer));
        first.map_or_else(|| header.council.contains(told), |first| first == *told)
    }
}

/// The committee told, all of the council and nobody twice; the council where none is told.
fn committee(told: &Value, header: &Header) -> Result<Vec<Address>, Malformed> {
    let committee = addresses(told, "committee")?.unwrap_or_else(|| header.council.clone());
    let members: BTreeSet<&Address> = committee.iter().collect();
    if members.len() == committee.len() && members.iter().all(|one| header.council.contains(one)) {
        Ok(committee)
    } else {
        Err(Malformed(format!("block {} is forged: its committee is not of its council", header.number)))
    }
}

fn round(told: &Value, header: &Header) -> Result<u32, Malformed> {
    let round = match told.get("round") {
        Some(told) => told.as_u64().and_then(|round| u32::try_from(round).ok()),
        None => Some(header.round.into()),
    };
    let round = round.filter(|round| *round <= MOST_ROUNDS && round % 256 == u32::from(header.round));
    round.ok_or_else(|| Malformed(format!("block {} is forged: its round is another", header.number)))
}

fn address(told: &Value, field: &str) -> Result<Option<Address>, Malformed> {
    match told.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => parse(value, field).map(Some),
    }
}

fn addresses(told: &Value, field: &str) -> Result<Option<Vec<Address>>, Malformed> {
    match told.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => {
            values.iter().map(|value| parse(value, field)).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(Malformed(format!("`{field}` of the block is no list"))),
    }
}

fn parse(value: &Value, field: &str) -> Result<Address, Malformed> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or_else(|| Malformed(format!("`{field}` of the block holds no address")))
}

/// As the chain writes it.
fn name(address: &Address) -> String {
    format!("{address:#x}")
}

#[cfg(test)]
mod tests;
