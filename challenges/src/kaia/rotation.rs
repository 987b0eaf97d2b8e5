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

    /// Who has the turn in `round`, after a block by `previous`; `order` is the council's. None where it is not worked
    /// out.
    ///
    /// One who has left the council since counts as its first.
    pub(super) fn proposer(self, order: &[Address], previous: Address, round: u32) -> Option<Address> {
        let place = order.iter().position(|member| *member == previous).unwrap_or(0);
        let step = match self {
            Self::RoundRobin => 1,
            Self::Sticky => 0,
            Self::Drawn => return None,
        };
        let turn = (place + step + round as usize).checked_rem(order.len())?;
        order.get(turn).copied()
    }
}

/// The order in which a council takes turns: that of the addresses as they are spelled with their checksum, so that
/// `0xB7…` comes before `0xab…`. Headers list it so since 2024, and before in the order of the bytes.
pub(super) fn order(council: &[Address]) -> Vec<Address> {
    let mut order = council.to_vec();
    order.sort_by_cached_key(Address::to_string);
    order
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

    #[test]
    fn upper_case_comes_first() {
        let spelled = [
            "0x7eD1E19a166b9A7fB4d802c95A4809Ac19D4A5D6",
            "0xB7a89B5097CF1acfF34d5b62e71182fA84A34047",
            "0xab7be8CC6fa15F6d2E98Fcd6c5f8F7b35FF08341",
        ];
        let told = spelled.map(|one| one.parse::<Address>().unwrap());
        let mut bytes = told.to_vec();
        bytes.sort_unstable();
        assert_ne!(bytes, told);
        assert_eq!(order(&bytes), told);
    }
}
