//! `touchstone challenge`: one challenge on one node, for an operator at home.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use challenges::driver::{as_carried, of_family};
use challenges::engine::{ceiling::ceiling_for, preflight::inspect};
use challenges::faucet::Faucet;
use clap::Args;
use model::evidence::Observer;
use model::season::Operator;
use model::trial::Path as LoadPath;
use model::work::{Command, Endpoint, Report, Work};
use model::{
    ChallengeKey, Evidence, Network, Part, Role, RunKey, RunState, Schedule, Score, Season, Seed, Trial,
    Vector,
};
use scoreboard::Rulebook;

use crate::halt;
use crate::profile::Profile;
use crate::progress::{Line, Progress};
use crate::season::conduct::ended;
use crate::season::secret;
use crate::worker_process::WorkerProcess;

/// Options of a single challenge.
#[derive(Debug, Args)]
pub struct ChallengeArgs {
    /// RPC address of the node to be measured, such as http://127.0.0.1:8545
    #[arg(long, value_name = "URL")]
    pub rpc: String,
    /// RPC address of another node of the same network that tells what landed. Without one the
    /// node tells about itself, and the result is marked self-observed
    #[arg(long, value_name = "URL")]
    pub reference: Option<String>,
    /// RPC address of a healthy node to hold this one against
    #[arg(long, value_name = "URL")]
    pub control: Option<String>,
    /// Chain family of the nodes: evm, clique (geth 1.13 networks), kaia or cometbft
    #[arg(long, default_value = "evm")]
    pub family: String,
    /// How thorough
    #[arg(long, value_enum, default_value = "quick")]
    pub profile: Profile,
    /// File with the private key of a funded test account; else TOUCHSTONE_FAUCET_KEY
    #[arg(long, value_name = "FILE")]
    pub faucet_key_file: Option<PathBuf>,
    /// Draws accounts and instants; another number, another run [default: random]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Write the evidence to this file
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs one challenge and prints a verdict.
///
/// # Errors
/// In words, when the run cannot be done.
pub async fn run(challenge: ChallengeKey, args: ChallengeArgs, binary: &Path) -> anyhow::Result<ExitCode> {
    let work = work(challenge, &args).await?;
    fund(&work, &args).await?;
    let progress = Progress::new(!args.json);
    let name = work.run.trial.to_string();
    let evidence = measure(work, binary, progress.run(&name)).await?;
    if let Some(path) = &args.evidence {
        std::fs::write(path, model::digest::canonical_json(&evidence))
            .with_context(|| format!("cannot write the evidence to {}", path.display()))?;
    }
    let book = Rulebook::quick();
    let state = scoreboard::attribute(&book, &evidence);
    let season = alone(&evidence, &book);
    let score = state.counts().then(|| scoreboard::score_run(&book, &season, &evidence, &[]));
    if args.json {
        let result = serde_json::json!({ "state": state, "observer": evidence.observer, "score": score });
        println!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        print_verdict(&evidence, state, score.as_ref());
        if let Some(reason) = scoreboard::void_reason(&book, &evidence) {
            println!("not scored, for this run says nothing about the node: {reason}; run it again");
        }
    }
    Ok(if state.counts() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// A season of this one run, as the rules of scoring want one.
pub(crate) fn alone(evidence: &Evidence, book: &Rulebook) -> Season {
    let operator = Operator {
        id: evidence.run.operator.clone(),
        name: "home".into(),
        role: Role::Candidate,
        validator: None,
    };
    let trial = Trial {
        id: evidence.run.trial.clone(),
        version: 1,
        path: LoadPath::Direct,
        schedule: Schedule::Alone,
        weight: 1,
        parameters: evidence.parameters.clone(),
    };
    Season {
        schema: Season::SCHEMA,
        name: "one run".into(),
        demonstration: false,
        network: evidence.network.clone(),
        reference_validator: None,
        operators: vec![operator],
        trials: vec![trial],
        windows: 1,
        attempts: 1,
        seats: 1,
        rulebook: book.digest(),
        seed_commitment: evidence.seed.commitment(),
    }
}

async fn work(challenge: ChallengeKey, args: &ChallengeArgs) -> anyhow::Result<Work> {
    let driver = of_family(&args.family).map_err(|why| anyhow!(why))?;
    let told_by = args.reference.as_ref().unwrap_or(&args.rpc);
    let identity = inspect(driver, told_by).await.map_err(|why| anyhow!(why))?;
    let parameters = as_carried(driver, args.profile.parameters(challenge));
    let seed = match args.seed {
        Some(number) => Seed::from_number(number),
        None => secret::random_seed()?,
    };
    let run =
        RunKey { window: 1, trial: challenge.to_string().parse()?, operator: "home".parse()?, attempt: 1 };
    let network = Network {
        family: args.family.clone(),
        chain_id: identity.chain_id,
        genesis: identity.genesis,
        incarnation: 1,
    };
    let endpoint = |rpc: &String| Endpoint { rpc: rpc.clone(), validator: None };
    Ok(Work {
        seed: run.seed(&seed),
        healthy: Vec::new(),
        run,
        ceiling: ceiling_for(parameters.peak_rate()),
        lease_ms: Duration::from_secs(6 * 3600).as_millis() as u64,
        parameters,
        network,
        target: endpoint(&args.rpc),
        reference: args.reference.as_ref().map(endpoint),
        controls: args.control.as_ref().map(endpoint).into_iter().collect(),
    })
}

async fn fund(work: &Work, args: &ChallengeArgs) -> anyhow::Result<()> {
    let driver = of_family(&work.network.family).map_err(|why| anyhow!(why))?;
    let Some(key) = secret::faucet_key_for(&work.network.family, args.faucet_key_file.as_deref())? else {
        return Ok(());
    };
    let through = args.control.as_ref().unwrap_or(&args.rpc);
    let told_by = args.reference.as_ref().unwrap_or(&args.rpc);
    let faucet =
        Faucet::new(driver, &key, work.network.chain_id, through, told_by).map_err(|why| anyhow!(why))?;
    faucet.fund(&[(work.seed, work.parameters.clone())]).await.map_err(|why| anyhow!(why))
}

/// Measures one run in a worker of its own.
pub(crate) async fn measure(work: Work, binary: &Path, line: Line) -> anyhow::Result<Evidence> {
    let mut worker = WorkerProcess::start(binary, work).await?;
    let evidence = loop {
        let report = tokio::select! {
            report = worker.report() => report?,
            _ = tokio::signal::ctrl_c() => {
                worker.tell(&Command::Stop { consent_withdrawn: false }).await?;
                continue;
            }
        };
        match report {
            Report::Ready => worker.tell(&Command::Go).await?,
            Report::Progress { phase, done, answered, landed } => line.phase(&phase, done, answered, landed),
            Report::HaltSuspected { head, after_ms } => line.say(&halt::suspected(head, after_ms)),
            Report::Evidence(evidence) => break *evidence,
            Report::Refused { why } => bail!(why),
        }
    };
    line.done(ended(evidence.ended));
    worker.end().await;
    Ok(evidence)
}

fn print_verdict(evidence: &Evidence, state: RunState, score: Option<&Score>) {
    println!("\n{} on {}: {state}", evidence.run.trial, or(&evidence.client, "a node that did not answer"));
    if evidence.observer == Observer::SelfObserved {
        println!("self-observed: the node told about itself; for a result that counts, give --reference");
    }
    let Some(score) = score else { return };
    println!("{:.1} of 100 points", score.points as f64 / 1000.0);
    for part in &score.parts {
        let (points, of) = (part.points as f64 / 1000.0, part.of as f64 / 1000.0);
        println!("  {points:>5.1} of {of:>5.1}  {}", sentence(part));
    }
    let lost: Vec<&str> =
        score.parts.iter().filter(|p| p.points * 100 < p.of * 95).map(|p| p.rule.as_str()).collect();
    match lost.as_slice() {
        [] => println!("verdict: nothing to mend was seen"),
        rules => println!("verdict: look at {}", rules.join(", ")),
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// What was seen, in words.
fn sentence(part: &Part) -> String {
    let Some(seen) = part.observed else {
        return format!("{}: not observed, which earns nothing", part.rule);
    };
    let share = |per_mille: i64| format!("{:.1} %", per_mille as f64 / 10.0);
    match part.rule.split_once('.') {
        Some(("ingress", "inclusion")) => format!("{} of honest transactions landed in time", share(seen)),
        Some(("ingress", "delay")) => {
            format!("transactions landed {:.0} ms later than through the control", seen as f64 / 1000.0)
        }
        Some(("door", _)) => format!("the door served {seen} requests/s"),
        Some(("defense", attack)) => {
            let vector = Vector::ALL.into_iter().find(|v| attack.starts_with(&v.to_string()));
            let title = vector.map_or_else(|| attack.to_owned(), |vector| vector.title().to_owned());
            let why = part.factors.iter().map(|(name, value)| match name.as_str() {
                "behind_gap" => format!("kept {value} of one account behind a nonce gap"),
                name => format!("{name} {}", share(*value)),
            });
            format!("{} kept under {title} ({})", share(seen), why.collect::<Vec<_>>().join(", "))
        }
        _ => format!("{}: {seen} {}", part.rule, part.unit),
    }
}
