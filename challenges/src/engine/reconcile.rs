//! Reconciles what was sent with what the chain shows, transaction by transaction.

use std::time::{Duration, Instant};

use model::PhaseRecord;
use model::evidence::TransactionRecord;
use model::plan::LaneKind;

use super::phase::Sent;
use super::recorder::second_of;
use super::watch::Watch;

/// Blocks without any more of them after which nothing that stood behind a gap is still to come.
const COMES_WITHIN: u64 = 8;
const LOOK: Duration = Duration::from_millis(100);

/// How many transactions have landed so far.
pub(super) fn landed(watch: &Watch, sent: &[Sent]) -> u64 {
    let ledger = watch.ledger.lock().expect("not poisoned");
    let ids = sent.iter().flat_map(|sent| &sent.transactions).flat_map(|lane| lane.iter());
    ledger.count(ids.map(|transaction| &transaction.id)) as u64
}

/// Waits until every honest transaction has landed and what stood behind a filled gap has come, or the horizon has
/// passed and is final; not for ever, should the chain stand still.
pub(super) async fn settle(watch: &Watch, records: &[PhaseRecord], sent: &[Sent], horizon: u64) {
    let last_head = sent.iter().flat_map(|sent| sent.heads.iter().flatten()).copied().max().unwrap_or(0);
    let patience = watch.interval() * (horizon + watch.finality_depth() + 10) as u32;
    let deadline = Instant::now() + patience.max(Duration::from_secs(5));
    while Instant::now() < deadline {
        let have_come = || all_honest_landed(watch, records, sent) && kept_have_come(watch, records, sent);
        if watch.read() > last_head + horizon || have_come() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn all_honest_landed(watch: &Watch, records: &[PhaseRecord], sent: &[Sent]) -> bool {
    let ledger = watch.ledger.lock().expect("not poisoned");
    records.iter().zip(sent).all(|(record, sent)| {
        record.lanes.iter().zip(&sent.transactions).all(|(lane, transactions)| {
            !matches!(lane.kind, LaneKind::Honest | LaneKind::KeyChange)
                || transactions.iter().all(|t| ledger.landing(&t.id).is_some())
        })
    })
}

/// Whether every gap that was to be filled is, and of what stood behind it nothing has come for some blocks.
fn kept_have_come(watch: &Watch, records: &[PhaseRecord], sent: &[Sent]) -> bool {
    let ledger = watch.ledger.lock().expect("not poisoned");
    let heights = |kind: LaneKind| {
        let lanes =
            records.iter().zip(sent).flat_map(|(record, sent)| record.lanes.iter().zip(&sent.transactions));
        let transactions = lanes.filter(move |(lane, _)| lane.kind == kind).flat_map(|(_, all)| all.iter());
        transactions.map(|one| ledger.landing(&one.id).map(|(height, _)| height))
    };
    let Some(filled) = heights(LaneKind::GapFill).collect::<Option<Vec<u64>>>() else { return false };
    let last = filled.iter().copied().chain(heights(LaneKind::V08).flatten()).max();
    filled.is_empty() || last.is_none_or(|last| watch.read() >= last + COMES_WITHIN)
}

/// Writes what landed into the records.
pub(super) fn fill(watch: &Watch, records: &mut [PhaseRecord], sent: &[Sent]) {
    let ledger = watch.ledger.lock().expect("not poisoned");
    for (record, sent) in records.iter_mut().zip(sent) {
        for (number, lane) in record.lanes.iter_mut().enumerate() {
            for (index, transaction) in sent.transactions[number].iter().enumerate() {
                let landing = ledger.landing(&transaction.id);
                if landing.is_some() {
                    lane.landed += 1;
                    let second = second_of(sent.instants[number][index], lane.seconds.len());
                    lane.seconds[second].landed += 1;
                }
                let listed = matches!(
                    lane.kind,
                    LaneKind::Honest
                        | LaneKind::KeyChange
                        | LaneKind::V08
                        | LaneKind::GapFill
                        | LaneKind::V11
                        | LaneKind::V15
                );
                if listed || landing.is_some() {
                    let (height, success) = landing.unwrap_or((0, false));
                    let head = sent.heads[number][index];
                    let id = transaction.id.clone();
                    lane.transactions.push(TransactionRecord(id, head, height, success.into()));
                }
            }
        }
    }
}
