//! JSON-RPC requests as far as the faults must understand them.

use alloy_primitives::keccak256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How the method of a send ends, in every namespace of Ethereum's kind.
const SEND: &str = "_sendRawTransaction";
/// How it begins on CometBFT: `broadcast_tx_sync` and the like.
const BROADCAST: &str = "broadcast_tx_";

/// One call, or a batch of them.
pub(crate) struct Message {
    calls: Vec<Value>,
    batch: bool,
}

impl Message {
    /// The message if it has a send in it. Most requests have none and are not parsed.
    pub(crate) fn with_send(body: &[u8]) -> Option<Self> {
        let holds = |name: &str| body.windows(name.len()).any(|window| window == name.as_bytes());
        if !holds(SEND) && !holds(BROADCAST) {
            return None;
        }
        let message = match serde_json::from_slice(body).ok()? {
            Value::Array(calls) => Self { calls, batch: true },
            call => Self { calls: vec![call], batch: false },
        };
        message.calls.iter().any(is_send).then_some(message)
    }

    /// Answers the sends by `answer`; returns the answers and the calls left to forward.
    pub(crate) fn take_sends(self, answer: fn(&Value) -> Value) -> (Answers, Option<String>) {
        let (sends, rest): (Vec<Value>, Vec<Value>) = self.calls.into_iter().partition(is_send);
        let answers = Answers { items: sends.iter().map(answer).collect(), batch: self.batch };
        (answers, (!rest.is_empty()).then(|| Value::Array(rest).to_string()))
    }

    /// The upstream's answer with errors of sends turned into successes, where `hit` says so.
    pub(crate) fn whitewash(&self, answer: &[u8], hit: impl Fn() -> bool) -> Option<String> {
        let mut answers = Answers::parse(answer)?;
        for item in answers.items.iter_mut().filter(|item| item.get("error").is_some()) {
            let send = self.calls.iter().find(|call| is_send(call) && call["id"] == item["id"]);
            if let Some(send) = send.filter(|_| hit()) {
                *item = taken(send);
            }
        }
        Some(answers.text())
    }
}

/// The same request for what stood `blocks` blocks before the heights that it asks for; none when it names no height
/// above the first, and goes on as it is.
pub(crate) fn older(body: &[u8], blocks: u64) -> Option<Bytes> {
    let mut message: Value = serde_json::from_slice(body).ok()?;
    let calls = match &mut message {
        Value::Array(calls) => calls.as_mut_slice(),
        call => std::slice::from_mut(call),
    };
    let mut changed = false;
    for call in calls {
        // Ethereum's kind has heights as the first parameter (hashes and addresses are longer), CometBFT by name.
        let asked = [("/params/0", true), ("/params/height", false)];
        for (place, hexadecimal) in asked {
            let Some(Value::String(height)) = call.pointer_mut(place) else { continue };
            let known = match (hexadecimal, height.strip_prefix("0x")) {
                (true, Some(digits)) => u64::from_str_radix(digits, 16).ok(),
                (false, None) => height.parse().ok(),
                _ => None,
            };
            // Before the first block there is none that could be shown instead.
            let before = known.map(|known| known.saturating_sub(blocks).max(1));
            if let Some(before) = before.filter(|before| Some(*before) < known) {
                *height = if hexadecimal { format!("{before:#x}") } else { before.to_string() };
                changed = true;
            }
        }
    }
    changed.then(|| message.to_string().into())
}

/// Fields by which blocks name who made them.
const PROPOSERS: [&str; 2] = ["\"proposer\":\"", "\"proposer_address\":\""];
/// And what a block's seal is over, where nothing else says whose the seal is.
const SEALED: [&str; 1] = ["\"extraData\":\""];

/// An answer in which every block names another proposer than it did: one digit is another.
pub(crate) fn forge_proposer(answer: &[u8]) -> Bytes {
    let mut text = answer.to_vec();
    let names = |field: &&str| text.windows(field.len()).any(|window| window == field.as_bytes());
    let fields = if PROPOSERS.iter().any(names) { &PROPOSERS[..] } else { &SEALED };
    for field in fields {
        let places: Vec<usize> = (0..text.len().saturating_sub(field.len()))
            .filter(|at| text[*at..].starts_with(field.as_bytes()))
            .map(|at| at + field.len() + 10)
            .collect();
        for digit in places {
            if let Some(digit) = text.get_mut(digit).filter(|digit| digit.is_ascii_hexdigit()) {
                *digit = if *digit == b'1' { b'2' } else { b'1' };
            }
        }
    }
    text.into()
}

/// One answer, or a batch of them.
pub(crate) struct Answers {
    items: Vec<Value>,
    batch: bool,
}

impl Answers {
    fn parse(body: &[u8]) -> Option<Self> {
        match serde_json::from_slice(body).ok()? {
            Value::Array(items) => Some(Self { items, batch: true }),
            item @ Value::Object(_) => Some(Self { items: vec![item], batch: false }),
            _ => None,
        }
    }

    /// Adds the upstream's answers to the rest of a batch; what is not JSON adds nothing.
    pub(crate) fn join(&mut self, body: &[u8]) {
        if let Some(more) = Self::parse(body) {
            self.items.extend(more.items);
        }
    }

    pub(crate) fn text(mut self) -> String {
        match self.items.pop() {
            Some(item) if !self.batch => item.to_string(),
            last => {
                self.items.extend(last);
                Value::Array(self.items).to_string()
            }
        }
    }
}

fn is_send(call: &Value) -> bool {
    call["method"].as_str().is_some_and(|method| method.ends_with(SEND) || method.starts_with(BROADCAST))
}

/// Success, with the hash the transaction would have.
pub(crate) fn taken(call: &Value) -> Value {
    if let Some(text) = call["params"]["tx"].as_str() {
        let raw = STANDARD.decode(text).unwrap_or_else(|_| text.into());
        let hash = hex::encode_upper(Sha256::digest(raw));
        let result = json!({"code": 0, "data": "", "log": "", "codespace": "", "hash": hash});
        return json!({"jsonrpc": "2.0", "id": call["id"], "result": result});
    }
    let text = call["params"][0].as_str().unwrap_or_default();
    let raw = hex::decode(text.trim_start_matches("0x")).unwrap_or_else(|_| text.into());
    json!({"jsonrpc": "2.0", "id": call["id"], "result": keccak256(raw).to_string()})
}

/// A refusal without a reason.
pub(crate) fn rejected(call: &Value) -> Value {
    let error = json!({"code": -32000, "message": "transaction rejected"});
    json!({"jsonrpc": "2.0", "id": call["id"], "error": error})
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = r#"[{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x00"]},
        {"jsonrpc":"2.0","id":2,"method":"eth_chainId","params":[]}]"#;

    #[test]
    fn only_sends_are_sends() {
        assert!(Message::with_send(br#"{"method":"eth_sendRawTransaction","id":1}"#).is_some());
        assert!(Message::with_send(br#"{"method":"kaia_sendRawTransaction","id":1}"#).is_some());
        assert!(Message::with_send(br#"{"method":"web3_sha3","params":["_sendRawTransaction"]}"#).is_none());
        assert!(Message::with_send(br#"{"method":"eth_chainId"}"#).is_none());
        assert!(Message::with_send(b"eth_sendRawTransaction").is_none());
    }

    #[test]
    fn sends_of_cometbft_are_sends_and_answered_in_its_way() {
        let call = br#"{"jsonrpc":"2.0","id":1,"method":"broadcast_tx_sync","params":{"tx":"YWExMT1iYjIy"}}"#;
        let (answers, rest) = Message::with_send(call).unwrap().take_sends(taken);
        let answer: Value = serde_json::from_str(&answers.text()).unwrap();
        assert!(rest.is_none());
        // As cometbft 0.38.25 answered.
        let known = "DAF81E3536D822BD52D5EC524633A0AF1E59545C8ACE1111F3AEBE6877D8FCE4";
        assert_eq!((&answer["result"]["code"], &answer["result"]["hash"]), (&json!(0), &json!(known)));
    }

    #[test]
    fn a_batch_is_split_and_joined() {
        let (mut answers, rest) = Message::with_send(BATCH.as_bytes()).unwrap().take_sends(rejected);
        let rest: Value = serde_json::from_str(&rest.unwrap()).unwrap();
        assert_eq!(rest[0]["method"], "eth_chainId");
        answers.join(br#"[{"jsonrpc":"2.0","id":2,"result":"0x1"}]"#);
        let joined: Value = serde_json::from_str(&answers.text()).unwrap();
        assert_eq!(joined[0]["error"]["message"], "transaction rejected");
        assert_eq!(joined[1]["result"], "0x1");
    }

    #[test]
    fn heights_are_asked_for_as_of_before_and_nothing_else_changes() {
        let older =
            |text: &str| older(text.as_bytes(), 10).map(|body| String::from_utf8(body.to_vec()).unwrap());
        let batch = r#"[{"id":1,"params":["0x20",false]},{"id":2,"params":["latest"]}]"#;
        assert_eq!(older(batch).unwrap(), batch.replace("0x20", "0x16"));
        let comet = r#"{"id":1,"params":{"height":"32"}}"#;
        assert_eq!(older(comet).unwrap(), comet.replace("32", "22"));
        let hash = format!(r#"{{"id":1,"params":["0x{}"]}}"#, "2".repeat(64));
        assert_eq!(older(r#"{"params":["0xa"]}"#).unwrap(), r#"{"params":["0x1"]}"#);
        for other in [
            hash.as_str(),
            r#"{"params":["0x1"]}"#,
            r#"{"params":["0x0"]}"#,
            r#"{"params":[]}"#,
            "[]",
            "<html>",
        ] {
            assert_eq!(older(other), None, "{other}");
        }
    }

    #[test]
    fn a_single_answer_stays_single() {
        let call = br#"{"id":"a","method":"eth_sendRawTransaction","params":["0x"]}"#;
        let (answers, rest) = Message::with_send(call).unwrap().take_sends(taken);
        let answer: Value = serde_json::from_str(&answers.text()).unwrap();
        assert!(rest.is_none());
        assert_eq!(answer["id"], "a");
        // The Keccak-256 of nothing.
        assert_eq!(answer["result"], "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    }

    #[test]
    fn only_errors_of_sends_are_whitewashed() {
        let message = Message::with_send(BATCH.as_bytes()).unwrap();
        let answer = br#"[{"id":1,"error":{"code":-32000}},{"id":2,"error":{"code":-32601}}]"#;
        let text = message.whitewash(answer, || true).unwrap();
        let answers: Value = serde_json::from_str(&text).unwrap();
        assert!(answers[0]["result"].is_string() && answers[0].get("error").is_none());
        assert_eq!(answers[1]["error"]["code"], -32601);
        assert!(message.whitewash(answer, || false).unwrap().contains("-32000"));
        assert!(message.whitewash(b"<html>", || true).is_none());
    }
}
