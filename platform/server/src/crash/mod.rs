//! `touchstone bench crash`: servers and workers are killed at drawn instants, again and again, while
//! seasons are measured and people write; nothing that was acknowledged may be lost.
//!
//! [`plan`] draws the kills, [`scene`] sets the stage, [`servers`] starts and [`strike`] kills. The
//! [`writer`] remembers what was acknowledged ([`memory`]) and holds servers and, at the end, the store
//! against it ([`look`]); [`check`] looks at evidence and bundles.

mod accounts;
mod api;
mod check;
mod look;
mod memory;
mod operators;
pub mod plan;
mod process;
mod report;
mod scene;
mod seasons;
mod servers;
mod strike;
mod writer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::check::Runs;
pub use self::report::Report;
pub use self::scene::Seen;
pub use self::servers::{FAREWELL, READY};

use self::scene::{Scene, free_address};
use self::seasons::Seasons;
use self::servers::Start;
use self::strike::Striker;
use self::writer::{Told, Writer};
use crate::progress::Progress;

/// One more season than this many kills need.
const KILLS_A_SEASON: u32 = 6;
/// How long the last season may take, and the last look.
const PATIENCE: Duration = Duration::from_secs(300);

/// What `--help` says below the options.
pub const HELP: &str = "\
Starts a lab of five pretend nodes, `touchstone serve` with many short seasons on them, and a writer that signs
in, applies, edits, declares, leaves, decides, and takes and gives back tokens all the while. Then kills the
server, or one of its workers, with SIGKILL, and starts the server anew at once.

What must hold, each time and at the end:
  every write that was acknowledged is there; one that was not is there as a whole or not at all
  finished evidence stays as it is; of each slot one run counts; no season waits for ever
  no node gets more than its ceiling in any second, nor load from two workers (told by the nodes)
  the store finds nothing damaged; every bundle can be worked out again
  a server is ready within 5 s; no worker outlives its server by 4 s

Takes about five seconds a kill. The seed draws the kills: the same seed strikes in the same order, after the same times.
Exit status: 0 all of it holds, 1 something does not (below the table).
  touchstone bench crash --kills 20
  touchstone bench crash --servers 2 --database-url postgres://touchstone@localhost/empty";

/// Options of the benchmark.
#[derive(Debug, Clone, clap::Args)]
pub struct CrashArgs {
    /// How often to kill
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub kills: u32,
    /// Draws who is killed, and when
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Directory for everything that is written; must be empty or not there [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// An empty PostgreSQL database instead of SQLite
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// How many servers share the database; more than one need --database-url
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub servers: u8,
}

/// Runs the benchmark and prints the table.
///
/// # Errors
/// When it cannot be run, or a server ends by itself.
pub async fn run(args: &CrashArgs, binary: &Path) -> anyhow::Result<ExitCode> {
    let temporary = tempfile::Builder::new().prefix("touchstone-crash-").tempdir();
    let temporary = temporary.context("cannot make a temporary directory: give --out DIR")?;
    let out = args.out.clone().unwrap_or_else(|| temporary.path().to_owned());
    let report = bench(args, &out, binary, &Progress::new(true)).await?;
    print!("{report}");
    if report.holds() {
        println!("nothing that was acknowledged is lost");
        return Ok(ExitCode::SUCCESS);
    }
    if args.out.is_none() {
        println!("left to be looked at: {}", temporary.keep().display());
    }
    Ok(ExitCode::FAILURE)
}

/// Runs the benchmark in a directory.
///
/// # Errors
/// When it cannot be run, or a server ends by itself.
pub async fn bench(
    args: &CrashArgs,
    directory: &Path,
    binary: &Path,
    progress: &Progress,
) -> anyhow::Result<Report> {
    let begun = Instant::now();
    ensure!(
        args.servers == 1 || args.database_url.is_some(),
        "several servers cannot share SQLite: give --database-url"
    );
    prepare(directory)?;
    let addresses = addresses(args.servers)?;
    let reviewer = Writer::reviewer(args.seed)?;
    let count = args.kills / KILLS_A_SEASON + 2;
    let scene = Scene::set(binary, directory, count, &reviewer, addresses[0]).await?;
    let mut servers = Vec::new();
    for (number, address) in addresses.iter().enumerate() {
        let mut server = start(args, &scene, directory, binary, number, *address).spawn()?;
        server.ready().await?;
        servers.push(server);
    }
    let (acknowledged, seen_acknowledged) = watch::channel(0);
    let (tell_kills, kills) = watch::channel(0);
    let (tell_over, over) = watch::channel(false);
    let nodes = scene.nodes.iter().map(crate::lab_process::LabProcess::rpc).collect();
    let seasons = Seasons::new(scene.seasons.clone(), nodes);
    let writer = Writer::new(args.seed, addresses, seasons, Told { acknowledged, kills, over });
    let mut writing = tokio::spawn(writer.run());
    let report = Report { seed: args.seed, ..Report::default() };
    let url = args.database_url.as_deref();
    let mut striker = Striker::new(&scene, servers, url, progress, report, seen_acknowledged);
    let plan = plan::kills(args.seed, args.kills);
    for (index, kill) in plan.iter().enumerate() {
        striker.strike(kill, plan.get(index + 1)).await?;
        tell_kills.send_replace(kill.number);
        if writing.is_finished() {
            let ended = ended(&mut writing).await?;
            bail!("all {} seasons have ended before the last kill", ended.seasons.ended().len());
        }
    }
    tell_over.send_replace(true);
    striker.farewells().await;
    progress.say("the kills are over: waiting for the season in hand to end");
    let written = tokio::time::timeout(PATIENCE, ended(&mut writing)).await;
    let writer = written.with_context(|| format!("not at the end {PATIENCE:?} after the last kill"))??;
    let Striker { servers, mut report, kept, .. } = striker;
    for server in servers {
        server.end().await?;
    }
    let look = Look { scene: &scene, url, writer, kept };
    look.at_the_end(&mut report).await?;
    report.took = begun.elapsed();
    Ok(report)
}

async fn ended(writing: &mut JoinHandle<anyhow::Result<Writer>>) -> anyhow::Result<Writer> {
    writing.await.context("the writer ended")?.context("the writer cannot go on")
}

/// What is looked at when nothing runs any more.
struct Look<'a> {
    scene: &'a Scene,
    url: Option<&'a str>,
    writer: Writer,
    kept: check::Kept,
}

impl Look<'_> {
    async fn at_the_end(self, report: &mut Report) -> anyhow::Result<()> {
        let Self { scene, url, mut writer, mut kept } = self;
        let store = check::open(&scene.data(), url).await?;
        look::look_in_store(&store, &mut writer.memory).await?;
        report.wrong.extend(kept.look(&store, &scene.seasons).await?);
        report.torn.extend(store.verify().await?.faults);
        for record in store.seasons().await? {
            let begun = record.frozen.is_some();
            report.seasons.0 += u32::from(begun);
            if begun {
                match check::season(&scene.data().join("seasons").join(record.id.as_str()), &mut report.runs)
                {
                    Ok(()) => report.seasons.1 += 1,
                    Err(error) => report.wrong.push(format!("{} ({}): {error:#}", record.id, record.stage)),
                }
            }
        }
        store.close().await;
        report.seen = scene.seen().await?;
        report.wrong.extend(report.seen.faults());
        let memory = writer.memory;
        report.acknowledged = memory.acknowledged;
        report.unanswered = memory.unanswered;
        report.lost.extend(memory.lost);
        report.torn.extend(memory.torn);
        report.wrong.extend(memory.wrong);
        Ok(())
    }
}

fn prepare(directory: &Path) -> anyhow::Result<()> {
    let of = || format!("cannot use {}", directory.display());
    std::fs::create_dir_all(directory).with_context(of)?;
    let is_empty = std::fs::read_dir(directory).with_context(of)?.next().is_none();
    ensure!(is_empty, "{} is not empty: choose another --out", directory.display());
    Ok(())
}

fn addresses(count: u8) -> anyhow::Result<Vec<std::net::SocketAddr>> {
    let mut addresses = Vec::new();
    for _ in 0..count {
        addresses.push(free_address(addresses.last().copied())?);
    }
    Ok(addresses)
}

fn start(
    args: &CrashArgs,
    scene: &Scene,
    directory: &Path,
    binary: &Path,
    number: usize,
    address: std::net::SocketAddr,
) -> Start {
    Start {
        binary: binary.to_owned(),
        config: scene.config(),
        data: scene.data(),
        address,
        database_url: args.database_url.clone(),
        log: directory.join(format!("server-{}.log", number + 1)),
    }
}
