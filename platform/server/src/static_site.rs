//! Serves a published folder on a loopback address, as any web server could.

use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::http::etag::{self, Tagged};
use crate::http::{self, Problem, ServeOptions, Shell};

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
    let done = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    http::serve(listener, router(folder)?, ServeOptions::default(), done)
        .await
        .context("the site cannot be served")
}

/// The files of `folder` in the shell, without rate limits: a whole site may be fetched at once.
///
/// # Errors
/// When the operating system has no randomness.
pub fn router(folder: PathBuf) -> anyhow::Result<Router> {
    let files = Router::new().fallback(get(file)).with_state(Arc::new(folder));
    Ok(http::wrap(files, Shell { limits: None, ..Shell::new()? }))
}

/// A chart carries its own style, and nothing else of its own.
pub(crate) const CHART_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");

async fn file(State(folder): State<Arc<PathBuf>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let path = inside(&folder, uri.path()).ok_or_else(Problem::not_found)?;
    let bytes = tokio::fs::read(&path).await.map_err(|_| Problem::not_found())?;
    let kind = kind(&path);
    let mut response = Tagged::new(kind, bytes).answer(&headers, etag::REVALIDATE);
    if kind == SVG {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, CHART_POLICY);
    }
    Ok(response)
}

/// The file that a request path names; none when it would leave the folder.
pub(crate) fn inside(folder: &Path, request: &str) -> Option<PathBuf> {
    let wanted = Path::new(request.trim_start_matches('/'));
    if wanted.components().any(|part| !matches!(part, Component::Normal(_))) {
        return None;
    }
    let path = folder.join(wanted);
    Some(if path.is_dir() { path.join("index.html") } else { path })
}

/// The type of charts.
pub(crate) const SVG: &str = "image/svg+xml";

/// The type of a published file, by its name.
pub(crate) fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => SVG,
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
