//! `touchstone bench site`: how much of what this machine can answer do readers of a ranked list get?
//!
//! The list of many operators is rendered, put where a season publishes, and read through the whole server: accept
//! loop, limits, records, headers, validators. In the same run a bare axum handler answers the same bytes. Both
//! are asked in turns over connections that stay open, by a client that reads and does nothing else.

mod list;
mod load;
mod servers;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};

use self::load::Question;
use self::servers::{LIST, Servers};
use crate::http::metrics::MetricsPage;

/// Requests per second of ours for the uncompressed list, as a share of the bare handler's, in per mille; below it the
/// benchmark fails. Compressed to a thirtieth, the list costs about as much as naming, limiting, counting and
/// dressing a request, which a bare handler does not do: that share is told and is no goal.
const GOAL: u64 = 800;
/// Turns that each of the two is measured for.
const TURNS: u32 = 10;

/// What `--help` says below the options.
pub const HELP: &str = "\
Renders a ranked list, serves it as `touchstone serve` does, and reads it in turns with a bare axum handler that
answers the same bytes: uncompressed, and as browsers ask (gzip). Then asks for it at a fixed rate and tells how
long an answer took from the instant that was meant for it. Loopback only; everything is in this process, so the
client's share of the machine is in both numbers.
Exit status: 0 at least 0.8 of the bare handler's requests per second for the uncompressed list, 1 less. With gzip an
answer is so short that what the server does for every request (name, limits, counting, headers) weighs as much.
  cargo run --release -- bench site
  touchstone bench site --operators 100 --seconds 5";

/// Options of the benchmark.
#[derive(Debug, clap::Args)]
pub struct SiteArgs {
    /// Operators in the list
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub operators: u32,
    /// How long each of the two is asked in all, seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// Connections at once; one client has 64 at most
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub connections: u32,
    /// Requests per second at the fixed rate
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub rate: u32,
}

/// Measures, and prints a table.
///
/// # Errors
/// When the list cannot be rendered or served.
pub async fn run(args: &SiteArgs) -> anyhow::Result<ExitCode> {
    eprintln!("rendering the list of {} operators", args.operators);
    // As `serve` does: counting is part of what an answer costs.
    let _metrics = MetricsPage::install()?;
    let servers = Servers::start(args.operators).await?;
    let mut whole = None;
    println!("                       bytes     touchstone    bare axum    share (lowest to highest turn)");
    for (name, gzip) in [("uncompressed", false), ("gzip", true)] {
        let turns = compare(args, &servers, gzip).await?;
        println!("{name:<16}  {turns}");
        whole.get_or_insert(turns.share());
    }
    println!("\nat {} requests/s         p50       p99       most", args.rate);
    for (name, address, path) in [("touchstone", servers.ours, LIST), ("bare axum", servers.bare_gzip, "/")] {
        let question = Question::new(address, path, true);
        let length = Duration::from_secs(args.seconds.into());
        let waited = load::at_rate(&question, args.rate, args.connections, length).await?;
        println!("{name:<20} {waited}");
    }
    println!(
        "\ngoal: at least {} of the bare handler's requests per second for the uncompressed list",
        ratio(GOAL)
    );
    Ok(if whole.is_some_and(|share| share >= GOAL) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Both in turns, so that what else the machine does meets both.
async fn compare(args: &SiteArgs, servers: &Servers, gzip: bool) -> anyhow::Result<Turns> {
    let bare = if gzip { servers.bare_gzip } else { servers.bare };
    let ours = Question::new(servers.ours, LIST, gzip);
    let theirs = Question::new(bare, "/", gzip);
    let (bytes, same) = (load::once(&ours).await?, load::once(&theirs).await?);
    ensure!(bytes.body == same.body, "the two do not answer the same bytes");
    let turn = Duration::from_secs(args.seconds.into()) / TURNS;
    let mut turns = Turns { bytes: bytes.body.len(), pairs: Vec::new() };
    for number in 0..=TURNS {
        let first = number % 2 == 0;
        let mut pair = [0, 0];
        for (place, question) in if first { [(0, &ours), (1, &theirs)] } else { [(1, &theirs), (0, &ours)] } {
            pair[place] = load::as_fast_as_it_goes(question, args.connections, turn).await?;
        }
        // The first turn warms both up.
        if number > 0 {
            turns.pairs.push(pair);
        }
        if std::io::stderr().is_terminal() {
            eprint!("\r{number} of {TURNS} turns\r");
        }
    }
    Ok(turns)
}

/// What the turns of one comparison gave, requests per second.
struct Turns {
    bytes: usize,
    /// Ours and theirs.
    pairs: Vec<[u64; 2]>,
}

impl Turns {
    /// The share of each turn, per mille, from the lowest.
    fn shares(&self) -> Vec<u64> {
        let mut shares: Vec<u64> =
            self.pairs.iter().map(|[ours, bare]| ours * 1_000 / (*bare).max(1)).collect();
        shares.sort_unstable();
        shares
    }

    /// The middle one.
    fn share(&self) -> u64 {
        middle(&self.shares())
    }

    fn rate(&self, place: usize) -> u64 {
        let mut rates: Vec<u64> = self.pairs.iter().map(|pair| pair[place]).collect();
        rates.sort_unstable();
        middle(&rates)
    }
}

fn middle(sorted: &[u64]) -> u64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

impl std::fmt::Display for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shares = self.shares();
        let (low, high) =
            (shares.first().copied().unwrap_or_default(), shares.last().copied().unwrap_or_default());
        let [ours, bare] = [self.rate(0), self.rate(1)];
        let share = ratio(self.share());
        write!(
            f,
            "{:>10}  {ours:>9}/s  {bare:>9}/s    {share} ({} to {})",
            self.bytes,
            ratio(low),
            ratio(high)
        )
    }
}

fn ratio(per_mille: u64) -> String {
    format!("{}.{:02}", per_mille / 1_000, per_mille % 1_000 / 10)
}

/// A port of this machine that the system chose.
async fn listener() -> anyhow::Result<(tokio::net::TcpListener, SocketAddr)> {
    let listener =
        tokio::net::TcpListener::bind("127.0.0.1:0").await.context("cannot listen on 127.0.0.1")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_that_of_the_middle_turn() {
        let turns = Turns { bytes: 1, pairs: vec![[50, 100], [90, 100], [85, 100]] };
        assert_eq!(turns.shares(), [500, 850, 900]);
        assert_eq!((turns.share(), ratio(turns.share()).as_str()), (850, "0.85"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn both_answer_the_same_list_and_are_counted() {
        let servers = Servers::start(3).await.unwrap();
        let question = Question::new(servers.ours, LIST, false);
        let answer = load::once(&question).await.unwrap();
        let page = String::from_utf8(answer.body).unwrap();
        assert_eq!(page.matches("operator/candidate-").count(), 3, "{page}");
        let args = SiteArgs { operators: 3, seconds: 1, connections: 2, rate: 50 };
        let turns = compare(&args, &servers, true).await.unwrap();
        assert_eq!(turns.pairs.len(), TURNS as usize);
        assert!(turns.pairs.iter().flatten().all(|rate| *rate > 0), "{:?}", turns.pairs);
        let waited = load::at_rate(&question, 50, 2, Duration::from_secs(1)).await.unwrap();
        assert_eq!(waited.count(), 50);
    }
}
