//! What the server counts, as Prometheus reads it.
//!
//! The page is a router of its own, [`router`], for a listener of its own that the public cannot reach: on the
//! public one, a proxy on the same machine would make every stranger look local.

use std::time::Duration;

use ::metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::limit::Class;

const REQUESTS: &str = "touchstone_http_requests_total";
const DURATION: &str = "touchstone_http_request_duration_seconds";
const IN_FLIGHT: &str = "touchstone_http_requests_in_flight";
const SHED: &str = "touchstone_http_requests_shed_total";
const LIMITED: &str = "touchstone_http_requests_limited_total";
const TIMED_OUT: &str = "touchstone_http_requests_timed_out_total";
const CONNECTIONS: &str = "touchstone_http_connections_open";
const REFUSED: &str = "touchstone_http_connections_refused_total";

/// Upper bounds of the latency histogram, seconds: from a page out of memory to the handler's deadline.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The page of everything counted in this process, through the `metrics` crate's macros, by anybody.
#[derive(Clone)]
pub struct MetricsPage(PrometheusHandle);

impl MetricsPage {
    /// Begins to count; once in a process.
    ///
    /// # Errors
    /// When something counts already.
    pub fn install() -> anyhow::Result<Self> {
        let builder =
            PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(DURATION.into()), &BOUNDS);
        let handle = builder.context("the bounds of the histogram")?.install_recorder();
        describe();
        Ok(Self(handle.context("metrics are counted already in this process")?))
    }

    /// The page as text.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Puts samples into their histograms, so that memory does not grow between two readings; every few
    /// seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route template, method and class of status");
    describe_histogram!(DURATION, "Seconds from the head of a request to the head of its answer");
    describe_gauge!(IN_FLIGHT, "Requests that are being answered");
    describe_counter!(SHED, "Requests refused because too many were in flight");
    describe_counter!(LIMITED, "Requests refused because one client or account sent too many");
    describe_counter!(TIMED_OUT, "Requests whose handler or body took too long");
    describe_gauge!(CONNECTIONS, "Open connections");
    describe_counter!(REFUSED, "Connections refused because there were too many");
}

/// `GET /metrics`.
pub fn router(page: MetricsPage) -> Router {
    let text = |State(page): State<MetricsPage>| async move {
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], page.render()).into_response()
    };
    Router::new().route("/metrics", get(text)).with_state(page)
}

/// A request was answered. The route is a template, never a path that a client wrote.
pub(super) fn answered(method: &Method, route: &str, status: u16, elapsed: Duration) {
    let class = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"][usize::from(status / 100).min(5)];
    count(method, route, class);
    histogram!(DURATION, "route" => route.to_owned(), "method" => named(method)).record(elapsed);
}

/// A client left before it was answered.
pub(super) fn abandoned(method: &Method, route: &str) {
    count(method, route, "abandoned");
}

fn count(method: &Method, route: &str, class: &'static str) {
    counter!(REQUESTS, "route" => route.to_owned(), "method" => named(method), "status" => class)
        .increment(1);
}

/// A method as a label: a client can invent methods, and labels are kept for ever.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

pub(super) fn in_flight(change: f64) {
    gauge!(IN_FLIGHT).increment(change);
}

pub(super) fn shed() {
    counter!(SHED).increment(1);
}

pub(super) fn limited(class: Class) {
    counter!(LIMITED, "class" => class.name()).increment(1);
}

pub(super) fn timed_out() {
    counter!(TIMED_OUT).increment(1);
}

pub(super) fn connections(change: f64) {
    gauge!(CONNECTIONS).increment(change);
}

pub(super) fn connection_refused(why: &'static str) {
    counter!(REFUSED, "why" => why).increment(1);
}
