//! Serves a published folder on a loopback address, as any web server could.

use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

/// Takes the address, so that a taken port is told before any work is done.
///
/// # Errors
/// When the address cannot be had, with the remedy.
pub async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}: choose another address with --listen, such as 127.0.0.1:0")
    })
}

/// Serves `folder` until the process is told to end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, folder: PathBuf) -> anyhow::Result<()> {
    let app = Router::new().fallback(get(file)).with_state(Arc::new(folder));
    let done = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(done).await.context("the site cannot be served")
}

/// The pages need nothing but themselves.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

async fn file(State(folder): State<Arc<PathBuf>>, uri: Uri) -> Response {
    let Some(path) = inside(&folder, uri.path()) else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(bytes) = tokio::fs::read(&path).await else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [
        (header::CONTENT_TYPE, kind(&path)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, bytes).into_response()
}

/// The file that a request path names; none when it would leave the folder.
fn inside(folder: &Path, request: &str) -> Option<PathBuf> {
    let wanted = Path::new(request.trim_start_matches('/'));
    if wanted.components().any(|part| !matches!(part, Component::Normal(_))) {
        return None;
    }
    let path = folder.join(wanted);
    Some(if path.is_dir() { path.join("index.html") } else { path })
}

fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("csv") => "text/csv; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_folder_is_named() {
        let folder = Path::new("/nowhere/site");
        assert_eq!(inside(folder, "/run/a.html"), Some(folder.join("run/a.html")));
        for bad in ["/../etc/passwd", "/run/../../x", "/./x/.."] {
            assert_eq!(inside(folder, bad), None, "{bad}");
        }
    }
}
