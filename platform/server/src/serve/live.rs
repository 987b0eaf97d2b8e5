//! What is going on in a season just now, for its operators and reviewers. The public reads
//! publications only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{OperatorId, SeasonId, Stage};
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
    /// A run has ended.
    Ended {
        /// Name of the run.
        run: String,
        /// How, in words.
        how: String,
    },
    /// The season has come to a stage.
    Stage {
        /// Which.
        stage: Stage,
    },
    /// Something about the season as a whole, for those who conduct it.
    Said {
        /// What.
        text: String,
    },
}

impl Happened {
    /// Whether the operator may know before it is published: what its own runs do, and what everybody can see.
    pub fn is_of(&self, operator: &OperatorId) -> bool {
        match self {
            // A name is `w01.TRIAL.OPERATOR.1`, and no part of it has a full stop.
            Self::Phase { run, .. } | Self::Ended { run, .. } => {
                run.split('.').nth(2) == Some(operator.as_str())
            }
            Self::Stage { .. } => true,
            Self::Said { .. } => false,
        }
    }
}

impl From<Event> for Happened {
    fn from(event: Event) -> Self {
        match event {
            Event::Phase { run, phase } => Self::Phase { run, phase },
            Event::Ended { run, how } => Self::Ended { run, how },
            Event::Said(text) => Self::Said { text },
        }
    }
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

    /// Says something about a season as a whole.
    pub fn say(&self, season: &SeasonId, text: &str) {
        self.tell(season, Happened::Said { text: text.to_owned() });
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

    #[test]
    fn an_operator_hears_of_its_own_runs_only() {
        let alpha: OperatorId = "alpha".parse().unwrap();
        let phase = |run: &str| Happened::Phase { run: run.into(), phase: "base".into() };
        assert!(phase("w01.door.alpha.1").is_of(&alpha));
        assert!(!phase("w01.door.alpha-2.1").is_of(&alpha) && !phase("w01.alpha.beta.1").is_of(&alpha));
        assert!(Happened::Stage { stage: Stage::Review }.is_of(&alpha), "everybody can see that");
        assert!(!Happened::Said { text: "w01.door.alpha.1".into() }.is_of(&alpha));
    }
}
