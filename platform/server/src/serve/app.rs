//! What every handler can reach.

use std::sync::Arc;

use anyhow::Context;
use model::SeasonId;
use store::Store;

use super::service::Service;
use crate::account::origin::Origin;
use crate::account::sign_in::{Expected, MAX_AGE_MS};
use crate::config::Config;
use crate::http::{Limits, Problem, Rates};
use crate::season::held::now;

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
}

impl App {
    /// The state over a service.
    ///
    /// # Errors
    /// When the configured origin is none.
    pub fn new(config: Config, service: Arc<Service>) -> anyhow::Result<Self> {
        let site = Origin::of(&config.origin()).context("the configured origin")?;
        let store = Arc::clone(&service.store);
        Ok(Self { config, store, service, site, limits: Arc::new(Limits::new(Rates::default())) })
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
    /// 404 when there is none of this name.
    pub async fn season(&self, id: &str) -> Result<store::SeasonRecord, Problem> {
        let id: SeasonId = id.parse().map_err(|_| Problem::not_found())?;
        Ok(self.store.season(&id).await?)
    }
}
