//! `touchstone validator`: that an operator runs a validator, in the word of the validator's own key.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use challenges::claim::{Claim, ValidatorKeys};
use challenges::driver::of_family;
use model::SeasonId;
use serde_json::Value;

use crate::account::Account;
use crate::key_file::{self, Others};

const HELP: &str = "\
The key signs one line of text, which is shown; it sends nothing, and no key or password leaves this machine. Run it
where the key is, and give the two lines that it prints to the season: on the operator's page, or as `validator` and
`validator_proof` to PUT /api/v1/seasons/SEASON/operator/node. The page shows the command ready to copy. What is signed
for one account, season and chain is good for no other.
The key's file, which nobody else may be able to read (chmod 600):
  kaia      DATADIR/klay/nodekey (64 hexadecimal digits), or a keystore of version 3 or 4
  clique    DATADIR/keystore/UTC--..., with its password, or a file with the key (64 hexadecimal digits)
  cometbft  HOME/config/priv_validator_key.json
Example:
  touchstone validator sign --family kaia --season spring --account 0x... --genesis 0x... --key-file nodekey";

/// `touchstone validator`
#[derive(Debug, clap::Subcommand)]
pub enum ValidatorAction {
    /// Sign, with a validator's key, that an account runs it in a season
    #[command(after_help = HELP)]
    Sign(SignArgs),
}

/// Options of `validator sign`.
#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// Chain family of the season's network
    #[arg(long, value_name = "kaia|clique|cometbft")]
    pub family: String,
    /// The season, by its identifier
    #[arg(long)]
    pub season: SeasonId,
    /// The account that applies, by which you sign in
    #[arg(long, value_name = "0x...", value_parser = Account::typed)]
    pub account: Account,
    /// Genesis hash of the season's network, as the season's page shows it
    #[arg(long, value_name = "HASH")]
    pub genesis: String,
    /// File with the validator's key
    #[arg(long, value_name = "FILE")]
    pub key_file: PathBuf,
    /// File with the keystore's password, if the key is in one [default: asks for it]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Does what `touchstone validator` asks.
///
/// # Errors
/// In words, before anything is signed.
pub fn run(action: &ValidatorAction) -> anyhow::Result<()> {
    let ValidatorAction::Sign(args) = action;
    let driver = of_family(&args.family).map_err(|why| anyhow!(why))?;
    let none = || {
        format!("blocks of the chain family `{}` name no validators: there is nothing to sign", args.family)
    };
    let keys = driver.validator_keys().with_context(none)?;
    ensure!(driver.is_genesis(&args.genesis), "--genesis is no hash: {}", driver.genesis_form());
    let key = key(keys, &args.key_file, args.password_file.as_deref())?;
    let of = |why: String| anyhow!("{} cannot be used: {why}", args.key_file.display());
    let validator = keys.of(&key).map_err(of)?;
    let (account, season) = (args.account.to_string(), args.season.as_str());
    let claim = Claim { account: &account, validator: &validator, genesis: &args.genesis, season };
    let proof = keys.sign(&key, &claim.to_string()).map_err(of)?;
    eprintln!("Signed: {claim}");
    println!("validator {validator}\nvalidator_proof {proof}");
    Ok(())
}

/// The key as the family's nodes write it; out of a keystore, where it is in one.
fn key(keys: &dyn ValidatorKeys, path: &Path, password: Option<&Path>) -> anyhow::Result<String> {
    let text = key_file::read(path, Others::Refused)?;
    if keys.are_accounts() && is_keystore(&text) {
        let key = key_file::open_keystore(path, &text, password, Others::Refused)?;
        return Ok(hex::encode(key.secret_bytes()));
    }
    ensure!(password.is_none(), "{} is no keystore: leave --password-file out", path.display());
    Ok(text)
}

fn is_keystore(text: &str) -> bool {
    serde_json::from_str(text).is_ok_and(|value: Value| value.is_object())
}
