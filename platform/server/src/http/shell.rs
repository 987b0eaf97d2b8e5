//! The layers around the routes.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::allowance::{self, Allowance, Allowances, Desk};
use super::client::{Client, TrustedProxies, block};
use super::face;
use super::headers;
use super::health::{self, Ready};
use super::limit::{Key, Limits, Rates};
use super::metrics::MetricsPage;
use super::problem::Problem;
use super::record::{self, Recorder};
use super::request_id::RequestIds;

/// What is around the routes.
pub struct Shell {
    /// Proxies in front of us, whose `X-Forwarded-For` and `x-request-id` are believed.
    pub proxies: TrustedProxies,
    /// Everybody comes to us through TLS: browsers are told to insist on it.
    pub tls: bool,
    /// Handlers at work at once; beyond it requests are refused.
    pub concurrency: usize,
    /// What routes may take that are not in `routes`.
    pub others: Allowance,
    /// What single routes may take, by template, such as `/api/v1/runs/{run}/evidence`.
    pub routes: HashMap<String, Allowance>,
    /// How often one client may ask; none for a server of one's own machine.
    pub limits: Option<Arc<Limits>>,
    /// Whether the server can do its work.
    pub ready: Ready,
    /// Names requests.
    pub ids: RequestIds,
}

impl Shell {
    /// For a server that the internet reaches, with default limits.
    ///
    /// # Errors
    /// When the operating system has no randomness.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            proxies: TrustedProxies::default(),
            tls: false,
            concurrency: 256,
            others: Allowance::default(),
            routes: HashMap::new(),
            limits: Some(Arc::new(Limits::new(Rates::default()))),
            ready: Ready::always(),
            ids: RequestIds::random()?,
        })
    }

    /// Lets one route take something else.
    #[must_use]
    pub fn allow(mut self, route: &str, allowance: Allowance) -> Self {
        self.routes.insert(route.to_owned(), allowance);
        self
    }
}

/// Puts the shell around a router. The layers, from the outside in:
///
/// 1. the record: name, client, access log, metrics;
/// 2. security headers;
/// 3. compression (gzip; not of images and event streams);
/// 4. the face of errors: problem details or a page;
/// 5. a panic becomes a 500 that says nothing of it;
/// 6. rate limits by address, 429; a route does the one by account itself, once it knows whose it is;
/// 7. cross-site requests that could change something, 403 (`Sec-Fetch-Site`, else `Origin` against `Host`);
/// 8. load shedding, 503, and the route's allowance: length and time of the body, time of the handler; `/healthz`
///    and `/readyz` are beside it, or a busy server would look dead.
///
/// GET, HEAD and OPTIONS must not change anything: they pass the seventh layer from any site. A proxy must hand
/// on `Host` and `Origin` as they are.
///
/// # Panics
/// When the router has a `/healthz` or `/readyz` of its own.
pub fn wrap(router: Router, shell: Shell) -> Router {
    let Shell { proxies, tls, concurrency, others, routes, limits, ready, ids } = shell;
    let allowances = Arc::new(Allowances { others, routes });
    let desk = Desk { allowances: Arc::clone(&allowances), places: Semaphore::new(concurrency) };
    let mut router = router
        // Ours is the bound; axum's own would cut in below a larger allowance.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::new(desk), allowance::layer))
        .merge(health::router(ready))
        .layer(CsrfLayer::new().with_rejection_response(cross_site));
    if let Some(limits) = limits {
        router = router.layer(from_fn_with_state((limits, allowances), limit));
    }
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(face::layer))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(tls, headers::layer))
        .layer(from_fn_with_state(Arc::new(Recorder { ids, proxies }), record::layer))
}

async fn limit(
    State((limits, allowances)): State<(Arc<Limits>, Arc<Allowances>)>,
    Client(client): Client,
    request: Request,
    next: Next,
) -> Response {
    let class = allowances.class(&request);
    let api = request.uri().path().starts_with("/api/");
    let standing = match limits.check(class, &Key::Address(block(client))) {
        Ok(standing) => standing,
        Err(refused) => return refused.refusal().into_response(),
    };
    let mut response = next.run(request).await;
    // Pages are kept by caches, where somebody else's standing would be wrong.
    if api {
        for (name, value) in standing.headers() {
            response.headers_mut().entry(name).or_insert(value);
        }
    }
    response
}

fn cross_site(_: ProtectionError) -> Response {
    Problem::forbidden("this request came from another site").into_response()
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Problem::internal(format_args!("a handler panicked: {}", said.unwrap_or("(no text)"))).into_response()
}

/// Keeps what the shell keeps from growing; never returns. Run it beside [`super::serve`].
pub async fn housekeeping(limits: Arc<Limits>, page: MetricsPage) {
    /// Ticks between two looks at the buckets: a minute.
    const TICKS: u32 = 12;
    let mut tick = interval(Duration::from_secs(5));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for ticks in (1..=TICKS).cycle() {
        tick.tick().await;
        page.upkeep();
        if ticks == TICKS {
            limits.forget_idle();
        }
    }
}
