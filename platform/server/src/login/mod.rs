//! `touchstone login`: an API token for a person on a server, by a signature instead of a password.

mod client;
mod key;
pub mod keystore;
mod out;

use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use clap::{ArgGroup, Args};

use self::client::Client;
use self::key::Signer;
use self::out::Out;
use crate::account::Account;
use crate::account::message::Message;
use crate::account::origin::Origin;
use crate::account::secret::{Kind, Secret};
use crate::account::sign_in::{Expected, MAX_AGE_MS, check};
use crate::account::signature::Prefix;
use crate::account::token::Scope;
use crate::account::wire::{Granted, Offer, SIGN_IN, Signed, TOKENS, TokenRequest};

const HELP: &str = "\
The key signs a text (EIP-4361) that is shown first and that must name the server; it sends no
transaction, and no key or password leaves this machine.
Examples:
  touchstone login --key-file operator.key --scope operate
  touchstone login --keystore UTC--... --server https://touchstone.example
  touchstone login --paste --address 0x...     (the key is in a wallet elsewhere)";

/// Options of `login`.
#[derive(Debug, Args)]
#[command(after_help = HELP, group = ArgGroup::new("signer").required(true))]
pub struct LoginArgs {
    /// Address of the Touchstone server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// File with the account's private key, 64 hexadecimal digits
    #[arg(long, value_name = "FILE", group = "signer")]
    key_file: Option<PathBuf>,
    /// Keystore of version 3 (Ethereum) or 4 (Kaia; its first key); asks for the password
    #[arg(long, value_name = "FILE", group = "signer")]
    keystore: Option<PathBuf>,
    /// Show the text, and read a signature that was made elsewhere
    #[arg(long, group = "signer", requires = "address")]
    paste: bool,
    /// The account that signs elsewhere
    #[arg(
        long,
        value_name = "0x...",
        requires = "paste",
        conflicts_with_all = ["key_file", "keystore"],
        value_parser = Account::typed
    )]
    address: Option<Account>,
    /// File with the keystore's password
    #[arg(long, value_name = "FILE", requires = "keystore", conflicts_with_all = ["key_file", "paste"])]
    password_file: Option<PathBuf>,
    /// How to sign: as Ethereum wallets do, or as Kaia's. The server takes both
    #[arg(long, default_value = "ethereum", conflicts_with = "paste", value_name = "ethereum|klaytn")]
    prefix: Prefix,
    /// Refuse to sign for another chain than this one
    #[arg(long, value_name = "ID")]
    chain_id: Option<u64>,
    /// By which you know the token again
    #[arg(long, value_name = "NAME", default_value = "touchstone login")]
    token_name: String,
    /// What the token may be used for
    #[arg(long, value_enum, default_value = "read")]
    scope: Scope,
    /// How long the token lives, days
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Write the token to this file [default: touchstone/token in $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Trust also the authorities in this PEM file when the server shows its certificate
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Signs in, gets a token, keeps and prints it.
///
/// # Errors
/// In words, before anything is signed if it can be told before.
pub async fn run(args: &LoginArgs) -> anyhow::Result<()> {
    let site: Origin = args.server.parse().context("--server cannot be used")?;
    let client = Client::new(site.clone(), args.ca_file.as_deref())?;
    let out = Out::prepare(out::path(args.out.clone())?)?;
    let signer = signer(args)?;
    let granted = login(args, &site, &client, &signer).await?;
    let kept = out.keep(&granted.token);
    // What cannot be kept is at least told: it exists, and is told only once.
    writeln!(std::io::stdout(), "{}", granted.token).context("the token cannot be printed")?;
    let path = kept?;
    eprintln!(
        "Signed in to {site} as {}. The token may {} until {}; it is in {}.",
        signer.account(),
        args.scope,
        granted.expires,
        path.display()
    );
    Ok(())
}

async fn login(args: &LoginArgs, site: &Origin, client: &Client, signer: &Signer) -> anyhow::Result<Granted> {
    let account = signer.account();
    let offer: Offer = client.get(&format!("{SIGN_IN}?address={account}")).await?.read()?;
    let refuse = || format!("what {site} gave to be signed was not signed");
    examine(&offer.message, site, account, args.chain_id, now_ms()).with_context(refuse)?;
    eprintln!(
        "To be signed by {account}, without the lines of dashes:\n{DASHES}\n{}\n{DASHES}",
        offer.message
    );
    let signature = signer.sign(&offer.message, &mut std::io::stdin().lock())?.to_string();
    let signed = Signed { message: offer.message, signature };
    let session = client.post(SIGN_IN, &signed, None).await?.session()?;
    let wanted = TokenRequest { name: args.token_name.clone(), scope: args.scope, days: args.days };
    let granted: Granted = client.post(TOKENS, &wanted, Some(&session)).await?.read()?;
    Secret::parse(Kind::Token, &granted.token).context("the server gave no token")?;
    Ok(granted)
}

const DASHES: &str = "------------------------------------------------------------";

fn signer(args: &LoginArgs) -> anyhow::Result<Signer> {
    match (&args.key_file, &args.keystore, args.address) {
        (Some(file), ..) => Signer::of_key_file(file, args.prefix),
        (_, Some(file), _) => Signer::of_keystore(file, args.password_file.as_deref(), args.prefix),
        (_, _, account) => account.map(Signer::Elsewhere).context("give --key-file, --keystore or --paste"),
    }
}

/// Whether a text is one to sign: for the site that we asked, for this account and of now. Another site
/// that passes on a text of this one gets no signature that it could use here.
fn examine(
    text: &str,
    site: &Origin,
    account: Account,
    chain_id: Option<u64>,
    now_ms: u64,
) -> anyhow::Result<()> {
    let message: Message = text.parse()?;
    let chain_id = chain_id.unwrap_or(message.chain_id);
    let expected = Expected { site: site.clone(), chain_id, now_ms, max_age_ms: MAX_AGE_MS };
    let asked = check(&message, &expected)?;
    ensure!(asked == account, "it asks {asked} to sign, and not {account}");
    Ok(())
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// What a server says, for a terminal: what is not printable is escaped, what is long is cut.
fn shown(text: &str) -> String {
    let plain = |c: char| matches!(c, '"' | '\'' | '\\');
    text.chars()
        .take(500)
        .map(|c| if plain(c) { c.to_string() } else { c.escape_debug().to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::sign_in::{Nonce, draft};

    #[test]
    fn only_a_text_of_the_server_asked_for_this_account_and_of_now_is_signed() {
        let account = Account::new([7; 20]);
        let site: Origin = "https://touchstone.example".parse().unwrap();
        let now_ms = 1_800_000_000_000;
        let expected = Expected { site: site.clone(), chain_id: 1001, now_ms, max_age_ms: MAX_AGE_MS };
        let text = draft(&expected, account, &Nonce::new([9; 16])).to_string();
        assert!(examine(&text, &site, account, None, now_ms).is_ok());
        assert!(examine(&text, &site, account, Some(1001), now_ms).is_ok());
        let elsewhere: Origin = "https://evil.example".parse().unwrap();
        for (why, refused) in [
            ("evil.example", examine(&text, &elsewhere, account, None, now_ms)),
            ("chain 8217", examine(&text, &site, account, Some(8217), now_ms)),
            ("asks 0x", examine(&text, &site, Account::new([8; 20]), None, now_ms)),
            ("s old", examine(&text, &site, account, None, now_ms + MAX_AGE_MS + 1)),
            ("in the future", examine(&text, &site, account, None, now_ms - 61_000)),
            ("is not", examine("Transfer everything", &site, account, None, now_ms)),
            ("character", examine(&format!("{text}\u{1b}[2J"), &site, account, None, now_ms)),
        ] {
            let told = refused.unwrap_err().to_string();
            assert!(told.contains(why), "{why}: {told}");
        }
    }

    #[test]
    fn what_a_server_says_cannot_steer_a_terminal() {
        assert_eq!(shown("it's \"so\": 접근 거부"), "it's \"so\": 접근 거부");
        assert_eq!(shown("a\u{1b}[2Jb\r\n\u{202e}c\u{200b}"), "a\\u{1b}[2Jb\\r\\n\\u{202e}c\\u{200b}");
        assert_eq!(shown(&"x".repeat(9_000)).len(), 500);
    }
}
