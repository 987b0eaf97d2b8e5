//! The JSON API, under `/api/v1`: a face of what people do in a season ([`super`]), described by itself.
//!
//! A route and its description are one (`routes!`), so that none is served that is not described.

mod account;
mod admission;
mod audit;
mod decision;
mod description;
mod events;
mod operator;
mod publication;
mod refusal;
mod run;
mod season;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use super::app::App;
use crate::account::wire::SIGN_IN;
use crate::http::{Allowance, Class, Problem};

pub use self::description::description;

/// Where the API begins.
const ROOT: &str = "/api/v1";

/// The routes of the API.
pub fn router() -> Router<Arc<App>> {
    let (routes, described) = routes().split_for_parts();
    routes
        .merge(description::router(described))
        .route("/api/{*path}", axum::routing::any(async || Problem::not_found()))
        .layer(axum::middleware::from_fn(private))
}

/// Every route with its description.
fn routes() -> OpenApiRouter<Arc<App>> {
    description::begin()
        .merge(account::router())
        .merge(season::router())
        .merge(publication::router())
        .merge(admission::router())
        .merge(operator::router())
        .merge(run::router())
        .merge(decision::router())
        .merge(stage::router())
        .merge(events::router())
        .merge(audit::router())
}

/// What is answered to one person is not for another one's cache.
async fn private(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    use axum::http::HeaderValue;
    use axum::http::header::{CACHE_CONTROL, VARY};
    let mut response = next.run(request).await;
    if !response.headers().contains_key(CACHE_CONTROL) {
        response.headers_mut().append(VARY, HeaderValue::from_static("authorization, cookie"));
    }
    response
}

/// Routes that may take something else than the others, by template.
pub fn allowances() -> Vec<(&'static str, Allowance)> {
    // Freezing a season looks at every node in it, and publishing works out every score.
    let long = Allowance { handler_time: Some(Duration::from_secs(120)), ..Allowance::default() };
    vec![
        (SIGN_IN, Allowance::class(Class::SignIn)),
        (stage::ROUTE, long),
        (events::ROUTE, Allowance::stream()),
    ]
}
