//! Somebody who writes all the time, remembers what was acknowledged, and looks again after each kill.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hyper::{Method, StatusCode};
use model::{Draw, Seed};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;

use super::api::{Answer, As, ask, is_ready};
use super::memory::{Memory, Person};
use super::seasons::Seasons;
use crate::account::secret::Secret;
use crate::account::signature::account_of;

/// A server that is struck is ready again long before this.
const PATIENCE: Duration = Duration::from_secs(60);
/// A write whose server was killed may still be on its way in a database elsewhere.
const SETTLED: Duration = Duration::from_millis(300);
/// Between two writes.
const PAUSE: Duration = Duration::from_millis(15);
/// Newcomers, candidates included.
const MOST_PEOPLE: usize = 60;

/// What the kills and the writer tell each other.
pub(super) struct Told {
    /// Acknowledged writes so far.
    pub(super) acknowledged: watch::Sender<u64>,
    /// How many kills there were by now.
    pub(super) kills: watch::Receiver<u32>,
    /// Whether the kills are over.
    pub(super) over: watch::Receiver<bool>,
}

/// The writer.
pub(super) struct Writer {
    pub(super) memory: Memory,
    pub(super) seasons: Seasons,
    pub(super) draw: Draw,
    seed: Seed,
    servers: Vec<SocketAddr>,
    next: usize,
    told: Told,
    looked: u32,
}

/// What a server said of a write or a look.
pub(super) enum Said {
    /// Yes.
    Yes { body: Value, session: Option<Secret> },
    /// No, and nothing was done.
    No(StatusCode, Value),
    /// Nobody knows.
    Lost,
}

impl Said {
    pub(super) fn is_yes(&self) -> bool {
        matches!(self, Self::Yes { .. })
    }
}

impl Writer {
    pub(super) fn new(seed: u64, servers: Vec<SocketAddr>, seasons: Seasons, told: Told) -> Self {
        let seed = Seed::from_number(seed).derive("bench crash writer");
        let draw = Draw::new(&seed, "writes");
        Self { memory: Memory::default(), seasons, draw, seed, servers, next: 0, told, looked: 0 }
    }

    /// The account that a season's reviewer signs in with.
    pub(super) fn reviewer(seed: u64) -> anyhow::Result<String> {
        let seed = Seed::from_number(seed).derive("bench crash writer");
        Ok(person(&seed, 0)?.account.to_string())
    }

    /// Writes until the kills are over and the season in hand has ended; everything is looked at then.
    pub(super) async fn run(mut self) -> anyhow::Result<Self> {
        self.wait_ready().await?;
        for _ in 0..=super::scene::CANDIDATES {
            self.newcomer().await?;
        }
        while !(self.seasons.all_done() || self.is_over() && self.seasons.rests()) {
            self.seasons_step().await?;
            if !self.is_over() || self.draw.below(10) == 0 {
                self.any_write().await?;
            }
            let kills = *self.told.kills.borrow();
            if kills != self.looked {
                self.looked = kills;
                self.look(false).await?;
            }
            sleep(PAUSE).await;
        }
        self.look(true).await?;
        Ok(self)
    }

    /// Whether the kills are over.
    pub(super) fn is_over(&self) -> bool {
        *self.told.over.borrow()
    }

    async fn any_write(&mut self) -> anyhow::Result<()> {
        match self.draw.below(20) {
            0 if self.memory.people.len() < MOST_PEOPLE => self.newcomer().await,
            0..3 => self.apply_anew().await,
            3..10 => self.edit().await,
            10..12 => self.declare_again().await,
            12..15 => self.grant().await,
            15..17 => self.revoke().await,
            17 => self.leave().await,
            18 => self.come_back().await,
            _ => self.sign_in_again().await,
        }
    }

    /// Somebody new, signed in.
    async fn newcomer(&mut self) -> anyhow::Result<()> {
        let number = self.memory.people.len();
        self.memory.people.push(person(&self.seed, number)?);
        self.sign_in(number).await
    }

    /// Asks a server; each in its turn.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        who: As<'_>,
        body: Option<&Value>,
    ) -> anyhow::Result<Said> {
        self.next = (self.next + 1) % self.servers.len();
        let writes = method != Method::GET;
        let said = match ask(self.servers[self.next], method, path, who, body).await {
            Answer::Said { status, body, session } if status.is_success() => Said::Yes { body, session },
            // A server that gave up in the middle says so with a 5xx: then nobody knows either.
            Answer::Said { status, .. } if status.is_server_error() => Said::Lost,
            Answer::Said { status, body, .. } => Said::No(status, body),
            Answer::Lost => Said::Lost,
        };
        match said {
            Said::Lost => {
                self.wait_ready().await?;
                sleep(SETTLED).await;
            }
            Said::Yes { .. } if writes => {
                self.memory.acknowledged += 1;
                self.told.acknowledged.send_modify(|count| *count += 1);
            }
            Said::Yes { .. } | Said::No(..) => {}
        }
        Ok(said)
    }

    /// Reads until there is an answer.
    ///
    /// # Errors
    /// When no server comes back.
    pub(super) async fn read(
        &mut self,
        path: &str,
        who: As<'_>,
    ) -> anyhow::Result<Result<Value, StatusCode>> {
        let begun = Instant::now();
        loop {
            match self.ask(Method::GET, path, who, None).await? {
                Said::Yes { body, .. } => return Ok(Ok(body)),
                Said::No(status, _) => return Ok(Err(status)),
                Said::Lost => ensure!(begun.elapsed() < PATIENCE, "GET {path} gets no answer"),
            }
        }
    }

    /// Waits until every server is ready.
    async fn wait_ready(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        for server in &self.servers {
            while !is_ready(*server).await {
                ensure!(begun.elapsed() < PATIENCE, "no server is ready after {PATIENCE:?}");
                sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// A refusal of what has to be possible.
    pub(super) fn refused(&mut self, what: &str, status: StatusCode, body: &Value) {
        let detail = body.get("detail").and_then(Value::as_str).unwrap_or("no words");
        self.memory.wrong.push(format!("{what} was refused ({status}): {detail}"));
    }

    /// The session of a person, for a question.
    pub(super) fn session(&self, person: usize) -> anyhow::Result<Secret> {
        self.memory.people[person].session.clone().context("everybody signed in at the beginning")
    }
}

fn person(seed: &Seed, number: usize) -> anyhow::Result<Person> {
    let key = seed.derive(&format!("person {number}")).to_string();
    let key = key.parse().context("a drawn key is a key, but for one chance in 2^128")?;
    Ok(Person { key, account: account_of(&key), session: None, spent: None, tokens: Vec::new() })
}
