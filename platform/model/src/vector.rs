//! Kinds of hostile requests.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::class::{Class, Reason};

/// A kind of hostile request; the numbers are the catalogue's (V01 to V24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Vector {
    /// Signed for another chain id.
    V01,
    /// Not a transaction at all: cut off, of no known type, or not of the chain's form.
    V04,
    /// A signature out of range, malleable (high s), or with a flipped bit.
    V05,
    /// Exact replay of a transaction that is in the chain.
    V07,
    /// Nonces far ahead of the account's, from many senders.
    V08,
    /// Replacement churn: ten transactions for one place, one after another, each offering a little more and none enough.
    V11,
    /// Transactions that revert, to many contracts.
    V15,
    /// Batches of more calls than a node need answer.
    V20,
}

/// Whether a node must refuse a vector, or may take it as long as the honest are not harmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorKind {
    /// Must be refused, by class.
    Invalid,
    /// Acceptance is no error; bounded harm to the honest is the score.
    ValidAbusive,
}

impl Vector {
    /// All vectors that the engine can send.
    pub const ALL: [Self; 8] =
        [Self::V01, Self::V04, Self::V05, Self::V07, Self::V08, Self::V11, Self::V15, Self::V20];

    /// Transactions that bid for one place in [`Self::V11`], one of which a node takes.
    pub const BIDS: u32 = 10;

    /// Whether it must be refused.
    pub fn kind(self) -> VectorKind {
        match self {
            Self::V01 | Self::V04 | Self::V05 | Self::V07 | Self::V20 => VectorKind::Invalid,
            Self::V08 | Self::V11 | Self::V15 => VectorKind::ValidAbusive,
        }
    }

    /// What it is, in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::V01 => "wrong chain id",
            Self::V04 => "malformed transaction",
            Self::V05 => "bad signature",
            Self::V07 => "replay",
            Self::V08 => "future-nonce flood",
            Self::V11 => "replacement churn",
            Self::V15 => "revert spam",
            Self::V20 => "batch bomb",
        }
    }

    /// How many of `offered` requests a node may take, where taking more is an error; none where none is.
    pub fn may_take(self, offered: u64) -> Option<u64> {
        match (self, self.kind()) {
            (Self::V11, _) => Some(offered.div_ceil(Self::BIDS.into())),
            (_, VectorKind::Invalid) => Some(0),
            (_, VectorKind::ValidAbusive) => None,
        }
    }

    /// Whether a refusal of this class is right for a vector of which not all may be taken. A flipped bit recovers a
    /// stranger's account, so "insufficient funds" is right for V05 too; clients that recover
    /// first call a foreign chain id a bad sender.
    pub fn allows(self, class: Class) -> bool {
        use Reason::{
            AlreadyKnown, BadSignature, Funds, Malformed, NonceTooLow, Oversized, Underpriced, WrongChain,
        };
        let Class::Rejected(reason) = class else {
            return false;
        };
        match self {
            Self::V01 => matches!(reason, WrongChain | BadSignature),
            Self::V04 => reason == Malformed,
            Self::V05 => matches!(reason, BadSignature | Funds | Malformed),
            Self::V07 => matches!(reason, NonceTooLow | AlreadyKnown),
            // What comes after a block has taken the place is late.
            Self::V11 => matches!(reason, Underpriced | NonceTooLow),
            Self::V20 => matches!(reason, Oversized | Malformed),
            Self::V08 | Self::V15 => true,
        }
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
