//! The JSON-RPC 2.0 envelope.

use serde_json::{Value, json};

/// Calls that a batch may hold (geth's limit).
const BATCH_LIMIT: usize = 1_000;

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    pub(crate) fn unknown_method(method: &str) -> Self {
        Self::new(-32601, format!("the method {method} does not exist/is not available"))
    }

    pub(crate) fn invalid_request(message: &str) -> Self {
        Self::new(-32600, message)
    }

    /// What an overloaded ingress says.
    pub(crate) fn busy() -> Self {
        Self::new(-32005, "server is busy")
    }
}

/// Answers a request body, single or batch. Empty if nothing in it wanted an answer.
pub(crate) fn answer<F>(body: &[u8], mut call: F) -> Vec<u8>
where
    F: FnMut(&str, &[Value]) -> Result<Value, Fault>,
{
    let reply = match serde_json::from_slice(body) {
        Err(_) => Some(response(&Value::Null, Err(Fault::new(-32700, "parse error")))),
        Ok(Value::Array(calls)) => batch(&calls, &mut call),
        Ok(single) => one(&single, &mut call),
    };
    reply.map(|reply| reply.to_string().into_bytes()).unwrap_or_default()
}

fn batch<F>(calls: &[Value], call: &mut F) -> Option<Value>
where
    F: FnMut(&str, &[Value]) -> Result<Value, Fault>,
{
    let refuse = |message| Some(response(&Value::Null, Err(Fault::invalid_request(message))));
    if calls.is_empty() {
        return refuse("empty batch");
    }
    if calls.len() > BATCH_LIMIT {
        return refuse("batch too large");
    }
    let replies: Vec<Value> = calls.iter().filter_map(|c| one(c, call)).collect();
    (!replies.is_empty()).then_some(Value::Array(replies))
}

/// Answers one call; a notification (no id) is carried out and gets no answer.
fn one<F>(request: &Value, call: &mut F) -> Option<Value>
where
    F: FnMut(&str, &[Value]) -> Result<Value, Fault>,
{
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        let fault = Fault::invalid_request("invalid request");
        return Some(response(&Value::Null, Err(fault)));
    };
    let outcome = match request.get("params") {
        None | Some(Value::Null) => call(method, &[]),
        Some(Value::Array(params)) => call(method, params),
        Some(_) => Err(Fault::params("non-array args")),
    };
    Some(response(request.get("id")?, outcome))
}

/// The answer to the call with this id.
pub(crate) fn response(id: &Value, outcome: Result<Value, Fault>) -> Value {
    match outcome {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(Fault { code, message }) => {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(body: &str) -> Value {
        let bytes = answer(body.as_bytes(), |method, params| match method {
            "echo" => Ok(json!(params)),
            _ => Err(Fault::unknown_method(method)),
        });
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    }

    fn code(reply: &Value) -> i64 {
        reply["error"]["code"].as_i64().unwrap()
    }

    #[test]
    fn a_call_is_answered_under_its_id() {
        let reply = echo(r#"{"jsonrpc":"2.0","id":"a","method":"echo","params":[1,"x"]}"#);
        assert_eq!(reply, json!({"jsonrpc": "2.0", "id": "a", "result": [1, "x"]}));
    }

    #[test]
    fn faults_have_their_codes() {
        assert_eq!(code(&echo("{\"id\":1,")), -32700);
        assert_eq!(code(&echo("\u{fffd}")), -32700);
        assert_eq!(code(&echo(&"[".repeat(100_000))), -32700);
        assert_eq!(code(&echo("7")), -32600);
        assert_eq!(code(&echo(r#"{"id":1}"#)), -32600);
        assert_eq!(code(&echo(r#"{"id":1,"method":"admin_peers"}"#)), -32601);
        assert_eq!(code(&echo(r#"{"id":1,"method":"echo","params":{}}"#)), -32602);
    }

    #[test]
    fn batches_keep_order_and_have_a_limit() {
        let call = |id: usize| json!({"id": id, "method": "echo"});
        let reply = echo(&json!([call(1), 5, call(2)]).to_string());
        assert_eq!([&reply[0]["id"], &reply[2]["id"]], [&json!(1), &json!(2)]);
        assert_eq!(code(&reply[1]), -32600);
        let full: Vec<_> = (0..1_000).map(call).collect();
        assert_eq!(echo(&json!(full).to_string()).as_array().unwrap().len(), 1_000);
        let over: Vec<_> = (0..1_001).map(call).collect();
        assert_eq!(code(&echo(&json!(over).to_string())), -32600);
        assert_eq!(code(&echo("[]")), -32600);
    }

    #[test]
    fn a_notification_gets_no_answer() {
        assert_eq!(echo(r#"{"method":"echo"}"#), Value::Null);
        assert_eq!(echo(r#"[{"method":"echo"}]"#), Value::Null);
    }
}
