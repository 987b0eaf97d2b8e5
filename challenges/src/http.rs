//! HTTP to nodes that may be hostile: keep-alive, bounded bodies, bound source, no decompression,
//! no redirects, no name look-ups.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::http::response::Parts;
use hyper::{Response, header};
use hyper_util::rt::TokioIo;
use model::{Class, Unavailable};
use tokio::net::TcpSocket;

use crate::driver::{Reply, Request};

/// Largest answer to a submission, bytes.
pub const LOAD_BODY: usize = 64 << 10;
/// Largest block with receipts, bytes.
pub const BLOCK_BODY: usize = 64 << 20;
/// Requests that may stand unanswered at one node from one source before further ones are refused
/// as `unavailable:backlog`.
const MOST_OPEN: usize = 4_096;

type Connection = SendRequest<Full<Bytes>>;

/// The address is not one that we send to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Not `http://IP:PORT`.
    #[error("`{0}` is no address of a node: write http://IP:PORT (an IP address, so that it cannot change)")]
    Form(String),
    /// Not loopback.
    #[error(
        "`{0}` is not on this machine: without an operator's signed consent, which this version cannot yet take, \
         load goes to loopback (127.0.0.0/8 or [::1]) only"
    )]
    NotLoopback(String),
}

/// The address in `http://IP:PORT` (a closing slash is fine), if it is on this machine.
///
/// # Errors
/// [`NotAllowed`], in words for the person who wrote the address.
pub fn loopback(rpc: &str) -> Result<SocketAddr, NotAllowed> {
    let bare = rpc.strip_prefix("http://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let bare = bare.map(|rest| rest.replacen("localhost:", "127.0.0.1:", 1));
    let address = bare.and_then(|rest| rest.parse::<SocketAddr>().ok());
    let address = address.ok_or_else(|| NotAllowed::Form(rpc.chars().take(120).collect()))?;
    if address.ip().to_canonical().is_loopback() {
        Ok(address)
    } else {
        Err(NotAllowed::NotLoopback(rpc.chars().take(120).collect()))
    }
}

/// Connections to one node from one source address.
pub struct Target {
    address: SocketAddr,
    source: Option<IpAddr>,
    idle: Mutex<Vec<Connection>>,
    open: AtomicUsize,
}

/// How a request failed, and whether its bytes may have reached the node.
struct Failure {
    class: Class,
    unsent: Option<hyper::Request<Full<Bytes>>>,
}

impl Failure {
    fn of(unavailable: Unavailable) -> Self {
        Self { class: Class::Unavailable(unavailable), unsent: None }
    }
}

impl Target {
    /// Connections to `address`, from `source` where one is given and the node is an IPv4 one.
    pub fn new(address: SocketAddr, source: Option<IpAddr>) -> Self {
        let source = source.filter(|source| source.is_ipv4() == address.is_ipv4());
        Self { address, source, idle: Mutex::default(), open: AtomicUsize::new(0) }
    }

    /// Where they lead.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Posts a request and reads at most `most` bytes of the answer, all within `deadline`.
    ///
    /// # Errors
    /// The class of what happened instead: [`Class::Unavailable`], or [`Class::ProtocolError`] for
    /// an answer that is too long or no HTTP.
    pub async fn post(&self, request: &Request, most: usize, deadline: Duration) -> Result<Reply, Class> {
        let (parts, body) = self.answer(request, most, deadline).await?;
        Ok(Reply { status: parts.status.as_u16(), body })
    }

    /// The time of day by the node's clock, to the second, as it dates its answer to a request; none when it does not
    /// answer within `deadline`, or not with a date.
    pub async fn clock(&self, request: &Request, deadline: Duration) -> Option<SystemTime> {
        let (parts, _) = self.answer(request, LOAD_BODY, deadline).await.ok()?;
        httpdate::parse_http_date(parts.headers.get(header::DATE)?.to_str().ok()?).ok()
    }

    async fn answer(
        &self,
        request: &Request,
        most: usize,
        deadline: Duration,
    ) -> Result<(Parts, Bytes), Class> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= MOST_OPEN {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return Err(Class::Unavailable(Unavailable::Backlog));
        }
        let answer = tokio::time::timeout(deadline, self.exchange(request, most)).await;
        self.open.fetch_sub(1, Ordering::Relaxed);
        answer.unwrap_or(Err(Class::Unavailable(Unavailable::Timeout)))
    }

    async fn exchange(&self, request: &Request, most: usize) -> Result<(Parts, Bytes), Class> {
        let mut message = self.message(request);
        while let Some(connection) = self.take() {
            // An idle connection that the node closed meanwhile: nothing was sent, take another.
            match self.send(connection, message, most).await {
                Ok(answer) => return Ok(answer),
                Err(Failure { unsent: Some(unsent), .. }) => message = unsent,
                Err(failure) => return Err(failure.class),
            }
        }
        let connection = self.connect().await.map_err(Class::Unavailable)?;
        self.send(connection, message, most).await.map_err(|failure| failure.class)
    }

    fn message(&self, request: &Request) -> hyper::Request<Full<Bytes>> {
        hyper::Request::post("/")
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(request.0.clone()))
            .expect("a request of fixed form and an address is a request")
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().expect("no holder of this lock panics");
        while let Some(connection) = idle.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> Result<Connection, Unavailable> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(|_| Unavailable::Refused)?;
        if let Some(source) = self.source {
            socket.bind(SocketAddr::new(source, 0)).map_err(|_| Unavailable::Refused)?;
        }
        let stream = socket.connect(self.address).await.map_err(|_| Unavailable::Refused)?;
        stream.set_nodelay(true).map_err(|_| Unavailable::Refused)?;
        let mut builder = Builder::new();
        builder.max_buf_size(64 << 10).max_headers(64);
        let (sender, connection) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|_| Unavailable::Closed)?;
        tokio::spawn(async move {
            // How it ends is told by the requests on it.
            let _ = connection.await;
        });
        Ok(sender)
    }

    async fn send(
        &self,
        mut connection: Connection,
        message: hyper::Request<Full<Bytes>>,
        most: usize,
    ) -> Result<(Parts, Bytes), Failure> {
        let answer = match connection.try_send_request(message).await {
            Ok(answer) => answer,
            Err(mut error) => {
                let unsent = error.take_message();
                let class = if error.error().is_parse() {
                    Class::ProtocolError
                } else {
                    Class::Unavailable(Unavailable::Closed)
                };
                return Err(Failure { class, unsent });
            }
        };
        let answer = read(answer, most).await?;
        self.idle.lock().expect("no holder of this lock panics").push(connection);
        Ok(answer)
    }
}

/// The body, as far as `most` bytes; a longer one is no answer, and its connection is dropped.
async fn read(answer: Response<Incoming>, most: usize) -> Result<(Parts, Bytes), Failure> {
    let (parts, mut body) = answer.into_parts();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::of(Unavailable::Closed))?;
        if let Some(data) = frame.data_ref() {
            if whole.len() + data.len() > most {
                return Err(Failure { class: Class::ProtocolError, unsent: None });
            }
            whole.extend_from_slice(data);
        }
    }
    Ok((parts, whole.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_written_as_an_address_is_allowed() {
        for good in
            ["http://127.0.0.1:8545", "http://127.3.2.1:1/", "http://[::1]:8545", "http://localhost:1"]
        {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for foreign in
            ["http://10.0.0.1:8545", "http://0.0.0.0:1", "http://[::ffff:10.0.0.1]:1", "http://8.8.8.8:1"]
        {
            assert!(matches!(loopback(foreign), Err(NotAllowed::NotLoopback(_))), "{foreign}");
        }
        for odd in [
            "https://127.0.0.1:1",
            "http://127.1:1",
            "http://2130706433:1",
            "http://a@127.0.0.1:1",
            "http://127.0.0.1",
            "http://127.0.0.1:1/x",
            "http://0x7f.1:1",
            "127.0.0.1:1",
            "http://evil.example:1",
        ] {
            assert!(matches!(loopback(odd), Err(NotAllowed::Form(_))), "{odd}");
        }
    }
}
