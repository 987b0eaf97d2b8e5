//! What is counted and logged, and what is not.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::routing::get;
use server::http::metrics::{self, MetricsPage};
use server::http::{Problem, RequestId, ServeOptions, Shell, TrustedProxies, wrap};
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Server, get as fetch, request, send, unlimited};

/// One page for the whole process.
fn page() -> MetricsPage {
    static PAGE: OnceLock<MetricsPage> = OnceLock::new();
    PAGE.get_or_init(|| MetricsPage::install().expect("counted once")).clone()
}

fn router() -> Router {
    Router::new()
        .route("/api/v1/runs/{run}", get(async || "a run"))
        .route("/api/v1/fail", get(async || Problem::internal("the disk is full")))
}

#[tokio::test]
async fn the_metrics_know_routes_and_no_paths() {
    let page = page();
    let server = Server::start(router(), unlimited(), ServeOptions::default()).await;
    let own = Server::start(metrics::router(page), unlimited(), ServeOptions::default()).await;
    assert_eq!(fetch(server.address, "/api/v1/runs/secret-run-1?token=secret").await.status, 200);
    fetch(server.address, "/secret-nothing").await;
    send(server.address, request("FROBNICATE", "/api/v1/runs/7", &[])).await;
    let answer = fetch(own.address, "/metrics").await;
    let text = answer.text();
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "touchstone_http_requests_total{route=\"/api/v1/runs/{run}\",method=\"GET\",status=\"2xx\"} ",
        "touchstone_http_requests_total{route=\"unmatched\",method=\"GET\",status=\"4xx\"} ",
        "touchstone_http_requests_total{route=\"/api/v1/runs/{run}\",method=\"other\",status=\"4xx\"} ",
        "touchstone_http_request_duration_seconds_bucket{route=\"/api/v1/runs/{run}\",method=\"GET\",le=\"5\"} ",
        "touchstone_http_connections_open ",
        "touchstone_http_requests_in_flight ",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    assert!(!text.contains("secret") && !text.contains("FROBNICATE"), "{text}");
    assert_eq!(fetch(server.address, "/metrics").await.status, 404, "the public has no metrics");
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("unpoisoned").clone()).expect("text")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_tells_the_request_and_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let router = wrap(router(), unlimited());
    let secrets = [("cookie", "session=secret"), ("authorization", "Bearer secret")];
    let mut request = request("GET", "/api/v1/runs/secret?token=secret", &secrets);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([198, 51, 100, 7], 4711))));
    let response = router.oneshot(request).await.expect("no error");
    let id = response.headers()["x-request-id"].to_str().expect("text");
    let text = log.text();
    for said in
        ["method=GET", "route=\"/api/v1/runs/{run}\"", "status=200", "ms=", "client=\"public-v4\"", id]
    {
        assert!(text.contains(said), "no {said} in {text}");
    }
    assert!(!text.contains("secret") && !text.contains("198.51.100.7"), "{text}");
}

#[tokio::test]
async fn what_fails_inside_is_logged_with_the_name_of_the_request() {
    let log = Log::default();
    let errors = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR);
    let _logging =
        tracing::subscriber::set_default(errors.with_writer(log.clone()).with_ansi(false).finish());
    let response =
        wrap(router(), unlimited()).oneshot(request("GET", "/api/v1/fail", &[])).await.expect("no error");
    let id = response.headers()["x-request-id"].to_str().expect("text");
    let text = log.text();
    assert!(text.contains("the disk is full") && text.contains(id), "{text}");
}

#[tokio::test]
async fn only_a_proxy_may_name_a_request() {
    let names = async |proxies: &[&str]| {
        let named = async |axum::Extension(id): axum::Extension<RequestId>, _: HeaderMap| id.to_string();
        let proxies = TrustedProxies::parse(proxies.iter().copied()).expect("networks");
        let router = Router::new().route("/", get(named));
        let server = Server::start(router, Shell { proxies, ..unlimited() }, ServeOptions::default()).await;
        let answer = send(server.address, request("GET", "/", &[("x-request-id", "chosen-1")])).await;
        assert_eq!(answer.text(), answer.header("x-request-id"));
        answer.text().to_owned()
    };
    assert_eq!(names(&["127.0.0.1"]).await, "chosen-1");
    assert_eq!(names(&[]).await.len(), 32);
}
