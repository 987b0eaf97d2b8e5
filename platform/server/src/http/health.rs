//! Is it alive, and can it work: for whoever starts and stops the server.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::problem::Problem;

/// A check that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(1);

type Checked = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// Looks whether the server can do its work, such as reach its database.
#[derive(Clone)]
pub struct Ready(Arc<dyn Fn() -> Checked + Send + Sync>);

impl Ready {
    /// Asks `check` each time. Why it failed goes into the log only.
    pub fn new<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(check())))
    }

    /// Of a server that needs nothing.
    pub fn always() -> Self {
        Self::new(|| std::future::ready(Ok(())))
    }
}

/// `GET /healthz`: the process answers. `GET /readyz`: its check passes, within a second.
pub(super) fn router(ready: Ready) -> Router {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(readyz)).with_state(ready)
}

async fn readyz(State(ready): State<Ready>) -> Result<&'static str, Problem> {
    let failed = match tokio::time::timeout(PATIENCE, (ready.0)()).await {
        Ok(Ok(())) => return Ok("ready\n"),
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => format!("the check took longer than {} s", PATIENCE.as_secs()),
    };
    tracing::warn!(failed, "not ready");
    Err(Problem::unavailable(1, "not ready; the log says why"))
}
