//! Whether evidence is what it claims to be, as far as it shows by itself: form, plan, sums.

use std::collections::BTreeSet;

use model::evidence::{Observer, TransactionRecord};
use model::plan::{LaneKind, plan_digest, replay};
use model::{Ended, Evidence, LaneRecord, PhaseRecord, Season};

use crate::{bounds, turns};

/// Longest client name and version, characters.
const LONGEST_CLIENT: usize = 80;
/// Longest unknown message, characters, and how many of them.
const LONGEST_UNKNOWN: usize = 120;
const MOST_UNKNOWN: usize = 8;
/// Longest hash or proposer, characters.
const LONGEST_HASH: usize = 200;

/// Blocks from which the block interval can be read.
const BLOCKS_FOR_AN_INTERVAL: u64 = 30;

/// Checks evidence against its season: done once when it comes in, and again by everybody who verifies.
///
/// # Errors
/// The first thing that is wrong, in words.
pub fn intake(season: &Season, evidence: &Evidence) -> Result<(), String> {
    check_run(season, evidence)?;
    check_texts(evidence)?;
    evidence.phases.iter().try_for_each(check_phase)?;
    replay(&evidence.parameters, &evidence.phases, evidence.ended == Ended::Completed)?;
    check_twins(evidence)?;
    check_blocks(evidence)?;
    turns::check(evidence)?;
    check_hashes(evidence)
}

fn need(good: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if good { Ok(()) } else { Err(fault()) }
}

fn check_run(season: &Season, evidence: &Evidence) -> Result<(), String> {
    let run = &evidence.run;
    need(evidence.schema == Evidence::SCHEMA, || format!("evidence schema {} is not 2", evidence.schema))?;
    need(season.operator(&run.operator).is_some(), || format!("no operator {} in the season", run.operator))?;
    let trial = season.trial(&run.trial).ok_or_else(|| format!("no trial {} in the season", run.trial))?;
    need((1..=season.windows).contains(&run.window), || format!("no window {} in the season", run.window))?;
    need((1..=season.attempts).contains(&run.attempt), || format!("attempt {} is not allowed", run.attempt))?;
    let validator = season.operator(&run.operator).and_then(|operator| operator.validator.as_ref());
    need(evidence.validator.as_ref() == validator, || "the validator is not the operator's".into())?;
    need(evidence.network == season.network, || "measured on another network".into())?;
    need(evidence.parameters == trial.parameters, || "parameters are not the trial's".into())?;
    need(evidence.parameters.faults().is_empty(), || "parameters that cannot be".into())?;
    let plan = plan_digest(&evidence.parameters, &evidence.seed);
    need(evidence.plan == plan, || "plan is not the digest of parameters and seed".into())?;
    need(evidence.observer == Observer::Reference, || "observed by the node itself: a rehearsal".into())
}

fn is_plain(text: &str, longest: usize) -> bool {
    text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

fn check_texts(evidence: &Evidence) -> Result<(), String> {
    need(is_plain(&evidence.client, LONGEST_CLIENT), || "client is not 80 plain characters".into())?;
    for lane in evidence.phases.iter().flat_map(|phase| &phase.lanes) {
        let plain = lane.unknown.iter().all(|text| is_plain(text, LONGEST_UNKNOWN));
        need(plain && lane.unknown.len() <= MOST_UNKNOWN, || "unknown is not 8 plain messages".into())?;
        let hashes = lane.transactions.iter().all(|one| is_plain(&one.0, LONGEST_HASH));
        need(hashes, || "a transaction hash is not plain".into())?;
    }
    let blocks = evidence.blocks.iter().all(|block| is_plain(&block.hash, LONGEST_HASH));
    let turns = evidence.blocks.iter().filter_map(|block| block.turn.as_ref());
    let named = turns.flat_map(|turn| turn.named());
    let seated = evidence.committees.iter().flat_map(|committee| &committee.members);
    let validators = named.chain(seated).all(|who| is_plain(who, LONGEST_HASH));
    let parted = evidence.partings.iter().all(|parting| is_plain(&parting.hash, LONGEST_HASH));
    need(blocks && parted && validators, || "a block's hash or a validator is not plain".into())
}

fn check_phase(phase: &PhaseRecord) -> Result<(), String> {
    for lane in &phase.lanes {
        let wrong = bounds::fault(lane).or_else(|| transactions_fault(lane));
        need(wrong.is_none(), || {
            format!("phase {} lane {:?} via {:?}: {}", phase.name, lane.kind, lane.via, wrong.unwrap_or(""))
        })?;
    }
    Ok(())
}

fn transactions_fault(lane: &LaneRecord) -> Option<&'static str> {
    let all = lane.transactions.len() as u64;
    let landed = lane.transactions.iter().filter(|one| one.landed().is_some()).count() as u64;
    if all > lane.offered {
        Some("more transactions than were offered")
    } else if landed != lane.landed {
        Some("landed is not the number of transactions that landed")
    } else if is_listed(lane.kind) && all < lane.offered - lane.withheld.min(lane.offered) {
        Some("fewer transactions than were sent")
    } else if lane.transactions.iter().any(|one| one.3 > 1 || (one.3 == 1 && one.landed().is_none())) {
        Some("a transaction was executed that did not land")
    } else {
        None
    }
}

/// Kinds of which each transaction stands in its place, landed or not.
fn is_listed(kind: LaneKind) -> bool {
    matches!(kind, LaneKind::Honest | LaneKind::V08 | LaneKind::GapFill)
}

/// Twins are matched by their place in the lane.
fn check_twins(evidence: &Evidence) -> Result<(), String> {
    let Some(pairs) = evidence.phase(model::plan::traffic_throughput::PAIRS) else {
        return Ok(());
    };
    let mut lengths = pairs.lanes.iter().map(|lane| lane.transactions.len());
    let first = lengths.next();
    need(lengths.all(|length| Some(length) == first), || "twins are not of the same number".into())
}

/// Blocks rise; what landed stands in one of them; the block interval agrees with them.
fn check_blocks(evidence: &Evidence) -> Result<(), String> {
    let rising = evidence.blocks.windows(2).all(|pair| matches!(pair, [a, b] if a.height < b.height));
    need(rising, || "blocks do not rise".into())?;
    let heights: BTreeSet<u64> = evidence.blocks.iter().map(|block| block.height).collect();
    for one in transactions(evidence) {
        let known = one.landed().is_none_or(|height| heights.contains(&height));
        need(known, || format!("transaction {} landed in block {}, which is not recorded", one.0, one.2))?;
    }
    check_interval(evidence)
}

/// The block interval is taken from heads and these are final blocks, some of which were there
/// before the run began: of a long run both have to agree within a quarter.
fn check_interval(evidence: &Evidence) -> Result<(), String> {
    let (Some(first), Some(last)) = (evidence.blocks.first(), evidence.blocks.last()) else {
        return Ok(());
    };
    let blocks = last.height - first.height;
    if blocks < BLOCKS_FOR_AN_INTERVAL {
        return Ok(());
    }
    let (claimed, mean) = (evidence.block_interval_us, last.seen_us.saturating_sub(first.seen_us) / blocks);
    need(claimed.abs_diff(mean) <= mean / 4, || {
        format!("a block interval of {claimed} us, but the blocks were seen every {mean} us")
    })
}

/// No honest transaction is counted twice.
fn check_hashes(evidence: &Evidence) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let lanes = evidence.phases.iter().flat_map(|phase| &phase.lanes);
    for one in lanes.filter(|lane| lane.kind == LaneKind::Honest).flat_map(|lane| &lane.transactions) {
        need(seen.insert(&one.0), || format!("transaction {} stands twice", one.0))?;
    }
    Ok(())
}

fn transactions(evidence: &Evidence) -> impl Iterator<Item = &TransactionRecord> {
    evidence.phases.iter().flat_map(|phase| &phase.lanes).flat_map(|lane| &lane.transactions)
}
