//! What one route may take: bytes, seconds, and out of which bucket.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::Limited;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower_http::timeout::DeadlineBody;

use super::extract;
use super::limit::Class;
use super::metrics;
use super::problem::Problem;

/// What a route may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// From the head of a request to the end of its body.
    pub body_time: Duration,
    /// From the end of the body to the head of the answer; none for answers that stream for long.
    pub handler_time: Option<Duration>,
    /// Which bucket requests come out of; by the method if none.
    pub class: Option<Class>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            body_time: Duration::from_secs(5),
            handler_time: Some(Duration::from_secs(5)),
            class: None,
        }
    }
}

impl Allowance {
    /// A handler without a deadline, for server-sent events.
    pub fn stream() -> Self {
        Self { handler_time: None, ..Self::default() }
    }

    /// Another bound for the body, bytes.
    pub fn body(bytes: usize) -> Self {
        Self { body_bytes: bytes, ..Self::default() }
    }

    /// Out of another bucket than the method says.
    pub fn class(class: Class) -> Self {
        Self { class: Some(class), ..Self::default() }
    }
}

/// The allowances of all routes, by template.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowances {
    pub(super) others: Allowance,
    pub(super) routes: HashMap<String, Allowance>,
}

impl Allowances {
    fn of(&self, request: &Request) -> Allowance {
        let route = request.extensions().get::<MatchedPath>();
        route.and_then(|route| self.routes.get(route.as_str())).copied().unwrap_or(self.others)
    }

    /// Out of which bucket a request comes.
    pub(super) fn class(&self, request: &Request) -> Class {
        let looks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        self.of(request).class.unwrap_or(if looks { Class::Read } else { Class::Write })
    }
}

/// What the layer needs.
pub(super) struct Desk {
    pub(super) allowances: Arc<Allowances>,
    /// Handlers that may be at work at once.
    pub(super) places: Semaphore,
}

/// Bodies that may be longer are read by the handler, which has its place meanwhile, bytes.
const READ_AHEAD: usize = 64 * 1024;

/// The layer: the body is bounded in length and time, handlers in number, and each of them in time; one that
/// takes longer is dropped where it stands. A body is read before its request takes a place, so that who
/// dribbles one takes nobody's.
pub(super) async fn layer(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let allowance = desk.allowances.of(&request);
    if declared(&request) > allowance.body_bytes as u64 {
        return Problem::body_too_large().into_response();
    }
    if desk.places.available_permits() == 0 {
        return shed();
    }
    let (request, body_time) = match take_body(request, allowance).await {
        Ok(taken) => taken,
        Err(problem) => return problem.into_response(),
    };
    let Ok(_place) = desk.places.try_acquire() else { return shed() };
    let answer = next.run(request);
    let Some(handler_time) = allowance.handler_time else { return answer.await };
    match timeout(handler_time + body_time, answer).await {
        Ok(response) => response,
        Err(_) => {
            metrics::timed_out();
            Problem::unavailable(1, "this took too long, and was given up").into_response()
        }
    }
}

fn shed() -> Response {
    metrics::shed();
    Problem::unavailable(1, "too many requests are being answered: try again in a second").into_response()
}

fn declared(request: &Request) -> u64 {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or_default()
}

/// The request with its body read, or bounded and still to be read in so much time.
async fn take_body(request: Request, allowance: Allowance) -> Result<(Request, Duration), Problem> {
    if request.body().is_end_stream() {
        return Ok((request, Duration::ZERO));
    }
    let (parts, body) = request.into_parts();
    let body = Limited::new(DeadlineBody::new(allowance.body_time, body), allowance.body_bytes);
    if allowance.body_bytes > READ_AHEAD {
        return Ok((Request::from_parts(parts, Body::new(body)), allowance.body_time));
    }
    let bytes = extract::read(Body::new(body)).await?;
    Ok((Request::from_parts(parts, Body::from(bytes)), Duration::ZERO))
}
