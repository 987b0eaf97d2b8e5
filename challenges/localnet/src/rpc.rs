//! One JSON-RPC call over a connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// A local node that takes longer is not answering.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Answers larger than this many bytes are refused.
const ANSWER_LIMIT: usize = 16 << 20;

/// Calls `method` of the node at `addr` and returns its `result`.
///
/// Waits at most 3 seconds and reads at most 16 MiB. Meant for polling and set-up, not for load:
/// each call opens a connection.
///
/// # Errors
/// When nothing usable is answered in time, or the answer is a JSON-RPC error (its text is kept).
pub async fn call(addr: SocketAddr, method: &str, params: Value) -> anyhow::Result<Value> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let answer = tokio::time::timeout(TIMEOUT, post(addr, body))
        .await
        .with_context(|| format!("{method}: no answer from {addr} within {TIMEOUT:?}"))?
        .with_context(|| format!("{method} at {addr}"))?;
    let mut answer: Value = serde_json::from_slice(&answer)
        .with_context(|| format!("{method}: {addr} did not answer with JSON"))?;
    if let Some(error) = answer.get("error") {
        bail!("{method}: {addr} answered {error}");
    }
    Ok(answer["result"].take())
}

async fn post(addr: SocketAddr, body: String) -> anyhow::Result<Bytes> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::post("/")
        .header(HOST, addr.to_string())
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let answer = sender.send_request(request).await?;
    let body = Limited::new(answer.into_body(), ANSWER_LIMIT).collect().await;
    Ok(body.map_err(anyhow::Error::from_boxed)?.to_bytes())
}
