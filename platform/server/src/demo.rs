//! `touchstone demo`: a season on the lab, end to end, in under three minutes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use challenges::driver::of_family;
use challenges::engine::ceiling::ceiling_for;
use challenges::engine::preflight::inspect;
use lab::Character;
use localnet::{FUNDED_KEY, Fault, Ports};
use model::season::Operator;
use model::trial::{Door, Path as LoadPath, SpamDefense, TrafficThroughput};
use model::{Parameters, Role, Schedule, Seed, Trial, Vector};
use scoreboard::Rulebook;

use crate::lab_process::{LAB_FAUCET_KEY, LabProcess};
use crate::local_network::doors::Doors;
use crate::local_network::season_file::season;
use crate::local_network::{Family, UpArgs, up};
use crate::progress::Progress;
use crate::season::conduct::Conduct;
use crate::season::file::{self, Declared};
use crate::season::records::Records;
use crate::season::{OpenSeason, secret};
use crate::static_site;

/// Options of the demonstration.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Exit after publishing instead of serving the site
    #[arg(long)]
    pub once: bool,
    /// Where DIR/bundle and DIR/site are written [default: a temporary directory, which stays with --once]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Draws accounts, instants and order; the same number draws the same
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// On a network of the chain's own nodes instead of the lab (installed as `touchstone localnet up --help` says):
    /// the second node answers late, the third loses every fifth transaction
    #[arg(long, value_enum, value_name = "FAMILY")]
    pub on: Option<Family>,
    /// How many operators apply on the lab, 2 to 12
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(2..=12))]
    pub operators: u8,
    /// Where the site is served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
}

/// Chain id of the lab.
const CHAIN: u64 = 1337;
const BLOCK_MS: u64 = 150;

/// The operators of the demonstration: what they are called, and what their ingress does.
fn cast(count: usize) -> Vec<(String, Character)> {
    let healthy = Character { rate: 400, queue: 40, ..Character::default() };
    let cast = [
        ("Aster (healthy)", healthy.clone()),
        ("Birch (healthy, its twin)", healthy.clone()),
        ("Cedar (150 ms slower)", Character { latency_ms: 150, ..healthy.clone() }),
        ("Dogwood (loses 8 %)", Character { loss_per_mille: 80, ..healthy.clone() }),
        ("Elder (serves 60/s)", Character { rate: 60, queue: 20, ..healthy.clone() }),
        ("Fir (takes bad ones)", Character { wrong_class_per_mille: 200, ..healthy.clone() }),
        ("Gorse (stalls)", Character { stall_every_ms: 2_000, stall_ms: 700, ..healthy.clone() }),
        ("Hazel (serves 140/s)", Character { rate: 140, queue: 20, ..healthy }),
    ];
    let name =
        |round: usize, name: &str| if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) };
    (0..count)
        .map(|i| {
            let (title, character) = &cast[i % cast.len()];
            (name(i / cast.len(), title), character.clone())
        })
        .collect()
}

/// Runs the demonstration.
///
/// # Errors
/// In words, with the remedy.
pub async fn run(args: DemoArgs, binary: &Path) -> anyhow::Result<()> {
    let listener = if args.once { None } else { Some(static_site::bind(args.listen).await?) };
    let temporary = tempfile::Builder::new().prefix("touchstone-demo-").tempdir();
    let temporary = temporary.context("cannot make a temporary directory: give --out DIR")?;
    let out = args.out.clone().unwrap_or_else(|| temporary.path().join("season"));
    let records = Records::open(&out).await?;
    if !records.evidence().await?.is_empty() {
        bail!(
            "{} holds a season already, and the demonstration begins a new one: choose another --out",
            out.display()
        );
    }
    let progress = Progress::new(true);
    let (ground, declared) = match args.on {
        Some(family) => real(family, &temporary.path().join("network"), &progress).await?,
        None => on_lab(&args, binary, &progress).await?,
    };
    let seed = secret::keep(&records.private(), "seed", || Ok(Seed::from_number(args.seed)))?;
    let open = OpenSeason::freeze(declared, seed, true);
    let conduct = Conduct::take_up(&open, &records, ground.faucet_key(), binary, &progress).await?;
    tokio::select! {
        done = conduct.run() => done?,
        _ = tokio::signal::ctrl_c() => bail!("stopped before the season was complete: begin again with another --out"),
    }
    drop(ground);
    let directory = out.display();
    println!("bundle: {directory}/bundle");
    println!("check it: touchstone-verify {directory}/bundle --key @{directory}/signer.vkey");
    println!("site: {directory}/site/index.html");
    let Some(listener) = listener else {
        if args.out.is_none() {
            // It is looked at after this.
            let _ = std::fs::remove_dir_all(temporary.keep().join("network"));
        }
        return Ok(());
    };
    println!("open http://{}/ (Ctrl-C ends)", listener.local_addr()?);
    static_site::serve(listener, out.join("site")).await
}

/// What the demonstration runs on, for as long as it does.
enum Ground {
    Lab { _lab: Box<Lab> },
    Real { doors: Doors },
}

impl Ground {
    /// Private key of the account that is funded; none where there is no money.
    fn faucet_key(&self) -> Option<&'static str> {
        match self {
            Self::Lab { .. } => Some(LAB_FAUCET_KEY),
            Self::Real { doors } => up::has_money(doors.network()).then_some(FUNDED_KEY),
        }
    }
}

async fn on_lab(args: &DemoArgs, binary: &Path, progress: &Progress) -> anyhow::Result<(Ground, Declared)> {
    let cast = cast(args.operators.into());
    let control = Character { rate: 400, queue: 40, ..Character::default() };
    let lab = Lab::start(binary, cast, [control.clone(), control]).await?;
    progress.say(&format!("lab: one sequencer, {} ingresses, two controls", args.operators));
    let declared = declare(&lab, trials()).await?;
    Ok((Ground::Lab { _lab: Box::new(lab) }, declared))
}

/// A network of a chain's own nodes with two that misbehave, and the season for it.
async fn real(family: Family, dir: &Path, progress: &Progress) -> anyhow::Result<(Ground, Declared)> {
    progress.say(&format!("starting a network of {} (up to a minute)", family.name()));
    let network = up::start(&UpArgs::usual(family, dir)).await?;
    let doors = Doors::open(Arc::new(network), None, Ports::Free)?;
    doors.set(1, Fault::Delay(Duration::from_millis(1_500)));
    doors.set(2, Fault::Close { per_mille: 200 });
    let mut declared = file::parse(&season(&doors, &[], None).context("a network of too few nodes")?)?;
    declared.name = format!("Touchstone demonstration on {}", family.name());
    declared.book = Rulebook::demonstration();
    progress.say(&format!("{} nodes; node-2 answers 1.5 s late, node-3 loses 20 %", doors.count()));
    Ok((Ground::Real { doors }, declared))
}

/// A running lab and who is who in it.
pub(crate) struct Lab {
    sequencer: LabProcess,
    operators: Vec<(Operator, LabProcess)>,
}

impl Lab {
    pub(crate) async fn start(
        binary: &Path,
        candidates: Vec<(String, Character)>,
        controls: [Character; 2],
    ) -> anyhow::Result<Self> {
        let driver = of_family("evm").map_err(|why| anyhow!(why))?;
        let faucet = driver.account_of(LAB_FAUCET_KEY).map_err(|why| anyhow!(why))?;
        let sequencer = LabProcess::sequencer(binary, CHAIN, BLOCK_MS, &faucet).await?;
        let named = candidates.into_iter().map(|(name, character)| (Role::Candidate, name, character));
        let known = controls.into_iter().zip(1..).map(|(c, i)| (Role::Control, format!("Control {i}"), c));
        let mut operators = Vec::new();
        for (number, (role, name, character)) in named.chain(known).enumerate() {
            let word = name.split(' ').next().unwrap_or("operator").to_lowercase();
            let id = format!("{word}-{}", number + 1).parse()?;
            let process = LabProcess::ingress(binary, sequencer.address, &character).await?;
            operators.push((Operator { id, name, role, validator: None }, process));
        }
        Ok(Self { sequencer, operators })
    }
}

/// Windows of the demonstration.
const WINDOWS: u32 = 2;

/// The lab as a season file would declare it.
pub(crate) async fn declare(lab: &Lab, trials: Vec<Trial>) -> anyhow::Result<Declared> {
    let driver = of_family("evm").map_err(|why| anyhow!(why))?;
    let identity = inspect(driver, &lab.sequencer.rpc()).await.map_err(|why| anyhow!(why))?;
    let peak = trials.iter().map(|trial| trial.parameters.peak_rate()).max().unwrap_or(1);
    Ok(Declared {
        name: "Touchstone demonstration".into(),
        windows: WINDOWS,
        seats: 3,
        attempts: 3,
        network: model::Network {
            family: "evm".into(),
            chain_id: identity.chain_id,
            genesis: identity.genesis,
            incarnation: 1,
        },
        operators: lab
            .operators
            .iter()
            .map(|(operator, process)| (operator.clone(), process.rpc()))
            .collect(),
        trials,
        book: Rulebook::demonstration(),
        reference: lab.sequencer.rpc(),
        reference_validator: None,
        ceiling: ceiling_for(peak),
    })
}

/// Both challenges; what gossips through the candidate one operator at a time, the rest together.
fn trials() -> Vec<Trial> {
    let trial = |id: &str, schedule, weight, parameters| Trial {
        id: id.parse().expect("an identifier"),
        version: 1,
        path: LoadPath::Direct,
        schedule,
        weight,
        parameters,
    };
    let spam = |vectors: &[Vector]| {
        Parameters::SpamDefense(SpamDefense {
            honest_rate: 20,
            horizon_blocks: 10,
            base_ms: 1_000,
            attack_ms: 1_000,
            settle_ms: 0,
            recover_ms: 1_000,
            intensities: vec![150],
            vectors: vectors.to_vec(),
            gapped_accounts: 0,
            halt_ms: None,
        })
    };
    vec![
        trial("traffic-throughput", Schedule::Together, 2, Parameters::TrafficThroughput(traffic())),
        trial("spam-defense", Schedule::Together, 1, spam(&[Vector::V01, Vector::V05, Vector::V07])),
        trial("spam-defense-gossip", Schedule::Alone, 1, spam(&[Vector::V08, Vector::V15])),
    ]
}

pub(crate) fn traffic() -> TrafficThroughput {
    let door = Door {
        start_rate: 40,
        max_rate: 300,
        step_ms: 1_000,
        sustain_ms: 1_000,
        settle_ms: 50,
        bisections: 2,
        patience_ms: 150,
    };
    TrafficThroughput { pairs: 60, pair_rate: 20, horizon_blocks: 10, door, halt_ms: None }
}
