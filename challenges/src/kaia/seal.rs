//! Who made a block and who voted for it, from the signatures in its header: what a node says of that is held
//! against them.

use std::collections::BTreeSet;

use alloy_primitives::{Address, keccak256};

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

/// Who voted for the block.
///
/// # Errors
/// [`Malformed`] when a vote is nobody's of the council, or somebody's second.
pub(super) fn voters(header: &Header) -> Result<BTreeSet<Address>, Malformed> {
    let digest = keccak256([header.hash.as_slice(), &[COMMIT]].concat());
    let mut voters = BTreeSet::new();
    for vote in &header.votes {
        let voter = signer(digest, vote).filter(|voter| header.council.contains(voter));
        if !voter.is_some_and(|voter| voters.insert(voter)) {
            let number = header.number;
            return Err(Malformed(format!(
                "block {number} is forged: a vote for it is no validator's, or a second"
            )));
        }
    }
    Ok(voters)
}

/// Votes without which no release makes a block final: more than twice the faults that a committee of this size bears.
/// Releases since 2022 ask for two thirds, which with five or six is one more.
pub(super) fn quorum(committee: usize) -> usize {
    2 * committee.div_ceil(3).saturating_sub(1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_twice_the_faults_are_needed() {
        let quorums: Vec<_> = [0, 1, 2, 3, 4, 5, 6, 7, 10].map(quorum).into();
        assert_eq!(quorums, [1, 1, 1, 1, 3, 3, 3, 5, 7]);
    }
}
