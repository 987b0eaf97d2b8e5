//! `touchstone localnet install`: node programs by their package managers.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueEnum;
use localnet::{Tool, tools_dir};

use crate::progress::Progress;

/// From one line of progress to the next, where they are not written over one another.
const REST: Duration = Duration::from_secs(10);

/// What `--help` says below the options.
pub const HELP: &str = "\
geth 1.13.15 and cometbft 0.38.25 are built by go (some minutes), anvil 1.7.1 comes by npm; kcn is told how to get.
Without --dir they go to $XDG_DATA_HOME/touchstone/nodes, or ~/.local/share/touchstone/nodes, where `localnet up` and
`bench calibrate` find them; from another folder with --bin, or with GETH_BIN, COMETBFT_BIN, ANVIL_BIN. What is installed
already is said, and left as it is.
  touchstone localnet install geth
  touchstone localnet up --family geth --dir net";

/// Options of `localnet install`.
#[derive(Debug, clap::Args)]
pub struct InstallArgs {
    /// Which program
    pub program: Program,
    /// Directory to install into [default: as said below]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// A node program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// go-ethereum 1.13.15, by go
    Geth,
    /// CometBFT 0.38.25, by go
    Cometbft,
    /// anvil 1.7.1, by npm
    Anvil,
    /// Kaia's consensus node: told how to get
    #[value(alias = "kaia")]
    Kcn,
}

impl From<Program> for Tool {
    fn from(program: Program) -> Self {
        match program {
            Program::Geth => Self::Geth,
            Program::Cometbft => Self::Cometbft,
            Program::Anvil => Self::Anvil,
            Program::Kcn => Self::Kcn,
        }
    }
}

/// Installs it, unless it is there.
///
/// # Errors
/// In words, with what to do.
pub async fn run(args: &InstallArgs) -> anyhow::Result<()> {
    let tool = Tool::from(args.program);
    let usual = tools_dir();
    let dir = args.dir.clone().or_else(|| usual.clone());
    let dir = dir.context("there is no home directory to install into: give --dir DIR")?;
    let (name, release) = (tool.name(), tool.release());
    if tool.is_installed(&dir).await {
        println!("{name} {release} is installed already: {}", tool.place(&dir).display());
        return Ok(());
    }
    if tool == Tool::Kcn {
        bail!("kcn is not installed from here; get it with\n  {}\nand set KCN_BIN to it", tool.way());
    }
    let progress = Progress::new(true);
    let line = progress.run(&format!("installing {name} {release}"));
    let begun = Instant::now();
    let mut told = None::<Instant>;
    let installing = tool.install(&dir, |said| {
        // Hundreds of packages: in a log, where a line stays, one now and then shows that it goes on.
        if std::io::stderr().is_terminal() || told.is_none_or(|last| last.elapsed() >= REST) {
            told = Some(Instant::now());
            line.doing(said);
        }
    });
    let place = tokio::select! {
        place = installing => place,
        _ = tokio::signal::ctrl_c() => bail!("stopped: {name} is not installed"),
    };
    line.done(&match &place {
        Ok(_) => format!("done after {:.0} s", begun.elapsed().as_secs_f64()),
        Err(_) => "failed".to_owned(),
    });
    let place = place?;
    println!("{name} {release} is installed: {}", place.display());
    if Some(&dir) != usual.as_ref() {
        println!("`localnet up` finds it there with --bin {}", place.display());
    }
    Ok(())
}
