//! What an answer to a submitted transaction means, whatever the chain family.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The class of one answer. Written as text such as `accepted`, `rejected:nonce-too-low`,
/// `throttled`, `unavailable:timeout`, `protocol-error`, `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The node took the transaction.
    Accepted,
    /// The node refused it and said why.
    Rejected(Reason),
    /// The node asked the sender to slow down (HTTP 429, JSON-RPC -32005 and the like).
    Throttled,
    /// No usable answer; never a rejection.
    Unavailable(Unavailable),
    /// An answer that is not the protocol (HTML, broken JSON, wrong id, too long).
    ProtocolError,
    /// A well-formed refusal whose message no table knows.
    Unknown,
}

/// Why a node refused a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Signed for another chain.
    WrongChain,
    /// The signature is out of range, malleable or does not verify.
    BadSignature,
    /// The account's nonce has passed this one.
    NonceTooLow,
    /// The same transaction is known already.
    AlreadyKnown,
    /// Too far ahead of the account's nonce.
    FutureNonce,
    /// Fee below what the node asks.
    Underpriced,
    /// The account cannot pay.
    Funds,
    /// Gas below the intrinsic cost or above the block's.
    Gas,
    /// The pool is full.
    PoolFull,
    /// Larger than the node takes.
    Oversized,
    /// Not a transaction at all.
    Malformed,
}

/// How an answer failed to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unavailable {
    /// None within the deadline.
    Timeout,
    /// The connection could not be made.
    Refused,
    /// The connection was closed before the answer.
    Closed,
    /// An HTTP status of 5xx.
    ServerError,
    /// So many requests stood unanswered that no further one was opened.
    Backlog,
}

const TABLE: &[(Class, &str)] = &[
    (Class::Accepted, "accepted"),
    (Class::Rejected(Reason::WrongChain), "rejected:wrong-chain"),
    (Class::Rejected(Reason::BadSignature), "rejected:bad-signature"),
    (Class::Rejected(Reason::NonceTooLow), "rejected:nonce-too-low"),
    (Class::Rejected(Reason::AlreadyKnown), "rejected:already-known"),
    (Class::Rejected(Reason::FutureNonce), "rejected:future-nonce"),
    (Class::Rejected(Reason::Underpriced), "rejected:underpriced"),
    (Class::Rejected(Reason::Funds), "rejected:funds"),
    (Class::Rejected(Reason::Gas), "rejected:gas"),
    (Class::Rejected(Reason::PoolFull), "rejected:pool-full"),
    (Class::Rejected(Reason::Oversized), "rejected:oversized"),
    (Class::Rejected(Reason::Malformed), "rejected:malformed"),
    (Class::Throttled, "throttled"),
    (Class::Unavailable(Unavailable::Timeout), "unavailable:timeout"),
    (Class::Unavailable(Unavailable::Refused), "unavailable:refused"),
    (Class::Unavailable(Unavailable::Closed), "unavailable:closed"),
    (Class::Unavailable(Unavailable::ServerError), "unavailable:server-error"),
    (Class::Unavailable(Unavailable::Backlog), "unavailable:backlog"),
    (Class::ProtocolError, "protocol-error"),
    (Class::Unknown, "unknown"),
];

impl Class {
    /// Whether the node said something about the transaction itself: accepted, refused, or an
    /// answer we do not know. Throttling, silence and broken protocol are no such answers.
    pub fn is_answer(self) -> bool {
        matches!(self, Self::Accepted | Self::Rejected(_) | Self::Unknown)
    }

    /// The text form.
    pub fn as_str(self) -> &'static str {
        TABLE.iter().find(|(class, _)| *class == self).map_or("unknown", |(_, text)| text)
    }
}

/// The text names no class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no answer class")]
pub struct NotAClass(String);

impl FromStr for Class {
    type Err = NotAClass;

    fn from_str(text: &str) -> Result<Self, NotAClass> {
        let found = TABLE.iter().find(|(_, known)| *known == text);
        found.map(|(class, _)| *class).ok_or_else(|| NotAClass(text.chars().take(60).collect()))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_own_text_and_comes_back() {
        for (class, text) in TABLE {
            assert_eq!(text.parse::<Class>().as_ref(), Ok(class));
            assert_eq!(class.as_str(), *text);
        }
    }

    #[test]
    fn silence_is_never_an_answer() {
        assert!(!Class::Unavailable(Unavailable::Timeout).is_answer());
        assert!(!Class::Throttled.is_answer());
        assert!(!Class::ProtocolError.is_answer());
    }
}
