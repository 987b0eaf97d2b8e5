//! Two spellings of the same methods. Releases up to v1.0 of Kaia (2024) know `klay_` only; later ones know both.
//!
//! A request for state asks both in one batch, and what is answered is read: a method that is not there costs a node
//! next to nothing. What is large or many (blocks, submissions) is asked in the spelling that the reference answered.

use serde_json::Value;

use crate::driver::{Malformed, Reply, Request};
use crate::jsonrpc::{Envelope, batch, batch_request};

/// The older first: a network under way to the newer one then understands all that is sent.
const SPELLINGS: [&str; 2] = ["klay", "kaia"];

/// These calls in both spellings; a call is the method without what it begins with, and its parameters.
pub(super) fn both(calls: &[(&str, &str)]) -> Request {
    let spelled = |namespace: &'static str| {
        calls.iter().map(move |(method, params)| (format!("{namespace}_{method}"), (*params).to_owned()))
    };
    batch_request(&SPELLINGS.into_iter().flat_map(spelled).collect::<Vec<_>>())
}

/// The spelling whose first call was understood, and its `N` answers.
pub(super) fn answered<const N: usize>(reply: &Reply) -> Result<(&'static str, [Envelope; N]), Malformed> {
    let mut envelopes = batch(reply, N * SPELLINGS.len())?.into_iter();
    for namespace in SPELLINGS {
        let part: Vec<Envelope> = envelopes.by_ref().take(N).collect();
        if !part.first().is_some_and(Envelope::is_unknown_method) {
            let whole = part.try_into().map_err(|_| Malformed("a batch cut short".into()))?;
            return Ok((namespace, whole));
        }
    }
    Err(Malformed("the node knows neither `klay_` nor `kaia_` methods".into()))
}

/// The answers, none of them a refusal.
pub(super) fn values<const N: usize>(reply: &Reply) -> Result<(&'static str, [Value; N]), Malformed> {
    let (namespace, envelopes) = answered::<N>(reply)?;
    let values: Vec<Value> = envelopes.into_iter().map(Envelope::value).collect::<Result<_, _>>()?;
    let values = values.try_into().map_err(|_| Malformed("a batch cut short".into()))?;
    Ok((namespace, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(answers: [&str; 2]) -> Reply {
        let answers: Vec<String> =
            answers.iter().zip(1..).map(|(answer, id)| format!(r#"{{"id":{id},{answer}}}"#)).collect();
        Reply { status: 200, body: format!("[{}]", answers.join(",")).into() }
    }

    #[test]
    fn what_is_answered_is_read_in_the_older_spelling_where_both_are() {
        let unknown = r#""error":{"code":-32601,"message":"the method does not exist/is not available"}"#;
        let [old, new] = [r#""result":"old""#, r#""result":"new""#];
        let read = |answers| values::<1>(&reply(answers)).map(|(namespace, [value])| (namespace, value));
        assert_eq!(read([old, unknown]), Ok(("klay", "old".into())));
        assert_eq!(read([unknown, new]), Ok(("kaia", "new".into())));
        assert_eq!(read([old, new]), Ok(("klay", "old".into())));
        assert!(read([unknown, unknown]).unwrap_err().0.contains("neither"));
        let refused = r#""error":{"code":-32000,"message":"busy"}"#;
        assert!(read([refused, new]).unwrap_err().0.contains("busy"));
    }

    #[test]
    fn both_spellings_go_in_one_request() {
        let request = both(&[("blockNumber", "[]"), ("gasPrice", "[]")]);
        let text = String::from_utf8(request.0.to_vec()).unwrap();
        assert!(text.contains(r#""id":1,"method":"klay_blockNumber""#), "{text}");
        assert!(text.contains(r#""id":4,"method":"kaia_gasPrice""#), "{text}");
    }
}
