//! The signers of a height, and the rules of their turns.

use alloy_primitives::Address;

use super::header::Header;
use crate::driver::Malformed;

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

    /// Fails when a block cannot have been sealed as it is, after those `before` it, the last of them first.
    pub(super) fn agree(&self, header: &Header, before: &[Header]) -> Result<(), Malformed> {
        let number = header.number;
        let Some(sealer) = header.sealer else { return Ok(()) };
        let forged = |what: &str| Err(Malformed(format!("block {number} is forged: {sealer:#x} {what}")));
        if !self.0.contains(&sealer) {
            return forged("sealed it, and is none of the signers told");
        }
        if (self.in_turn(number) == sealer) != header.is_in_turn {
            return forged("sealed it, and its difficulty says the opposite of whose turn it was");
        }
        if self.barred(before).any(|one| one == sealer) {
            return forged("sealed it, and had sealed another too lately");
        }
        Ok(())
    }
}
