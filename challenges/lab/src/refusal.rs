//! Why a transaction is not taken.

use std::fmt;

use alloy_primitives::{Address, U256};

/// A refusal, displayed in the words of geth 1.13. All go out with the JSON-RPC code -32000.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No bytes, or a type byte with nothing behind it.
    #[error("typed transaction too short")]
    Short,
    /// Neither legacy nor type 2 (EIP-1559).
    #[error("transaction type not supported")]
    UnsupportedType,
    /// The bytes are no transaction. Only the prefix is geth's, the rest is ours.
    #[error("rlp: {0}")]
    Rlp(alloy_rlp::Error),
    /// A legacy transaction that names no chain.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    /// More bytes than the pool takes.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Bytes of the transaction.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Signed for another chain.
    #[error("invalid sender: invalid chain id for signer: have {have} want {want}")]
    ChainId {
        /// The chain id that was signed.
        have: U256,
        /// The chain id of this chain.
        want: u64,
    },
    /// A signature value out of range, or s in the upper half.
    #[error("invalid sender: invalid transaction v, r, s values")]
    Signature,
    /// In range, but no public key gives this signature.
    #[error("invalid sender: recovery failed")]
    Recovery,
    /// Could never fit into a block.
    #[error("exceeds block gas limit")]
    GasLimit,
    /// The tip is higher than the whole fee.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveCap,
    /// The gas limit does not even pay for the bytes.
    #[error("intrinsic gas too low: needed {needed}, allowed {allowed}")]
    IntrinsicGas {
        /// Gas needed before anything runs.
        needed: u64,
        /// Gas limit of the transaction.
        allowed: u64,
    },
    /// The base fee of the lab never moves, so this could never be included.
    #[error(
        "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {fee_cap}, baseFee: {base_fee}"
    )]
    BelowBaseFee {
        /// Who signed.
        sender: Address,
        /// Wei per gas offered.
        fee_cap: U256,
        /// Wei per gas needed.
        base_fee: u64,
    },
    /// A tip of zero.
    #[error("transaction underpriced: tip needed 1, tip permitted 0")]
    Underpriced,
    /// The nonce was used.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// The nonce that the chain expects.
        next: u64,
        /// The nonce of the transaction.
        nonce: u64,
    },
    /// The highest nonce cannot be counted past (EIP-2681).
    #[error("nonce has max value")]
    NonceMax,
    /// The very same transaction waits already.
    #[error("already known")]
    AlreadyKnown,
    /// Same sender and nonce, but not 10 % more in fee and tip.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The sender cannot pay.
    #[error("insufficient funds for gas * price + value: {0}")]
    InsufficientFunds(Box<Shortfall>),
    /// No room for another executable transaction.
    #[error("txpool is full")]
    PoolFull,
    /// No room for another transaction behind a nonce gap, of any sender.
    #[error("future transaction tries to replace pending")]
    FutureFull,
    /// No room for another transaction of this sender behind a nonce gap.
    #[error("account limit exceeded")]
    AccountLimit,
}

impl From<alloy_rlp::Error> for Refusal {
    fn from(error: alloy_rlp::Error) -> Self {
        Self::Rlp(error)
    }
}

/// What a sender has, would have to have, and lacks (all in wei).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What the sender has.
    pub balance: U256,
    /// What the sender's waiting transactions may cost; `None` if this one alone is too much.
    pub queued: Option<U256>,
    /// What the transaction may cost.
    pub cost: U256,
    /// What is missing.
    pub overshot: U256,
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "balance {}, ", self.balance)?;
        if let Some(queued) = self.queued {
            write!(f, "queued cost {queued}, ")?;
        }
        write!(f, "tx cost {}, overshot {}", self.cost, self.overshot)
    }
}
