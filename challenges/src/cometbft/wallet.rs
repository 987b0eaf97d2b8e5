//! What a run sends to the key-value store: nobody owns anything, so there are no accounts and nothing to be paid.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::plan::{LaneKind, demand};
use model::{Parameters, Seed};
use rayon::prelude::*;

use super::answer::SUBMIT_ID;
use super::wire::sha256;
use super::written;
use crate::driver::{Request, SignedTransaction, Wallet};

/// Transactions that are put into the chain before the run, to be sent again in it. A node remembers the last 10,000
/// (`mempool.cache_size`), and one sent again counts as new among them.
const ENTRIES: usize = 64;

pub(super) struct CometWallet {
    seed: Seed,
    entries: usize,
    honest: usize,
    malformed: usize,
    /// Transactions sent again, by the door probe and as replays.
    repeated: usize,
}

impl CometWallet {
    pub(super) fn new(seed: &Seed, parameters: &Parameters) -> Self {
        let probes = matches!(parameters, Parameters::TrafficThroughput(_));
        let entries = if probes || demand(parameters, LaneKind::V07) > 0 { ENTRIES } else { 0 };
        Self { seed: *seed, entries, honest: 0, malformed: 0, repeated: 0 }
    }

    /// Key and value, never the same for two names: 32 hexadecimal digits each, so that neither holds `=` or `:`,
    /// nor begins with `val`, by which the store knows changes of validators.
    fn pair(&self, name: &str, index: usize) -> (String, String) {
        let digits = hex::encode(self.seed.derive(&format!("{name} {index}")).as_bytes());
        let (key, value) = digits.split_at(32);
        (key.to_owned(), value.to_owned())
    }

    fn entry(&self, index: usize) -> SignedTransaction {
        let (key, value) = self.pair("entry", index);
        submission(&format!("{key}={value}"))
    }

    /// Not of the form key=value, in one of four ways.
    fn misshapen(&self, index: usize) -> SignedTransaction {
        let (key, value) = self.pair("malformed", index);
        submission(&match index % 4 {
            0 => format!("{key}{value}"),
            1 => format!("{key}={value}="),
            2 => format!("={key}{value}"),
            _ => format!("{key}={value}={key}"),
        })
    }

    fn one(&self, kind: LaneKind, index: usize) -> SignedTransaction {
        match kind {
            LaneKind::Honest => {
                let (key, value) = self.pair("honest", index);
                submission(&format!("{key}={value}"))
            }
            LaneKind::Load | LaneKind::V07 => self.entry(index % self.entries.max(1)),
            // The engine asks for no kind that the family does not carry.
            _ => self.misshapen(index),
        }
    }

    fn counter(&mut self, kind: LaneKind) -> &mut usize {
        match kind {
            LaneKind::Honest => &mut self.honest,
            LaneKind::Load | LaneKind::V07 => &mut self.repeated,
            _ => &mut self.malformed,
        }
    }
}

impl Wallet for CometWallet {
    fn root(&self) -> &str {
        ""
    }

    fn root_amount(&self) -> u128 {
        0
    }

    fn waves(&self) -> usize {
        usize::from(self.entries > 0)
    }

    fn wave(&self, _number: usize) -> Vec<SignedTransaction> {
        (0..self.entries).map(|index| self.entry(index)).collect()
    }

    fn take(&mut self, kind: LaneKind, count: usize) -> Vec<SignedTransaction> {
        let first = *self.counter(kind);
        *self.counter(kind) += count;
        (first..first + count).into_par_iter().map(|index| self.one(kind, index)).collect()
    }
}

/// The submission of a transaction, which the chain will show by its SHA-256.
fn submission(transaction: &str) -> SignedTransaction {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{SUBMIT_ID},"method":"broadcast_tx_sync","params":{{"tx":"{}"}}}}"#,
        STANDARD.encode(transaction)
    );
    SignedTransaction { id: written(&sha256(transaction.as_bytes())), request: Request(Bytes::from(body)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::trial::SpamDefense;
    use std::collections::BTreeSet;

    fn wallet(vectors: Vec<model::Vector>) -> CometWallet {
        let parameters = Parameters::SpamDefense(SpamDefense {
            honest_rate: 20,
            horizon_blocks: 20,
            base_ms: 2_000,
            attack_ms: 2_000,
            settle_ms: 0,
            recover_ms: 2_000,
            intensities: vec![200],
            vectors,
            gapped_accounts: 1,
            halt_ms: None,
        });
        CometWallet::new(&Seed::from_number(1), &parameters)
    }

    #[test]
    fn the_hash_is_that_which_cometbft_gave() {
        let known = "DAF81E3536D822BD52D5EC524633A0AF1E59545C8ACE1111F3AEBE6877D8FCE4";
        assert_eq!(submission("aa11=bb22").id, known);
    }

    #[test]
    fn only_what_is_sent_again_repeats_and_it_is_in_the_chain_before() {
        let mut wallet = wallet(vec![model::Vector::V07]);
        assert_eq!((wallet.waves(), wallet.root_amount()), (1, 0));
        let known: BTreeSet<_> = wallet.wave(0).into_iter().map(|one| one.id).collect();
        assert_eq!(known.len(), ENTRIES);
        let mut ids = known.clone();
        for kind in [LaneKind::Honest, LaneKind::V04, LaneKind::Honest, LaneKind::V04] {
            assert!(wallet.take(kind, 100).into_iter().all(|one| ids.insert(one.id)), "{kind:?} repeats");
        }
        assert!(wallet.take(LaneKind::V07, 100).iter().all(|one| known.contains(&one.id)));
    }

    #[test]
    fn nothing_is_prepared_that_is_not_sent_again() {
        assert_eq!(wallet(vec![model::Vector::V04]).waves(), 0);
    }

    #[test]
    fn misshapen_transactions_are_not_of_the_form() {
        let wallet = wallet(vec![model::Vector::V04]);
        for index in 0..8 {
            let body = wallet.misshapen(index).request.0;
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let text = STANDARD.decode(body["params"]["tx"].as_str().unwrap()).unwrap();
            let parts: Vec<_> = text.split(|byte| *byte == b'=').collect();
            assert!(parts.len() != 2 || parts.iter().any(|part| part.is_empty()), "{text:?}");
        }
    }
}
