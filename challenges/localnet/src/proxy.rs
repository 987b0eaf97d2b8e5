//! A JSON-RPC proxy whose faults are switched while it runs.

use std::convert::Infallible;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::body::{self, Answer, whole};
use crate::fault::{Fault, Rule};
use crate::message::{Message, forge_proposer, older, rejected, taken};
use crate::ports::Ports;
use crate::tunnel;
use crate::upstream::{Upstream, boxed};

/// Requests larger than this many bytes are closed on.
const REQUEST_LIMIT: usize = 16 << 20;
/// Pause after a connection could not be accepted, as when there are no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
const JSON: &str = "application/json";
const PAGE: &str =
    "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n";

/// An HTTP/1.1 proxy on 127.0.0.1 before one node. It runs on a thread of its own, so a busy caller does
/// not slow it down. Dropping it closes all its connections.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens, on 127.0.0.1.
    pub addr: SocketAddr,
    rule: watch::Sender<Arc<Rule>>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy before `upstream`, an address or `http://HOST:PORT`; the upstream need not be up yet.
    ///
    /// Connections to it are kept and reused, requests are forwarded at the same time, and `Accept-Encoding`
    /// is not passed on. What the upstream cannot answer is answered with HTTP 502 and the reason as text.
    ///
    /// # Errors
    /// When `upstream` cannot be read or no port or thread is to be had.
    pub fn start(upstream: impl Display, fault: Fault) -> anyhow::Result<Self> {
        Self::before(0, upstream, fault, Ports::Free)
    }

    /// The same before node `index` of a network with these ports.
    ///
    /// # Errors
    /// As [`Proxy::start`]; a taken port is named.
    pub fn before(index: usize, upstream: impl Display, fault: Fault, ports: Ports) -> anyhow::Result<Self> {
        let upstream = Upstream::parse(upstream)?;
        let listener = ports.ingress(index)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (rule, rules) = watch::channel(Arc::new(Rule::new(fault)));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Shared { upstream, rules });
        let thread = std::thread::Builder::new()
            .name("localnet-proxy".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = accept(listener, shared) => {}
                    }
                });
            })
            .context("start the proxy's thread")?;
        Ok(Self { addr, rule, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The fault in force.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.rule.borrow().fault
    }

    /// Changes the fault, also to the same one, with its counts begun anew. Requests that have come are
    /// finished under the fault they came under; only [`Fault::Refuse`] cuts them off. A WebSocket ends with any.
    pub fn set(&self, fault: Fault) {
        self.rule.send_replace(Arc::new(Rule::new(fault)));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It fails only if the thread panicked, which it has reported itself.
            let _ = thread.join();
        }
    }
}

struct Shared {
    upstream: Upstream,
    rules: watch::Receiver<Arc<Rule>>,
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("closed without an answer")
    }
}

impl std::error::Error for Closed {}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => panic!("a bound listener cannot be polled: {error}"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                tokio::spawn(serve(stream, from.ip(), Arc::clone(&shared)));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves one connection until it ends or the proxy refuses.
async fn serve(stream: TcpStream, from: IpAddr, shared: Arc<Shared>) {
    // Without it the connection still works, only later.
    let _ = stream.set_nodelay(true);
    let mut rules = shared.rules.clone();
    let refused = async {
        // It fails only when the proxy is dropped, which ends this task.
        let _ = rules.wait_for(|rule| rule.fault == Fault::Refuse).await;
    };
    let service = service_fn(|request| answer(&shared, from, request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::select! {
        biased;
        () = refused => {}
        // Every way in which a connection ends is as good as another.
        _ = connection => {}
    }
}

async fn answer(
    shared: &Shared,
    from: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Closed> {
    let rule = Arc::clone(&shared.rules.borrow());
    // What a node with a fault says there would not be seen, so that it has none.
    if rule.fault == Fault::None && tunnel::is_asked(&request) {
        let opened = tunnel::open(&shared.upstream, shared.rules.clone(), request).await;
        return Ok(
            opened.unwrap_or_else(|error| boxed(told(StatusCode::BAD_GATEWAY, format!("{error:#}\n"))))
        );
    }
    let (head, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_LIMIT).collect().await.map_err(|_| Closed)?.to_bytes();
    match rule.fault {
        Fault::Refuse => return Err(Closed),
        Fault::Tarpit => return Ok(typed(JSON, body::dribble())),
        Fault::Html => return Ok(typed("text/html; charset=utf-8", whole(PAGE))),
        Fault::Endless => return Ok(typed(JSON, body::endless())),
        Fault::GzipBomb => return Ok(gzipped(typed(JSON, body::gzip_bomb()))),
        Fault::Delay(delay) => sleep(delay).await,
        Fault::Stall { every, length } => rule.stand_still(every, length).await,
        Fault::ForgedProposer { per_mille } => {
            let answer = forward(shared, Request::from_parts(head, body)).await;
            return Ok(boxed(answer.map(|body| {
                let forged = forge_proposer(&body);
                if forged != body && rule.hits(per_mille) { forged } else { body }
            })));
        }
        Fault::Stale { blocks } => {
            let asked = older(&body, blocks).unwrap_or(body);
            return Ok(boxed(forward(shared, Request::from_parts(head, asked)).await));
        }
        Fault::Canned { kept } => {
            if Message::with_send(&body).is_none() {
                let asked = body.to_vec();
                let fresh = forward(shared, Request::from_parts(head, body));
                return Ok(boxed(rule.first_answer(asked, kept, fresh).await));
            }
        }
        Fault::LimitBySource { per_second } => {
            if Message::with_send(&body).is_some() && !rule.admits(from, per_second).await {
                return Ok(boxed(told(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too many requests from this address\n",
                )));
            }
        }
        Fault::None => {}
        Fault::Close { .. }
        | Fault::Rate { .. }
        | Fault::WrongClass { .. }
        | Fault::AcceptAll { .. }
        | Fault::RejectAll { .. } => {
            if let Some(message) = Message::with_send(&body) {
                return answer_send(shared, &rule, message, Request::from_parts(head, body)).await;
            }
        }
    }
    Ok(boxed(forward(shared, Request::from_parts(head, body)).await))
}

/// Answers a send under one of the faults that concern sends.
async fn answer_send(
    shared: &Shared,
    rule: &Rule,
    message: Message,
    request: Request<Bytes>,
) -> Result<Response<Answer>, Closed> {
    match rule.fault {
        Fault::Close { per_mille } if rule.hits(per_mille) => return Err(Closed),
        Fault::Rate { per_second, queue } if !rule.turn(per_second, queue).await => {
            return Ok(boxed(told(StatusCode::SERVICE_UNAVAILABLE, "the queue is full\n")));
        }
        Fault::WrongClass { per_mille } => {
            let answer = forward(shared, request).await;
            let text = message.whitewash(answer.body(), || rule.hits(per_mille));
            return Ok(boxed(match text {
                Some(text) => answer.map(|_| text.into()),
                None => answer,
            }));
        }
        Fault::AcceptAll { per_mille } if rule.hits(per_mille) => {
            return Ok(answer_here(shared, message, taken, request).await);
        }
        Fault::RejectAll { per_mille } if rule.hits(per_mille) => {
            return Ok(answer_here(shared, message, rejected, request).await);
        }
        _ => {}
    }
    Ok(boxed(forward(shared, request).await))
}

/// Answers the sends here and has the rest of a batch answered by the upstream.
async fn answer_here(
    shared: &Shared,
    message: Message,
    by: fn(&serde_json::Value) -> serde_json::Value,
    request: Request<Bytes>,
) -> Response<Answer> {
    let (mut answers, rest) = message.take_sends(by);
    if let Some(rest) = rest {
        let answer = forward(shared, request.map(|_| rest.into())).await;
        answers.join(answer.body());
    }
    typed(JSON, whole(answers.text()))
}

async fn forward(shared: &Shared, request: Request<Bytes>) -> Response<Bytes> {
    match shared.upstream.forward(request).await {
        Ok(answer) => answer,
        Err(error) => told(StatusCode::BAD_GATEWAY, format!("{error:#}\n")),
    }
}

fn told(status: StatusCode, text: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}

fn typed(content_type: &'static str, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn gzipped(mut response: Response<Answer>) -> Response<Answer> {
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}
