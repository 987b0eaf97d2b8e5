//! The hard ceiling, counted from outside: a proxy before the node counts what a worker really sends,
//! also after the worker was frozen, and when another takes its place.

#[path = "support/lab.rs"]
mod lab;

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command as Program, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use challenges::engine::ceiling::ceiling_for;
use challenges::faucet::Faucet;
use model::trial::{Door, TrafficThroughput};
use model::work::{Command, Endpoint, Report, Work};
use model::{Ended, Evidence, Parameters, RunKey, Seed};
use rustix::process::{Pid, Signal, kill_process};
use server::lab_process::LAB_FAUCET_KEY;

use crate::lab::{BINARY, CHAIN, Lab, driver};

/// How every request to a node begins.
const POST: &[u8] = b"POST / HTTP/1.1\r\n";
/// Width of a bin, microseconds.
const BIN_US: u128 = 10_000;
/// Bins of a second.
const SECOND: usize = 100;

/// Counts the requests that pass, in bins of 10 ms.
#[derive(Clone)]
struct Counter {
    origin: Instant,
    bins: Arc<Mutex<Vec<u32>>>,
}

impl Counter {
    fn count(&self) {
        let bin = (self.origin.elapsed().as_micros() / BIN_US) as usize;
        let mut bins = self.bins.lock().expect("not poisoned");
        let length = bins.len().max(bin + 1);
        bins.resize(length, 0);
        bins[bin] += 1;
    }

    fn bins(&self) -> Vec<u32> {
        self.bins.lock().expect("not poisoned").clone()
    }
}

/// The most in any second, however it is cut.
fn busiest_second(bins: &[u32]) -> u32 {
    (0..bins.len()).map(|from| bins[from..].iter().take(SECOND).sum()).max().unwrap_or(0)
}

/// A counting TCP proxy; ends with the process.
fn proxy(upstream: SocketAddr) -> anyhow::Result<(SocketAddr, Counter)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let counter = Counter { origin: Instant::now(), bins: Arc::default() };
    let counting = counter.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A client that cannot be served sees its connection closed.
            let _ = join(client, upstream, &counting);
        }
    });
    Ok((address, counter))
}

fn join(client: TcpStream, upstream: SocketAddr, counter: &Counter) -> std::io::Result<()> {
    let node = TcpStream::connect(upstream)?;
    client.set_nodelay(true)?;
    node.set_nodelay(true)?;
    let (back, forth) = ((node.try_clone()?, client.try_clone()?), (client, node));
    let counter = counter.clone();
    std::thread::spawn(move || copy(forth.0, forth.1, Some(counter)));
    std::thread::spawn(move || copy(back.0, back.1, None));
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream, counter: Option<Counter>) {
    let (mut buffer, mut seen) = ([0; 16 << 10], 0);
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if let Some(counter) = &counter {
            (0..beginnings(&buffer[..length], &mut seen)).for_each(|_| counter.count());
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// How often a request begins in these bytes, of which `seen` bytes of a beginning came before.
fn beginnings(bytes: &[u8], seen: &mut usize) -> usize {
    let mut found = 0;
    for byte in bytes {
        *seen = if *byte == POST[*seen] { *seen + 1 } else { usize::from(*byte == POST[0]) };
        if *seen == POST.len() {
            (found, *seen) = (found + 1, 0);
        }
    }
    found
}

/// A worker that we started.
struct Worker {
    child: Child,
    commands: ChildStdin,
    reports: BufReader<ChildStdout>,
}

impl Worker {
    fn start(work: &Work) -> anyhow::Result<Self> {
        let mut child = Program::new(BINARY)
            .args(["work", "--stdio"])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = child.stdin.take().context("its standard input")?;
        let reports = BufReader::new(child.stdout.take().context("its standard output")?);
        let mut worker = Self { child, commands, reports };
        worker.tell(&Command::Prepare(Box::new(work.clone())))?;
        Ok(worker)
    }

    fn tell(&mut self, command: &Command) -> anyhow::Result<()> {
        let mut line = model::digest::canonical_json(command);
        line.push(b'\n');
        Ok(self.commands.write_all(&line)?)
    }

    fn report(&mut self) -> anyhow::Result<Report> {
        let mut line = String::new();
        self.reports.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    fn send(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_raw(self.child.id() as i32).context("a process id")?, signal)?)
    }

    /// Reads reports until one is `wanted`.
    fn until<T>(&mut self, wanted: impl Fn(Report) -> Option<T>) -> anyhow::Result<T> {
        loop {
            match self.report()? {
                Report::Refused { why } => bail!(why),
                Report::Evidence(evidence) if evidence.ended != Ended::Completed => {
                    bail!("{:?}", evidence.ended)
                }
                report => {
                    if let Some(found) = wanted(report) {
                        return Ok(found);
                    }
                }
            }
        }
    }

    fn ready(&mut self) -> anyhow::Result<()> {
        self.until(|report| (report == Report::Ready).then_some(()))
    }

    fn comes_to(&mut self, name: &str) -> anyhow::Result<()> {
        self.until(|report| matches!(report, Report::Progress { phase, .. } if phase == name).then_some(()))
    }

    fn evidence(&mut self) -> anyhow::Result<Evidence> {
        self.until(|report| match report {
            Report::Evidence(evidence) => Some(*evidence),
            _ => None,
        })
    }
}

/// No worker stays when a test fails.
impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The steps are 180, 270 and 320 requests a second, each long enough for a freeze and a second after it.
const MAX: u32 = 320;

fn parameters() -> Parameters {
    let door = Door {
        start_rate: 180,
        max_rate: MAX,
        step_ms: 2_200,
        sustain_ms: 1_000,
        settle_ms: 50,
        bisections: 0,
        patience_ms: 500,
    };
    Parameters::TrafficThroughput(TrafficThroughput {
        pairs: 60,
        pair_rate: 60,
        horizon_blocks: 12,
        door,
        halt_ms: None,
    })
}

/// Works on a lab node behind a counter; the first node is measured, the second one is the control.
struct Scene {
    lab: Lab,
    target: SocketAddr,
    counter: Counter,
}

impl Scene {
    async fn set() -> anyhow::Result<Self> {
        let lab = Lab::start(2).await?;
        let (target, counter) = proxy(lab.ingresses[0].address)?;
        Ok(Self { lab, target, counter })
    }

    /// A run under the least ceiling that its plan can be run with, its root paid.
    async fn work(&self, attempt: u32) -> anyhow::Result<Work> {
        let control = self.lab.ingresses[1].rpc();
        let run = RunKey { window: 1, trial: "door".parse()?, operator: "alpha".parse()?, attempt };
        let seed = run.seed(&Seed::from_number(5));
        let faucet = Faucet::new(driver()?, LAB_FAUCET_KEY, CHAIN, &control, &self.lab.sequencer.rpc());
        faucet
            .map_err(|why| anyhow!(why))?
            .fund(&[(seed, parameters())])
            .await
            .map_err(|why| anyhow!(why))?;
        Ok(Work {
            run,
            seed,
            parameters: parameters(),
            network: self.lab.network.clone(),
            target: Endpoint { rpc: format!("http://{}", self.target), validator: None },
            reference: Some(Endpoint { rpc: self.lab.sequencer.rpc(), validator: None }),
            controls: vec![Endpoint { rpc: control, validator: None }],
            healthy: vec![],
            ceiling: ceiling_for(MAX),
            lease_ms: 60_000,
        })
    }
}

fn sent(evidence: &Evidence) -> u64 {
    let lanes = evidence.phases.iter().flat_map(|phase| &phase.lanes);
    lanes
        .filter(|lane| lane.via == model::plan::Via::Candidate)
        .map(|lane| lane.offered - lane.withheld)
        .sum()
}

#[test]
fn the_counter_counts() {
    let request = [POST, b"host: x\r\n\r\n{\"POST\": \"POST / HTTP\"}"].concat();
    let twice = [request.clone(), request].concat();
    for piece in 1..twice.len() {
        let mut seen = 0;
        assert_eq!(
            twice.chunks(piece).map(|bytes| beginnings(bytes, &mut seen)).sum::<usize>(),
            2,
            "{piece}"
        );
    }
    let mut bins = vec![0; 250];
    (bins[10], bins[60], bins[109], bins[110], bins[160]) = (1, 10, 100, 1_000, 10_000);
    assert_eq!(busiest_second(&bins), 11_100);
}

/// One test, because two at a time would disturb each other's clocks.
#[tokio::test(flavor = "multi_thread")]
async fn no_second_holds_more_than_the_ceiling() -> anyhow::Result<()> {
    a_whole_search_and_a_frozen_worker().await?;
    a_worker_in_the_place_of_a_killed_one().await
}

/// A worker that wakes up late is behind by hundreds of requests: without a ceiling it would send all
/// of them at once, and go on at its rate: 510 in a second.
async fn a_whole_search_and_a_frozen_worker() -> anyhow::Result<()> {
    let scene = Scene::set().await?;
    let work = scene.work(1).await?;
    let mut worker = Worker::start(&work)?;
    worker.ready()?;
    worker.tell(&Command::Go)?;
    worker.comes_to("ramp 270/s")?;
    std::thread::sleep(Duration::from_millis(200));
    worker.send(Signal::STOP)?;
    std::thread::sleep(Duration::from_millis(900));
    worker.send(Signal::CONT)?;
    let evidence = worker.evidence()?;
    let bins = scene.counter.bins();
    let (busiest, counted) = (busiest_second(&bins), bins.iter().map(|n| u64::from(*n)).sum::<u64>());
    let (sent, withheld) = (sent(&evidence), evidence.self_check.withheld);
    let ceiling = work.ceiling;
    println!(
        "{} phases, {sent} sent and {withheld} withheld, {counted} counted at the node; busiest second {busiest}, \
         ceiling {ceiling}",
        evidence.phases.len()
    );
    ensure!(busiest <= ceiling, "{busiest} requests in a second, the ceiling is {ceiling}");
    ensure!(busiest >= MAX * 9 / 10, "the search never came near its highest rate: {busiest}");
    ensure!(counted >= sent, "the counter misses requests: {counted} of {sent}");
    ensure!(withheld > 0, "the frozen worker had nothing to catch up with");
    Ok(())
}

/// The second worker waits, ready, and goes in the moment in which the first one is killed at full rate.
async fn a_worker_in_the_place_of_a_killed_one() -> anyhow::Result<()> {
    let scene = Scene::set().await?;
    let (first, second) = (scene.work(1).await?, scene.work(2).await?);
    let (mut killed, mut next) = (Worker::start(&first)?, Worker::start(&second)?);
    killed.ready()?;
    next.ready()?;
    killed.tell(&Command::Go)?;
    killed.comes_to(&format!("ramp {MAX}/s"))?;
    std::thread::sleep(Duration::from_millis(900));
    let at = scene.counter.bins().len();
    killed.send(Signal::KILL)?;
    next.tell(&Command::Go)?;
    next.comes_to("door start")?;
    let bins = scene.counter.bins();
    let (before, after): (u32, u32) =
        (bins[at.saturating_sub(SECOND)..at].iter().sum(), bins[at..].iter().take(SECOND).sum());
    let (busiest, ceiling) = (busiest_second(&bins), first.ceiling);
    println!(
        "{before} in the second before the kill, {after} in the one after; busiest second {busiest}, ceiling {ceiling}"
    );
    ensure!(busiest <= ceiling, "{busiest} requests in a second, the ceiling is {ceiling}");
    ensure!(before > MAX / 2 && after > 20, "there was nothing to add up: {before} and {after}");
    Ok(())
}
