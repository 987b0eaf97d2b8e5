//! Answers to `broadcast_tx_sync`. Messages of the node: cometbft v0.38 mempool/errors.go, rpc/jsonrpc/types; codes of
//! the key-value store: abci/example/code.

use model::{Class, Reason, Unavailable};
use serde::Deserialize;

use crate::driver::{Answer, Reply, SignedTransaction, printable};

/// JSON-RPC id of every submission; an answer with another id is no answer.
pub(super) const SUBMIT_ID: u64 = 1;
/// Longest unknown message that is kept, characters.
const KEPT: usize = 120;
/// JSON-RPC code by which gateways ask for fewer requests (EIP-1474).
const LIMIT_EXCEEDED: i64 = -32005;
/// Codes of the key-value store: it cannot read the transaction, or it is not of the form key=value.
const MALFORMED: [u32; 2] = [1, 2];

/// What the node's own refusals contain; the pool's stand in `data`, behind "Internal error".
const MESSAGES: [(&str, Class); 5] = [
    ("tx already exists in cache", Class::Rejected(Reason::AlreadyKnown)),
    ("mempool is full", Class::Rejected(Reason::PoolFull)),
    ("Tx too large", Class::Rejected(Reason::Oversized)),
    ("request body too large", Class::Rejected(Reason::Oversized)),
    ("error converting json params to arguments", Class::Rejected(Reason::Malformed)),
];

#[derive(Deserialize)]
struct Envelope {
    id: Option<u64>,
    result: Option<Checked>,
    error: Option<Failure>,
}

/// What the application's check of the transaction said.
#[derive(Deserialize)]
struct Checked {
    code: u32,
    #[serde(default)]
    log: String,
    #[serde(default)]
    codespace: String,
    hash: String,
}

#[derive(Deserialize)]
struct Failure {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: String,
}

/// The class of an answer to `sent`.
pub(super) fn classify(sent: &SignedTransaction, reply: &Reply) -> Answer {
    match reply.status {
        429 => return plain(Class::Throttled),
        500..=599 => return plain(Class::Unavailable(Unavailable::ServerError)),
        _ => {}
    }
    match serde_json::from_slice(&reply.body) {
        Ok(Envelope { id: Some(SUBMIT_ID), result: Some(checked), error: None })
            if checked.hash == sent.id =>
        {
            checked_class(&checked)
        }
        Ok(Envelope { result: None, error: Some(failure), .. }) => refused(&failure),
        _ => plain(Class::ProtocolError),
    }
}

fn plain(class: Class) -> Answer {
    Answer { class, unknown: None }
}

fn unknown(text: &str) -> Answer {
    Answer { class: Class::Unknown, unknown: Some(printable(text, KEPT)) }
}

fn checked_class(checked: &Checked) -> Answer {
    match checked.code {
        0 => plain(Class::Accepted),
        code if MALFORMED.contains(&code) && checked.codespace.is_empty() => {
            plain(Class::Rejected(Reason::Malformed))
        }
        code => unknown(&format!("code {code} {} {}", checked.codespace, checked.log)),
    }
}

fn refused(failure: &Failure) -> Answer {
    if failure.code == LIMIT_EXCEEDED {
        return plain(Class::Throttled);
    }
    match MESSAGES.iter().find(|(begins, _)| failure.data.contains(begins)) {
        Some((_, class)) => plain(*class),
        None => unknown(&format!("{} {} {}", failure.code, failure.message, failure.data)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Request;

    fn answer(status: u16, body: &str) -> Answer {
        let sent = SignedTransaction { id: "AB".into(), request: Request("".into()) };
        classify(&sent, &Reply { status, body: body.to_owned().into() })
    }

    fn error(code: i64, data: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"Internal error","data":"{data}"}}}}"#
        )
    }

    fn checked(code: u32, hash: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"code":{code},"data":"","log":"","codespace":"","hash":"{hash}"}}}}"#
        )
    }

    /// As measured on 0.38.25, but for the full pool, which is from its source.
    #[test]
    fn known_answers_have_their_class() {
        for (body, class) in [
            (checked(0, "AB"), Class::Accepted),
            (checked(2, "AB"), Class::Rejected(Reason::Malformed)),
            (error(-32603, "tx already exists in cache"), Class::Rejected(Reason::AlreadyKnown)),
            (
                error(-32603, "mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)"),
                Class::Rejected(Reason::PoolFull),
            ),
            (
                error(-32600, "error reading request body: http: request body too large"),
                Class::Rejected(Reason::Oversized),
            ),
            (
                error(
                    -32602,
                    "error converting json params to arguments: illegal base64 data at input byte 0",
                ),
                Class::Rejected(Reason::Malformed),
            ),
        ] {
            assert_eq!(answer(200, &body).class, class, "{body}");
        }
    }

    #[test]
    fn foreign_hashes_ids_and_html_are_no_protocol() {
        for body in [
            checked(0, "CD"),
            checked(0, "ab"),
            checked(0, "AB").replace("\"id\":1", "\"id\":9"),
            "<html>ok</html>".to_owned(),
            "{}".to_owned(),
        ] {
            assert_eq!(answer(200, &body).class, Class::ProtocolError, "{body}");
        }
        assert_eq!(answer(429, "").class, Class::Throttled);
        assert_eq!(answer(503, "").class, Class::Unavailable(Unavailable::ServerError));
        assert_eq!(answer(200, &error(-32005, "")).class, Class::Throttled);
    }

    #[test]
    fn an_unknown_refusal_stays_visible() {
        let answer = answer(200, &error(-32603, "the moon is full \\u202e"));
        assert_eq!(answer.class, Class::Unknown);
        assert_eq!(answer.unknown.as_deref(), Some("-32603 Internal error the moon is full ?"));
    }
}
