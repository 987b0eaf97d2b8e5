//! The command line.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use lab::LabNode;
use model::ChallengeKey;

use crate::calibrate::CalibrateArgs;
use crate::challenge::ChallengeArgs;
use crate::config::ConfigAction;
use crate::crash::CrashArgs;
use crate::data::DataArgs;
use crate::demo::DemoArgs;
use crate::local_network::LocalnetAction;
use crate::login::LoginArgs;
use crate::network::NetworkAction;
use crate::order::OrderArgs;
use crate::readers::SiteArgs;
use crate::season::RunArgs;
use crate::serve::ServeArgs;
use crate::validator::ValidatorAction;
use crate::{
    calibrate, challenge, config, crash, data, demo, local_network, login, network, order, readers, season,
    serve, validator,
};

/// Validator admission by evidence that anyone can re-derive.
///
/// Start with `touchstone demo`: a whole season on this machine in under three minutes, with the
/// ranked list in your browser. Then `touchstone challenge --help` to try a node of your own, and
/// `touchstone season --help` to measure several and rank them.
///
/// Load goes to loopback addresses only, until operators can sign their consent.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// A season on pretend nodes, from measuring to the published site
    Demo(DemoArgs),
    /// Measure, rank and publish nodes that somebody runs
    #[command(subcommand)]
    Season(SeasonAction),
    /// A season's network, as its nodes show it now
    #[command(subcommand)]
    Network(NetworkAction),
    /// One challenge on one node, without a season
    #[command(subcommand)]
    Challenge(ChallengeAction),
    /// Networks of a chain's own nodes on this machine, to measure
    #[command(subcommand)]
    Localnet(LocalnetAction),
    /// Get a token for a server's API, by signing with an account's key
    Login(LoginArgs),
    /// What the key of a validator says for an operator
    #[command(subcommand)]
    Validator(ValidatorAction),
    /// Conduct seasons as a service: operators apply and reviewers decide, in a browser or over its API
    #[command(after_help = SERVE_HELP)]
    Serve(ServeArgs),
    /// Look at the server's configuration
    #[command(subcommand)]
    Config(ConfigAction),
    /// Bring the database to this release, and look through all that is kept
    Migrate(DataArgs),
    /// Copy the database and its evidence while they are in use
    Backup {
        /// Directory of the copy; must not exist
        to: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Bring a backup back
    Restore {
        /// Directory of the copy
        from: PathBuf,
        /// Data directory to be made; must not exist
        to: PathBuf,
    },
    /// Measure how well Touchstone itself measures
    #[command(subcommand)]
    Bench(BenchAction),
    /// The measuring process, started by the others
    #[command(hide = true)]
    Work {
        /// Speak over standard input and output
        #[arg(long, required = true)]
        stdio: bool,
    },
    /// A pretend node, started by the demonstration
    #[command(hide = true, subcommand)]
    LabNode(LabNode),
}

#[derive(Debug, Subcommand)]
enum SeasonAction {
    /// Look at a season file and the nodes in it; sends no load
    Check {
        /// The season file
        file: PathBuf,
        /// File with the private key of the funded test account; else TOUCHSTONE_FAUCET_KEY
        #[arg(long, value_name = "FILE")]
        faucet_key_file: Option<PathBuf>,
    },
    /// Measure, rank and publish; the same command goes on after a stop
    Run(RunArgs),
}

const SERVE_HELP: &str = "\
Serves pages in English (/en/) and Korean (/ko/): operators sign in with their account, apply, declare a node and
read their results; reviewers begin the trials, decide and publish. The same is an API, described at
/api/v1/docs. What is published is under /seasons/SEASON/site/ and /seasons/SEASON/bundle.tar.
  touchstone config check touchstone.toml
  touchstone serve --config touchstone.toml
  touchstone login --key-file operator.key --scope operate
Where trials are about validators (duty, key-change), operators also show that theirs is theirs: `touchstone validator sign
--help`. A season with key-change begins once `touchstone localnet rehearse` has tried its plan.";

const CHALLENGE_HELP: &str = "\
Sends load to the node at --rpc, from accounts that the funded test key pays for; loopback only.
Example, on a test network of your own:
  TOUCHSTONE_FAUCET_KEY=0x... touchstone challenge spam-defense \\
      --rpc http://127.0.0.1:8545 --reference http://127.0.0.1:8546 --control http://127.0.0.1:8547
Exit status: 0 measured, 3 void (the run says nothing about the node), 1 not run.";

#[derive(Debug, Subcommand)]
enum ChallengeAction {
    /// What does the node take, and how fast does it pass it on?
    #[command(after_help = CHALLENGE_HELP)]
    TrafficThroughput(ChallengeArgs),
    /// Does honest traffic live while the node is spammed?
    #[command(after_help = CHALLENGE_HELP)]
    SpamDefense(ChallengeArgs),
}

#[derive(Debug, Subcommand)]
enum BenchAction {
    /// Are nodes of known quality put in the right order?
    Order(OrderArgs),
    /// Is every fault that a local node can have seen by the challenge named for it, and no healthy node blamed?
    #[command(after_help = calibrate::HELP)]
    Calibrate(CalibrateArgs),
    /// Is anything lost when servers and workers are killed at any instant?
    #[command(after_help = crash::HELP)]
    Crash(CrashArgs),
    /// How many readers does the ranked list serve, next to a bare handler?
    #[command(after_help = readers::HELP)]
    Site(SiteArgs),
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// In words, for the person at the terminal.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let binary = std::env::current_exe().context("cannot find this program's own file")?;
        match self.command {
            Action::Demo(args) => demo::run(args, &binary).await?,
            Action::Season(SeasonAction::Check { file, faucet_key_file }) => {
                season::check::run(&file, faucet_key_file.as_deref()).await?;
            }
            Action::Season(SeasonAction::Run(args)) => season::run(&args, &binary).await?,
            Action::Challenge(action) => {
                let (key, args) = match action {
                    ChallengeAction::TrafficThroughput(args) => (ChallengeKey::TrafficThroughput, args),
                    ChallengeAction::SpamDefense(args) => (ChallengeKey::SpamDefense, args),
                };
                return challenge::run(key, args, &binary).await;
            }
            Action::Network(action) => network::run(&action).await?,
            Action::Login(args) => login::run(&args).await?,
            Action::Validator(action) => validator::run(&action)?,
            Action::Migrate(args) => data::migrate(&args).await?,
            Action::Backup { to, data: args } => data::backup(&args, &to).await?,
            Action::Restore { from, to } => data::restore(&from, &to).await?,
            Action::Serve(args) => serve::run(&args, &binary).await?,
            Action::Config(action) => config::run(action)?,
            Action::Bench(BenchAction::Order(args)) => return order::run(&args, &binary).await,
            Action::Bench(BenchAction::Calibrate(args)) => return calibrate::run(&args, &binary).await,
            Action::Bench(BenchAction::Crash(args)) => return crash::run(&args, &binary).await,
            Action::Bench(BenchAction::Site(args)) => return readers::run(&args).await,
            Action::Localnet(action) => local_network::run(&action, &binary).await?,
            Action::Work { .. } => {
                let served = challenges::worker::serve(tokio::io::stdin(), tokio::io::stdout()).await;
                // Whoever started us is gone: nobody waits for the evidence, nor for a complaint.
                served.or_else(
                    |error| if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) },
                )?;
            }
            Action::LabNode(node) => node.run(std::future::pending()).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
