//! The JSON API, under `/api/v1`.

use std::sync::Arc;

use axum::Router;

use super::app::App;
use crate::http::Allowance;

/// The routes of the API.
pub fn router() -> Router<Arc<App>> {
    Router::new()
}

/// Routes that may take something else than the others, by template.
pub fn allowances() -> Vec<(&'static str, Allowance)> {
    Vec::new()
}
