//! Questions to a server that may be killed at any moment: what it said, or that nobody knows.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::account::cookie;
use crate::account::secret::Secret;

/// How long an answer may take: longer than a server gives itself.
const PATIENCE: Duration = Duration::from_secs(12);
/// Longest answer that is read, bytes.
const MOST: usize = 16 << 20;

/// As whom something is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum As<'a> {
    /// Nobody.
    Anybody,
    /// Who has this session.
    Session(&'a Secret),
    /// Who has this token.
    Token(&'a str),
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Answer {
    /// The server said this, to the end.
    Said {
        /// Its status.
        status: StatusCode,
        /// What it said, if that is JSON.
        body: Value,
        /// The session that came with it.
        session: Option<Secret>,
    },
    /// No whole answer: what was asked may be done, or not.
    Lost,
}

/// Asks a server; a connection a question.
pub(super) async fn ask(
    server: SocketAddr,
    method: Method,
    path: &str,
    who: As<'_>,
    body: Option<&Value>,
) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::HOST, server.to_string());
    let request = match who {
        As::Anybody => request,
        As::Session(secret) => {
            request.header(header::COOKIE, format!("{}={}", cookie::NAME, secret.reveal()))
        }
        As::Token(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
    };
    let request = match body {
        None => request.body(Full::default()),
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(Bytes::from(body.to_string()))),
    };
    let Ok(request) = request else { return Answer::Lost };
    timeout(PATIENCE, exchange(server, request)).await.ok().flatten().unwrap_or(Answer::Lost)
}

async fn exchange(server: SocketAddr, request: Request<Full<Bytes>>) -> Option<Answer> {
    let stream = TcpStream::connect(server).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // How it ends is told by the request on it.
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.ok()?.into_parts();
    let body = Limited::new(body, MOST).collect().await.ok()?.to_bytes();
    let cookies = head.headers.get_all(header::SET_COOKIE).iter().map(|value| value.as_bytes());
    let session = cookie::given(cookies).ok().flatten();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Answer::Said { status: head.status, body, session })
}

/// Whether a server says that it is ready.
pub(super) async fn is_ready(server: SocketAddr) -> bool {
    let asked = ask(server, Method::GET, "/readyz", As::Anybody, None);
    let answer = timeout(Duration::from_millis(1_500), asked).await;
    matches!(answer, Ok(Answer::Said { status: StatusCode::OK, .. }))
}
