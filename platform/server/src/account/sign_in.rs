//! The question that a wallet signs, and whether what came back answers it.

use std::fmt;
use std::str::FromStr;

use super::Account;
use super::message::{Message, MessageFault};
use super::origin::Origin;
use super::signature::{Prefix, Signature, SignatureFault, verify};
use super::timestamp::Timestamp;

/// How old a text may be, milliseconds: what a person needs to read and sign it, and what a nonce lives.
pub const MAX_AGE_MS: u64 = 5 * 60 * 1000;
/// How far ahead of ours the clock of whoever made the text may be, milliseconds.
pub const MAX_SKEW_MS: u64 = 60 * 1000;

/// What signing means, for the person who reads it in a wallet. Letters that EIP-4361 allows only.
const STATEMENT: &str =
    "Sign in to Touchstone. This shows that you hold the account; it sends no transaction and costs nothing.";

/// 128 bits from a source of true randomness, which make a text good for one sign-in; 32 small
/// hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce([u8; 16]);

/// The text is no nonce of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a nonce is 32 small hexadecimal digits")]
pub struct NotANonce;

impl Nonce {
    /// The nonce of 16 random bytes.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Nonce {
    type Err = NotANonce;

    fn from_str(text: &str) -> Result<Self, NotANonce> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotANonce)?;
        let nonce = Self(bytes);
        if nonce.to_string() == text { Ok(nonce) } else { Err(NotANonce) }
    }
}

/// What a text must say to be taken.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The site, as people reach it: from the configuration and never from the request's own `Host`,
    /// which whoever relays a request can write.
    pub site: Origin,
    /// Chain id of the network.
    pub chain_id: u64,
    /// Now, Unix milliseconds.
    pub now_ms: u64,
    /// How old the text may be, milliseconds: [`MAX_AGE_MS`].
    pub max_age_ms: u64,
}

/// Somebody who signed what was expected. Not yet signed in: the nonce must be taken first, and
/// whoever finds it taken must refuse.
#[must_use = "the nonce of a proof must be taken before it counts"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Who.
    pub account: Account,
    /// How their wallet signs.
    pub prefix: Prefix,
    /// What must not have been taken before.
    pub nonce: Nonce,
}

/// Why somebody is not signed in, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text has not the form.
    #[error("{0}")]
    Message(#[from] MessageFault),
    /// For another site.
    #[error(
        "the message is for {said} and not for {expected}: sign in on the site that you see, and sign no text \
         from elsewhere"
    )]
    Domain {
        /// What the message says.
        said: String,
        /// What this site is.
        expected: String,
    },
    /// For an address of another site.
    #[error("the message is about {said}, which is not on {expected}: sign the text that {expected} gave")]
    Uri {
        /// What the message says.
        said: String,
        /// What this site is.
        expected: String,
    },
    /// For another chain.
    #[error(
        "the message is for chain {said} and not for chain {expected}: choose that network in the wallet, ask for \
         a new text and sign it"
    )]
    ChainId {
        /// What the message says.
        said: u64,
        /// The chain of this network.
        expected: u64,
    },
    /// Not a nonce of ours.
    #[error("the message's nonce is none that this site gives: ask for a new text and sign it")]
    Nonce,
    /// From the future.
    #[error(
        "the message was made {seconds} s in the future: set the clock of the machine that made it (or of this \
         one)"
    )]
    Future {
        /// How far.
        seconds: u64,
    },
    /// Too old.
    #[error("the message is {seconds} s old: ask for a new text and sign it within {} minutes", MAX_AGE_MS / 60_000)]
    Old {
        /// How old.
        seconds: u64,
    },
    /// Past its expiration time.
    #[error("the message expired at {at}: ask for a new text and sign it")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Before its time.
    #[error("the message is not good before {at}: wait until then, or ask for a new text and sign it")]
    Early {
        /// When.
        at: Timestamp,
    },
    /// The signature is not one, or not the account's.
    #[error("{0}")]
    Signature(#[from] SignatureFault),
}

/// The text that an account is asked to sign, good for [`MAX_AGE_MS`] from `expected.now_ms`.
pub fn draft(expected: &Expected, account: Account, nonce: &Nonce) -> Message {
    let made = Timestamp::from_ms(expected.now_ms);
    Message {
        // Left out: wallets of before 2023 do not know the text if it begins with a scheme.
        scheme: None,
        domain: expected.site.authority(),
        account,
        statement: Some(STATEMENT.to_owned()),
        uri: format!("{}/", expected.site),
        chain_id: expected.chain_id,
        nonce: nonce.to_string(),
        expiration_time: Some(Timestamp::from_ms(made.ms() + expected.max_age_ms)),
        issued_at: made,
        not_before: None,
        request_id: None,
        resources: None,
    }
}

/// Checks what a message says, not who signed it.
///
/// # Errors
/// The first thing that is not as expected.
pub fn check(message: &Message, expected: &Expected) -> Result<Account, Refusal> {
    of_this_site(message, expected)?;
    if message.chain_id != expected.chain_id {
        return Err(Refusal::ChainId { said: message.chain_id, expected: expected.chain_id });
    }
    nonce(message)?;
    in_time(message, expected)?;
    Ok(message.account)
}

/// Checks a text and its signature. Of two clients with the same text and signature both pass: the
/// nonce of the proof must then be taken, once, by the store.
///
/// # Errors
/// The first thing that is not as expected.
pub fn prove(text: &str, signature: &str, expected: &Expected) -> Result<Proof, Refusal> {
    let message: Message = text.parse()?;
    let account = check(&message, expected)?;
    let signature: Signature = signature.parse()?;
    let prefix = verify(text, &signature, account)?;
    Ok(Proof { account, prefix, nonce: nonce(&message)? })
}

fn of_this_site(message: &Message, expected: &Expected) -> Result<(), Refusal> {
    let site = &expected.site;
    let scheme = message.scheme.as_deref();
    if message.domain != site.authority() || scheme.is_some_and(|scheme| scheme != site.scheme()) {
        let scheme = scheme.map_or(String::new(), |scheme| format!("{scheme}://"));
        let said = short(&format!("{scheme}{}", message.domain));
        return Err(Refusal::Domain { said, expected: site.authority() });
    }
    if Origin::of(&message.uri).as_ref() != Ok(site) {
        return Err(Refusal::Uri { said: short(&message.uri), expected: site.to_string() });
    }
    Ok(())
}

fn nonce(message: &Message) -> Result<Nonce, Refusal> {
    message.nonce.parse().map_err(|NotANonce| Refusal::Nonce)
}

fn in_time(message: &Message, expected: &Expected) -> Result<(), Refusal> {
    let (now, issued) = (expected.now_ms, message.issued_at.ms());
    if issued > now.saturating_add(MAX_SKEW_MS) {
        return Err(Refusal::Future { seconds: (issued - now).div_ceil(1000) });
    }
    let age = now.saturating_sub(issued);
    if age > expected.max_age_ms {
        return Err(Refusal::Old { seconds: age.div_ceil(1000) });
    }
    if let Some(at) = message.expiration_time.clone().filter(|at| at.ms() <= now) {
        return Err(Refusal::Expired { at });
    }
    match message.not_before.clone().filter(|at| at.ms() > now) {
        Some(at) => Err(Refusal::Early { at }),
        None => Ok(()),
    }
}

/// What a stranger wrote, short enough to be said again. A message holds printable ASCII only.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
