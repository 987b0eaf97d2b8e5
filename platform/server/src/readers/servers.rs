//! The two that are compared: the whole server over a published list, and a bare handler with the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::routing::get;
use bytes::Bytes;
use store::Store;
use tempfile::TempDir;

use super::load::{self, Question};
use super::{list, listener};
use crate::config::Config;
use crate::http::{ServeOptions, serve, wrap};
use crate::season::records::Holder;
use crate::serve::app::App;
use crate::serve::service::Service;
use crate::serve::{place, router, shell};

/// Where the list is.
pub(super) const LIST: &str = "/seasons/benchmark/site/index.html";

/// Everything ends with the process.
pub(super) struct Servers {
    pub(super) ours: SocketAddr,
    pub(super) bare: SocketAddr,
    pub(super) bare_gzip: SocketAddr,
    _directory: TempDir,
}

impl Servers {
    /// Renders the list and serves it.
    ///
    /// # Errors
    /// When it cannot be rendered, written or served.
    pub(super) async fn start(operators: u32) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
        let files = tokio::task::spawn_blocking(move || list::render(operators)).await??;
        let site = directory.path().join("data/seasons/benchmark/site");
        write(&site, &files)?;
        let ours = ours(directory.path()).await?;
        let [plain, packed] = [false, true].map(|gzip| Question::new(ours, LIST, gzip));
        let (plain, packed) = (load::once(&plain).await?.body, load::once(&packed).await?.body);
        Ok(Self {
            ours,
            bare: bare(plain, None).await?,
            bare_gzip: bare(packed, Some("gzip")).await?,
            _directory: directory,
        })
    }
}

fn write(site: &Path, files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
    for (path, bytes) in files {
        let place = site.join(path);
        let folder = place.parent().context("a file is in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(&place, bytes).with_context(|| format!("cannot write {}", place.display()))?;
    }
    Ok(())
}

/// The server as `touchstone serve` puts it together, with room for one reader who asks very often.
async fn ours(directory: &Path) -> anyhow::Result<SocketAddr> {
    let (listener, address) = listener().await?;
    let text = format!(
        "listen = \"{address}\"\n[rates]\nread = {{ count = 1000000, seconds = 1, burst = 1000000 }}\n"
    );
    let config = Config::parse(&text, directory, |_| None)?;
    let holder = Holder::alone(&config.data)?;
    let store = Arc::new(Store::open(&place(&config)).await?);
    // No season is conducted: no worker is started.
    let service = Arc::new(Service::new(config.clone(), store, holder, PathBuf::new()));
    let app = Arc::new(App::new(config, service)?);
    let wrapped = wrap(router(&app), shell(&app)?);
    tokio::spawn(serve(listener, wrapped, ServeOptions::default(), std::future::pending()));
    Ok(address)
}

async fn bare(bytes: Vec<u8>, encoding: Option<&'static str>) -> anyhow::Result<SocketAddr> {
    let (listener, address) = listener().await?;
    let bytes = Bytes::from(bytes);
    let handler = async move || {
        let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
        (kind, encoding.map(|encoding| [(CONTENT_ENCODING, encoding)]), bytes.clone())
    };
    let router = Router::new().route("/", get(handler));
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(address)
}
