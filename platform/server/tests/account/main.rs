//! Sign-in as an attacker meets it: what is taken, and that everything else is refused.

mod message;
mod sign_in;

use secp256k1::SecretKey;
use server::account::Account;
use server::account::message::Message;
use server::account::sign_in::{Expected, MAX_AGE_MS, Nonce, Proof, Refusal, draft, prove};
use server::account::signature::{Prefix, account_of, sign};
use server::account::timestamp::Timestamp;

/// 2026-11-23T13:33:20Z.
pub(crate) const NOW_MS: u64 = 1_795_440_800_000;
pub(crate) const CHAIN: u64 = 1001;

pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::from_byte_array([number; 32]).expect("a small number is a key")
}

pub(crate) fn me() -> Account {
    account_of(&key(1))
}

pub(crate) fn expected() -> Expected {
    Expected {
        site: "https://touchstone.example".parse().expect("a site"),
        chain_id: CHAIN,
        now_ms: NOW_MS,
        max_age_ms: MAX_AGE_MS,
    }
}

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ms)
}

pub(crate) fn good() -> Message {
    draft(&expected(), me(), &Nonce::new([0xa5; 16]))
}

/// A message with every field there is.
pub(crate) fn full() -> Message {
    Message {
        scheme: Some("https".into()),
        not_before: Some(at(NOW_MS - 1_000)),
        request_id: Some("a%20b:@x".into()),
        resources: Some(vec!["https://touchstone.example/rules?a=b#c".into(), "ipfs://bafy/".into()]),
        ..good()
    }
}

/// A text as I sign it.
pub(crate) fn signed(text: &str, prefix: Prefix) -> String {
    sign(&key(1), prefix, text).to_string()
}

/// What becomes of a message that I signed.
pub(crate) fn answer(message: &Message) -> Result<Proof, Refusal> {
    let text = message.to_string();
    prove(&text, &signed(&text, Prefix::Ethereum), &expected())
}

/// Made by siwe 4.4.0 (Python, with abnf 2.3.1): `SiweMessage(…).prepare_message()`; signatures by
/// eth-account 0.13.7 and, under Klaytn's prefix, eth-keys 0.8.0, with the key of KIP-97's example.
pub(crate) const FOREIGN: [(&str, Prefix, &str); 3] = [
    (
        "touchstone.example wants you to sign in with your Ethereum account:\n0x2c7536E3605D9C16a7a3D7b1898e529396a65c23\n\nSign in; it costs nothing.\n\nURI: https://touchstone.example/\nVersion: 1\nChain ID: 1001\nNonce: 0123456789abcdef0123456789abcdef\nIssued At: 2026-11-23T13:33:10Z\nExpiration Time: 2026-11-23T13:38:10Z\nNot Before: 2026-11-23T13:33:10.500+00:00\nRequest ID: a%20b:@x\nResources:\n- https://touchstone.example/rules\n- ipfs://bafy/",
        Prefix::Ethereum,
        "f7cf920780fbc50ab21eaac0ce32438a4da5cb6224f3cf9ef1f43fe9d4b56ea230628d891a342d6346744f34d7e56e79f9403f5f18328bcf3399dcbde89f456d1c",
    ),
    (
        "touchstone.example wants you to sign in with your Ethereum account:\n0x2c7536E3605D9C16a7a3D7b1898e529396a65c23\n\nSign in; it costs nothing.\n\nURI: https://touchstone.example/\nVersion: 1\nChain ID: 1001\nNonce: 0123456789abcdef0123456789abcdef\nIssued At: 2026-11-23T13:33:10Z\nExpiration Time: 2026-11-23T13:38:10Z\nNot Before: 2026-11-23T13:33:10.500+00:00\nRequest ID: a%20b:@x\nResources:\n- https://touchstone.example/rules\n- ipfs://bafy/",
        Prefix::Klaytn,
        "e63eebcb3d3e43a9084e0cda024bcc855fa01a936bed2013f406ce06e23603a7600add077352e1cef01bb17bf47afdb908632aed79ef5ef496cdee874c74da8d1b",
    ),
    (
        "touchstone.example:8443 wants you to sign in with your Ethereum account:\n0x2c7536E3605D9C16a7a3D7b1898e529396a65c23\n\n\nURI: https://touchstone.example:8443/\nVersion: 1\nChain ID: 1\nNonce: 0123456789abcdef0123456789abcdef\nIssued At: 2026-11-23T22:33:10+09:00",
        Prefix::Ethereum,
        "326623c757dfcacfa3dc02667f3c20dd6e01a902de227f2204e25dff2a6133b94e32ef4f2a09b5abfab32a63d87a4d268f67190034bbca38d1f9abae1b54ea911c",
    ),
];

/// A good message but for one thing.
pub(crate) fn but(change: impl FnOnce(&mut Message)) -> Result<Proof, Refusal> {
    let mut message = good();
    change(&mut message);
    answer(&message)
}

/// Puts `new` in the place of `old` characters at `at`.
pub(crate) fn spliced(text: &str, at: usize, old: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..at], &text[at + old..])
}
