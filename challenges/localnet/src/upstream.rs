//! The node behind a proxy, over kept connections.

use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::body::{Answer, whole};

/// Headers that concern one connection or one body and are set anew.
const OWN: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

type Sender = SendRequest<Full<Bytes>>;

pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    pub(crate) host: HeaderValue,
    idle: Mutex<Vec<Sender>>,
}

impl Upstream {
    /// From `127.0.0.1:8545` or `http://127.0.0.1:8545`.
    pub(crate) fn parse(upstream: impl Display) -> anyhow::Result<Self> {
        let text = upstream.to_string();
        let wish = || format!("{text} is not an upstream; write http://HOST:PORT");
        let authority = text.strip_prefix("http://").unwrap_or(&text).trim_end_matches('/');
        let addr = authority.to_socket_addrs().with_context(wish)?.next().with_context(wish)?;
        let host = HeaderValue::from_str(authority).with_context(wish)?;
        Ok(Self { addr, host, idle: Mutex::default() })
    }

    /// Forwards one request and returns the whole answer.
    pub(crate) async fn forward(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let (mut head, body) = request.into_parts();
        strip(&mut head.headers);
        // An answer must be readable for the faults that change it.
        head.headers.remove(ACCEPT_ENCODING);
        head.headers.insert(HOST, self.host.clone());
        let (answer, sender) = self.exchange(Request::from_parts(head, Full::new(body))).await?;
        let (mut head, body) = answer.into_parts();
        let body = body.collect().await.context("read the upstream's answer")?.to_bytes();
        strip(&mut head.headers);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Ok(Response::from_parts(head, body))
    }

    /// Sends over a kept connection; over another one if that was closed before it took the request.
    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> anyhow::Result<(Response<Incoming>, Sender)> {
        loop {
            let Some(mut sender) = self.kept() else { break };
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(answer) => return Ok((answer, sender)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error()).context("the upstream broke off"),
                },
            }
        }
        let mut sender = self.connect().await.with_context(|| format!("connect to {}", self.addr))?;
        let answer = sender.send_request(request).await.context("the upstream broke off")?;
        Ok((answer, sender))
    }

    fn kept(&self) -> Option<Sender> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn connect(&self) -> anyhow::Result<Sender> {
        let stream = TcpStream::connect(self.addr).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn strip(headers: &mut HeaderMap) {
    for name in OWN {
        headers.remove(name);
    }
}

/// An answer ready to be sent on.
pub(crate) fn boxed(answer: Response<Bytes>) -> Response<Answer> {
    answer.map(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_an_address_or_a_url() {
        for text in ["127.0.0.1:80", "http://127.0.0.1:80", "http://127.0.0.1:80/"] {
            assert_eq!(Upstream::parse(text).map(|upstream| upstream.addr.port()).unwrap(), 80);
        }
        for text in ["127.0.0.1", "https://127.0.0.1:80", "http://127.0.0.1:80/path"] {
            let error = Upstream::parse(text).err().unwrap().to_string();
            assert!(error.contains("http://HOST:PORT"), "{error}");
        }
    }
}
