//! The accept loop: connections in, and nobody holds one without using it.
//!
//! `axum::serve` 0.8 has no header timeout, so a client that dribbles a header a second holds its connection for
//! ever; this loop is hyper's HTTP/1 server with its limits set. What ends what:
//!
//! | a client that | is ended by |
//! |---|---|
//! | connects and sends nothing, dribbles headers, or idles between requests | `header_time`; hyper's timer runs from the moment it waits for a head |
//! | sends too many or too long headers | 431 by hyper |
//! | dribbles a body | 408 by the shell; the connection closes because the body was not read |
//! | does not read its answer | `write_patience` |
//! | opens many connections | the bounds in all and for each client |

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::admission::{Admission, Full, Place};
use super::client::TrustedProxies;
use super::metrics;
use super::stall::Stalling;

/// After an error that will not pass by trying again at once, such as no free file descriptor.
const PAUSE: Duration = Duration::from_millis(100);

/// What a connection buffers in either direction, bytes.
const BUFFER: usize = 64 * 1024;

/// Bounds of the accept loop.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// From waiting for a request to the end of its headers.
    pub header_time: Duration,
    /// Headers of a request.
    pub headers: usize,
    /// Bytes of a request's first line and headers.
    pub header_bytes: usize,
    /// Open connections. The process needs that many file descriptors, and some more.
    pub connections: usize,
    /// Open connections of one client, as [`super::block`] counts it; proxies are bounded by `connections` only.
    pub connections_each: usize,
    /// How long a client may leave its answer unread.
    pub write_patience: Duration,
    /// How long requests in flight may take after the shutdown was asked for.
    pub grace: Duration,
    /// Proxies in front of us.
    pub proxies: TrustedProxies,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(5),
            headers: 100,
            header_bytes: 16 * 1024,
            connections: 1_024,
            connections_each: 64,
            write_patience: Duration::from_secs(20),
            grace: Duration::from_secs(10),
            proxies: TrustedProxies::default(),
        }
    }
}

impl ServeOptions {
    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.header_time)
            .max_headers(self.headers)
            .max_header_size(self.header_bytes)
            .max_buf_size(BUFFER.max(self.header_bytes));
        http
    }
}

/// Tells a handler that streams that the server is about to end; the accept loop adds it to every request.
/// Without an accept loop around the route nothing ends.
#[derive(Debug, Clone, Default)]
pub struct Closing(Option<watch::Receiver<bool>>);

impl Closing {
    /// Returns when the server is about to end: the stream should end within its grace.
    pub async fn wait(&mut self) {
        match &mut self.0 {
            // A loop that is gone has closed too.
            Some(closing) => drop(closing.wait_for(|closing| *closing).await),
            None => std::future::pending().await,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Closing {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Serves `router` on `listener` until `shutdown`. Then nothing new is accepted, idle connections close at once,
/// and requests in flight have `grace` to end.
///
/// Handlers find the peer in `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// When the listener is none any more.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let admission = Admission::new(options.connections, options.connections_each, options.proxies.clone());
    let admission = Arc::new(admission);
    let (closing, closed) = watch::channel(false);
    let closed = Closing(Some(closed));
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let http = options.http();
    let ended = loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break Ok(()),
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match admission.enter(peer.ip()) {
                Ok(place) => {
                    let stream = Stalling::new(prepared(stream), options.write_patience);
                    let connection = Connection { peer, place, closed: closed.clone() };
                    open.spawn(connection.run(http.clone(), stream, router.clone()));
                }
                Err(full) => refuse(stream, full),
            },
            Err(error) if after(&error) == After::End => break Err(error).context("the listener is closed"),
            Err(error) => pause(&error).await,
        }
    };
    drop(listener);
    closing.send_replace(true);
    drain(open, options.grace).await;
    ended
}

async fn pause(error: &io::Error) {
    if after(error) == After::Pause {
        tracing::warn!(%error, "cannot accept a connection; trying again");
        sleep(PAUSE).await;
    }
}

/// Waits for the requests in flight, and cuts off what takes longer.
async fn drain(mut open: JoinSet<()>, grace: Duration) {
    if timeout(grace, async { while open.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!(connections = open.len(), "still busy at the end of the grace: cut off");
    }
    open.shutdown().await;
}

/// One accepted connection.
struct Connection {
    peer: SocketAddr,
    place: Place,
    closed: Closing,
}

impl Connection {
    async fn run(mut self, http: http1::Builder, stream: Stalling<TcpStream>, router: Router) {
        let closing = self.closed.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(self.peer));
            request.extensions_mut().insert(closing.clone());
            router.clone().oneshot(request)
        });
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = self.closed.wait() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
        drop(self.place);
    }
}

/// Answers are small and waited for: they are not held back for more.
fn prepared(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    stream
}

/// What is said to a connection for which there is no place.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Says so, if that costs no waiting, and closes.
fn refuse(stream: TcpStream, full: Full) {
    metrics::connection_refused(match full {
        Full::Total => "total",
        Full::Client => "client",
    });
    // The runtime does not know yet that the socket can be written; a new one always has the room.
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(NO_PLACE);
    }
}

/// What to do after an accept failed.
#[derive(Debug, PartialEq, Eq)]
enum After {
    /// The connection was gone again; the next one will be there.
    Again,
    /// Something is used up, and trying again at once would spin.
    Pause,
    /// No accept will ever succeed.
    End,
}

fn after(error: &io::Error) -> After {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, InvalidInput};
    match error.kind() {
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted => After::Again,
        InvalidInput => After::End,
        _ => After::Pause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_files_is_waited_out() {
        // Linux: EMFILE, ENFILE, ENOBUFS, ENOMEM.
        for number in [24, 23, 105, 12] {
            assert_eq!(after(&io::Error::from_raw_os_error(number)), After::Pause, "{number}");
        }
        // ECONNABORTED, EINTR; EINVAL.
        assert_eq!(after(&io::Error::from_raw_os_error(103)), After::Again);
        assert_eq!(after(&io::Error::from_raw_os_error(4)), After::Again);
        assert_eq!(after(&io::Error::from_raw_os_error(22)), After::End);
    }
}
