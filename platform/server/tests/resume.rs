//! A season that is killed again and again goes on where it was: nothing that was measured is lost,
//! changed or measured twice, and no worker is left behind.

#[path = "support/lab.rs"]
mod lab;
#[path = "support/season.rs"]
mod season;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use model::{Digest, Draw, Ended, Publication, RunState, Seed, VoidCause};
use rustix::process::{Pid, Signal, kill_process};
use scoreboard::{VerifyingNote, disk, verify};
use store::{Place, RunProgress, Store};
use tokio::sync::Mutex;

use crate::lab::Lab;
use crate::season::trial;

/// One season at a time: two would disturb each other's measurements.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Twice what a worker promises.
const FAREWELL: Duration = Duration::from_secs(4);
/// A season that does not end in this time hangs.
const PATIENCE: Duration = Duration::from_secs(90);
const KILLS: u64 = 6;

/// A season on a lab of its own, in a fresh directory.
struct Scene {
    _lab: Lab,
    directory: tempfile::TempDir,
}

impl Scene {
    async fn set(trials: &str) -> anyhow::Result<Self> {
        let lab = Lab::start(4).await?;
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("season.toml"), season::file(&lab, trials))?;
        Ok(Self { _lab: lab, directory })
    }

    fn out(&self) -> PathBuf {
        self.directory.path().join("out")
    }

    /// What the store holds by now; read beside the season that writes it.
    async fn store(&self) -> anyhow::Result<Option<Store>> {
        if !self.out().join("touchstone.sqlite").exists() {
            return Ok(None);
        }
        Ok(Some(Store::open(&Place::sqlite(&self.out())).await?))
    }

    fn start(&self) -> anyhow::Result<Running> {
        let mut command = season::run(&self.directory.path().join("season.toml"), &self.out());
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        Ok(Running { child, begun: Instant::now() })
    }
}

/// A `touchstone season run` that we started.
struct Running {
    child: Child,
    begun: Instant,
}

impl Running {
    fn send(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.child.id() as i32).context("a process id")?;
        kill_process(pid, signal).context("the season has ended already")
    }

    fn wait_until(&self, age: Duration) {
        std::thread::sleep(age.saturating_sub(self.begun.elapsed()));
    }

    /// Waits for its end; (success, what it said).
    fn end(mut self, patience: Duration) -> anyhow::Result<(bool, String)> {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure!(begun.elapsed() < patience, "it goes on after {patience:?}");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut said = String::new();
        let mut errors = self.child.stderr.take().context("its standard error")?;
        std::io::Read::read_to_string(&mut errors, &mut said)?;
        Ok((status.success(), said))
    }
}

/// No process of ours stays when a test fails.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process as `/proc` tells about it; its start tells it from a later one of the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    pid: u32,
    parent: u32,
    is_dead: bool,
    started: String,
}

impl Process {
    fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets, and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let is_dead = matches!(*fields.first()?, "Z" | "X");
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            is_dead,
            started: (*fields.get(19)?).to_owned(),
        })
    }

    fn lives(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.started == self.started && !now.is_dead)
    }
}

fn workers_of(parent: u32) -> Vec<Process> {
    let pids = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::of).filter(|process| process.parent == parent && !process.is_dead).collect()
}

/// How long the last of these lived.
fn gone(processes: &[Process], since: Instant) -> anyhow::Result<Duration> {
    while let Some(alive) = processes.iter().find(|process| process.lives()) {
        ensure!(since.elapsed() < FAREWELL, "worker {} lives {FAREWELL:?} after its platform", alive.pid);
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(since.elapsed())
}

/// What the store of a scene tells about its runs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kept {
    /// Digest of the evidence of every run that has some.
    finished: BTreeMap<String, Digest>,
    /// Leased, and without evidence.
    open: BTreeSet<String>,
}

async fn kept(scene: &Scene) -> anyhow::Result<Kept> {
    let mut kept = Kept::default();
    let Some(store) = scene.store().await? else { return Ok(kept) };
    for run in store.runs(&"season".parse()?).await? {
        match run.progress {
            RunProgress::Queued => {}
            RunProgress::Leased { .. } => {
                kept.open.insert(run.run.to_string());
            }
            RunProgress::Measured { evidence, .. } => {
                store.read_evidence(&evidence).await?;
                kept.finished.insert(run.run.to_string(), evidence);
            }
        }
    }
    store.close().await;
    Ok(kept)
}

/// What was there when a process was struck.
struct Struck {
    kept: Kept,
    workers: Vec<Process>,
}

/// Kills the season at seeded instants, the first early, the last late; each time it is started anew
/// at once. Returns what was there at each kill, and the season that still runs.
async fn kill_again_and_again(scene: &Scene) -> anyhow::Result<(Vec<Struck>, Running)> {
    let mut draw = Draw::new(&Seed::from_number(3), "kills");
    let mut struck = Vec::new();
    let mut running = scene.start()?;
    for number in 0..KILLS {
        // A season that was killed waits until no worker of before can be left.
        let wait = if number == 0 { 300 } else { 4_300 };
        let age = Duration::from_millis(wait + number * 1_600 + draw.below(1_600));
        running.wait_until(age);
        let kept = kept(scene).await?;
        let seen = Struck { kept, workers: workers_of(running.child.id()) };
        running.send(Signal::KILL)?;
        let since = Instant::now();
        let (_, said) = running.end(FAREWELL)?;
        running = scene.start()?;
        let last = gone(&seen.workers, since)?;
        println!(
            "kill {number} at {age:?}: {} finished, {} open, {} workers gone after {last:?}",
            seen.kept.finished.len(),
            seen.kept.open.len(),
            seen.workers.len()
        );
        ensure!(!said.contains("error:"), "it failed before it was killed: {said}");
        struck.push(seen);
    }
    Ok((struck, running))
}

async fn check_nothing_changed(scene: &Scene, struck: &[Struck]) -> anyhow::Result<()> {
    let now = kept(scene).await?.finished;
    for (name, digest) in struck.iter().flat_map(|seen| &seen.kept.finished) {
        ensure!(now.get(name) == Some(digest), "the evidence of {name} changed after a kill");
    }
    Ok(())
}

/// Interrupted runs are void by our fault, and another attempt follows each.
async fn check_interrupted(
    scene: &Scene,
    struck: &[Struck],
    publication: &Publication,
) -> anyhow::Result<usize> {
    let store = scene.store().await?.context("a store")?;
    let evidence = store.evidence(&"season".parse()?).await?;
    let mut interrupted = 0;
    for name in struck.iter().flat_map(|seen| &seen.kept.open) {
        let entry = publication.runs.get(name).with_context(|| format!("{name} is not published"))?;
        // One that ended between the look and the kill may be whole.
        if evidence[name].ended == Ended::Interrupted {
            interrupted += 1;
            ensure!(entry.state == RunState::Void(VoidCause::Ours), "{name} is {}", entry.state);
            let next = model::RunKey { attempt: entry.run.attempt + 1, ..entry.run.clone() };
            ensure!(publication.runs.contains_key(&next.to_string()), "{name} was not drawn again");
        }
    }
    Ok(interrupted)
}

/// One run a slot counts and is scored: its last attempt.
fn check_slots(publication: &Publication) -> anyhow::Result<()> {
    let mut slots: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in publication.runs.values() {
        slots.entry((&entry.run.trial, &entry.run.operator)).or_default().push(entry);
    }
    ensure!(slots.len() == 8, "two trials on four nodes, not {}", slots.len());
    for (slot, mut entries) in slots {
        entries.sort_by_key(|entry| entry.run.attempt);
        let attempts: Vec<_> = entries.iter().map(|entry| entry.run.attempt as usize).collect();
        ensure!(attempts == (1..=entries.len()).collect::<Vec<_>>(), "{slot:?} has attempts {attempts:?}");
        let counting: Vec<_> = entries.iter().map(|entry| entry.state.counts()).collect();
        let last_only: Vec<_> = (1..=entries.len()).map(|attempt| attempt == entries.len()).collect();
        ensure!(counting == last_only, "{slot:?}: which attempts count is {counting:?}");
        ensure!(
            entries.iter().all(|entry| entry.score.is_some() == entry.state.counts()),
            "{slot:?} is scored twice"
        );
    }
    Ok(())
}

fn publication(scene: &Scene) -> anyhow::Result<Publication> {
    let out = scene.out();
    let key: VerifyingNote = fs::read_to_string(out.join("signer.vkey"))?.trim().parse()?;
    let verified = verify(&disk::read_dir(&out.join("bundle"))?, Some(&key))?;
    ensure!(verified.last && verified.publications == 1, "{verified:?}");
    println!("verified: {} runs", verified.runs);
    Ok(serde_json::from_slice(&fs::read(out.join("bundle/publications/001.json"))?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_killed_six_times_is_the_season_it_would_have_been() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let begun = Instant::now();
    let scene = Scene::set(&(trial("invalid", "together", "V01") + &trial("gossip", "alone", "V15"))).await?;
    let (struck, running) = kill_again_and_again(&scene).await?;
    let (success, said) = running.end(PATIENCE)?;
    ensure!(success, "{said}");
    check_nothing_changed(&scene, &struck).await?;
    let publication = publication(&scene)?;
    check_slots(&publication)?;
    let interrupted = check_interrupted(&scene, &struck, &publication).await?;
    let measured = struck.iter().flat_map(|seen| seen.kept.finished.keys());
    let measured = measured.filter(|name| publication.runs[*name].state == RunState::Measured).count();
    println!(
        "{interrupted} runs were interrupted, {measured} looks at finished ones, {:?} in all",
        begun.elapsed()
    );
    ensure!(interrupted >= 4 && measured >= 4, "the kills struck nothing: draw other instants");
    ensure!(struck.iter().any(|seen| !seen.workers.is_empty()), "no kill left a worker behind");
    // And once more, when all is done: nothing is measured, nothing is published anew.
    let before = (kept(&scene).await?, fs::read(scene.out().join("bundle/publications/001.json"))?);
    let (success, said) = scene.start()?.end(PATIENCE)?;
    ensure!(success, "{said}");
    let after = (kept(&scene).await?, fs::read(scene.out().join("bundle/publications/001.json"))?);
    ensure!(before == after, "a finished season was taken up again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_season_soon_and_says_how_to_go_on() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let scene = Scene::set(&trial("invalid", "together", "V01")).await?;
    let running = scene.start()?;
    while running.begun.elapsed() < Duration::from_secs(20) && workers_of(running.child.id()).len() < 4 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let workers = workers_of(running.child.id());
    ensure!(workers.len() == 4, "{} workers", workers.len());
    std::thread::sleep(Duration::from_millis(1_000));
    running.send(Signal::INT)?;
    let since = Instant::now();
    let (success, said) = running.end(FAREWELL)?;
    println!("ended after {:?}: {}", since.elapsed(), said.lines().last().unwrap_or_default());
    gone(&workers, since)?;
    ensure!(success && said.contains("run the same command again"), "{said}");
    if said.contains("panicked") {
        bail!("{said}");
    }
    Ok(())
}
