//! Requests to, and replies of, CometBFT's JSON-RPC: numbers are text, hashes upper-case hexadecimal, bytes base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::wire::Hash;
use crate::announced::Subscription;
use crate::driver::{Malformed, Reply, Request, printable};

/// Longest words of a node that are kept, characters.
const KEPT: usize = 120;

/// One answer.
#[derive(Deserialize)]
pub(super) struct Envelope {
    id: Option<i64>,
    #[serde(default)]
    result: Value,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: String,
}

impl Envelope {
    /// The result, or the node's words why there is none.
    pub(super) fn ok(self) -> Result<Value, String> {
        match self.error {
            Some(failure) => Err(printable(&format!("{}: {}", failure.message, failure.data), KEPT)),
            None => Ok(self.result),
        }
    }

    /// Whether the node says that it does not have this height yet.
    pub(super) fn is_too_early(&self) -> bool {
        self.error.as_ref().is_some_and(|failure| {
            failure.data.contains("must be less than or equal to the current blockchain height")
                || failure.data.starts_with("could not find results for height")
        })
    }
}

/// The headers of new blocks. Whole blocks would be sent with all their transactions.
pub(super) const HEADERS: Subscription = Subscription {
    path: "/websocket",
    request: r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"query":"tm.event='NewBlockHeader'"}}"#,
    height: announced,
};

fn announced(text: &str) -> Option<u64> {
    let envelope: Envelope = serde_json::from_str(text).ok()?;
    envelope.result.pointer("/data/value/header/height")?.as_str()?.parse().ok()
}

/// One call; `params` is JSON.
pub(super) fn call(method: &str, params: &str) -> Request {
    Request(Bytes::from(one(1, method, params)))
}

/// Several calls as one request. CometBFT takes ten at most, and answers a batch of one as if it were none.
pub(super) fn batch_request(calls: &[(&str, String)]) -> Request {
    let calls: Vec<String> =
        calls.iter().zip(1..).map(|((method, params), id)| one(id, method, params)).collect();
    Request(Bytes::from(format!("[{}]", calls.join(","))))
}

fn one(id: usize, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn json<T: DeserializeOwned>(reply: &Reply) -> Result<T, Malformed> {
    serde_json::from_slice(&reply.body).map_err(|_| {
        let start = printable(&String::from_utf8_lossy(&reply.body[..reply.body.len().min(40)]), 40);
        Malformed(format!("HTTP {}: not JSON-RPC: `{start}`", reply.status))
    })
}

/// The result of one call.
pub(super) fn single(reply: &Reply) -> Result<Value, Malformed> {
    json::<Envelope>(reply)?.ok().map_err(Malformed)
}

/// The answers of a batch by their id; ids are 1, 2, … in the order asked.
pub(super) fn batch(reply: &Reply) -> Result<Vec<Envelope>, Malformed> {
    let mut envelopes: Vec<Envelope> = json(reply)?;
    envelopes.sort_by_key(|envelope| envelope.id);
    let complete = envelopes.iter().zip(1..).all(|(envelope, id)| envelope.id == Some(id));
    if complete { Ok(envelopes) } else { Err(Malformed("the batch is not answered one for one".into())) }
}

/// What the result of `what` holds.
pub(super) fn read<T: DeserializeOwned>(what: &str, envelope: Envelope) -> Result<T, Malformed> {
    let result = envelope.ok().map_err(|why| Malformed(format!("no {what}: {why}")))?;
    serde_json::from_value(result)
        .map_err(|error| Malformed(printable(&format!("{what} is not as CometBFT writes it: {error}"), KEPT)))
}

/// A whole number, written as text.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    String::deserialize(from)?.parse().map_err(|_| D::Error::custom("a number is none"))
}

/// Bytes in hexadecimal, which may be none.
pub(super) fn hexadecimal<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    hex::decode(String::deserialize(from)?).map_err(|_| D::Error::custom("bytes are not in hexadecimal"))
}

/// Bytes in base64; none where the chain writes `null`.
pub(super) fn base64<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(from)?.unwrap_or_default();
    STANDARD.decode(text).map_err(|_| D::Error::custom("bytes are not in base64"))
}

/// A hash as the chain writes it.
pub(super) fn written(hash: &Hash) -> String {
    hex::encode_upper(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: &str) -> Reply {
        Reply { status: 200, body: body.to_owned().into() }
    }

    #[test]
    fn a_batch_is_answered_one_for_one() {
        assert_eq!(batch(&reply(r#"[{"id":2,"result":{}},{"id":1,"result":{}}]"#)).unwrap().len(), 2);
        for bad in [r#"[{"id":2,"result":{}}]"#, r#"[{"id":1},{"id":1}]"#, "{}", "<html>"] {
            assert!(batch(&reply(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_there_yet_is_told_from_what_fails() {
        let early = |body| serde_json::from_str::<Envelope>(body).unwrap().is_too_early();
        assert!(early(
            r#"{"id":1,"error":{"code":-32603,"message":"Internal error",
               "data":"height 500000 must be less than or equal to the current blockchain height 26"}}"#
        ));
        assert!(!early(r#"{"id":1,"error":{"code":-32603,"message":"Internal error","data":"disk full"}}"#));
    }
}
