//! The API as programs use it: `touchstone login` against the real routes, and what a token may.

#[path = "support/lab.rs"]
mod lab;
#[path = "support/season.rs"]
#[expect(dead_code, reason = "other tests run seasons from the command line")]
mod season;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "other tests wait for stages and verify")]
mod served;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use server::http::{ServeOptions, Shell, serve, wrap};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::{BINARY, Lab};
use crate::season::trial;
use crate::served::Served;

/// The key 1 and its account, which every description of the curve tells.
const KEY: &str = "0000000000000000000000000000000000000000000000000000000000000001";
/// The key 2, of the reviewer.
const REVIEWER_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000002";
const REVIEWER: &str = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF";

struct Stage {
    served: Served,
    lab: Lab,
    address: SocketAddr,
}

impl Stage {
    async fn set() -> anyhow::Result<Self> {
        let lab = Lab::start(4).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let more = format!(
            "listen = \"{address}\"\n[rates]\nsign_in = {{ count = 100, seconds = 1, burst = 100 }}\n\
             write = {{ count = 100, seconds = 1, burst = 100 }}\n\
             [[reviewer]]\naccount = \"{REVIEWER}\"\nname = \"Kim\"\n"
        );
        let served = Served::configured(&lab, &trial("invalid", "together", "V01"), &more).await?;
        let shell = Shell { limits: None, ..Shell::new()? };
        let router = wrap(server::serve::router(&served.app), shell);
        tokio::spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));
        Ok(Self { served, lab, address })
    }

    /// A token as `touchstone login` gets it.
    async fn login(&self, key: &str, scope: &str) -> anyhow::Result<String> {
        let directory = self.served.directory.path();
        let (file, out) = (directory.join("key"), directory.join(format!("token-{scope}")));
        fs::write(&file, key)?;
        let server = format!("http://localhost:{}", self.address.port());
        let mut command = Command::new(BINARY);
        command.args(["login", "--server", &server, "--scope", scope, "--key-file"]).arg(&file);
        command.arg("--out").arg(&out);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}");
        Ok(fs::read_to_string(out)?.trim().to_owned())
    }

    /// Status and JSON of an answer.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> anyhow::Result<(u16, Value)> {
        let (mut client, connection) =
            handshake(TokioIo::new(TcpStream::connect(self.address).await?)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}")).header("host", "x");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Full::new(Bytes::from(body.to_string()))
            }
            None => Full::default(),
        };
        let (head, body) = client.send_request(request.body(body)?).await?.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
        Ok((head.status.as_u16(), value))
    }

    async fn is(&self, wanted: u16, asked: (Method, &str, &str, Option<Value>)) -> anyhow::Result<Value> {
        let what = format!("{} {} {:?}", asked.0, asked.1, asked.3);
        let (status, answer) = self.ask(asked.0, asked.1, asked.2, asked.3).await?;
        ensure!(status == wanted, "{what}: {status}, not {wanted}: {answer}");
        Ok(answer)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_and_a_reviewer_go_their_ways_over_the_api() -> anyhow::Result<()> {
    use Method as M;
    let stage = Stage::set().await?;
    let token = stage.login(KEY, "operate").await?;
    let who = stage.is(200, (M::GET, "/account", &token, None)).await?;
    ensure!(who["account"] == "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf" && who["scope"] == "operate");
    let (mine, node) = ("/seasons/spring/operator", "/seasons/spring/operator/node");
    stage.is(401, (M::GET, mine, "", None)).await?;
    stage.is(404, (M::GET, mine, &token, None)).await?;
    for bad in [json!({"id": "A B", "name": "Alpha"}), json!({"id": "alpha", "name": "a\u{202e}b"})] {
        stage.is(422, (M::PUT, mine, &token, Some(bad))).await?;
    }
    let taken = json!({"id": "control-1", "name": "Control"});
    stage.is(409, (M::PUT, mine, &token, Some(taken))).await?;
    let profile = json!({"id": "alpha", "name": "알파 <b>", "contact": "alpha@example.org"});
    let applied = stage.is(200, (M::PUT, mine, &token, Some(profile))).await?;
    ensure!(applied["standing"] == "applied" && applied["name"] == "알파 <b>", "{applied}");
    let control = stage.lab.ingresses[3].rpc();
    let own = format!("http://{}", stage.address);
    for bad in ["http://10.0.0.1:8545", "http://127.0.0.1:1", "nowhere", &control, &own] {
        let bad = json!({"rpc": bad, "path": "direct"});
        stage.is(422, (M::PUT, node, &token, Some(bad))).await?;
    }
    let good = json!({"rpc": stage.lab.ingresses[0].rpc(), "path": "direct"});
    let fronted = json!({"rpc": stage.lab.ingresses[0].rpc(), "path": "fronted"});
    stage.is(422, (M::PUT, node, &token, Some(fronted))).await?;
    let verified = stage.is(200, (M::PUT, node, &token, Some(good))).await?;
    ensure!(verified["standing"] == "verified", "{verified}");
    let to = |stage: &str| Some(json!({ "to": stage }));
    stage.is(403, (M::POST, "/seasons/spring/stage", &token, to("trials"))).await?;
    stage.is(403, (M::GET, "/seasons/spring/operators", &token, None)).await?;
    let wanted = json!({"name": "more", "scope": "review", "days": 1});
    stage.is(401, (M::POST, "/tokens", &token, Some(wanted))).await?;

    let review = stage.login(REVIEWER_KEY, "review").await?;
    let all = stage.is(200, (M::GET, "/seasons/spring/operators", &review, None)).await?;
    ensure!(all[0]["operator"]["contact"] == "alpha@example.org", "{all}");
    stage.is(403, (M::PUT, mine, &review, Some(json!({"id": "b", "name": "b"})))).await?;
    stage.is(409, (M::POST, "/seasons/spring/stage", &review, to("published"))).await?;
    stage.is(200, (M::POST, "/seasons/spring/stage", &review, to("trials"))).await?;
    stage.served.comes_to(model::Stage::Review).await?;
    let runs = stage.is(200, (M::GET, "/seasons/spring/operator/runs", &token, None)).await?;
    let name = runs[0]["name"].as_str().context("a run")?;
    let run = format!("/seasons/spring/operator/runs/{name}");
    let detail = stage.is(200, (M::GET, &run, &token, None)).await?;
    ensure!(detail["controls"].as_array().is_some_and(|controls| controls.len() == 2), "{detail}");
    let others = run.replace("alpha", "control-1");
    stage.is(404, (M::GET, &others, &token, None)).await?;
    let decided = json!({"operator": "alpha", "verdict": "admit", "reason": "=good", "publication": 1});
    stage.is(201, (M::POST, "/seasons/spring/decisions", &review, Some(decided.clone()))).await?;
    stage.is(409, (M::POST, "/seasons/spring/decisions", &review, Some(decided))).await?;
    stage.is(200, (M::POST, "/seasons/spring/stage", &review, to("published"))).await?;
    let admitted = stage.is(200, (M::GET, "/seasons/spring/admission", "", None)).await?;
    ensure!(admitted[0]["operator"] == "alpha" && admitted[0]["verdict"] == "admit", "{admitted}");
    ensure!(stage.served.verify()?.publications == 2);
    let tokens = stage.is(200, (M::GET, "/tokens", &token, None)).await?;
    let id = format!("/tokens/{}", tokens[0]["id"].as_str().context("a token")?);
    stage.is(204, (M::DELETE, &id, &token, None)).await?;
    stage.is(401, (M::GET, "/account", &token, None)).await?;
    no_secret_is_kept(&stage.served.directory.path().join("data"), &[&token, &review])
}

/// What was told once stands nowhere in the database, in none of its files.
fn no_secret_is_kept(data: &Path, secrets: &[&str]) -> anyhow::Result<()> {
    let mut looked = 0;
    for entry in fs::read_dir(data)? {
        let path = entry?.path();
        if path.is_file() {
            let bytes = fs::read(&path)?;
            looked += bytes.len();
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                ensure!(!found, "a token stands in {}", path.display());
            }
        }
    }
    ensure!(looked > 4_096, "no database was looked at");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_is_what_is_served() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let described = stage.is(200, (Method::GET, "/openapi.json", "", None)).await?;
    let paths = described["paths"].as_object().context("paths")?;
    ensure!(paths.len() > 20, "{} paths", paths.len());
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().context("methods")? {
            let method: Method = method.to_uppercase().parse()?;
            let path = path.trim_start_matches("/api/v1").replace("{season}", "nothing");
            let path = path.replace("{number}", "1").replace(['{', '}'], "");
            let (status, _) = stage.ask(method.clone(), &path, "", None).await?;
            let known = operation["responses"][status.to_string()].is_object();
            ensure!(known, "{method} {path} answered {status}, which is not described");
        }
    }
    stage.is(404, (Method::GET, "/nothing", "", None)).await?;
    stage.is(405, (Method::DELETE, "/seasons", "", None)).await?;
    Ok(())
}
