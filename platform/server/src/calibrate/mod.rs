//! `touchstone bench calibrate`: is every fault seen by what must see it, and no healthy node blamed?

pub mod plan;
pub mod report;
pub mod stand;
pub mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use model::{ChallengeKey, Evidence};
use scoreboard::Rulebook;

use self::plan::{Round, Subject, not_run, parameters, rounds};
use self::report::{FaultRow, HealthyRow, Report};
use self::stand::Stand;
use self::verdict::{Outcome, Shares, blamed, seen, shares, usual};
use crate::local_network::fault::{KINDS, Kind, Sight};
use crate::local_network::{Family, UpArgs};
use crate::network::NetworkReport;
use crate::progress::Progress;

/// What `--help` says below the options.
pub const HELP: &str = "\
Starts a network of real nodes (see `touchstone localnet up --help`), puts each fault of `localnet fault` on one of them,
and runs the challenge that must see it, up to three nodes at a time, beside healthy nodes. A fault is seen when one of the
parts named for it earns at least a tenth of its full marks less than the healthy runs of the same plan do in the median; a
healthy run is blamed when any of its parts does. What a family cannot show is `not run`, never seen. A run that the machine
was too busy for is void, and tried up to three times.
With --quick about a quarter of an hour on two cores (geth, ten seeds); without, its plans are longer, and so is the
whole. Nothing else should run meanwhile.
Exit status: 0 every fault that was tried was seen and nobody healthy blamed, 1 otherwise.
  touchstone localnet install geth
  touchstone bench calibrate --quick
  touchstone bench calibrate --quick --json > calibration.json";

/// A run is tried so often when it is void.
const ATTEMPTS: u32 = 3;

/// Options of the calibration.
#[derive(Debug, clap::Args)]
pub struct CalibrateArgs {
    /// Short plans
    #[arg(long)]
    pub quick: bool,
    /// Whose nodes
    #[arg(long, default_value = "geth")]
    pub family: Family,
    /// Only this fault, and the challenges that must see it; give it once for each [default: all]
    #[arg(long = "fault", value_name = "NAME", value_parser = named)]
    pub faults: Vec<Kind>,
    /// Healthy runs of each challenge, each from another seed
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub seeds: u32,
    /// The node program [default: as `localnet up` finds it]
    #[arg(long, value_name = "PATH")]
    pub bin: Option<PathBuf>,
    /// The table as JSON
    #[arg(long)]
    pub json: bool,
}

fn named(name: &str) -> Result<Kind, String> {
    let kinds = || KINDS.into_iter().filter(|kind| !kind.seen_by.is_empty());
    let names = || kinds().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let found = kinds().find(|kind| kind.name == name);
    found.ok_or_else(|| format!("no fault `{name}` to be seen: choose among {}", names()))
}

impl CalibrateArgs {
    /// The faults that are tried.
    fn kinds(&self) -> Vec<Kind> {
        KINDS.into_iter().filter(|kind| self.faults.is_empty() || self.faults.contains(kind)).collect()
    }
}

/// Measures, and prints the table.
///
/// # Errors
/// When the network cannot be had or a run cannot be done at all.
pub async fn run(args: &CalibrateArgs, binary: &Path) -> anyhow::Result<ExitCode> {
    ensure!(
        args.family != Family::Anvil,
        "a calibration needs a network, and anvil is one node: choose geth, kaia or cometbft"
    );
    let progress = Progress::new(true);
    let report = tokio::select! {
        report = calibrate(args, binary, &progress) => report?,
        _ = tokio::signal::ctrl_c() => bail!("stopped: nothing was calibrated"),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn calibrate(args: &CalibrateArgs, binary: &Path, progress: &Progress) -> anyhow::Result<Report> {
    let begun = Instant::now();
    let folder = tempfile::tempdir().context("make a folder for the network")?;
    progress.say(&format!("starting a network of {} (up to a minute)", args.family.name()));
    let up = UpArgs { bin: args.bin.clone(), ..UpArgs::usual(args.family, &folder.path().join("net")) };
    let stand = Stand::start(&up, binary.to_owned()).await?;
    let kinds = args.kinds();
    let mut looks = Looks::default();
    look(&stand, &kinds, &mut looks, progress).await?;
    let all = rounds(stand.driver(), &kinds, args.seeds);
    let mut measured = Measured::default();
    for (number, round) in all.iter().enumerate() {
        let names: Vec<String> = round.subjects.iter().map(|subject| subject.name()).collect();
        let (challenge, count) = (round.challenge, all.len());
        progress.say(&format!("round {} of {count}: {challenge} on {}", number + 1, names.join(", ")));
        measure(&stand, round, args.quick, &mut measured, progress).await?;
    }
    let (faults, healthy) = judged(&stand, &kinds, &looks, &measured);
    Ok(Report { family: args.family.name(), seconds: begun.elapsed().as_secs(), faults, healthy })
}

/// What `network check` said: of nobody's fault, and of each that it must see.
#[derive(Default)]
struct Looks(Vec<(Kind, NetworkReport)>);

async fn look(stand: &Stand, kinds: &[Kind], looks: &mut Looks, progress: &Progress) -> anyhow::Result<()> {
    let healthy = KINDS.into_iter().filter(|kind| kind.name == "none" && !kinds.contains(kind));
    for kind in healthy.chain(kinds.iter().copied()) {
        let sees = kind.seen_by.contains(&Sight::NetworkCheck);
        let runs = sees && not_run(stand.driver(), kind, Sight::NetworkCheck).is_none();
        if runs || kind.name == "none" {
            progress.say(&format!("network check on {}", if runs { kind.name } else { "healthy nodes" }));
            looks.0.push((kind, stand.look_with(kind).await?));
        }
    }
    Ok(())
}

/// Evidence of every run that counts, by challenge.
#[derive(Default)]
struct Measured(BTreeMap<ChallengeKey, Vec<(Subject, Evidence)>>);

impl Measured {
    fn of(&self, challenge: ChallengeKey) -> &[(Subject, Evidence)] {
        self.0.get(&challenge).map_or(&[], Vec::as_slice)
    }
}

/// Runs a round; who was void is measured again.
async fn measure(
    stand: &Stand,
    round: &Round,
    quick: bool,
    measured: &mut Measured,
    progress: &Progress,
) -> anyhow::Result<()> {
    let parameters = parameters(stand.driver(), round.challenge, quick);
    let mut due = round.clone();
    for attempt in 1..=ATTEMPTS {
        let mut void = Vec::new();
        for (subject, evidence) in stand.run(&due, &parameters, attempt, progress).await? {
            let Some(reason) = scoreboard::void_reason(&Rulebook::quick(), &evidence) else {
                measured.0.entry(round.challenge).or_default().push((subject, evidence));
                continue;
            };
            progress.say(&format!("  {}: void, attempt {attempt} of {ATTEMPTS}: {reason}", subject.name()));
            void.push(subject);
        }
        if void.is_empty() {
            break;
        }
        due.subjects = void;
    }
    Ok(())
}

fn judged(
    stand: &Stand,
    kinds: &[Kind],
    looks: &Looks,
    measured: &Measured,
) -> (Vec<FaultRow>, Vec<HealthyRow>) {
    let mut healthy = vec![HealthyRow::of_look(looks.0.iter().find(|(kind, _)| kind.name == "none"))];
    let mut outcomes = BTreeMap::new();
    for challenge in ChallengeKey::ALL {
        let shares = earned(stand, measured.of(challenge));
        let is_healthy = |(subject, _): &&(Subject, Shares)| matches!(subject, Subject::Healthy(_));
        let all: Vec<Shares> = shares.iter().filter(is_healthy).map(|(_, shares)| shares.clone()).collect();
        let usual = usual(&all);
        for (subject, shares) in &shares {
            match subject {
                Subject::Faulty(kind, parts) => {
                    outcomes.insert((kind.name, challenge), seen(shares, &usual, parts));
                }
                Subject::Healthy(seed) => {
                    healthy.push(HealthyRow {
                        by: challenge.to_string(),
                        seed: *seed,
                        blamed: blamed(shares, &usual),
                    });
                }
            }
        }
    }
    let faults = kinds.iter().flat_map(|kind| fault_rows(stand, *kind, looks, &outcomes)).collect();
    (faults, healthy)
}

/// What each run earned, held against the healthy runs beside it.
fn earned(stand: &Stand, runs: &[(Subject, Evidence)]) -> Vec<(Subject, Shares)> {
    let one = |(subject, evidence): &(Subject, Evidence)| {
        let others =
            runs.iter().filter(|(other, _)| other != subject && matches!(other, Subject::Healthy(_)));
        let others: Vec<&Evidence> = others.map(|(_, evidence)| evidence).collect();
        let score = stand.score(&Rulebook::quick(), evidence, &others);
        (*subject, shares(&score.parts))
    };
    runs.iter().map(one).collect()
}

fn fault_rows(
    stand: &Stand,
    kind: Kind,
    looks: &Looks,
    outcomes: &BTreeMap<(&'static str, ChallengeKey), Outcome>,
) -> Vec<FaultRow> {
    let row = |by: String, outcome: Outcome| FaultRow { fault: kind.name, by, outcome };
    let outcome = |sight: &Sight| match (not_run(stand.driver(), kind, *sight), sight) {
        (Some(why), _) => Outcome::NotRun(why),
        (None, Sight::Parts(challenge, _) | Sight::Finding(challenge)) => {
            let known = outcomes.get(&(kind.name, *challenge)).cloned();
            known.unwrap_or_else(|| {
                Outcome::NotMeasured(format!("void {ATTEMPTS} times: the machine was too busy"))
            })
        }
        (None, Sight::NetworkCheck) => report::looked(looks.0.iter().find(|(looked, _)| *looked == kind)),
    };
    kind.seen_by.iter().map(|sight| row(sight.to_string(), outcome(sight))).collect()
}
