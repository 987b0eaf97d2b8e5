//! Names each request, says whose it is, and writes down what became of it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::client::{Client, TrustedProxies, class};
use super::metrics;
use super::request_id::{REQUEST_ID, RequestId, RequestIds};

/// What the layer needs.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) ids: RequestIds,
    pub(super) proxies: TrustedProxies,
}

impl Recorder {
    /// A proxy may have named the request already; nobody else's name is taken.
    fn name(&self, request: &Request, peer: IpAddr) -> RequestId {
        let given = request.headers().get(REQUEST_ID).filter(|_| self.proxies.contains(peer));
        given.and_then(RequestId::given).unwrap_or_else(|| self.ids.next())
    }
}

/// The layer. Logged are the method, the route's template, status, time, name and kind of address; neither
/// paths nor queries, headers, cookies or addresses, in which secrets and persons are.
pub(super) async fn layer(
    State(recorder): State<Arc<Recorder>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |info| info.0.ip());
    let client = recorder.proxies.client(peer, request.headers());
    let id = recorder.name(&request, peer);
    let record = Record::begin(&request, client);
    request.extensions_mut().insert(Client(client));
    request.extensions_mut().insert(id.clone());
    // At the level of errors, so that whatever is logged inside carries the name.
    let span = tracing::error_span!("request", %id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let _inside = span.entered();
    record.end(response.status().as_u16());
    response.headers_mut().insert(REQUEST_ID, id.header());
    response
}

/// A request in flight. Dropped before its end, its client has left.
struct Record {
    method: Method,
    route: Option<MatchedPath>,
    client: &'static str,
    begun: Instant,
    ended: bool,
}

impl Record {
    fn begin(request: &Request, client: IpAddr) -> Self {
        metrics::in_flight(1.0);
        Self {
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            client: class(client),
            begun: Instant::now(),
            ended: false,
        }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("unmatched", MatchedPath::as_str)
    }

    fn end(mut self, status: u16) {
        self.ended = true;
        let elapsed = self.begun.elapsed();
        metrics::answered(&self.method, self.route(), status, elapsed);
        self.log(Some(status), elapsed);
    }

    fn log(&self, status: Option<u16>, elapsed: Duration) {
        let ms = elapsed.as_secs_f64() * 1_000.0;
        let (route, client) = (self.route(), self.client);
        tracing::info!(target: "touchstone::access", method = %self.method, route, status, ms, client);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        metrics::in_flight(-1.0);
        if !self.ended {
            metrics::abandoned(&self.method, self.route());
            self.log(None, self.begun.elapsed());
        }
    }
}
