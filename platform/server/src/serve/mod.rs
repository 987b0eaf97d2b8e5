//! `touchstone serve`: seasons as a service.
//!
//! [`service::Service`] conducts the seasons, [`live::Live`] tells what is going on. What people do is
//! in a file for each noun ([`sign_in`], [`token`], [`operator`], [`validator`], [`runs`], [`decision`], [`stage`]), over
//! [`app::App`]; the API ([`api`]) and the pages ([`page`]) are its two faces, and [`fault::Fault`] is why not, in one
//! list for both. The shell around the routes is [`crate::http`].

pub mod api;
pub mod app;
pub mod decision;
pub mod fault;
pub mod live;
pub mod operator;
pub mod page;
pub mod published;
pub mod runs;
mod seat;
pub mod service;
pub mod sign_in;
pub mod stage;
pub mod text;
pub mod token;
pub mod validator;
pub mod who;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use store::{Place, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use self::app::App;
use self::service::Service;
use crate::config::Config;
use crate::http::metrics::{self, MetricsPage};
use crate::http::{
    Allowance, Ready, ServeOptions, Shell, TrustedProxies, housekeeping, serve as accept, wrap,
};
use crate::season::held::now;
use crate::season::records::Holder;

/// Options of `touchstone serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The configuration [default: everything by default, and no season]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to serve, instead of what the configuration says
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Data directory, instead of what the configuration says
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl ServeArgs {
    fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::read(self.config.as_deref(), |name| std::env::var(name).ok())?;
        config.listen = self.listen.unwrap_or(config.listen);
        config.data = self.data.clone().unwrap_or(config.data);
        Ok(config)
    }
}

/// Where the store of a configuration is.
pub fn place(config: &Config) -> Place {
    match &config.database_url {
        Some(url) => Place::postgres(&config.data, url),
        None => Place::sqlite(&config.data),
    }
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// In words, with the remedy.
pub async fn run(args: &ServeArgs, binary: &Path) -> anyhow::Result<()> {
    let config = args.config()?;
    let listener = bind(config.listen).await?;
    let place = place(&config);
    let holder = match config.database_url {
        Some(_) => Holder::one_of_many()?,
        None => Holder::alone(&config.data)?,
    };
    let store = Store::open(&place).await;
    let store =
        Arc::new(store.with_context(|| format!("cannot use the store in {}", config.data.display()))?);
    let service = Arc::new(Service::new(config.clone(), store, holder, binary.to_owned()));
    service.open_all().await?;
    for season in &config.seasons {
        tokio::spawn(Arc::clone(&service).conduct(season.id.clone()));
    }
    let app = Arc::new(App::new(config.clone(), service)?);
    let shell = shell(&app)?;
    let page = MetricsPage::install()?;
    if let Some(address) = config.metrics {
        tokio::spawn(axum::serve(bind(address).await?, metrics::router(page.clone())).into_future());
    }
    tokio::spawn(housekeeping(Arc::clone(&app.limits), page));
    tokio::spawn(sweep(Arc::clone(&app)));
    eprintln!("serving {} (Ctrl-C ends)", app.site);
    let options = ServeOptions { proxies: shell.proxies.clone(), ..ServeOptions::default() };
    accept(listener, wrap(router(&app), shell), options, told_to_end()).await
}

/// The whole map of addresses.
pub fn router(app: &Arc<App>) -> Router {
    let routes = Router::new().merge(api::router()).merge(page::router()).merge(published::router());
    routes.with_state(Arc::clone(app))
}

/// What is around the routes.
///
/// # Errors
/// When the configured proxies are none, or the system has no randomness.
pub fn shell(app: &Arc<App>) -> anyhow::Result<Shell> {
    let store = Arc::clone(&app.store);
    let mut shell = Shell::new()?;
    shell.proxies = TrustedProxies::parse(app.config.trusted_proxies.iter().map(String::as_str))?;
    shell.tls = app.site.is_secure();
    shell.limits = Some(Arc::clone(&app.limits));
    shell.routes = api::allowances().into_iter().chain(page::allowances()).map(own).collect();
    shell.ready = Ready::new(move || {
        let store = Arc::clone(&store);
        async move { Ok(store.seasons().await.map(drop)?) }
    });
    Ok(shell)
}

fn own((route, allowance): (&str, Allowance)) -> (String, Allowance) {
    (route.to_owned(), allowance)
}

/// Removes sessions and nonces that have expired, once a minute.
async fn sweep(app: Arc<App>) {
    loop {
        if let Err(error) = app.store.sweep(now()).await {
            tracing::warn!("expired sessions are not removed: {error}");
        }
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| {
        format!("cannot listen on {address}: is something else serving there? choose another --listen")
    })
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn told_to_end() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => drop(terminated.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
