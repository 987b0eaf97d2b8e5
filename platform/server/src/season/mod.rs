//! A season run from its file, or put together by the demonstration.

pub mod check;
pub mod conduct;
pub mod consent;
pub(crate) mod faults;
pub mod file;
mod finding;
pub mod held;
mod leased;
pub mod members;
pub mod publish;
pub mod records;
mod reference;
pub mod rehearsal;
pub mod secret;
pub mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use model::work::{Endpoint, Work};
use model::{OperatorId, Role, RunKey, Season, Seed};
use scoreboard::Rulebook;

use self::conduct::Conduct;
use self::file::Declared;
use self::records::Records;
use crate::progress::Progress;

/// A season with what is never published: addresses and the seed.
pub struct OpenSeason {
    /// The season as published.
    pub season: Season,
    /// Its rulebook.
    pub book: Rulebook,
    /// Its seed.
    pub seed: Seed,
    /// RPC of each operator's node.
    pub nodes: BTreeMap<OperatorId, String>,
    /// RPC of the reference.
    pub reference: String,
    /// Requests per second to any node.
    pub ceiling: u32,
}

impl OpenSeason {
    /// Freezes what a file declares, under this seed.
    pub fn freeze(declared: Declared, seed: Seed, demonstration: bool) -> Self {
        let (operators, nodes): (Vec<_>, Vec<_>) = declared.operators.into_iter().unzip();
        let nodes = operators.iter().map(|operator| operator.id.clone()).zip(nodes).collect();
        let season = Season {
            schema: Season::SCHEMA,
            name: declared.name,
            demonstration,
            network: declared.network,
            reference_validator: declared.reference_validator,
            operators,
            trials: declared.trials,
            windows: declared.windows,
            attempts: declared.attempts,
            seats: declared.seats,
            rulebook: declared.book.digest(),
            seed_commitment: seed.commitment(),
        };
        Self {
            season,
            book: declared.book,
            seed,
            nodes,
            reference: declared.reference,
            ceiling: declared.ceiling,
        }
    }

    /// Takes up a frozen season with what its declaration and the server keep of it; `nodes` are those of operators who
    /// applied.
    ///
    /// # Errors
    /// When the seed is another, or the build has other rules than those the season was frozen with.
    pub fn thaw(
        season: Season,
        declared: Declared,
        seed: Seed,
        nodes: impl IntoIterator<Item = (OperatorId, String)>,
    ) -> anyhow::Result<Self> {
        ensure!(
            season.seed_commitment == seed.commitment(),
            "the season's seed is not the one that it was frozen with"
        );
        ensure!(
            season.rulebook == declared.book.digest(),
            "{} was frozen with other rules than this build's ({} v{}): bring it to its end with the build that froze it",
            season.name,
            declared.book.name,
            declared.book.version
        );
        let own = declared.operators.into_iter().map(|(operator, rpc)| (operator.id, rpc));
        Ok(Self {
            season,
            book: declared.book,
            seed,
            nodes: own.chain(nodes).collect(),
            reference: declared.reference,
            ceiling: declared.ceiling,
        })
    }

    /// What a worker needs for one run. Controls are those that are not measured by it themselves.
    ///
    /// # Errors
    /// When the run names an operator or trial that the season does not have.
    pub fn work(&self, run: &RunKey) -> anyhow::Result<Work> {
        let trial =
            self.season.trial(&run.trial).context("a run of a trial that the season does not have")?;
        let node = |id: &OperatorId| {
            let validator = self.season.operator(id).and_then(|operator| operator.validator.clone());
            self.nodes.get(id).map(|rpc| Endpoint { rpc: rpc.clone(), validator })
        };
        let others = self.season.operators.iter().filter(|o| o.role == Role::Control && o.id != run.operator);
        Ok(Work {
            run: run.clone(),
            seed: run.seed(&self.seed),
            parameters: trial.parameters.clone(),
            network: self.season.network.clone(),
            target: node(&run.operator).context("a run of an operator that the season does not have")?,
            reference: Some(Endpoint { rpc: self.reference.clone(), validator: None }),
            controls: others.filter_map(|control| node(&control.id)).collect(),
            healthy: self.season.healthy().map(str::to_owned).collect(),
            ceiling: self.ceiling,
            lease_ms: held::WORKER_LEASE_MS,
        })
    }

    /// RPC of the first control, through which accounts are funded.
    pub fn funding_node(&self) -> &str {
        let control = self.season.controls().next().and_then(|control| self.nodes.get(&control.id));
        control.map_or(self.reference.as_str(), String::as_str)
    }
}

/// Options of `touchstone season run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The season file
    pub file: PathBuf,
    /// Directory of the season: its state, bundle and site. Run the same command again to go on
    #[arg(long, value_name = "DIR", default_value = "season")]
    pub out: PathBuf,
    /// File with the private key of the funded test account; else TOUCHSTONE_FAUCET_KEY (families without money, such
    /// as cometbft, need none)
    #[arg(long, value_name = "FILE")]
    pub faucet_key_file: Option<PathBuf>,
    /// Run this command when a network is found to stand still, once for each height: it gets TOUCHSTONE_RUN,
    /// TOUCHSTONE_HEAD and TOUCHSTONE_CHAIN_ID in its environment
    #[arg(long, value_name = "COMMAND")]
    pub on_halt: Option<String>,
    /// Draw everything from this number instead of a random seed: for tests only, anybody can guess it
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Measures, ranks and publishes a season, or goes on where it was stopped.
///
/// # Errors
/// In words, with the remedy.
pub async fn run(args: &RunArgs, binary: &Path) -> anyhow::Result<()> {
    let declared = file::read(&args.file)?;
    let records = Records::open(&args.out).await?;
    let seed = secret::keep(&records.private(), "seed", || match args.seed {
        Some(number) => Ok(Seed::from_number(number)),
        None => secret::random_seed(),
    })?;
    if let Some(number) = args.seed
        && Seed::from_number(number) != seed
    {
        anyhow::bail!(
            "{} was begun with another seed: leave --seed out to go on, or choose another --out",
            args.out.display()
        );
    }
    let open = OpenSeason::freeze(declared, seed, false);
    let faults = scoreboard::season_faults(&open.season);
    anyhow::ensure!(faults.is_empty(), "{} cannot be used:\n{}", args.file.display(), faults.join("\n"));
    check::require(&open).await?;
    let missing = check::not_rehearsed(&open, &args.file).await?;
    anyhow::ensure!(missing.is_empty(), "{}", missing.join("\n"));
    let family = &open.season.network.family;
    let key = secret::faucet_key_for(family, args.faucet_key_file.as_deref())?;
    let progress = Progress::new(true);
    let conduct = async {
        let conduct = Conduct::take_up(&open, &records, key.as_deref(), binary, &progress).await?;
        conduct.on_halt(args.on_halt.clone()).run().await
    };
    tokio::select! {
        done = conduct => done?,
        _ = tokio::signal::ctrl_c() => {
            progress.say("stopped; finished runs are kept: run the same command again to go on");
            return Ok(());
        }
    }
    let out = args.out.display();
    println!("bundle: {out}/bundle   site: {out}/site/index.html");
    println!("check it: touchstone-verify {out}/bundle --key @{out}/signer.vkey");
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::Digest;

    use super::rehearsal::tests::FILE;
    use super::*;

    #[test]
    fn a_frozen_season_goes_on_under_its_seed_and_its_rules_only() {
        let declared = file::parse(FILE).unwrap();
        let seed = Seed::from_number(1);
        let season = OpenSeason::freeze(declared.clone(), seed, false).season;
        let thaw = |season: Season, seed| OpenSeason::thaw(season, declared.clone(), seed, []);
        let open = thaw(season.clone(), seed).unwrap();
        assert_eq!((open.season.clone(), open.nodes.len()), (season.clone(), 3));
        let why = thaw(season.clone(), Seed::from_number(2)).err().unwrap().to_string();
        assert!(why.contains("seed"), "{why}");
        let other = Season { rulebook: Digest::of(&"other rules"), ..season };
        let why = thaw(other, seed).err().unwrap().to_string();
        assert!(why.contains("other rules than this build's (quick v"), "{why}");
    }
}
