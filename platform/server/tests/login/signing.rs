//! How a person signs: by a key file, a keystore, or elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use server::account::signature::{Prefix, account_of, sign};
use server::account::token::Scope;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::keystore::KEYSTORE;
use crate::said::Said;
use crate::sign_in_server::SignInServer;
use crate::{Person, requests};

const DAY_MS: u64 = 86_400_000;

#[tokio::test]
async fn a_key_file_gets_a_token() -> anyhow::Result<()> {
    let (server, person) = (SignInServer::start().await?, Person::new(1)?);
    let said = person.login(&server, &["--key-file", "key"]).await?;
    let token = said.token()?;
    println!("{}", said.error);
    for word in ["wants you to sign in", "Signed in to http://127.0.0.1:", "may read until 20"] {
        ensure!(said.error.contains(word), "no {word:?} in: {}", said.error);
    }
    ensure!(!said.error.contains(&hex::encode(person.key.secret_bytes())), "the key is not shown");
    ensure!(!said.error.contains("warning"), "{}", said.error);

    let kept = server.known.tokens.lock().unwrap()[&token.digest()].clone();
    assert_eq!((kept.account, kept.terms.scope), (account_of(&person.key), Scope::Read));
    assert_eq!(kept.name, "touchstone login");
    assert_eq!(*server.known.proofs.lock().unwrap(), [(account_of(&person.key), Prefix::Ethereum)]);
    assert_eq!(requests(&server), ["offer", "sign-in", "token"]);

    let file = person.default_out();
    assert_eq!(fs::read_to_string(&file)?, said.out);
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    Ok(())
}

#[tokio::test]
async fn name_scope_days_prefix_and_file_are_as_asked() -> anyhow::Result<()> {
    let (server, person) = (SignInServer::start().await?, Person::new(2)?);
    let args = ["--key-file", "key", "--token-name", "검증자 1", "--scope", "operate", "--days", "7"];
    let more = ["--prefix", "klaytn", "--out", "here", "--chain-id", "1001"];
    let said = person.login(&server, &[&args[..], &more].concat()).await?;
    let token = said.token()?;
    let kept = server.known.tokens.lock().unwrap()[&token.digest()].clone();
    assert_eq!((kept.name.as_str(), kept.terms.scope), ("검증자 1", Scope::Operate));
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as u64;
    let left = kept.terms.expires_ms - now_ms;
    assert!((6 * DAY_MS..=7 * DAY_MS).contains(&left), "{left} ms");
    assert_eq!(*server.known.proofs.lock().unwrap(), [(account_of(&person.key), Prefix::Klaytn)]);
    assert_eq!(fs::read_to_string(person.home.path().join("here"))?, said.out);
    assert!(!person.default_out().exists());
    Ok(())
}

#[tokio::test]
async fn a_keystore_is_opened_with_its_password() -> anyhow::Result<()> {
    let (server, person) = (SignInServer::start().await?, Person::new(3)?);
    person.write("keystore", KEYSTORE)?;
    person.write("password", "correct horse\n")?;
    person.write("wrong", "correct horse battery staple\n")?;
    person.write("other", &KEYSTORE.replace("2c75", "2c76"))?;
    let said = person.login(&server, &["--keystore", "keystore", "--password-file", "password"]).await?;
    said.token()?;
    let account = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23".parse()?;
    assert_eq!(*server.known.proofs.lock().unwrap(), [(account, Prefix::Ethereum)]);

    let before = requests(&server).len();
    let wrong = person.login(&server, &["--keystore", "keystore", "--password-file", "wrong"]).await?;
    wrong.is_refused(&["keystore cannot be used", "the password is wrong"])?;
    let asked = person.login(&server, &["--keystore", "keystore"]).await?;
    asked.is_refused(&["no terminal to ask", "--password-file"])?;
    let other = person.login(&server, &["--keystore", "other", "--password-file", "password"]).await?;
    other.is_refused(&["key was changed", "0x2c76", "0x2c75"])?;
    let none = person.login(&server, &["--keystore", "key", "--password-file", "password"]).await?;
    none.is_refused(&["no keystore of version 3 or 4"])?;
    assert_eq!(requests(&server).len(), before, "nothing was asked of the server");
    Ok(())
}

/// Starts `--paste`, reads the text as a person copies it, and gives what `answer` makes of it.
async fn paste(
    server: &SignInServer,
    person: &Person,
    answer: impl FnOnce(&str) -> String,
) -> anyhow::Result<Said> {
    let account = account_of(&person.key).to_string().to_lowercase();
    let mut command = person.command(&server.site.to_string(), &["--paste", "--address", &account]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("a pipe")?).lines();
    let mut text = Vec::new();
    let mut inside = false;
    while let Some(line) = lines.next_line().await? {
        match (line.starts_with("-----"), inside) {
            (true, true) => break,
            (true, false) => inside = true,
            (false, true) => text.push(line),
            (false, false) => {}
        }
    }
    let mut input = child.stdin.take().context("a pipe")?;
    input.write_all(answer(&text.join("\n")).as_bytes()).await?;
    drop(input);
    let mut error = String::new();
    while let Some(line) = lines.next_line().await? {
        error += &format!("{line}\n");
    }
    let mut said = Said::from(child.wait_with_output().await?);
    said.error = error;
    Ok(said)
}

#[tokio::test]
async fn a_signature_made_elsewhere_is_pasted() -> anyhow::Result<()> {
    let (server, person) = (SignInServer::start().await?, Person::new(4)?);
    for prefix in Prefix::ALL {
        let said =
            paste(&server, &person, |text| format!(" \"{}\" \n", sign(&person.key, prefix, text))).await?;
        said.token()?;
    }
    let me = account_of(&person.key);
    assert_eq!(*server.known.proofs.lock().unwrap(), [(me, Prefix::Ethereum), (me, Prefix::Klaytn)]);
    Ok(())
}

#[tokio::test]
async fn a_wrong_paste_is_told_here_and_not_sent() -> anyhow::Result<()> {
    let (server, person, stranger) = (SignInServer::start().await?, Person::new(5)?, Person::new(6)?);
    let by_stranger = |text: &str| format!("{}\n", sign(&stranger.key, Prefix::Ethereum, text));
    paste(&server, &person, by_stranger).await?.is_refused(&["not by", "sign the text unchanged"])?;
    let one_more = |text: &str| format!("{}\n", sign(&person.key, Prefix::Ethereum, &format!("{text}\n")));
    paste(&server, &person, one_more).await?.is_refused(&["over this very text"])?;
    paste(&server, &person, |_| "0x1234\n".into()).await?.is_refused(&["130 hexadecimal digits"])?;
    paste(&server, &person, |_| String::new()).await?.is_refused(&["no signature was given"])?;
    assert_eq!(requests(&server), ["offer"; 4]);
    Ok(())
}

#[tokio::test]
async fn files_that_do_not_serve_are_told_before_anything_is_asked() -> anyhow::Result<()> {
    let (server, person) = (SignInServer::start().await?, Person::new(15)?);
    person.write("short", "0x1234")?;
    person.write("zero", &"0".repeat(64))?;
    for (file, words) in [
        ("missing", "cannot read missing"),
        ("short", "short holds no private key"),
        ("zero", "zero holds no private key"),
        (".", "cannot read ."),
    ] {
        person.login(&server, &["--key-file", file]).await?.is_refused(&[words])?;
    }
    for out in [".", "key/token", "/proc/none/token"] {
        let said = person.login(&server, &["--key-file", "key", "--out", out]).await?;
        said.is_refused(&["the token cannot be kept in", "--out"])?;
    }
    assert_eq!(requests(&server), Vec::<String>::new());
    let open = person.write("open", &hex::encode(person.key.secret_bytes()))?;
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644))?;
    let said = person.login(&server, &["--key-file", "open"]).await?;
    said.token()?;
    ensure!(
        said.error.contains("warning: others on this machine may read open: chmod 600"),
        "{}",
        said.error
    );
    Ok(())
}

#[tokio::test]
async fn one_way_to_sign_is_chosen() -> anyhow::Result<()> {
    let person = Person::new(16)?;
    for args in [
        &[][..],
        &["--key-file", "key", "--keystore", "key"],
        &["--key-file", "key", "--paste"],
        &["--paste"],
        &["--paste", "--address", "0x12"],
        &["--key-file", "key", "--address", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"],
        &["--key-file", "key", "--password-file", "key"],
        &["--key-file", "key", "--prefix", "bitcoin"],
        &["--key-file", "key", "--scope", "admin"],
    ] {
        let said = person.login_at("http://127.0.0.1:1", args).await?;
        ensure!(said.code == Some(2) && said.out.is_empty(), "{args:?}: {:?} {}", said.code, said.error);
    }
    ensure!(!Path::new(&person.default_out()).exists());
    Ok(())
}
