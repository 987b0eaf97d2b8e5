//! Sign-in as an attacker meets it: what is taken, and that everything else is refused.

use std::collections::HashSet;

use alloy_primitives::{U256, keccak256};
use model::{Draw, Seed};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Secp256k1, SecretKey};
use server::account::message::{LONGEST, Message, MessageFault};
use server::account::origin::Origin;
use server::account::sign_in::{
    Expected, MAX_AGE_MS, MAX_SKEW_MS, Nonce, Proof, Refusal, check, draft, prove,
};
use server::account::signature::{Prefix, SignatureFault, account_of, digest, sign};
use server::account::timestamp::Timestamp;
use server::account::{Account, NotAnAccount};

/// 2026-11-23T13:33:20Z.
const NOW_MS: u64 = 1_795_440_800_000;
const CHAIN: u64 = 1001;

fn key(number: u8) -> SecretKey {
    SecretKey::from_byte_array([number; 32]).expect("a small number is a key")
}

fn me() -> Account {
    account_of(&key(1))
}

fn expected() -> Expected {
    Expected {
        site: "https://touchstone.example".parse().expect("a site"),
        chain_id: CHAIN,
        now_ms: NOW_MS,
        max_age_ms: MAX_AGE_MS,
    }
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ms)
}

fn good() -> Message {
    draft(&expected(), me(), &Nonce::new([0xa5; 16]))
}

/// A message with every field there is.
fn full() -> Message {
    Message {
        scheme: Some("https".into()),
        not_before: Some(at(NOW_MS - 1_000)),
        request_id: Some("a%20b:@x".into()),
        resources: Some(vec!["https://touchstone.example/rules?a=b#c".into(), "ipfs://bafy/".into()]),
        ..good()
    }
}

/// A text as I sign it.
fn signed(text: &str, prefix: Prefix) -> String {
    sign(&key(1), prefix, text).to_string()
}

/// What becomes of a message that I signed.
fn answer(message: &Message) -> Result<Proof, Refusal> {
    let text = message.to_string();
    prove(&text, &signed(&text, Prefix::Ethereum), &expected())
}

/// A good message but for one thing.
fn but(change: impl FnOnce(&mut Message)) -> Result<Proof, Refusal> {
    let mut message = good();
    change(&mut message);
    answer(&message)
}

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
            if *account == me() && *ethereum == account_of(&key(2))),
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

/// Made by siwe 4.4.0 (Python, with abnf 2.3.1): `SiweMessage(…).prepare_message()`; signatures by
/// eth-account 0.13.7 and, under Klaytn's prefix, eth-keys 0.8.0, with the key of KIP-97's example.
const FOREIGN: [(&str, Prefix, &str); 3] = [
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

#[test]
fn what_other_programs_wrote_and_signed_is_taken() {
    for (text, prefix, signature) in FOREIGN {
        let message: Message = text.parse().unwrap();
        assert_eq!(message.to_string(), text);
        let site = Origin::of(&message.uri).unwrap();
        let expected = Expected { site, chain_id: message.chain_id, ..expected() };
        let proof = prove(text, signature, &expected).unwrap();
        assert_eq!(proof.account.to_string(), "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23");
        assert_eq!(proof.prefix, prefix);
    }
}

#[test]
fn every_optional_field_may_be_there_or_not() {
    for choice in 0..64_u32 {
        let is = |bit: u32| choice >> bit & 1 == 1;
        let mut message = full();
        message.scheme = message.scheme.filter(|_| is(0));
        message.expiration_time = message.expiration_time.filter(|_| is(1));
        message.not_before = message.not_before.filter(|_| is(2));
        message.request_id = message.request_id.filter(|_| is(3));
        message.resources = message.resources.filter(|_| is(4));
        message.statement = message.statement.filter(|_| is(5));
        assert_eq!(message.to_string().parse(), Ok(message.clone()), "{choice:b}");
        assert!(answer(&message).is_ok(), "{choice:b}");
    }
    for (statement, resources) in [(Some(""), Some(vec![])), (None, Some(vec![])), (Some(""), None)] {
        let message = Message { statement: statement.map(Into::into), resources, ..good() };
        assert_eq!(message.to_string().parse(), Ok(message.clone()));
        assert!(answer(&message).is_ok());
    }
}

/// The text with its lines changed.
fn edited(edit: impl FnOnce(&mut Vec<String>)) -> Result<Message, MessageFault> {
    let mut lines: Vec<String> = full().to_string().split('\n').map(Into::into).collect();
    edit(&mut lines);
    lines.join("\n").parse()
}

#[test]
fn lines_that_do_not_belong_are_refused() {
    let count = full().to_string().split('\n').count();
    for at in 0..count {
        let line = full().to_string().split('\n').nth(at).unwrap().to_owned();
        let twice = edited(|lines| lines.insert(at, line.clone()));
        if !line.starts_with("- ") {
            assert!(twice.is_err(), "said twice: {line}");
        }
        let optional = ["Sign in", "Expiration", "Not Before", "Request ID", "- "];
        let gone = edited(|lines| drop(lines.remove(at)));
        if !optional.iter().any(|start| line.starts_with(start)) {
            assert!(gone.is_err(), "left out: {line:?}: {gone:?}");
        }
        for foreign in ["Admin: true", " ", "URI: https://evil.example/", "Chain ID: 1"] {
            let inserted = edited(|lines| lines.insert(at, foreign.into()));
            assert!(inserted.is_err(), "{foreign:?} before {line:?}");
        }
        if at + 1 < count && !line.starts_with("- ") {
            let swapped = edited(|lines| lines.swap(at, at + 1));
            let (before, after) = (full().to_string(), swapped.map(|message| message.to_string()));
            assert!(after.is_err() || after == Ok(before), "swapped: {line:?}");
        }
    }
    for tail in ["", " ", "Resources:", "Nonce: 12345678", "https://a.example/"] {
        let appended = edited(|lines| lines.push(tail.into()));
        assert_eq!(appended, Err(MessageFault::Trailing { line: count + 1 }), "{tail:?}");
    }
    assert!(matches!(
        edited(|lines| lines.insert(0, String::new())),
        Err(MessageFault::Line { line: 1, .. })
    ));
}

#[test]
fn what_could_deceive_the_eye_is_refused() {
    let hidden =
        ['\0', '\t', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{a0}', '\u{200b}', '\u{202e}', '\u{2028}'];
    let foreign = ['\u{2066}', '\u{feff}', '\u{e0041}', 'а', 'é', '한', '＼'];
    for odd in hidden.into_iter().chain(foreign) {
        for at in 0..full().to_string().split('\n').count() {
            let read = edited(|lines| lines[at].push(odd));
            assert_eq!(read, Err(MessageFault::Character(odd)), "line {at}");
        }
        let told = MessageFault::Character(odd).to_string();
        assert!(!told.contains(odd) || odd.is_alphanumeric() || odd == '＼', "{told:?}");
    }
    for statement in ["a\nURI: https://evil.example/", "a\n\nURI: https://evil.example/\nVersion: 1"] {
        assert!(matches!(
            but(|message| message.statement = Some(statement.into())),
            Err(Refusal::Message(_))
        ));
    }
    for statement in ["say \"yes\"", "a<b", "50%", "a\\b", "{a}", "a|b", "a^b", "`a`"] {
        let refused = but(|message| message.statement = Some(statement.into()));
        assert_eq!(refused, Err(Refusal::Message(MessageFault::Field { field: "statement" })), "{statement}");
    }
    let shouting = "URI: https://evil.example/ - it's [all] (fine), isn't it? $1 & more; #1 = ~1!*+@";
    assert!(
        but(|message| message.statement = Some(shouting.into())).is_ok(),
        "a statement says nothing to us"
    );
}

#[test]
fn fields_that_are_not_of_the_form_are_refused() {
    let replaced = |label: &str, value: &str| {
        edited(|lines| {
            let line = lines.iter_mut().find(|line| line.starts_with(label)).expect("the line is there");
            *line = format!("{label}{value}");
        })
    };
    for (label, values) in [
        (
            "URI: ",
            &["", "touchstone.example", "https://a b", "https://a/%zz", "https://a/%2", "1a:b", "a:b#c#d"][..],
        ),
        ("Chain ID: ", &["", "01", "+1", "-1", "1.0", "0x1", " 1", "1 ", "18446744073709551616", "١"]),
        ("Nonce: ", &["", "1234567", "12345678-", "12345678 ", "1234_678"]),
        ("Issued At: ", &["", "now", "2026-11-23", "2026-11-23 13:33:20Z", "2026-02-30T00:00:00Z"]),
        ("Expiration Time: ", &["", "2026-11-23T13:33:20", "1795440800"]),
        ("Not Before: ", &["", "2026-11-23T13:33:60Z"]),
        ("Request ID: ", &["a b", "a/b", "a?b", "%", "%4", "a\"b"]),
        ("- ", &["", "rules", "https://a b/", "- https://a.example/"]),
    ] {
        for value in values {
            let read = replaced(label, value);
            let told = matches!(&read, Err(MessageFault::Field { .. } | MessageFault::Character(_)));
            assert!(told, "{label}{value}: {read:?}");
        }
    }
    for version in ["", "2", "1 ", "01", "1.0"] {
        assert_eq!(replaced("Version: ", version), Err(MessageFault::Version), "{version}");
    }
    assert_eq!(replaced("Request ID: ", "").map(|message| message.request_id), Ok(Some(String::new())));
}

#[test]
fn an_account_is_written_with_its_capitals() {
    let written = |account: String| edited(|lines| lines[1] = account);
    let small = me().to_string().to_lowercase();
    let wanted = MessageFault::Account(NotAnAccount::Checksum { right: me() });
    assert_eq!(written(small), Err(wanted.clone()));
    assert!(wanted.to_string().contains(&me().to_string()), "it says what to write: {wanted}");
    for odd in ["", "0x", "alice.eth", &me().to_string()[..41], &format!("{} ", me())] {
        assert_eq!(written(odd.into()), Err(MessageFault::Account(NotAnAccount::Form)), "{odd}");
    }
}

#[test]
fn a_text_without_end_is_refused() {
    let room = LONGEST - good().to_string().len();
    let mut message = good();
    let statement = message.statement.take().expect("a draft has a statement");
    message.statement = Some(format!("{statement}{}", "x".repeat(room)));
    assert_eq!(message.to_string().len(), LONGEST);
    assert!(answer(&message).is_ok());
    message.statement = message.statement.map(|statement| statement + "x");
    assert_eq!(answer(&message), Err(Refusal::Message(MessageFault::Long)));
    assert_eq!("\n".repeat(10_000_000).parse::<Message>(), Err(MessageFault::Long));
}

/// Puts `new` in the place of `old` characters at `at`.
fn spliced(text: &str, at: usize, old: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..at], &text[at + old..])
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
fn lines_in_any_disorder_are_refused_or_read_as_they_stand() {
    let mut draw = Draw::new(&Seed::from_number(4361), "disorder");
    let source = format!("{}\n{}\nResources:\n- a:b\n\n\n", full(), FOREIGN[2].0);
    let lines: Vec<&str> = source.split('\n').collect();
    let original: Vec<&str> = source.split('\n').take(full().to_string().split('\n').count()).collect();
    let mut taken = 0;
    for _ in 0..50_000 {
        let mut mixed = original.clone();
        for _ in 0..=draw.below(3) {
            let at = draw.below(mixed.len() as u64) as usize;
            let other = lines[draw.below(lines.len() as u64) as usize];
            match draw.below(3) {
                0 => mixed[at] = other,
                1 => mixed.insert(at, other),
                _ if mixed.len() > 1 => drop(mixed.remove(at)),
                _ => {}
            }
        }
        let text = mixed.join("\n");
        if let Ok(message) = text.parse::<Message>() {
            taken += 1;
            assert_eq!(message.to_string(), text);
        }
    }
    assert!(taken > 100, "some are messages: {taken}");
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
