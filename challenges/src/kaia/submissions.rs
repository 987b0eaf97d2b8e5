//! Several transactions in one call: `kaia_sendRawTransactions`, which kcn 2.0.3 has (asked of it) and Klaytn had not.
//! It stops at the first that is refused, and takes Ethereum's forms only: of a typed one kcn 2.0.3 says `undefined tx
//! type`, for it sees in the type a bare Ethereum one.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::driver::{Reply, Request};
use crate::jsonrpc::{call, single};

/// How a list begins, and with it a legacy transaction: a type byte is below.
const LIST: &str = "0xc0";

#[derive(Deserialize)]
struct Submission {
    method: String,
    params: [String; 1],
}

/// These submissions in one call; none when one of them would be refused for its type.
pub(super) fn in_one_call(requests: &[&Request]) -> Option<Request> {
    let read = |request: &&Request| serde_json::from_slice::<Submission>(&request.0).ok();
    let submissions: Vec<Submission> = requests.iter().map(read).collect::<Option<_>>()?;
    let method = submissions.first().map(|submission| format!("{}s", submission.method))?;
    let raw: Vec<String> = submissions.into_iter().map(|Submission { params: [raw], .. }| raw).collect();
    let are_legacy = raw.iter().all(|raw| raw.get(..LIST.len()).is_some_and(|start| start >= LIST));
    are_legacy.then(|| call(&method, &json!([raw]).to_string()))
}

/// Whether all were taken: the answer is a list of hashes, and an error as soon as one was not.
pub(super) fn took_all(reply: &Reply) -> bool {
    matches!(single(reply), Ok(Value::Array(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission(raw: &str) -> Request {
        call("kaia_sendRawTransaction", &format!(r#"["{raw}"]"#))
    }

    #[test]
    fn legacy_transactions_go_in_one_call() {
        let (one, two) = (submission("0xf86b01"), submission("0xf86b02"));
        let request = in_one_call(&[&one, &two]).unwrap();
        let told: Value = serde_json::from_slice(&request.0).unwrap();
        assert_eq!(told["method"], "kaia_sendRawTransactions");
        assert_eq!(told["params"], json!([["0xf86b01", "0xf86b02"]]));
    }

    #[test]
    fn typed_ones_do_not() {
        let (legacy, typed) = (submission("0xf86b01"), submission("0x08f88a"));
        assert!(in_one_call(&[&legacy, &typed]).is_none());
        assert!(in_one_call(&[]).is_none());
    }

    #[test]
    fn it_is_taken_whole_or_not() {
        let took = |body: &'static str| took_all(&Reply { status: 200, body: body.into() });
        assert!(took(r#"{"jsonrpc":"2.0","id":1,"result":["0x01","0x02"]}"#));
        assert!(!took(
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Index 0: nonce too low"}}"#
        ));
        assert!(!took(
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method does not exist"}}"#
        ));
    }
}
