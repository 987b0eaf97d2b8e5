//! Who made a block and who voted for it, from the signatures in its header: what a node says of that is held
//! against them.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, keccak256};

use super::header::Header;
use crate::account::signer;
use crate::driver::Malformed;

/// What a vote's signature is made over, behind the block's hash: the number of the commit message.
const COMMIT: u8 = 2;

/// The proposer, from its seal.
///
/// # Errors
/// [`Malformed`] when nobody of the council sealed the block.
pub(super) fn proposer(header: &Header) -> Result<Address, Malformed> {
    let signer = signer(header.signed, &header.seal).filter(|signer| header.council.contains(signer));
    signer.ok_or_else(|| Malformed(format!("block {} is forged: no validator sealed it", header.number)))
}

/// Who voted for the block. Since the fork Permissionless (Kaia v3.0, `PrepareCommittedSealWithRound` in its
/// `consensus/istanbul/sealer.go`) a vote is for a round too; no header says whether it is of before or after.
///
/// # Errors
/// [`Malformed`] when a vote is nobody's of the council, or somebody's second.
pub(super) fn voters(header: &Header) -> Result<BTreeSet<Address>, Malformed> {
    let forged = || {
        Malformed(format!("block {} is forged: a vote for it is no validator's, or a second", header.number))
    };
    let digest = |behind: &[u8]| keccak256([header.hash.as_slice(), behind].concat());
    signers(header, digest(&[COMMIT]))
        .or_else(|| signers(header, digest(&[COMMIT, header.round])))
        .ok_or_else(forged)
}

/// Who signed the votes, each of another of the council, where all of them are for this digest.
fn signers(header: &Header, digest: B256) -> Option<BTreeSet<Address>> {
    let mut signers = BTreeSet::new();
    for vote in &header.votes {
        let voter = signer(digest, vote).filter(|voter| header.council.contains(voter))?;
        signers.insert(voter).then_some(())?;
    }
    Some(signers)
}

/// Votes without which no release makes a block final: more than twice the faults that a committee of this size bears.
/// Releases since 2022 ask for two thirds, which with five or six is one more.
pub(super) fn quorum(committee: usize) -> usize {
    2 * committee.div_ceil(3).saturating_sub(1) + 1
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Bytes;
    use model::Seed;

    use super::*;
    use crate::account::Account;

    /// A block of round 3 with a vote of each of four, each for its hash and these bytes.
    fn voted(behind: [&[u8]; 4]) -> Header {
        let accounts = ["a", "b", "c", "d"].map(|name| Account::derive(&Seed::from_number(1), name));
        let hash = keccak256("a block");
        let votes = accounts.iter().zip(behind).map(|(account, behind)| {
            let signature = account.sign(keccak256([hash.as_slice(), behind].concat()));
            let (r, s) = (signature.r.to_be_bytes::<32>(), signature.s.to_be_bytes::<32>());
            Bytes::from([&r[..], &s, &[u8::from(signature.odd)]].concat())
        });
        Header {
            number: 7,
            hash,
            parent: B256::ZERO,
            transactions_root: B256::ZERO,
            signed: B256::ZERO,
            round: 3,
            council: accounts.iter().map(Account::address).collect(),
            seal: Bytes::new(),
            votes: votes.collect(),
            governance: vec![],
        }
    }

    #[test]
    fn votes_are_for_the_block_or_since_permissionless_for_its_round_too() {
        for behind in [&[2][..], &[2, 3]] {
            let block = voted([behind; 4]);
            assert_eq!(voters(&block).unwrap(), block.council.iter().copied().collect());
        }
        let other_round = voters(&voted([&[2, 2]; 4])).unwrap_err();
        assert!(other_round.0.contains("block 7 is forged"), "{}", other_round.0);
        let (old, new) = (&[2][..], &[2, 3][..]);
        assert!(voters(&voted([new, new, new, old])).is_err(), "of before and after the fork in one");
        let mut twice = voted([new; 4]);
        twice.votes[1] = twice.votes[0].clone();
        assert!(voters(&twice).is_err(), "a second vote");
    }

    #[test]
    fn more_than_twice_the_faults_are_needed() {
        let quorums: Vec<_> = [0, 1, 2, 3, 4, 5, 6, 7, 10].map(quorum).into();
        assert_eq!(quorums, [1, 1, 1, 1, 3, 3, 3, 5, 7]);
    }
}
