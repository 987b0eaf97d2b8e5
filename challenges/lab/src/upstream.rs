//! Keep-alive connections from an ingress to what is behind it.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Connection = SendRequest<Full<Bytes>>;

/// The upstream did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error("upstream: {0}")]
    Connect(#[from] std::io::Error),
    #[error("upstream: {0}")]
    Http(#[from] hyper::Error),
}

/// One node behind an ingress, and the connections to it that are free. There are never more than requests at once.
#[derive(Debug)]
pub(crate) struct Upstream {
    addr: SocketAddr,
    host: HeaderValue,
    free: Mutex<Vec<Connection>>,
}

impl Upstream {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        let host = HeaderValue::from_str(&addr.to_string());
        Self { addr, host: host.unwrap_or(HeaderValue::from_static("localhost")), free: Mutex::default() }
    }

    /// Sends a JSON-RPC body and gives status and body of the answer.
    pub(crate) async fn send(&self, body: Bytes) -> Result<(StatusCode, Bytes), Unavailable> {
        let mut request = self.request(body);
        loop {
            let (mut connection, fresh) = match self.pooled().await {
                Some(connection) => (connection, false),
                None => (self.dial().await?, true),
            };
            match connection.try_send_request(request).await {
                Ok(response) => {
                    let status = response.status();
                    let body = response.into_body().collect().await?.to_bytes();
                    self.free().push(connection);
                    return Ok((status, body));
                }
                // Given back: an old connection had gone away before anything was sent. Sent: never sent again.
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(error.into_error().into()),
                },
            }
        }
    }

    /// The connection used last that is still good.
    async fn pooled(&self) -> Option<Connection> {
        while let Some(mut connection) = self.pop() {
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
        None
    }

    async fn dial(&self) -> Result<Connection, Unavailable> {
        let stream = TcpStream::connect(self.addr).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await?;
        // It ends when the connection is dropped; what breaks it is seen by whoever sends.
        tokio::spawn(async move { drop(driver.await) });
        Ok(connection)
    }

    fn pop(&self) -> Option<Connection> {
        self.free().pop()
    }

    fn free(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }
}
