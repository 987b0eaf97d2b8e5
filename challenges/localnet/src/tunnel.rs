//! A WebSocket handed on by a proxy: what goes through it is not read.

use std::sync::Arc;

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper::header::{HOST, UPGRADE};
use hyper::{Request, Response, StatusCode, upgrade};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::body::{Answer, whole};
use crate::fault::{Fault, Rule};
use crate::upstream::Upstream;

/// Whether a request asks for a WebSocket.
pub(crate) fn is_asked(request: &Request<Incoming>) -> bool {
    request.headers().get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Asks the node for it, and copies what either side says until one of them ends it or the node is to misbehave.
pub(crate) async fn open(
    upstream: &Upstream,
    mut rules: watch::Receiver<Arc<Rule>>,
    mut request: Request<Incoming>,
) -> anyhow::Result<Response<Answer>> {
    request.headers_mut().insert(HOST, upstream.host.clone());
    let asked_by = upgrade::on(&mut request);
    let stream = TcpStream::connect(upstream.addr).await.context("connect to the node")?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let mut response = sender.send_request(request).await.context("ask the node for a WebSocket")?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let (head, body) = response.into_parts();
        let body = body.collect().await.context("read the node's answer")?.to_bytes();
        return Ok(Response::from_parts(head, whole(body)));
    }
    let told_by = upgrade::on(&mut response);
    tokio::spawn(async move {
        let (Ok(asked_by), Ok(told_by)) = tokio::join!(asked_by, told_by) else { return };
        let (mut asked_by, mut told_by) = (TokioIo::new(asked_by), TokioIo::new(told_by));
        // Either way it is over.
        tokio::select! {
            _ = copy_bidirectional(&mut asked_by, &mut told_by) => {}
            _ = rules.wait_for(|rule| rule.fault != Fault::None) => {}
        }
    });
    Ok(response.map(|_| whole("")))
}
