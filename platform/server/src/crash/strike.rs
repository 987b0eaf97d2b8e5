//! The kills, one after another.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use super::check::{Kept, open};
use super::plan::{Kill, Moment, Victim};
use super::process::Process;
use super::report::Report;
use super::scene::Scene;
use super::servers::{FAREWELL, READY, Server, gone};
use crate::progress::Progress;

/// How long to wait for a worker to strike before the server is struck instead.
const NO_WORKER: Duration = Duration::from_secs(15);
/// How long to wait for a write to be acknowledged.
const NO_WRITE: Duration = Duration::from_secs(3);
/// How long to wait for something to be published.
const NOT_PUBLISHED: Duration = Duration::from_secs(20);

/// What strikes.
pub(super) struct Striker<'a> {
    pub(super) scene: &'a Scene,
    pub(super) servers: Vec<Server>,
    pub(super) database_url: Option<&'a str>,
    pub(super) progress: &'a Progress,
    pub(super) report: Report,
    pub(super) kept: Kept,
    /// Acknowledged writes so far.
    pub(super) acknowledged: watch::Receiver<u64>,
    /// Workers that outlive their server.
    farewells: JoinSet<Result<Duration, Process>>,
    /// The server that was struck last.
    last: usize,
    ready: Instant,
}

impl<'a> Striker<'a> {
    pub(super) fn new(
        scene: &'a Scene,
        servers: Vec<Server>,
        database_url: Option<&'a str>,
        progress: &'a Progress,
        report: Report,
        acknowledged: watch::Receiver<u64>,
    ) -> Self {
        let (farewells, ready) = (JoinSet::new(), Instant::now());
        let kept = Kept::default();
        Self { scene, servers, database_url, progress, report, kept, acknowledged, farewells, last: 0, ready }
    }

    /// Waits until every server is ready; a start that was not struck is timed.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        for server in &mut self.servers {
            server.ready().await?;
        }
        self.ready = Instant::now();
        Ok(())
    }

    /// Strikes as drawn. `next` is what comes after: a server that is to be struck in its start is not
    /// waited for.
    pub(super) async fn strike(&mut self, kill: &Kill, next: Option<&Kill>) -> anyhow::Result<()> {
        self.progress.say(&kill.to_string());
        self.wait(kill).await?;
        match kill.victim {
            Victim::Worker => self.strike_worker(kill).await?,
            Victim::Server => self.strike_server(kill).await?,
        }
        self.heed_farewells();
        if matches!(next.map(|next| next.moment), Some(Moment::StartUp(_))) {
            return Ok(());
        }
        if kill.victim == Victim::Server {
            let took = self.servers[self.last].ready().await?;
            self.restarted(took);
        }
        self.ready().await
    }

    fn restarted(&mut self, took: Duration) {
        self.progress.say(&format!("  ready after {took:.2?}"));
        self.report.restarts.push(took);
        if took > READY {
            self.report.wrong.push(format!("a server was ready after {took:.2?} only"));
        }
    }

    async fn wait(&mut self, kill: &Kill) -> anyhow::Result<()> {
        match kill.moment {
            Moment::After(after) => sleep_until((self.ready + after).into()).await,
            Moment::StartUp(after) => {
                sleep_until((self.servers[self.last].spawned() + after).into()).await;
            }
            Moment::AfterWrite(after) => {
                sleep_until((self.ready + after).into()).await;
                self.acknowledged.mark_unchanged();
                // Nobody writes just now: then without.
                let _ = timeout(NO_WRITE, self.acknowledged.changed()).await;
            }
            Moment::Publishing(after) => {
                let begun = Instant::now();
                while !is_publishing(&self.scene.data()) && begun.elapsed() < NOT_PUBLISHED {
                    sleep(Duration::from_millis(2)).await;
                }
                sleep(after).await;
            }
        }
        if !matches!(kill.moment, Moment::StartUp(_)) {
            self.look_at_evidence(kill).await?;
        }
        Ok(())
    }

    /// What is there before a kill must be there, and the same, after it.
    async fn look_at_evidence(&mut self, kill: &Kill) -> anyhow::Result<()> {
        // Read through another process's eyes now and then only: a database that is open elsewhere
        // is not recovered when a server comes back, and that is to be tried too.
        if kill.number % 4 == 1 && matches!(kill.moment, Moment::After(_)) {
            let store = open(&self.scene.data(), self.database_url).await?;
            let faults = self.kept.look(&store, &self.scene.seasons).await?;
            store.close().await;
            self.report.wrong.extend(faults);
        }
        Ok(())
    }

    async fn strike_worker(&mut self, kill: &Kill) -> anyhow::Result<()> {
        let begun = Instant::now();
        let first = usize::try_from(kill.choice >> 32).unwrap_or_default();
        while begun.elapsed() < NO_WORKER {
            for step in 0..self.servers.len() {
                let server = &self.servers[(first + step) % self.servers.len()];
                if server.strike_worker(kill.choice)? {
                    self.report.workers += 1;
                    return Ok(());
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.progress.say("  there is no worker: the server instead");
        self.strike_server(kill).await
    }

    async fn strike_server(&mut self, kill: &Kill) -> anyhow::Result<()> {
        if !matches!(kill.moment, Moment::StartUp(_)) {
            let first = usize::try_from(kill.choice >> 32).unwrap_or_default();
            self.last = first % self.servers.len();
        }
        let since = Instant::now();
        let workers = self.servers[self.last].strike().await?;
        self.report.servers += 1;
        if !workers.is_empty() {
            self.farewells.spawn(async move {
                match gone(workers, since).await {
                    None => Ok(since.elapsed()),
                    Some(stays) => Err(stays),
                }
            });
        }
        Ok(())
    }

    fn heed_farewells(&mut self) {
        while let Some(farewell) = self.farewells.try_join_next() {
            self.heed(farewell);
        }
    }

    fn heed(&mut self, farewell: Result<Result<Duration, Process>, tokio::task::JoinError>) {
        match farewell {
            Ok(Ok(took)) => self.report.farewell = self.report.farewell.max(took),
            Ok(Err(stays)) => {
                self.report.wrong.push(format!("{stays:?} lives {FAREWELL:?} after its server"));
            }
            Err(error) => self.report.wrong.push(format!("nobody knows how long workers lived: {error}")),
        }
    }

    /// Waits for the last workers to go.
    pub(super) async fn farewells(&mut self) {
        while let Some(farewell) = self.farewells.join_next().await {
            self.heed(farewell);
        }
    }
}

/// Whether a folder is being written that will be published.
fn is_publishing(data: &Path) -> bool {
    let seasons = std::fs::read_dir(data.join("seasons")).into_iter().flatten().flatten();
    seasons
        .map(|season| season.path())
        .any(|season| ["bundle", "site"].iter().any(|name| season.join(format!(".{name}.new")).exists()))
}
