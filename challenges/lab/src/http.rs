//! The HTTP/1.1 server under both kinds of node.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::error::LabError;

/// Bytes that a request body may have.
const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// Pause after a connection could not be accepted (out of file descriptors, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

pub(crate) type Reply = Response<Full<Bytes>>;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection closed on purpose")]
pub(crate) struct Closed;

/// What answers the requests of a node.
pub(crate) trait Handler: Send + Sync + 'static {
    fn answer(&self, peer: IpAddr, body: Bytes) -> impl Future<Output = Result<Reply, Closed>> + Send;
}

/// A lab node at work. It ends when this is dropped or stopped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens; the port is the real one if 0 was asked for.
    pub addr: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Ends the node and all its connections, and waits until the port is free again.
    pub async fn stop(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // An aborted task says so; there is nothing else to hear from it.
            let _ = task.await;
        }
    }

    /// Lets another task live as long as the node.
    pub(crate) fn with(mut self, task: JoinHandle<()>) -> Self {
        self.tasks.push(task);
        self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Listens and answers every request with the handler.
pub(crate) async fn serve<H: Handler>(listen: SocketAddr, handler: Arc<H>) -> Result<Running, LabError> {
    let failed = |source| LabError::Listen { addr: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let tasks = vec![tokio::spawn(accept(listener, handler))];
    Ok(Running { addr, tasks })
}

/// Connections live in the set, so that they end with this task.
async fn accept<H: Handler>(listener: TcpListener, handler: Arc<H>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer.ip(), Arc::clone(&handler)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// No header timeout: the lab talks to those who started it, and an idle connection must stay.
async fn connection<H: Handler>(stream: TcpStream, peer: IpAddr, handler: Arc<H>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { respond(request, peer, handler.as_ref()).await }
    });
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    // A connection that breaks is the client's affair, one that we closed is meant so.
    drop(served);
}

async fn respond<H: Handler>(request: Request<Incoming>, peer: IpAddr, handler: &H) -> Result<Reply, Closed> {
    if request.method() != Method::POST {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"));
    }
    let announced = request.body().size_hint().lower();
    if announced > BODY_LIMIT as u64 {
        return Ok(too_large());
    }
    match Limited::new(request.into_body(), BODY_LIMIT).collect().await {
        Ok(body) => handler.answer(peer, body.to_bytes()).await,
        Err(error) if error.is::<LengthLimitError>() => Ok(too_large()),
        Err(_) => Err(Closed),
    }
}

fn too_large() -> Reply {
    plain(StatusCode::PAYLOAD_TOO_LARGE, "content length too large")
}

/// An answer in plain text.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = Response::new(Full::from(text));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}
