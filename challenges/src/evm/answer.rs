//! Answers to a raw transaction, by a table of messages for each client.

use std::sync::OnceLock;

use model::{Class, Unavailable};
use serde::Deserialize;

use crate::driver::{Answer, Reply, SignedTransaction, printable};
use crate::wallet::BATCH_ID;

/// Longest unknown message that is kept, characters.
const KEPT: usize = 120;

/// JSON-RPC id of every submission; an answer with another id is no answer.
const SUBMIT_ID: u64 = 1;

/// JSON-RPC code by which several clients and gateways ask for fewer requests (EIP-1474).
const LIMIT_EXCEEDED: i64 = -32005;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    versions: Vec<String>,
    answer: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    begins: Vec<String>,
    class: Class,
}

fn clients() -> &'static [Client] {
    static CLIENTS: OnceLock<Vec<Client>> = OnceLock::new();
    CLIENTS.get_or_init(|| {
        let files = [
            include_str!("clients/geth.toml"),
            include_str!("clients/kaia.toml"),
            include_str!("clients/anvil.toml"),
        ];
        files.iter().map(|text| toml::from_str(text).expect("client tables are part of the build")).collect()
    })
}

/// The table of the client of this version string; go-ethereum's for clients without one.
fn table(version: &str) -> &'static Client {
    let named =
        clients().iter().find(|client| client.versions.iter().any(|known| version.starts_with(known)));
    named.unwrap_or(&clients()[0])
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<u64>,
    result: Option<String>,
    #[serde(borrow)]
    error: Option<Failure<'a>>,
}

#[derive(Deserialize)]
struct Failure<'a> {
    code: i64,
    #[serde(borrow)]
    message: std::borrow::Cow<'a, str>,
}

/// The class of an answer to `sent` by a node of this version string.
pub(crate) fn classify(version: &str, sent: &SignedTransaction, reply: &Reply) -> Answer {
    let plain = |class| Answer { class, unknown: None };
    match reply.status {
        429 => return plain(Class::Throttled),
        500..=599 => return plain(Class::Unavailable(Unavailable::ServerError)),
        _ => {}
    }
    if sent.id.starts_with(BATCH_ID) && reply.body.starts_with(b"[") {
        return batch(version, reply);
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&reply.body) else {
        return plain(Class::ProtocolError);
    };
    match (envelope.result, envelope.error) {
        (Some(hash), None) if hash.eq_ignore_ascii_case(&sent.id) && envelope.id == Some(SUBMIT_ID) => {
            plain(Class::Accepted)
        }
        (None, Some(failure)) => refused(version, &failure),
        _ => plain(Class::ProtocolError),
    }
}

/// The class of an answer to a batch: it was refused as a whole, or its calls were answered.
fn batch(version: &str, reply: &Reply) -> Answer {
    let plain = |class| Answer { class, unknown: None };
    let Ok(envelopes) = serde_json::from_slice::<Vec<Envelope<'_>>>(&reply.body) else {
        return plain(Class::ProtocolError);
    };
    match envelopes.as_slice() {
        [] => plain(Class::ProtocolError),
        [Envelope { error: Some(failure), .. }, ..] => refused(version, failure),
        _ => plain(Class::Accepted),
    }
}

fn refused(version: &str, failure: &Failure<'_>) -> Answer {
    if failure.code == LIMIT_EXCEEDED {
        return Answer { class: Class::Throttled, unknown: None };
    }
    let row =
        table(version).answer.iter().find(|row| row.begins.iter().any(|b| failure.message.starts_with(b)));
    match row {
        Some(row) => Answer { class: row.class, unknown: None },
        None => {
            let text = format!("{} {}", failure.code, failure.message);
            Answer { class: Class::Unknown, unknown: Some(printable(&text, KEPT)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Request;
    use model::Reason;

    fn class(client: &str, status: u16, body: &str) -> Class {
        answer(client, status, body).class
    }

    fn answer(client: &str, status: u16, body: &str) -> Answer {
        let sent = SignedTransaction { id: "0xab".into(), request: Request("".into()) };
        classify(client, &sent, &Reply { status, body: body.to_owned().into() })
    }

    fn error(code: i64, message: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"{message}"}}}}"#)
    }

    /// (client, code, message as measured on the real node, of Klaytn as its source has it, class)
    const MEASURED: &[(&str, i64, &str, Class)] = &[
        (
            "Geth/v1.13.15",
            -32000,
            "nonce too low: next nonce 1, tx nonce 0",
            Class::Rejected(Reason::NonceTooLow),
        ),
        ("Geth/v1.13.15", -32000, "already known", Class::Rejected(Reason::AlreadyKnown)),
        ("Kaia/v2.0.3/linux", -32000, "nonce too low", Class::Rejected(Reason::NonceTooLow)),
        ("Kaia/v2.0.3/linux", -32000, "known transaction: 0x12", Class::Rejected(Reason::AlreadyKnown)),
        ("Klaytn/v1.7.1/linux", -32000, "recovery failed", Class::Rejected(Reason::BadSignature)),
        ("anvil/v1.7.1", -32003, "invalid chain id for signer", Class::Rejected(Reason::WrongChain)),
        ("anvil/v1.7.1", -32602, "Failed to recover the signer", Class::Rejected(Reason::BadSignature)),
        ("anything/1", -32005, "slow down", Class::Throttled),
    ];

    #[test]
    fn known_messages_have_their_class() {
        for (client, code, message, expected) in MEASURED {
            assert_eq!(class(client, 200, &error(*code, message)), *expected, "{client}: {message}");
        }
    }

    #[test]
    fn a_batch_is_refused_as_a_whole_or_answered() {
        let sent = SignedTransaction { id: format!("{BATCH_ID} 3"), request: Request("".into()) };
        let class =
            |body: String| classify("Geth/v1", &sent, &Reply { status: 200, body: body.into() }).class;
        let refusal = error(-32600, "batch too large");
        assert_eq!(class(format!("[{refusal}]")), Class::Rejected(Reason::Oversized));
        assert_eq!(class(refusal), Class::Rejected(Reason::Oversized));
        let call = r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#;
        assert_eq!(class(format!("[{call},{call}]")), Class::Accepted);
        assert_eq!(class("[]".into()), Class::ProtocolError);
        assert_eq!(class(call.into()), Class::ProtocolError);
    }

    #[test]
    fn an_unknown_message_stays_visible() {
        let answer = answer("Geth/v1", 200, &error(-32000, "the moon is full \\u202e"));
        assert_eq!(answer.class, Class::Unknown);
        assert_eq!(answer.unknown.as_deref(), Some("-32000 the moon is full ?"));
    }

    #[test]
    fn silence_html_and_foreign_hashes_are_no_rejection_and_no_acceptance() {
        assert_eq!(class("Geth/v1", 503, ""), Class::Unavailable(Unavailable::ServerError));
        assert_eq!(class("Geth/v1", 429, ""), Class::Throttled);
        assert_eq!(class("Geth/v1", 200, "<html>ok</html>"), Class::ProtocolError);
        assert_eq!(
            class("Geth/v1", 200, r#"{"jsonrpc":"2.0","id":1,"result":"0xcd"}"#),
            Class::ProtocolError
        );
        assert_eq!(
            class("Geth/v1", 200, r#"{"jsonrpc":"2.0","id":9,"result":"0xab"}"#),
            Class::ProtocolError
        );
        assert_eq!(class("Geth/v1", 200, r#"{"jsonrpc":"2.0","id":1,"result":"0xAB"}"#), Class::Accepted);
    }
}
