//! A JSON-RPC client on one keep-alive connection.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub(crate) struct Client {
    connection: SendRequest<Full<Bytes>>,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (connection, driver) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driver);
        Self { connection }
    }

    /// Status and body, or `None` if the connection was closed instead.
    pub(crate) async fn post(&mut self, body: impl Into<Bytes>) -> Option<(StatusCode, Bytes)> {
        self.connection.ready().await.ok()?;
        let request = Request::post("/").header("host", "lab").body(Full::new(body.into()));
        let response = self.connection.send_request(request.unwrap()).await.ok()?;
        let status = response.status();
        Some((status, response.into_body().collect().await.ok()?.to_bytes()))
    }

    /// The whole JSON-RPC answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let (status, body) = self.post(call(method, &params)).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        serde_json::from_slice(&body).unwrap()
    }

    /// The result of a call that succeeds.
    pub(crate) async fn get(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.ask(method, params).await;
        assert_eq!(answer["error"], Value::Null, "{method}");
        answer["result"].take()
    }
}

pub(crate) fn call(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

/// The body that submits these bytes.
pub(crate) fn submission(raw: &[u8]) -> String {
    let hex = alloy_primitives::hex::encode_prefixed(raw);
    call("eth_sendRawTransaction", &json!([hex]))
}
