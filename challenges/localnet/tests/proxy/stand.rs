//! A tiny upstream and a client that keeps its connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// An upstream that takes every send but `0xbad`, and answers `0x1` to all else.
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    pub(crate) sends: Arc<AtomicU64>,
    pub(crate) reads: Arc<AtomicU64>,
    pub(crate) connections: Arc<AtomicU64>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            addr: listener.local_addr().unwrap(),
            sends: Arc::default(),
            reads: Arc::default(),
            connections: Arc::default(),
        };
        let (sends, reads) = (Arc::clone(&upstream.sends), Arc::clone(&upstream.reads));
        let connections = Arc::clone(&upstream.connections);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::Relaxed);
                let (sends, reads) = (Arc::clone(&sends), Arc::clone(&reads));
                let service =
                    service_fn(move |request| reply(request, Arc::clone(&sends), Arc::clone(&reads)));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        upstream
    }

    pub(crate) fn sends(&self) -> u64 {
        self.sends.load(Ordering::Relaxed)
    }

    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

async fn reply(
    request: Request<Incoming>,
    sends: Arc<AtomicU64>,
    reads: Arc<AtomicU64>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let call: Value = serde_json::from_slice(&body).unwrap();
    let answer = if call["method"] != "eth_sendRawTransaction" {
        reads.fetch_add(1, Ordering::Relaxed);
        json!({"jsonrpc": "2.0", "id": call["id"], "result": "0x1"})
    } else {
        sends.fetch_add(1, Ordering::Relaxed);
        if call["params"][0] == "0xbad" {
            json!({"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32000, "message": "nonce too low"}})
        } else {
            json!({"jsonrpc": "2.0", "id": call["id"], "result": "0xupstream"})
        }
    };
    Ok(Response::new(Full::new(Bytes::from(answer.to_string()))))
}

/// A connection that is made anew only when it was closed.
pub(crate) struct Client {
    addr: SocketAddr,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, connection: None }
    }

    /// Status and unread answer; `None` when the connection was closed without one.
    pub(crate) async fn open(&mut self, method: &str, parameter: &str) -> Option<Response<Incoming>> {
        if self.connection.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(self.addr).await.ok()?;
            stream.set_nodelay(true).unwrap();
            let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            self.connection = Some(sender);
        }
        let sender = self.connection.as_mut().unwrap();
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": [parameter]}).to_string();
        let request = Request::post("/").header("host", "proxy").body(Full::new(body.into())).unwrap();
        let answer = match sender.ready().await {
            Ok(()) => sender.send_request(request).await,
            Err(error) => Err(error),
        };
        if answer.is_err() {
            self.connection = None;
        }
        answer.ok()
    }

    /// Status and JSON (null if it is none); `None` when the connection was closed.
    pub(crate) async fn call(&mut self, method: &str, parameter: &str) -> Option<(u16, Value)> {
        let answer = self.open(method, parameter).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    pub(crate) async fn send(&mut self, raw: &str) -> Option<(u16, Value)> {
        self.call("eth_sendRawTransaction", raw).await
    }

    pub(crate) async fn read(&mut self) -> Option<(u16, Value)> {
        self.call("eth_blockNumber", "").await
    }
}
