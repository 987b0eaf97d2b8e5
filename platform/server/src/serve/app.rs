//! What every handler can reach.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use model::{Publication, SeasonId};
use store::{Act, NewAudit, Store};
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::published::Shelves;
use super::service::Service;
use crate::account::origin::Origin;
use crate::account::sign_in::{Expected, MAX_AGE_MS};
use crate::config::Config;
use crate::http::Limits;
use crate::season::held::now;

/// Streams of events at once.
const MOST_STREAMS: usize = 200;

/// What every handler can reach.
pub struct App {
    /// The configuration in force.
    pub config: Config,
    /// The store.
    pub store: Arc<Store>,
    /// The seasons.
    pub service: Arc<Service>,
    /// The site as people reach it.
    pub site: Origin,
    /// How often one account may ask; addresses are counted by the shell, with the same buckets.
    pub limits: Arc<Limits>,
    /// Places for streams of events.
    pub streams: Arc<Semaphore>,
    /// What is published, as files.
    pub shelves: Shelves,
    /// The newest publication of each season: some are megabytes, and none ever changes.
    latest: Mutex<BTreeMap<SeasonId, Arc<Publication>>>,
}

impl App {
    /// The state over a service.
    ///
    /// # Errors
    /// When the configured origin is none.
    pub fn new(config: Config, service: Arc<Service>) -> anyhow::Result<Self> {
        let site = Origin::of(&config.origin()).context("the configured origin")?;
        let store = Arc::clone(&service.store);
        let limits = Arc::new(Limits::new(config.rates));
        let streams = Arc::new(Semaphore::new(MOST_STREAMS));
        Ok(Self {
            config,
            store,
            service,
            site,
            limits,
            streams,
            shelves: Shelves::default(),
            latest: Mutex::default(),
        })
    }

    /// What a signed text must say just now.
    pub fn expected(&self) -> Expected {
        Expected {
            site: self.site.clone(),
            chain_id: self.config.chain_id,
            now_ms: now().as_millis(),
            max_age_ms: MAX_AGE_MS,
        }
    }

    /// The season that a path names.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when there is none of this name.
    pub async fn season(&self, id: &str) -> Result<store::SeasonRecord, Fault> {
        let missing = || Fault::NotFound("season of this name".into());
        let id: SeasonId = id.parse().map_err(|_| missing())?;
        Ok(self.store.season(&id).await?)
    }

    /// The newest publication of a season; none before the first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn latest(&self, id: &SeasonId) -> Result<Option<Arc<Publication>>, Fault> {
        let number = self.store.publication_count(id).await?;
        let known = self.latest.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if known.as_ref().is_some_and(|known| known.number == number) {
            return Ok(known);
        }
        let Some(read) = self.store.latest_publication(id).await?.map(Arc::new) else { return Ok(None) };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.insert(id.clone(), Arc::clone(&read));
        Ok(Some(read))
    }

    /// Where this server itself listens, as loopback addresses: nodes cannot be there.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let bound = [Some(self.config.listen), self.config.metrics].into_iter().flatten();
        bound.map(|bound| match bound.ip().is_unspecified() {
            true => SocketAddr::from(([127, 0, 0, 1], bound.port())),
            false => bound,
        })
    }
}

/// Ends an act with its line in the audit trail: both last, or neither.
///
/// # Errors
/// When the store cannot be written.
pub async fn noted(
    mut act: Act<'_>,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &serde_json::Value,
) -> Result<(), Fault> {
    let (actor, action, subject) = (actor.to_owned(), action.to_owned(), subject.to_owned());
    act.note(&NewAudit { actor, action, subject, detail: detail.to_string() }, now()).await?;
    Ok(act.commit().await?)
}
