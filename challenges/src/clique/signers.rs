//! The signers of a height, and the rules of their turns.

use alloy_primitives::Address;

use super::header::Header;
use crate::driver::Malformed;

fn forged(header: &Header, sealer: Address, what: &str) -> Malformed {
    Malformed(format!("block {} is forged: sealed by {sealer:#x}, who {what}", header.number))
}

/// The signers that a block had to be sealed by, rising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signers(Vec<Address>);

impl Signers {
    /// None when there is nobody, or somebody twice.
    pub(super) fn new(mut all: Vec<Address>) -> Option<Self> {
        all.sort_unstable();
        let distinct = all.windows(2).all(|pair| pair[0] != pair[1]);
        (distinct && !all.is_empty()).then_some(Self(all))
    }

    pub(super) fn all(&self) -> &[Address] {
        &self.0
    }

    /// Whose turn a height is.
    pub(super) fn in_turn(&self, height: u64) -> Address {
        self.0[(height % self.0.len() as u64) as usize]
    }

    /// Blocks for which who made one may not make another.
    pub(super) fn rest(&self) -> usize {
        self.0.len() / 2
    }

    /// Who may not make the block after these, the last of them first.
    pub(super) fn barred<'a>(&self, before: &'a [Header]) -> impl Iterator<Item = Address> + 'a {
        before.iter().take(self.rest()).filter_map(|header| header.sealer)
    }

    /// Whether `first`, whose turn it is after these, may have made the one before on a branch that lost, and so be
    /// barred in its own eyes: two race for a turn that its owner left, and geth holds on to its own of two equal
    /// blocks until a better one comes. The chain keeps no trace of the loser. Believed only of who made a block since
    /// its last turn, or in that or the one before it, or may have in blocks that are not known; and not where who had
    /// the turn before was barred from it, which goes on for rotations beside a signer that leaves all of its turns.
    pub(super) fn may_have_lost(&self, first: Address, before: &[Header]) -> bool {
        let Some((last, earlier)) = before.split_first() else { return false };
        let owner = self.in_turn(last.number);
        let was_left = !last.is_in_turn && !self.barred(earlier).any(|one| one == owner);
        let is_raced = was_left && last.sealer.is_some_and(|sealer| sealer != first);
        let took_part = !self.barred(earlier).any(|one| one == first);
        let a_round = &before[..before.len().min(self.0.len() + 1)];
        let seen = a_round.iter().any(|one| one.sealer == Some(first));
        let is_cut = (self.rest()..=self.0.len()).contains(&before.len())
            && before.last().is_some_and(|earliest| earliest.number > 1);
        is_raced && took_part && (seen || is_cut)
    }

    /// Fails when the blocks from `last` down, the ones `before` it the last of them first, cannot have been sealed as
    /// they are. The signers of `last` are those of an earlier block too, but for whom a vote from there on was about.
    pub(super) fn agree(&self, last: &Header, before: &[Header]) -> Result<(), Malformed> {
        self.sealed(last, before)?;
        self.lists(last, &[])?;
        let mut voted_about = Vec::new();
        for (at, earlier) in before.iter().enumerate() {
            // A list holds after its block, and so does the block's vote.
            self.lists(earlier, &voted_about)?;
            voted_about.extend(earlier.ballot);
            if voted_about.is_empty() {
                self.sealed(earlier, &before[at + 1..])?;
            } else {
                self.seats(earlier, &voted_about)?;
            }
        }
        Ok(())
    }

    /// Fails when a block lists other signers, `others` aside.
    fn lists(&self, header: &Header, others: &[Address]) -> Result<(), Malformed> {
        let without = |all: &[Address]| -> Vec<Address> {
            all.iter().filter(|one| !others.contains(one)).copied().collect()
        };
        if header.listed.is_empty() || without(&header.listed) == without(&self.0) {
            return Ok(());
        }
        Err(Malformed(format!("block {} is forged: it lists other signers than are told", header.number)))
    }

    /// Fails when who sealed a block is neither a signer nor one of `others`.
    fn seats(&self, header: &Header, others: &[Address]) -> Result<(), Malformed> {
        match header.sealer.filter(|sealer| !self.0.contains(sealer) && !others.contains(sealer)) {
            None => Ok(()),
            Some(sealer) => Err(forged(header, sealer, "is none of the signers told")),
        }
    }

    /// Fails when these signers cannot have sealed a block as it is, after those `before` it.
    fn sealed(&self, header: &Header, before: &[Header]) -> Result<(), Malformed> {
        let number = header.number;
        self.seats(header, &[])?;
        let Some(sealer) = header.sealer else { return Ok(()) };
        let forged = |what: &str| Err(forged(header, sealer, what));
        if (self.in_turn(number) == sealer) != header.is_in_turn {
            return forged("did so, and its difficulty says the opposite of whose turn it was");
        }
        if self.barred(before).any(|one| one == sealer) {
            return forged("had sealed another too lately");
        }
        Ok(())
    }
}
