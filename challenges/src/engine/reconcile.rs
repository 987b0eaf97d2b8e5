//! Reconciles what was sent with what the chain shows, transaction by transaction.

use std::time::{Duration, Instant};

use model::PhaseRecord;
use model::evidence::TransactionRecord;
use model::plan::LaneKind;

use super::phase::Sent;
use super::recorder::second_of;
use super::watch::Watch;

const LOOK: Duration = Duration::from_millis(100);

/// How many transactions have landed so far.
pub(super) fn landed(watch: &Watch, sent: &[Sent]) -> u64 {
    let ledger = watch.ledger.lock().expect("not poisoned");
    let ids = sent.iter().flat_map(|sent| &sent.transactions).flat_map(|lane| lane.iter());
    ledger.count(ids.map(|transaction| &transaction.id)) as u64
}

/// Waits until every honest transaction has landed, or its horizon has passed and is final; not
/// for ever, should the chain stand still.
pub(super) async fn settle(watch: &Watch, records: &[PhaseRecord], sent: &[Sent], horizon: u64) {
    let last_head = sent.iter().flat_map(|sent| sent.heads.iter().flatten()).copied().max().unwrap_or(0);
    let patience = watch.interval() * (horizon + watch.finality_depth() + 10) as u32;
    let deadline = Instant::now() + patience.max(Duration::from_secs(5));
    while Instant::now() < deadline {
        if watch.read() > last_head + horizon || all_honest_landed(watch, records, sent) {
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
                    LaneKind::Honest | LaneKind::KeyChange | LaneKind::V08 | LaneKind::V11 | LaneKind::V15
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
