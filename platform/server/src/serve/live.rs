//! What is going on in a season just now, for its operators and reviewers. The public reads
//! publications only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::SeasonId;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::progress::{Event, Progress};

/// Events that a slow reader may be behind; then it is told that some are missing.
const BACKLOG: usize = 256;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Happened {
    /// A run has come to a phase.
    Phase {
        /// Name of the run.
        run: String,
        /// Phase, or what is being prepared.
        phase: String,
    },
    /// Something about the season as a whole.
    Said {
        /// What.
        text: String,
    },
}

/// Where events of every season come together.
#[derive(Default)]
pub struct Live {
    seasons: Mutex<BTreeMap<SeasonId, broadcast::Sender<Happened>>>,
}

impl Live {
    /// The events of a season from now on.
    pub fn listen(&self, season: &SeasonId) -> broadcast::Receiver<Happened> {
        self.channel(season).subscribe()
    }

    /// Tells whoever listens to a season; nobody listening is no fault.
    pub fn tell(&self, season: &SeasonId, happened: Happened) {
        let _ = self.channel(season).send(happened);
    }

    /// A progress that tells `season`'s listeners instead of a terminal, and what to poll for that.
    pub fn progress(&self) -> (Progress, UnboundedReceiver<Event>) {
        let (events, told) = unbounded_channel();
        (Progress::new(false).told_to(events), told)
    }

    fn channel(&self, season: &SeasonId) -> broadcast::Sender<Happened> {
        let mut seasons = self.seasons.lock().unwrap_or_else(PoisonError::into_inner);
        seasons.entry(season.clone()).or_insert_with(|| broadcast::channel(BACKLOG).0).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn listeners_hear_their_own_season() {
        let live = Live::default();
        let (one, other): (SeasonId, SeasonId) = ("one".parse().unwrap(), "other".parse().unwrap());
        let mut heard = live.listen(&one);
        let said = Happened::Said { text: "window 1 of 2".into() };
        live.tell(&other, Happened::Said { text: "elsewhere".into() });
        live.tell(&one, said.clone());
        assert_eq!(heard.recv().await.unwrap(), said);
        assert!(heard.try_recv().is_err());
    }
}
