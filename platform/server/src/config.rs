//! The server's configuration: one file, overridden by the environment, checked as a whole.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use model::SeasonId;
use serde::{Deserialize, Serialize};

use crate::account::origin::Origin;
use crate::http::{Rates, TrustedProxies};

/// A configuration that shows every key.
const EXAMPLE: &str = "platform/server/examples/touchstone.toml";

/// Environment variables that override the file, and the key that each stands for.
pub const OVERRIDES: [(&str, &str); 5] = [
    ("TOUCHSTONE_LISTEN", "listen"),
    ("TOUCHSTONE_METRICS", "metrics"),
    ("TOUCHSTONE_DATA", "data"),
    ("TOUCHSTONE_ORIGIN", "origin"),
    ("DATABASE_URL", "(in no file: it holds a password)"),
];

/// The server's configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the site and the API are served.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// Where metrics are served; nowhere unless set.
    pub metrics: Option<SocketAddr>,
    /// Directory of database, evidence, secrets and published sites.
    #[serde(default = "data")]
    pub data: PathBuf,
    /// What browsers see, for example `https://touchstone.example`: signed messages name it.
    /// [default: http://localhost and the port of `listen`]
    pub origin: Option<String>,
    /// Chain id that signed messages name; wallets show it.
    #[serde(default = "chain_id")]
    pub chain_id: u64,
    /// Networks (CIDR) whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// How often one client, and one account, may ask.
    #[serde(default)]
    pub rates: Rates,
    /// Who decides.
    #[serde(rename = "reviewer", default)]
    pub reviewers: Vec<Reviewer>,
    /// Seasons to be opened.
    #[serde(rename = "season", default)]
    pub seasons: Vec<SeasonEntry>,
    /// PostgreSQL; SQLite in `data` without it. From the environment alone.
    #[serde(skip)]
    pub database_url: Option<String>,
}

/// `[[reviewer]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// Account that signs in, 0x and 40 hexadecimal digits.
    pub account: String,
    /// Name that stands on decisions.
    pub name: String,
}

/// `[[season]]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonEntry {
    /// Its identifier in addresses.
    pub id: SeasonId,
    /// The season file; relative to the configuration's own directory.
    pub file: PathBuf,
    /// File with the private key of the funded test account; else TOUCHSTONE_FAUCET_KEY.
    pub faucet_key_file: Option<PathBuf>,
    /// Run when its network is found to stand still, as `touchstone season run --on-halt` does.
    pub on_halt: Option<String>,
}

fn listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

/// Ethereum's: every wallet knows it, and nothing is sent there.
fn chain_id() -> u64 {
    1
}

fn data() -> PathBuf {
    PathBuf::from("data")
}

impl Config {
    /// Reads a configuration and what the environment overrides in it; the defaults without a file.
    ///
    /// # Errors
    /// Every fault found, with the remedy.
    pub fn read(path: Option<&Path>, environment: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let (text, directory) = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}: see {EXAMPLE}", path.display()))?;
                (text, path.parent().map(Path::to_owned).unwrap_or_default())
            }
            None => (String::new(), PathBuf::new()),
        };
        let name = path.map_or_else(|| "the environment".to_owned(), |path| path.display().to_string());
        Self::parse(&text, &directory, environment).with_context(|| format!("{name} cannot be used"))
    }

    /// Takes a configuration apart. Relative paths in it begin at `directory`.
    ///
    /// # Errors
    /// Every fault found, with the remedy.
    pub fn parse(
        text: &str,
        directory: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let mut config: Self = toml::from_str(text)
            .map_err(|error| anyhow!("{}\na complete example: {EXAMPLE}", error.to_string().trim_end()))?;
        for season in &mut config.seasons {
            season.file = directory.join(&season.file);
            season.faucet_key_file = season.faucet_key_file.as_ref().map(|file| directory.join(file));
        }
        config.data = directory.join(&config.data);
        config.take_over(environment)?;
        for reviewer in &mut config.reviewers {
            reviewer.account.make_ascii_lowercase();
        }
        let faults = config.faults();
        if !faults.is_empty() {
            bail!("{}\na complete example: {EXAMPLE}", faults.join("\n"));
        }
        Ok(config)
    }

    fn take_over(&mut self, environment: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        let given = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let address = |name: &str| -> anyhow::Result<Option<SocketAddr>> {
            let parsed = given(name).map(|value| value.trim().parse());
            parsed.transpose().with_context(|| format!("{name} is no address: write HOST:PORT"))
        };
        self.listen = address("TOUCHSTONE_LISTEN")?.unwrap_or(self.listen);
        self.metrics = address("TOUCHSTONE_METRICS")?.or(self.metrics);
        if let Some(data) = given("TOUCHSTONE_DATA") {
            self.data = PathBuf::from(data);
        }
        self.origin = given("TOUCHSTONE_ORIGIN").or(self.origin.take());
        self.database_url = given("DATABASE_URL");
        Ok(())
    }

    /// What browsers see.
    pub fn origin(&self) -> String {
        self.origin.clone().unwrap_or_else(|| format!("http://localhost:{}", self.listen.port()))
    }

    /// The reviewer whose account this is.
    pub fn reviewer(&self, account: &str) -> Option<&Reviewer> {
        self.reviewers.iter().find(|reviewer| reviewer.account.eq_ignore_ascii_case(account))
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let origin = self.origin();
        if let Err(error) = Origin::of(&origin) {
            faults.push(format!("origin = {origin:?}: {error}"));
        }
        if let Err(error) = TrustedProxies::parse(self.trusted_proxies.iter().map(String::as_str)) {
            faults.push(format!("trusted_proxies: {error}"));
        }
        let mut accounts = BTreeSet::new();
        for Reviewer { account, name } in &self.reviewers {
            if let Err(error) = account.parse::<store::Account>() {
                faults.push(format!("reviewer {name:?}: {account:?}: {error}"));
            }
            if name.trim().is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
                faults.push(format!("reviewer {account}: give a name of 1 to 200 bytes"));
            }
            if !accounts.insert(account) {
                faults.push(format!("two reviewers have the account {account}: remove one"));
            }
        }
        let mut ids = BTreeSet::new();
        for season in self.seasons.iter().filter(|season| !ids.insert(&season.id)) {
            faults.push(format!("two seasons are called {}: rename one", season.id));
        }
        let is_blank =
            |season: &&SeasonEntry| season.on_halt.as_deref().is_some_and(|it| it.trim().is_empty());
        for season in self.seasons.iter().filter(is_blank) {
            faults.push(format!("season {}: on_halt is empty: give a command, or leave it out", season.id));
        }
        faults
    }
}

/// `touchstone config`
#[derive(Debug, clap::Subcommand)]
pub enum ConfigAction {
    /// Read a configuration and every season file in it; starts nothing
    Check {
        /// The configuration
        file: Option<PathBuf>,
    },
    /// Print the configuration as it is in force, environment included, without secrets
    Show {
        /// The configuration
        file: Option<PathBuf>,
    },
}

/// Does what `touchstone config` asks.
///
/// # Errors
/// Every fault found, with the remedy.
pub fn run(action: ConfigAction) -> anyhow::Result<()> {
    let environment = |name: &str| std::env::var(name).ok();
    match action {
        ConfigAction::Check { file } => {
            let config = Config::read(file.as_deref(), environment)?;
            for season in &config.seasons {
                crate::season::file::read_open(&season.file)?;
                println!("season {}: {} is well formed", season.id, season.file.display());
            }
            println!("the configuration can be used");
        }
        ConfigAction::Show { file } => {
            let config = Config::read(file.as_deref(), environment)?;
            print!("{}", toml::to_string(&config).context("the configuration cannot be written")?);
            let database =
                if config.database_url.is_some() { "PostgreSQL" } else { "SQLite in the data directory" };
            println!("# database: {database}");
            for (variable, key) in OVERRIDES {
                if environment(variable).is_some() {
                    println!("# {variable} is set: {key}");
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, environment: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::parse(text, Path::new("/etc/touchstone"), |name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_is_needed() {
        let config = parse("", &[]).unwrap();
        assert_eq!((config.origin().as_str(), config.chain_id), ("http://localhost:8080", 1));
        assert_eq!(config.data, Path::new("/etc/touchstone/data"));
    }

    #[test]
    fn the_environment_overrides() {
        let environment = [
            ("TOUCHSTONE_LISTEN", "127.0.0.1:9"),
            ("DATABASE_URL", "postgres://x"),
            ("TOUCHSTONE_DATA", " "),
        ];
        let config = parse("listen = \"127.0.0.1:1\"", &environment).unwrap();
        assert_eq!((config.listen.port(), config.database_url.as_deref()), (9, Some("postgres://x")));
        assert_eq!(config.data, Path::new("/etc/touchstone/data"), "an empty variable is none");
        assert!(parse("", &[("TOUCHSTONE_LISTEN", "here")]).unwrap_err().to_string().contains("HOST:PORT"));
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let text = r#"
            origin = "touchstone.example/path"
            trusted_proxies = ["10.0.0.0/99"]
            [[reviewer]]
            account = "0x12"
            name = ""
            [[season]]
            id = "one"
            file = "one.toml"
            [[season]]
            id = "one"
            file = "two.toml"
            on_halt = " "
        "#;
        let told = parse(text, &[]).unwrap_err().to_string();
        for word in ["origin", "10.0.0.0/99", "0x12", "1 to 200 bytes", "called one", "on_halt is empty"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(parse("lisen = 1", &[]).unwrap_err().to_string().contains("lisen"));
    }

    #[test]
    fn an_account_is_known_however_it_is_spelled() {
        let account = format!("0x{}", "aB".repeat(20));
        let text = format!("[[reviewer]]\naccount = \"{account}\"\nname = \"Kim\"");
        let config = parse(&text, &[]).unwrap();
        assert_eq!(config.reviewer(&account.to_uppercase().replace("0X", "0x")).unwrap().name, "Kim");
    }
}
