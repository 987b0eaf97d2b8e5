//! JSON-RPC 2.0 over HTTP as Ethereum and its relatives speak it: requests, batches, and what is in their replies.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::driver::{Malformed, Reply, Request, printable};

/// Code of a method that the node does not have.
const METHOD_NOT_FOUND: i64 = -32_601;

/// One answer.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    id: Option<u64>,
    #[serde(default)]
    pub(crate) result: Value,
    error: Option<Value>,
}

impl Envelope {
    /// What was answered; the node's words where it refused.
    pub(crate) fn value(self) -> Result<Value, Malformed> {
        match self.error {
            Some(error) => Err(Malformed(printable(&error.to_string(), 120))),
            None => Ok(self.result),
        }
    }

    /// Whether the node does not have the method.
    pub(crate) fn is_unknown_method(&self) -> bool {
        self.error.as_ref().and_then(|error| error.get("code")?.as_i64()) == Some(METHOD_NOT_FOUND)
    }

    /// The message of a refusal.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.error.as_ref()?.get("message")?.as_str()
    }
}

/// One call with id 1; `params` is a JSON array.
pub(crate) fn call(method: &str, params: &str) -> Request {
    Request(Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)))
}

/// A batch of one call without parameters, so many times.
pub(crate) fn repeated(method: &str, times: usize) -> Request {
    let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
    Request(Bytes::from(format!("[{}]", vec![call; times].join(","))))
}

/// Several calls with ids 1, 2, … in one request.
pub(crate) fn batch_request<M: AsRef<str>>(calls: &[(M, String)]) -> Request {
    let calls: Vec<String> = calls
        .iter()
        .zip(1..)
        .map(|((method, params), id)| {
            let method = method.as_ref();
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
        })
        .collect();
    Request(Bytes::from(format!("[{}]", calls.join(","))))
}

/// Several requests as one.
pub(crate) fn joined(requests: &[&Request]) -> Request {
    let bodies: Vec<&[u8]> = requests.iter().map(|request| request.0.as_ref()).collect();
    Request([b"[".as_slice(), &bodies.join(&b","[..]), b"]"].concat().into())
}

fn json<T: DeserializeOwned>(reply: &Reply) -> Result<T, Malformed> {
    serde_json::from_slice(&reply.body).map_err(|_| {
        let start = printable(&String::from_utf8_lossy(&reply.body[..reply.body.len().min(40)]), 40);
        Malformed(format!("HTTP {}: not JSON-RPC: `{start}`", reply.status))
    })
}

/// The answer to one call.
pub(crate) fn single(reply: &Reply) -> Result<Value, Malformed> {
    json::<Envelope>(reply)?.value()
}

/// The answers of a batch in the order asked.
pub(crate) fn batch(reply: &Reply, size: usize) -> Result<Vec<Envelope>, Malformed> {
    let mut envelopes: Vec<Envelope> = json(reply)?;
    envelopes.sort_by_key(|envelope| envelope.id);
    let complete = envelopes.len() == size && envelopes.iter().zip(1..).all(|(e, id)| e.id == Some(id));
    if complete { Ok(envelopes) } else { Err(Malformed("the batch is not answered one for one".into())) }
}

/// A hexadecimal number.
pub(crate) fn quantity(value: &Value) -> Result<u128, Malformed> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
    text.and_then(|digits| u128::from_str_radix(digits, 16).ok())
        .ok_or_else(|| Malformed(format!("no quantity: {}", printable(&value.to_string(), 60))))
}

/// A hexadecimal number of at most 64 bits.
pub(crate) fn height(value: &Value) -> Result<u64, Malformed> {
    quantity(value)?.try_into().map_err(|_| Malformed("a height beyond 64 bits".into()))
}

/// A short text of a block, such as a hash.
pub(crate) fn text(value: &Value, field: &str) -> Result<String, Malformed> {
    let text = value.get(field).and_then(Value::as_str).filter(|text| text.len() <= 66);
    text.map(|text| printable(text, 66)).ok_or_else(|| Malformed(format!("no `{field}` in the block")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: &str) -> Reply {
        Reply { status: 200, body: body.to_owned().into() }
    }

    #[test]
    fn a_batch_is_put_in_order_and_must_be_whole() {
        let answers = batch(&reply(r#"[{"id":2,"result":"b"},{"id":1,"result":"a"}]"#), 2).unwrap();
        assert_eq!((answers[0].result.as_str(), answers[1].result.as_str()), (Some("a"), Some("b")));
        for body in [r#"[{"id":1}]"#, r#"[{"id":1},{"id":1}]"#, r#"{"id":1}"#, "[]"] {
            assert!(batch(&reply(body), 2).is_err(), "{body}");
        }
    }

    #[test]
    fn html_and_huge_numbers_are_told_in_words() {
        let told = single(&reply("<html>hello</html>")).unwrap_err().to_string();
        assert!(told.contains("not JSON-RPC") && told.contains("<html>"), "{told}");
        let told = |body| single(&reply(body)).and_then(|value| height(&value));
        assert_eq!(told(r#"{"id":1,"result":"0x10"}"#), Ok(16));
        assert!(told(r#"{"id":1,"result":"0x1ffffffffffffffff"}"#).is_err());
        assert!(told(r#"{"id":1,"result":5}"#).is_err());
    }

    #[test]
    fn a_method_that_is_not_there_is_told_from_other_refusals() {
        let answers = batch(
            &reply(r#"[{"id":1,"error":{"code":-32601,"message":"no"}},{"id":2,"error":{"code":-32000,"message":"full"}}]"#),
            2,
        )
        .unwrap();
        assert!(answers[0].is_unknown_method() && !answers[1].is_unknown_method());
        assert_eq!(answers[1].refusal(), Some("full"));
    }
}
