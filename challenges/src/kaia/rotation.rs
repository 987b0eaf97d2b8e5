//! Whose turn each round was.

use alloy_primitives::{Address, Bytes};
use alloy_rlp::Decodable;
use serde_json::Value;

use super::header::Header;

/// How proposers take turns (`istanbul.policy`). It is fixed by the first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// The next of the council, and so on with each round.
    RoundRobin,
    /// The same again, and the next with each round.
    Sticky,
    /// Drawn by weight or from randomness: worked out by the nodes only.
    Drawn,
}

impl Policy {
    /// From the governance data of the first block: JSON in an RLP string.
    pub(super) fn of(genesis: &Header) -> Self {
        let text = Bytes::decode(&mut genesis.governance.as_slice()).unwrap_or_default();
        let parameters: Value = serde_json::from_slice(&text).unwrap_or_default();
        match parameters.get("istanbul.policy").and_then(Value::as_u64) {
            Some(0) => Self::RoundRobin,
            Some(1) => Self::Sticky,
            _ => Self::Drawn,
        }
    }

    /// Who has the turn in `round`, after a block by `previous`; None where it is not worked out.
    ///
    /// One who has left the council since counts as its first.
    pub(super) fn proposer(self, council: &[Address], previous: Address, round: u32) -> Option<Address> {
        let place = council.iter().position(|member| *member == previous).unwrap_or(0);
        let step = match self {
            Self::RoundRobin => 1,
            Self::Sticky => 0,
            Self::Drawn => return None,
        };
        let turn = (place + step + round as usize).checked_rem(council.len())?;
        council.get(turn).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round() {
        let council: Vec<Address> = (1..=4).map(Address::repeat_byte).collect();
        let turns = |policy: Policy, previous| {
            [0, 1, 2, 4].map(|round| policy.proposer(&council, previous, round).map(|one| one[0]))
        };
        assert_eq!(turns(Policy::RoundRobin, council[2]), [Some(4), Some(1), Some(2), Some(4)]);
        assert_eq!(turns(Policy::Sticky, council[2]), [Some(3), Some(4), Some(1), Some(3)]);
        let gone = Address::repeat_byte(9);
        assert_eq!(turns(Policy::RoundRobin, gone), [Some(2), Some(3), Some(4), Some(2)]);
        assert_eq!(turns(Policy::Drawn, council[2]), [None; 4]);
        assert_eq!(Policy::RoundRobin.proposer(&[], gone, 0), None);
    }
}
