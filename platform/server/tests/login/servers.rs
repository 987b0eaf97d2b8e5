//! What the command meets at servers: those that check, those that lie, and what is none.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use server::account::secret::{Kind, Secret};
use server::account::sign_in::MAX_AGE_MS;
use server::account::signature::account_of;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::sign_in_server::{Lie, SignInServer};
use crate::{Person, requests};

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

/// Answers every request in the same way.
async fn always<R: IntoResponse + Clone + Send + Sync + 'static>(answer: R) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().fallback(move || std::future::ready(answer.clone()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

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
