//! What is published of a season, as files: its site and its bundle. The public reads these and
//! nothing else.

use std::sync::Arc;

use axum::Router;

use super::app::App;

/// `/seasons/{season}/site/...` and `/seasons/{season}/bundle/...`.
pub fn router() -> Router<Arc<App>> {
    Router::new()
}
