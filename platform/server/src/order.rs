//! `touchstone bench order`: nodes of known quality, put in order by whole seasons on the lab.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use lab::Character;
use model::plan::traffic_throughput::knee;
use model::{Draw, Entry, Evidence, OperatorId, Parameters, Schedule, Seed, Trial};

use crate::demo::{Lab, declare, traffic};
use crate::lab_process::LAB_FAUCET_KEY;
use crate::progress::Progress;
use crate::season::OpenSeason;
use crate::season::conduct::Conduct;
use crate::season::records::Records;

/// Options of the benchmark.
#[derive(Debug, clap::Args)]
pub struct OrderArgs {
    /// Seasons, each from another seed
    #[arg(long, default_value_t = 20)]
    pub seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 1)]
    pub first: u64,
}

/// Served rates, requests per second: an identical pair, and a pair 15 % apart; all between 50 and
/// 80 % of full marks, which are at half the controls' rate.
const IDENTICAL: u64 = 105;
const LOWER: u64 = 104;
const HIGHER: u64 = 120;
const CONTROL: u64 = 320;
/// Of twenty seeds, in so many both must be right.
const REQUIRED_PER_MILLE: u64 = 900;

/// Runs the seasons and prints a line each.
///
/// # Errors
/// When a season cannot be run.
pub async fn run(args: &OrderArgs, binary: &Path) -> anyhow::Result<ExitCode> {
    let (mut shared, mut ordered) = (0, 0);
    println!("seed  identical pair        pair 15 % apart        measured/true capacity (candidates)");
    for seed in args.first..args.first + args.seeds {
        let outcome = season(seed, binary).await?;
        shared += u64::from(outcome.shared());
        ordered += u64::from(outcome.ordered());
        println!("{seed:>4}  {outcome}");
    }
    let seeds = args.seeds;
    println!(
        "identical pair shares a place: {shared} of {seeds}; pair 15 % apart in the right order: {ordered} of {seeds}"
    );
    let enough = |n: u64| n * 1000 >= seeds * REQUIRED_PER_MILLE;
    Ok(if enough(shared) && enough(ordered) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Outcome {
    twins: [Entry; 2],
    lower: Entry,
    higher: Entry,
    ratios: Vec<f64>,
}

impl Outcome {
    fn shared(&self) -> bool {
        self.twins[0].place.is_some() && self.twins[0].place == self.twins[1].place
    }

    fn ordered(&self) -> bool {
        matches!((self.higher.place, self.lower.place), (Some(high), Some(low)) if high < low)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = |entry: &Entry| {
            let total = entry.total.map_or("unrated".into(), |total| format!("{:.1}", total as f64 / 1000.0));
            format!("{total} (place {})", entry.place.map_or("none".into(), |place| place.to_string()))
        };
        let right = |good: bool| if good { "right" } else { "WRONG" };
        let (least, most) = self
            .ratios
            .iter()
            .fold((f64::MAX, 0f64), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)));
        write!(
            f,
            "{} = {} {}   {} > {} {}   {least:.3} to {most:.3}",
            show(&self.twins[0]),
            show(&self.twins[1]),
            right(self.shared()),
            show(&self.higher),
            show(&self.lower),
            right(self.ordered())
        )
    }
}

async fn season(number: u64, binary: &Path) -> anyhow::Result<Outcome> {
    let seed = Seed::from_number(number);
    let rates = permuted(&seed);
    let character = |rate| Character { rate, queue: 10, ..Character::default() };
    let names = ["Ash", "Beech", "Cherry", "Date"];
    let cast =
        names.iter().zip(&rates).map(|(name, (_, rate))| ((*name).to_owned(), character(*rate))).collect();
    let lab = Lab::start(binary, cast, [character(CONTROL), character(CONTROL)]).await?;
    let declared = declare(&lab, vec![trial()?]).await?;
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let records = Records::open(directory.path()).await?;
    let open = OpenSeason::freeze(declared, seed, true);
    let progress = Progress::new(false);
    Conduct::take_up(&open, &records, Some(LAB_FAUCET_KEY), binary, &progress).await?.run().await?;
    let evidence = records.evidence().await?;
    let publication = records.publications().await?.pop().context("a season publishes")?;
    let entry = |label: &str| {
        let index = rates.iter().position(|(known, _)| *known == label).context("a known node")?;
        let id = open.season.candidates().nth(index).context("a candidate each")?.id.clone();
        publication.ranking.entries.iter().find(|e| e.operator == id).cloned().context("an entry each")
    };
    let ids: Vec<_> = open.season.candidates().map(|candidate| candidate.id.clone()).collect();
    Ok(Outcome {
        twins: [entry("twin a")?, entry("twin b")?],
        lower: entry("lower")?,
        higher: entry("higher")?,
        ratios: evidence.values().filter_map(|one| ratio(one, &ids, &rates)).collect(),
    })
}

/// Which candidate has which rate: drawn, so that no name or position has an advantage.
fn permuted(seed: &Seed) -> [(&'static str, u64); 4] {
    let mut rates = [("twin a", IDENTICAL), ("twin b", IDENTICAL), ("lower", LOWER), ("higher", HIGHER)];
    Draw::new(seed, "bench order").shuffle(&mut rates);
    rates
}

/// Measured capacity of one run over the true one.
fn ratio(evidence: &Evidence, ids: &[OperatorId], rates: &[(&str, u64)]) -> Option<f64> {
    let index = ids.iter().position(|id| *id == evidence.run.operator)?;
    let Parameters::TrafficThroughput(parameters) = &evidence.parameters else { return None };
    Some(f64::from(knee(parameters, &evidence.phases)?.capacity) / rates[index].1 as f64)
}

fn trial() -> anyhow::Result<Trial> {
    let mut parameters = traffic();
    (parameters.pairs, parameters.pair_rate) = (40, 40);
    (parameters.door.start_rate, parameters.door.max_rate) = (60, 400);
    parameters.door.bisections = 4;
    Ok(Trial {
        id: "traffic-throughput".parse()?,
        version: 1,
        path: model::trial::Path::Direct,
        schedule: Schedule::Together,
        weight: 1,
        parameters: Parameters::TrafficThroughput(parameters),
    })
}
