//! `touchstone login` as a person at a terminal meets it, against a server that really checks.

#[path = "support/keystore.rs"]
mod keystore;
#[path = "support/said.rs"]
mod said;
#[path = "support/sign_in_server.rs"]
mod sign_in_server;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use secp256k1::SecretKey;
use server::account::secret::{Kind, Secret};
use server::account::sign_in::MAX_AGE_MS;
use server::account::signature::{Prefix, account_of, sign};
use server::account::token::Scope;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::keystore::KEYSTORE;
use crate::said::Said;
use crate::sign_in_server::{Lie, SignInServer, key_bytes};

const BINARY: &str = env!("CARGO_BIN_EXE_touchstone");
const DAY_MS: u64 = 86_400_000;

/// A person with a key file and a home.
struct Person {
    home: TempDir,
    key: SecretKey,
}

impl Said {
    /// Fails unless it ended with 1 and these words, and printed no token.
    fn is_refused(&self, words: &[&str]) -> anyhow::Result<()> {
        ensure!(self.out.is_empty(), "printed {}", self.out);
        self.is_error(words)
    }

    /// The token that it printed.
    fn token(&self) -> anyhow::Result<Secret> {
        ensure!(self.code == Some(0), "ended with {:?}: {}", self.code, self.error);
        let text = self.out.strip_suffix('\n').context("a line is printed")?;
        Ok(Secret::parse(Kind::Token, text)?)
    }
}

impl Person {
    fn new(number: u64) -> anyhow::Result<Self> {
        let person = Self { home: tempfile::tempdir()?, key: SecretKey::from_byte_array(key_bytes(number))? };
        person.write("key", &format!("0x{}\n", hex::encode(person.key.secret_bytes())))?;
        Ok(person)
    }

    /// A file that only its owner may read.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.home.path().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(path)
    }

    fn command(&self, server: &str, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("login").args(["--server", server]).args(args).current_dir(&self.home);
        command.env("HOME", self.home.path()).env_remove("XDG_CONFIG_HOME").env_remove("TOUCHSTONE_LOG");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn login(&self, server: &SignInServer, args: &[&str]) -> anyhow::Result<Said> {
        self.login_at(&server.site.to_string(), args).await
    }

    async fn login_at(&self, server: &str, args: &[&str]) -> anyhow::Result<Said> {
        Ok(self.command(server, args).output().await?.into())
    }

    fn default_out(&self) -> PathBuf {
        self.home.path().join(".config/touchstone/token")
    }
}

/// Answers every request in the same way.
async fn always<R: IntoResponse + Clone + Send + Sync + 'static>(answer: R) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().fallback(move || std::future::ready(answer.clone()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

fn requests(server: &SignInServer) -> Vec<String> {
    server.known.requests.lock().unwrap().clone()
}

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

/// What a hostile or broken server may ask to be signed.
const LIES: [(Lie, &str); 7] = [
    (|text| text.replacen("127.0.0.1", "touchstone.example", 1), "the message is for touchstone.example:"),
    (|text| text.replacen("URI: http://127.0.0.1", "URI: http://touchstone.example", 1), "is not on"),
    (|text| text.replace("Issued At: 2", "Issued At: 1"), "is not written as"),
    (|text| text.replace("Issued At: 20", "Issued At: 30"), "in the future"),
    (|text| text.replace("Expiration Time: 20", "Not Before: 30"), "not good before"),
    (|text| text.replace("Sign in to", "\u{1b}[2JSign in to"), "the character"),
    (|_| "I give all that I have to the bearer".into(), "line 1 of the message"),
];

#[tokio::test]
async fn what_a_server_should_not_ask_is_not_signed() -> anyhow::Result<()> {
    let person = Person::new(7)?;
    for (lie, words) in LIES {
        let server = SignInServer::lying(lie).await?;
        let said = person.login(&server, &["--key-file", "key"]).await?;
        said.is_refused(&["was not signed", words]).context(words)?;
        assert_eq!(requests(&server), ["offer"], "{words}");
        assert!(server.known.signatures.lock().unwrap().is_empty());
    }
    let server = SignInServer::start().await?;
    let said = person.login(&server, &["--key-file", "key", "--chain-id", "8217"]).await?;
    said.is_refused(&["was not signed", "chain 1001", "chain 8217"])?;
    let elsewhere = server.site.to_string().replace("127.0.0.1", "localhost");
    let said = person.login_at(&elsewhere, &["--key-file", "key"]).await?;
    said.is_refused(&["was not signed", "the message is for 127.0.0.1:", "not for localhost:"])?;
    assert!(!person.default_out().exists(), "no token, no file");
    Ok(())
}

/// A person in the middle passes on what the real server offers, to get a signature good there.
#[tokio::test]
async fn a_relayed_text_is_not_signed() -> anyhow::Result<()> {
    let (real, person) = (SignInServer::start().await?, Person::new(8)?);
    let account = account_of(&person.key);
    let text = fetch(&real, &format!("/api/v1/sign-in?address={account}")).await?;
    let middle = always(([(header::CONTENT_TYPE, "application/json")], text)).await?;
    let said = person.login_at(&format!("http://{middle}"), &["--key-file", "key"]).await?;
    said.is_refused(&["was not signed", &real.site.authority(), &middle.to_string()])?;
    assert_eq!(requests(&real), ["offer"]);
    Ok(())
}

/// The body of an answer, by a request as simple as can be.
async fn fetch(server: &SignInServer, path: &str) -> anyhow::Result<String> {
    use tokio::io::AsyncReadExt;
    let mut stream = tokio::net::TcpStream::connect(server.site.authority()).await?;
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.site.authority());
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split_once("\r\n\r\n").context("a body")?.1.to_owned())
}

/// The server's own refusals, which the stub gives as the real one must: used nonce, old session.
#[tokio::test]
async fn a_signed_text_is_good_once() -> anyhow::Result<()> {
    let (server, person) = (SignInServer::start().await?, Person::new(9)?);
    person.login(&server, &["--key-file", "key"]).await?.token()?;
    let signed = server.known.signatures.lock().unwrap()[0].clone();
    let body = serde_json::to_string(&signed)?;
    let mut stream = tokio::net::TcpStream::connect(server.site.authority()).await?;
    let head = format!(
        "POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next_line().await?.context("an answer")?;
    assert!(status.contains("401"), "{status}");
    while let Some(line) = lines.next_line().await? {
        assert!(!line.to_lowercase().starts_with("set-cookie"), "{line}");
    }
    assert_eq!(server.known.proofs.lock().unwrap().len(), 1);
    const { assert!(MAX_AGE_MS > 60_000, "so it was not its age") };
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_the_server_is_shown_and_cannot_steer_the_terminal() -> anyhow::Result<()> {
    let (server, person) = (SignInServer::start().await?, Person::new(10)?);
    let said = person.login(&server, &["--key-file", "key", "--scope", "review"]).await?;
    said.is_refused(&["refused: no reviewer: \\u{1b}[31mask the foundation\\u{202e}"])?;
    let said = person.login(&server, &["--key-file", "key", "--days", "4000"]).await?;
    said.is_refused(&["no such token", "1 to 366 days"])?;
    assert!(!person.default_out().exists());
    Ok(())
}

#[tokio::test]
async fn what_is_no_touchstone_server_is_told() -> anyhow::Result<()> {
    let person = Person::new(11)?;
    let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let page = always(([(header::CONTENT_TYPE, "text/html")], "<html>It works!</html>")).await?;
    let moved = always((StatusCode::FOUND, [(header::LOCATION, "http://evil.example/")], "")).await?;
    let broken = always((StatusCode::INTERNAL_SERVER_ERROR, "oops")).await?;
    let endless = always("x".repeat(100_000)).await?;
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let rude = silent.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = silent.accept().await {
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n").await;
        }
    });
    for (address, words) in [
        (closed, "no server answers"),
        (page, "the server's answer is not Touchstone's"),
        (moved, "sends on to another address (302 Found)"),
        (broken, "answered 500 Internal Server Error, without words"),
        (endless, "length limit exceeded"),
        (rude, "speaks no HTTP"),
    ] {
        let said = person.login_at(&format!("http://{address}"), &["--key-file", "key"]).await?;
        said.is_refused(&[words])?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_gives_no_session_or_no_token_gets_no_further() -> anyhow::Result<()> {
    let person = Person::new(12)?;
    for (set_cookie, token, words) in [
        ("other=1; Path=/", "", "gave no session"),
        ("__Host-touchstone=short; Path=/; Secure", "", "gave no session"),
        ("good", "tss_wrong", "gave no token"),
        ("good", "\u{1b}[2J", "gave no token"),
    ] {
        let session = Secret::new(Kind::Session, [1; 32]);
        let set_cookie = if set_cookie == "good" {
            server::account::cookie::set(&session, 60)
        } else {
            set_cookie.to_owned()
        };
        let granted = serde_json::json!({ "token": token, "expires": "2030-01-01T00:00:00Z" }).to_string();
        let honest = SignInServer::start().await?;
        let site = honest.site.clone();
        // The first answer is an honest text for the site in the middle, made when it is asked for.
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let app = Router::new()
            .route(
                "/api/v1/sign-in",
                axum::routing::get(async move |uri: axum::http::Uri| {
                    let server = SignInServer { site, known: honest.known };
                    let text = fetch(&server, &uri.to_string()).await.unwrap_or_default();
                    text.replace(&server.site.authority(), &address.to_string())
                })
                .post(async move || [(header::SET_COOKIE, set_cookie)]),
            )
            .route("/api/v1/tokens", axum::routing::post(async move || granted));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let said = person.login_at(&format!("http://{address}"), &["--key-file", "key"]).await?;
        said.is_refused(&[words])?;
    }
    Ok(())
}

#[tokio::test]
async fn https_is_spoken_to_a_server_whose_certificate_is_trusted() -> anyhow::Result<()> {
    let (server, person) = (SignInServer::encrypted().await?, Person::new(13)?);
    let said = person.login(&server, &["--key-file", "key"]).await?;
    said.is_refused(&["a certificate that this machine trusts", "--ca-file"])?;
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls/ca.pem");
    person.login(&server, &["--key-file", "key", "--ca-file", ca]).await?.token()?;
    let by_address = server.site.to_string().replace("localhost", "127.0.0.2");
    let said = person.login_at(&by_address, &["--key-file", "key", "--ca-file", ca]).await?;
    ensure!(said.code == Some(1), "a certificate is for its names only");
    let said = person.login(&server, &["--key-file", "key", "--ca-file", "key"]).await?;
    said.is_refused(&["holds no certificates"])?;
    Ok(())
}

#[tokio::test]
async fn a_token_does_not_go_over_a_wire_in_clear_text() -> anyhow::Result<()> {
    let person = Person::new(14)?;
    for far in ["http://touchstone.example", "http://192.0.2.1:8080", "http://127.0.0.1.evil.example"] {
        person.login_at(far, &["--key-file", "key"]).await?.is_refused(&["give its https address"])?;
    }
    for odd in ["touchstone.example", "https://a.example/path", "ftp://a.example", ""] {
        person.login_at(odd, &["--key-file", "key"]).await?.is_refused(&["--server cannot be used"])?;
    }
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
