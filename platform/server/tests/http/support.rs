//! A server on a free port, and clients for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use server::http::{ServeOptions, Shell, serve, wrap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything takes on the busiest machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A running server; it ends with this, or when told to.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    pub(crate) async fn start(router: Router, shell: Shell, options: ServeOptions) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve(listener, wrap(router, shell), options, stopped));
        Self { address, stop, served }
    }

    /// Asks the server to end; the handle resolves when it has.
    pub(crate) fn stop(self) -> JoinHandle<anyhow::Result<()>> {
        let _ = self.stop.send(());
        self.served
    }
}

/// A shell without rate limits.
pub(crate) fn unlimited() -> Shell {
    Shell { limits: None, ..Shell::new().expect("randomness") }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The problem that this answer must be.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        let problem: Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(problem["status"], status);
        assert!(problem["type"].is_string() && problem["title"].is_string(), "{problem}");
        problem
    }
}

/// A connection of a well-behaved client.
pub(crate) struct Client(SendRequest<Body>);

impl Client {
    pub(crate) async fn connect(server: SocketAddr) -> Self {
        Self::over(TcpStream::connect(server).await.expect("a connection")).await
    }

    pub(crate) async fn over(stream: TcpStream) -> Self {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a client");
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> hyper::Result<Answer> {
        let response = self.0.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(request("GET", path, &[])).await.expect("an answer")
    }
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "touchstone.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).expect("a request")
}

/// One request on a connection of its own.
pub(crate) async fn send(server: SocketAddr, request: Request<Body>) -> Answer {
    Client::connect(server).await.send(request).await.expect("an answer")
}

pub(crate) async fn get(server: SocketAddr, path: &str) -> Answer {
    send(server, request("GET", path, &[])).await
}

/// A connection from another address of this machine: all of 127.0.0.0/8 is.
pub(crate) async fn connect_from(source: [u8; 4], server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(IpAddr::from(source), 0)).expect("a loopback address");
    socket.connect(server).await.expect("a connection")
}

/// Sends these bytes, and reads until the server closes.
pub(crate) async fn raw(server: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server).await.expect("a connection");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    rest(&mut stream).await
}

/// Everything up to the end of the connection, however it ends.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let (mut all, mut part) = (Vec::new(), [0; 16 * 1024]);
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(LONG, stream.read(&mut part)).await {
        all.extend_from_slice(&part[..count]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The value below which this share of the sorted samples lie, by nearest rank.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}
