//! `touchstone season`, `demo` and `work` as a person at a terminal meets them when something is wrong.

#[path = "support/lab.rs"]
mod lab;
#[path = "support/said.rs"]
mod said;
#[path = "support/season.rs"]
mod season;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use model::work::{Command as Order, Endpoint, MAX_COMMAND_BYTES, Report, Work};
use model::{ChallengeKey, RunKey, Seed};
use rustix::process::{Pid, Signal, kill_process};
use server::lab_process::LAB_FAUCET_KEY;
use server::profile::Profile;
use store::{Place, RunRecord, SeasonRecord, Store};

use crate::lab::{BINARY, CHAIN, Lab, sequencer};
use crate::said::Said;
use crate::season::trial;

/// Key of an account that no lab funds.
const POOR_KEY: &str = "0x0000000000000000000000000000000000000000000000000000000000000001";

fn touchstone(args: &[&str], key: Option<&str>) -> anyhow::Result<Said> {
    let mut command = Command::new(BINARY);
    command.args(args).env_remove("TOUCHSTONE_FAUCET_KEY").env_remove("TOUCHSTONE_LOG").stdin(Stdio::null());
    if let Some(key) = key {
        command.env("TOUCHSTONE_FAUCET_KEY", key);
    }
    Ok(command.output()?.into())
}

/// A file in a fresh directory, which is removed with it.
fn written(text: &str) -> anyhow::Result<(tempfile::TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("season.toml");
    fs::write(&path, text)?;
    Ok((directory, path))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

/// Answers every request with a web page, as a wrong port often does.
fn web_server() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let page = "<html><body>It works!</body></html>";
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len());
        }
    });
    Ok(address)
}

/// An address at which nobody listens.
fn nobody() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn line<'a>(out: &'a str, name: &str) -> anyhow::Result<&'a str> {
    out.lines()
        .find(|line| line.contains(&format!(" {name}: ")))
        .with_context(|| format!("no line of {name} in: {out}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_season_is_ready() -> anyhow::Result<()> {
    let lab = Lab::start(3).await?;
    let (_directory, path) = written(&season::file(&lab, &trial("spam", "together", "V01")))?;
    let said = touchstone(&["season", "check", text(&path)], Some(LAB_FAUCET_KEY))?;
    ensure!(said.code == Some(0), "{}{}", said.out, said.error);
    for name in ["reference", "node-1", "control-1", "control-2", "faucet"] {
        ensure!(line(&said.out, name)?.starts_with("  ok "), "{}", said.out);
    }
    ensure!(
        line(&said.out, "control-1")?.contains("(control)") && !said.out.contains("FAULT"),
        "{}",
        said.out
    );
    ensure!(said.out.contains("touchstone season run"), "{}", said.out);
    ensure!(!said.out.contains(&LAB_FAUCET_KEY[2..]), "the key is shown");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_named_with_its_remedy() -> anyhow::Result<()> {
    let lab = Lab::start(2).await?;
    let other_chain = sequencer(4242, LAB_FAUCET_KEY).await?;
    let other_genesis = sequencer(CHAIN, POOR_KEY).await?;
    let [control, last] = [0, 1].map(|i| lab.ingresses[i].rpc());
    let html = format!("http://{}", web_server()?);
    let dead = format!("http://{}", nobody()?);
    let nodes = [dead, html, other_chain.rpc(), other_genesis.rpc(), control, last];
    let file =
        season::of(&lab.network.genesis, &lab.sequencer.rpc(), &nodes, &trial("spam", "together", "V01"));
    let (directory, path) = written(&file)?;
    let key = directory.path().join("key");
    fs::write(&key, POOR_KEY)?;
    let said = touchstone(&["season", "check", text(&path), "--faucet-key-file", text(&key)], None)?;
    println!("{}", said.out);
    said.is_error(&["5 to be mended before"])?;
    for (name, words) in [
        ("node-1", ["does not answer", "is the node running"]),
        ("node-2", ["is no node of this family", "correct the address"]),
        ("node-3", ["is on chain 4242, the season on 1337", "correct chain_id or the address"]),
        ("node-4", ["has genesis 0x", "correct genesis or the address"]),
        ("faucet", ["has no money on this chain", "fund it"]),
    ] {
        let line = line(&said.out, name)?;
        ensure!(line.starts_with("  FAULT "), "{line}");
        for word in words {
            ensure!(line.contains(word), "no {word:?} in: {line}");
        }
    }
    for name in ["reference", "control-1", "control-2"] {
        ensure!(line(&said.out, name)?.starts_with("  ok "), "{}", said.out);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_wrong_key_is_told() -> anyhow::Result<()> {
    let lab = Lab::start(3).await?;
    let (directory, path) = written(&season::file(&lab, &trial("spam", "together", "V01")))?;
    let out = directory.path().join("out");
    for (key, words) in
        [(None, ["--faucet-key-file FILE", "TOUCHSTONE_FAUCET_KEY"]), (Some("0xfeed"), ["key", "64"])]
    {
        let checked = touchstone(&["season", "check", text(&path)], key)?;
        let line = line(&checked.out, "faucet")?;
        ensure!(line.contains("FAULT") && words.iter().all(|word| line.contains(word)), "{line}");
        let run = touchstone(&["season", "run", text(&path), "--out", text(&out)], key)?;
        run.is_error(&words)?;
        ensure!(key.is_none_or(|key| !run.error.contains(key)), "the key is shown: {}", run.error);
    }
    let run = touchstone(
        &["season", "run", text(&path), "--faucet-key-file", "/no/such/key", "--out", text(&out)],
        None,
    )?;
    run.is_error(&["/no/such/key"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_does_not_begin_without_its_controls() -> anyhow::Result<()> {
    let lab = Lab::start(2).await?;
    let nodes = [lab.ingresses[0].rpc(), format!("http://{}", nobody()?), lab.ingresses[1].rpc()];
    let file =
        season::of(&lab.network.genesis, &lab.sequencer.rpc(), &nodes, &trial("spam", "together", "V01"));
    let (directory, path) = written(&file)?;
    let run = touchstone(
        &["season", "run", text(&path), "--out", text(&directory.path().join("out"))],
        Some(LAB_FAUCET_KEY),
    )?;
    run.is_error(&["control-1", "does not answer", "is the node running"])?;
    let store = Store::open(&Place::sqlite(&directory.path().join("out"))).await?;
    ensure!(store.runs(&"season".parse()?).await?.is_empty(), "a run was begun");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_written_is_told() -> anyhow::Result<()> {
    let lab = Lab::start(3).await?;
    let (directory, path) = written(&season::file(&lab, &trial("spam", "together", "V01")))?;
    fs::write(directory.path().join("regular"), "")?;
    let out = directory.path().join("regular/season");
    let run = touchstone(&["season", "run", text(&path), "--out", text(&out)], Some(LAB_FAUCET_KEY))?;
    run.is_error(&["cannot make", "regular/season", "--out"])
}

#[test]
fn a_season_file_that_is_not_there_is_told() -> anyhow::Result<()> {
    for action in ["check", "run"] {
        touchstone(&["season", action, "/no/such/season.toml"], None)?.is_error(&["/no/such/season.toml"])?;
    }
    let (_directory, path) = written("name = 1\n")?;
    touchstone(&["season", "check", text(&path)], None)?.is_error(&[
        "cannot be used",
        "line 1",
        "examples/season.toml",
    ])
}

/// Ends a season when a test does.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The season in a directory and its runs.
async fn kept(out: &Path) -> anyhow::Result<(SeasonRecord, Vec<RunRecord>)> {
    let store = Store::open(&Place::sqlite(out)).await?;
    let id = "season".parse()?;
    Ok((store.season(&id).await?, store.runs(&id).await?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_one_process_and_one_season_only() -> anyhow::Result<()> {
    let lab = Lab::start(3).await?;
    let file = season::file(&lab, &trial("spam", "together", "V01"));
    let (directory, path) = written(&file)?;
    let out = directory.path().join("out");
    let first =
        season::run(&path, &out).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let mut first = Started(first);
    let begun = Instant::now();
    while !out.join("touchstone.sqlite").exists()
        || kept(&out).await.map_or(true, |(_, runs)| runs.is_empty())
    {
        ensure!(begun.elapsed() < Duration::from_secs(20), "the first season does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    let second: Said = season::run(&path, &out).output()?.into();
    second.is_error(&["another touchstone is at work in", "--out"])?;
    ensure!(first.0.try_wait()?.is_none(), "the first season ended because of the second");
    kill_process(Pid::from_raw(first.0.id() as i32).context("a process id")?, Signal::INT)?;
    ensure!(first.0.wait()?.success(), "the first season did not end by Ctrl-C");
    let before = kept(&out).await?;
    for (from, to) in [("seats = 1", "seats = 2"), ("V01", "V05"), ("name = \"small\"", "name = \"other\"")] {
        fs::write(&path, file.replace(from, to))?;
        let changed: Said = season::run(&path, &out).output()?.into();
        changed
            .is_error(&["another season, or this one before its file was changed", "choose another --out"])?;
        ensure!(kept(&out).await? == before, "a refused season changed the directory");
    }
    Ok(())
}

#[test]
fn a_taken_port_is_told_before_any_work() -> anyhow::Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let listen = taken.local_addr()?.to_string();
    let directory = tempfile::tempdir()?;
    let out = directory.path().join("demo");
    let said = touchstone(&["demo", "--listen", &listen, "--out", text(&out)], None)?;
    said.is_error(&["cannot listen on", &listen, "choose another address with --listen"])?;
    ensure!(!out.exists(), "work was done before");
    Ok(())
}

fn work(target: &str) -> anyhow::Result<Work> {
    let run = RunKey { window: 1, trial: "door".parse()?, operator: "alpha".parse()?, attempt: 1 };
    let parameters = Profile::Quick.parameters(ChallengeKey::TrafficThroughput);
    let network = model::Network {
        family: "evm".into(),
        chain_id: CHAIN,
        genesis: format!("0x{}", "0".repeat(64)),
        incarnation: 1,
    };
    Ok(Work {
        run,
        seed: Seed::from_number(1),
        healthy: vec![],
        ceiling: 749,
        parameters,
        network,
        target: Endpoint { rpc: target.into(), validator: None },
        reference: None,
        controls: vec![],
        lease_ms: 60_000,
    })
}

fn prepare(work: Work) -> Vec<u8> {
    let mut line = model::digest::canonical_json(&Order::Prepare(Box::new(work)));
    line.push(b'\n');
    line
}

/// What a worker says to these bytes, if it is to refuse them.
fn refused(input: &[u8]) -> anyhow::Result<String> {
    let mut child = Started(
        Command::new(BINARY)
            .args(["work", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let mut commands = child.0.stdin.take().context("its standard input")?;
    // A worker that has refused reads no more.
    let _ = commands.write_all(input);
    let mut said = String::new();
    let begun = Instant::now();
    // The stream stays open: the refusal must not wait for its end.
    let mut reports = std::io::BufReader::new(child.0.stdout.take().context("its standard output")?);
    std::io::BufRead::read_line(&mut reports, &mut said)?;
    let took = begun.elapsed();
    drop(commands);
    reports.read_to_string(&mut said)?;
    child.0.wait()?;
    ensure!(took < Duration::from_secs(2), "refused after {took:?}");
    ensure!(said.lines().count() == 1, "a refusal is the last line: {said}");
    match serde_json::from_str(&said)? {
        Report::Refused { why } => {
            println!("{why}");
            Ok(why)
        }
        other => anyhow::bail!("not refused: {other:?}"),
    }
}

#[test]
fn a_worker_refuses_in_words() -> anyhow::Result<()> {
    let says = |why: String, word: &str| -> anyhow::Result<()> {
        ensure!(why.contains(word), "no {word:?} in: {why}");
        Ok(())
    };
    says(refused(b"hello\n")?, "not a command")?;
    says(refused(b"\xff\x00\xfe{\n")?, "not a command")?;
    says(refused(b"{\"prepare\":{}}\n")?, "not a command")?;
    says(refused(b"\"go\"\n")?, "the first command must be `prepare`")?;
    says(refused(&vec![b' '; MAX_COMMAND_BYTES + 1])?, "longer than")?;
    says(refused(&prepare(work("http://10.0.0.1:8545")?))?, "signed consent")?;
    says(refused(&prepare(work("http://node.example:8545")?))?, "http://IP:PORT")?;
    let foreign = Endpoint { rpc: "http://192.0.2.1:80".into(), validator: None };
    let reference = Work { reference: Some(foreign.clone()), ..work("http://127.0.0.1:1")? };
    says(refused(&prepare(reference))?, "signed consent")?;
    let low = Work { ceiling: 748, ..work("http://127.0.0.1:1")? };
    let why = refused(&prepare(low))?;
    says(why.clone(), "a ceiling of 748 cannot hold")?;
    says(why, "lower the rates, or set a ceiling of 749")?;
    let mut family = work("http://127.0.0.1:1")?;
    family.network.family = "cobol".into();
    says(refused(&prepare(family))?, "no driver for chain family `cobol`")
}

#[test]
fn a_worker_whose_platform_is_gone_ends_without_a_word() -> anyhow::Result<()> {
    let said = Command::new(BINARY).args(["work", "--stdio"]).stdin(Stdio::null()).output()?;
    ensure!(said.status.success() && said.stdout.is_empty() && said.stderr.is_empty(), "{said:?}");
    Ok(())
}
