//! The rules of sign-in: whose signature over which text opens which site, and when.

use std::collections::HashSet;

use alloy_primitives::{U256, keccak256};
use model::{Draw, Seed};
use secp256k1::Secp256k1;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use server::account::Account;
use server::account::message::Message;
use server::account::origin::Origin;
use server::account::sign_in::{
    Expected, MAX_AGE_MS, MAX_SKEW_MS, Nonce, Proof, Refusal, check, draft, prove,
};
use server::account::signature::{Prefix, SignatureFault, account_of, digest, sign};

use crate::{CHAIN, NOW_MS, answer, at, but, expected, full, good, key, me, signed, spliced};

/// Sign-in in its three steps, with a set for the store.
fn sign_in(nonces: &mut HashSet<Nonce>, text: &str, signature: &str) -> Result<Account, String> {
    let proof = prove(text, signature, &expected()).map_err(|refusal| refusal.to_string())?;
    if nonces.remove(&proof.nonce) { Ok(proof.account) } else { Err("the nonce was taken".into()) }
}

#[test]
fn a_text_is_good_once_and_a_wrong_signature_does_not_use_it_up() {
    let (text, nonce) = (good().to_string(), Nonce::new([0xa5; 16]));
    let mut nonces = HashSet::from([nonce]);
    let stranger = sign(&key(2), Prefix::Ethereum, &text).to_string();
    assert!(sign_in(&mut nonces, &text, &stranger).is_err());
    assert!(nonces.contains(&nonce), "a stranger cannot burn my nonce");
    let mine = signed(&text, Prefix::Ethereum);
    assert_eq!(sign_in(&mut nonces, &text, &mine), Ok(me()));
    assert!(sign_in(&mut nonces, &text, &mine).unwrap_err().contains("taken"));
    assert!(
        sign_in(&mut nonces, &text, &signed(&text, Prefix::Klaytn)).is_err(),
        "nor under the other prefix"
    );
}

#[test]
fn both_prefixes_are_taken_and_told_apart() {
    for message in [good(), full()] {
        for prefix in Prefix::ALL {
            let text = message.to_string();
            let proof = prove(&text, &signed(&text, prefix), &expected()).unwrap();
            assert_eq!(proof, Proof { account: me(), prefix, nonce: Nonce::new([0xa5; 16]) });
        }
    }
}

#[test]
fn another_site_is_refused() {
    for domain in [
        "evil.example",
        "touchstone.example.evil.example",
        "touchstone.example:8443",
        "touchstone.example:443",
        "Touchstone.example",
        "touchstone.example.",
        "me@touchstone.example",
        "touchstone.exampl%65",
        "127.0.0.1",
    ] {
        let refused = but(|message| message.domain = domain.into()).unwrap_err();
        let told = Refusal::Domain { said: domain.into(), expected: "touchstone.example".into() };
        assert_eq!(refused, told);
    }
    for scheme in ["http", "HTTPS", "ftp"] {
        let refused = but(|message| message.scheme = Some(scheme.into())).unwrap_err();
        assert!(matches!(refused, Refusal::Domain { .. }), "{scheme}: {refused}");
    }
    assert!(but(|message| message.scheme = Some("https".into())).is_ok());
}

#[test]
fn an_address_elsewhere_is_refused() {
    for uri in [
        "https://evil.example/",
        "http://touchstone.example/",
        "https://touchstone.example:8443/",
        "https://touchstone.example@evil.example/",
        "https://touchstone.example.evil.example",
        "urn:touchstone.example",
        "did:key:z6Mk",
        "javascript:alert(1)",
    ] {
        let refused = but(|message| message.uri = uri.into()).unwrap_err();
        assert!(matches!(refused, Refusal::Uri { .. }), "{uri}: {refused}");
    }
    for uri in ["https://touchstone.example", "https://touchstone.example:443/sign-in?x=y#z"] {
        assert!(but(|message| message.uri = uri.into()).is_ok(), "{uri}");
    }
}

#[test]
fn another_chain_is_refused() {
    for chain_id in [0, 1, 8217, u64::MAX] {
        let refused = but(|message| message.chain_id = chain_id).unwrap_err();
        assert_eq!(refused, Refusal::ChainId { said: chain_id, expected: CHAIN });
    }
}

#[test]
fn a_nonce_that_this_site_does_not_give_is_refused() {
    for nonce in ["32891756", "0123456789abcdef0123456789abcde", "A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5"] {
        let message = Message { nonce: nonce.into(), ..good() };
        assert_eq!(answer(&message), Err(Refusal::Nonce), "{nonce}");
        assert_eq!(check(&message, &expected()), Err(Refusal::Nonce), "{nonce}");
    }
}

#[test]
fn time_is_checked_to_the_second() {
    let issued = |ms| {
        but(|message| {
            message.issued_at = at(ms);
            message.expiration_time = None;
        })
    };
    assert!(issued(NOW_MS).is_ok());
    assert!(issued(NOW_MS - MAX_AGE_MS).is_ok());
    assert_eq!(issued(NOW_MS - MAX_AGE_MS - 1_000), Err(Refusal::Old { seconds: 301 }));
    assert_eq!(issued(0), Err(Refusal::Old { seconds: NOW_MS / 1000 }));
    assert!(issued(NOW_MS + MAX_SKEW_MS).is_ok());
    assert_eq!(issued(NOW_MS + MAX_SKEW_MS + 1_000), Err(Refusal::Future { seconds: 61 }));
    assert!(matches!(issued(u64::MAX), Err(Refusal::Future { .. })));

    let expires = |ms| but(|message| message.expiration_time = Some(at(ms)));
    assert!(expires(NOW_MS + 1_000).is_ok());
    assert_eq!(expires(NOW_MS), Err(Refusal::Expired { at: at(NOW_MS) }));
    assert_eq!(expires(0), Err(Refusal::Expired { at: at(0) }));

    let not_before = |ms| but(|message| message.not_before = Some(at(ms)));
    assert!(not_before(NOW_MS).is_ok());
    assert_eq!(not_before(NOW_MS + 1_000), Err(Refusal::Early { at: at(NOW_MS + 1_000) }));
}

#[test]
fn a_draft_is_good_for_its_time_and_no_longer() {
    let (text, signature) = (good().to_string(), signed(&good().to_string(), Prefix::Ethereum));
    let after = |ms: u64| prove(&text, &signature, &Expected { now_ms: NOW_MS + ms, ..expected() });
    assert!(after(0).is_ok() && after(MAX_AGE_MS - 1).is_ok());
    assert!(matches!(after(MAX_AGE_MS), Err(Refusal::Expired { .. })));
    assert!(matches!(after(MAX_AGE_MS + 1), Err(Refusal::Old { .. })));
}

#[test]
fn a_draft_reads_as_a_wallet_shows_it() {
    let text = good().to_string();
    println!("{text}");
    let account = me();
    assert_eq!(
        text,
        format!(
            "touchstone.example wants you to sign in with your Ethereum account:\n{account}\n\nSign in to Touchstone. \
             This shows that you hold the account; it sends no transaction and costs nothing.\n\n\
             URI: https://touchstone.example/\nVersion: 1\nChain ID: 1001\nNonce: {}\n\
             Issued At: 2026-11-23T13:33:20Z\nExpiration Time: 2026-11-23T13:38:20Z",
            "a5".repeat(16)
        )
    );
    let local: Origin = "http://127.0.0.1:8080".parse().unwrap();
    let here = draft(&Expected { site: local.clone(), ..expected() }, me(), &Nonce::new([1; 16]));
    assert!(here.to_string().starts_with("127.0.0.1:8080 wants you"));
    assert_eq!(check(&here, &Expected { site: local, ..expected() }), Ok(me()));
}

#[test]
fn a_signature_that_is_none_or_not_mine_is_refused() {
    let text = good().to_string();
    let mine = signed(&text, Prefix::Ethereum);
    let refused = |signature: &str| prove(&text, signature, &expected()).unwrap_err();
    let stranger = refused(&sign(&key(2), Prefix::Ethereum, &text).to_string());
    assert!(
        matches!(&stranger, Refusal::Signature(SignatureFault::Stranger { account, ethereum, .. })
            if *account == me().address() && *ethereum == account_of(&key(2)).address()),
        "{stranger}"
    );
    let other_text = refused(&signed("another text", Prefix::Ethereum));
    assert!(matches!(other_text, Refusal::Signature(SignatureFault::Stranger { .. })), "{other_text}");
    for cut in [0, 1, 2, 3, 66, 130, 131] {
        assert_eq!(refused(&mine[..cut]), Refusal::Signature(SignatureFault::Form), "{cut}");
    }
    for odd in [format!("{mine}00"), mine.replacen("0x", "0xg", 1), format!("{mine}\n"), "0x0x".into()] {
        assert_eq!(refused(&odd), Refusal::Signature(SignatureFault::Form), "{odd}");
    }
    for v in ["02", "1a", "1d", "25", "ff"] {
        let odd = format!("{}{v}", &mine[..130]);
        assert!(matches!(refused(&odd), Refusal::Signature(SignatureFault::Parity(_))), "{v}");
    }
    assert!(prove(&text, mine.trim_start_matches("0x"), &expected()).is_ok());
    let zero_or_one = if mine.ends_with("1b") { "00" } else { "01" };
    assert!(prove(&text, &format!("{}{zero_or_one}", &mine[..130]), &expected()).is_ok());
}

/// The upper twin (r, n - s, other parity) is by the same key over the same text, and still refused.
#[test]
fn the_twin_of_a_good_signature_is_refused() {
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let order = U256::from_str_radix(order, 16).unwrap();
    let text = good().to_string();
    for prefix in Prefix::ALL {
        let mine = signed(&text, prefix);
        let s = U256::from_str_radix(&mine[66..130], 16).unwrap();
        let parity = if mine.ends_with("1b") { "1c" } else { "1b" };
        let twin = format!("{}{:064x}{parity}", &mine[..66], order - s);
        assert_eq!(recovered(&text, prefix, &twin), me(), "mathematically it is as good");
        assert_eq!(prove(&text, &twin, &expected()), Err(Refusal::Signature(SignatureFault::HighS)));
    }
}

/// The signer by the library itself, which does not mind the upper half.
fn recovered(text: &str, prefix: Prefix, signature: &str) -> Account {
    let mut bytes = [0; 65];
    hex::decode_to_slice(&signature[2..], &mut bytes).expect("65 bytes");
    let [compact @ .., v] = bytes;
    let recovery = if v == 27 { RecoveryId::Zero } else { RecoveryId::One };
    let signature = RecoverableSignature::from_compact(&compact, recovery).expect("in range");
    let digest = secp256k1::Message::from_digest(digest(prefix, text).0);
    let key = Secp256k1::new().recover_ecdsa(digest, &signature).expect("a key");
    let hash = keccak256(&key.serialize_uncompressed()[1..]);
    Account::new(hash[12..].try_into().expect("20 bytes"))
}

#[test]
fn no_single_change_of_a_signed_text_is_taken() {
    let mut draw = Draw::new(&Seed::from_number(4361), "single changes");
    let text = full().to_string();
    let mut read = 0;
    for prefix in Prefix::ALL {
        let signature = signed(&text, prefix);
        assert!(prove(&text, &signature, &expected()).is_ok());
        for at in 0..text.len() {
            let mut changed = vec![spliced(&text, at, 1, ""), spliced(&text, at, 1, "\n")];
            for _ in 0..4 {
                let other = char::from(b' ' + draw.below(95) as u8).to_string();
                changed.push(spliced(&text, at, 1, &other));
                changed.push(spliced(&text, at, 0, &other));
            }
            for changed in changed.into_iter().filter(|changed| *changed != text) {
                read += u32::from(changed.parse::<Message>().is_ok());
                assert!(prove(&changed, &signature, &expected()).is_err(), "at {at}: {changed}");
            }
        }
    }
    assert!(read > 1_000, "many changes leave a message that only the signature tells apart: {read}");
}

#[test]
fn no_single_change_of_a_signature_is_taken() {
    let text = full().to_string();
    for prefix in Prefix::ALL {
        let signature = signed(&text, prefix);
        for at in 2..signature.len() {
            for digit in "0123456789abcdef".chars() {
                let changed = spliced(&signature, at, 1, &digit.to_string());
                let taken = prove(&text, &changed, &expected()).is_ok();
                assert_eq!(taken, changed == signature, "{changed}");
            }
        }
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let site = "https://touchstone.example";
    for (refusal, words) in [
        (but(|m| m.domain = "evil.example".into()), ["evil.example", "sign in on the site"]),
        (but(|m| m.uri = "https://evil.example".into()), [site, "sign the text"]),
        (but(|m| m.chain_id = 1), ["chain 1 ", "choose that network"]),
        (but(|m| m.nonce = "12345678".into()), ["nonce", "ask for a new text"]),
        (but(|m| m.issued_at = at(0)), ["s old", "ask for a new text"]),
        (but(|m| m.issued_at = at(NOW_MS * 2)), ["future", "set the clock"]),
        (but(|m| m.expiration_time = Some(at(0))), ["1970-01-01T00:00:00Z", "ask for a new text"]),
        (but(|m| m.not_before = Some(at(NOW_MS * 2))), ["not good before", "wait"]),
        (but(|m| m.account = account_of(&key(2))), ["not by 0x", "sign the text unchanged"]),
    ] {
        let told = refusal.unwrap_err().to_string();
        println!("{told}");
        for word in words {
            assert!(told.contains(word), "no {word:?} in: {told}");
        }
    }
    let long = but(|m| m.domain = format!("{}.example", "x".repeat(3_000))).unwrap_err().to_string();
    assert!(long.len() < 400, "{long}");
}
