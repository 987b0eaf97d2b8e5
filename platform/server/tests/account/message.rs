//! The form of the text that is signed: what may stand in it, and where.

use model::{Draw, Seed};
use server::account::NotAnAccount;
use server::account::message::{LONGEST, Message, MessageFault};
use server::account::origin::Origin;
use server::account::sign_in::{Expected, Refusal, prove};

use crate::{FOREIGN, answer, but, expected, full, good, me};

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
