//! Applicants of a season about validators: each shows that the validator it names is its own.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use hyper::Method;
use model::{Digest, Stage};
use serde_json::{Value, json};
use server::season::file::parse_open;
use server::season::rehearsal::{self, Rehearsal};
use server::serve::fault::Fault;
use server::serve::stage::advance;
use server::serve::who::SignedIn;
use tokio::net::TcpListener;

use crate::lab::BINARY;
use crate::served::Served;
use crate::visitor::{Answer, House, REVIEWER, Visitor, account, key};

const CLIENT: &str = "Kaia/v2.0.3/linux-amd64/go1.23.7";
const NODE: &str = "/api/v1/seasons/spring/operator/node";
const PAGE: &str = "/en/seasons/spring/operator";

/// A block of a Kaia chain of seven validators, as kcn 2.0.3 told it: the block, and the chain's first block twice.
const BLOCK: &str = include_str!("../../../../challenges/src/kaia/recorded/first.json");

/// Nodes that say that they are Kaia's, of one chain that has no block yet but its first, or one more; beyond that nobody
/// asks before the trials begin.
struct Nodes {
    genesis: String,
    rpc: Vec<String>,
}

/// What such a node tells.
#[derive(Clone)]
struct Told {
    genesis: String,
    /// Block 1 and block 0.
    block: Option<(Value, Value)>,
}

impl Nodes {
    async fn start(count: usize) -> anyhow::Result<Self> {
        Self::telling(Told { genesis: format!("0x{}", "0f".repeat(32)), block: None }, count).await
    }

    /// Nodes that show a block.
    async fn with_a_block(count: usize) -> anyhow::Result<Self> {
        let parts: Value = serde_json::from_str(BLOCK)?;
        let (block, first) = (parts[0]["result"].clone(), parts[1]["result"].clone());
        let genesis = first["hash"].as_str().context("a hash")?.to_owned();
        Self::telling(Told { genesis, block: Some((block, first)) }, count).await
    }

    async fn telling(told: Told, count: usize) -> anyhow::Result<Self> {
        let genesis = told.genesis.clone();
        let mut rpc = Vec::new();
        for _ in 0..count {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            rpc.push(format!("http://{}", listener.local_addr()?));
            let router = Router::new().route("/", post(answer)).with_state(told.clone());
            tokio::spawn(axum::serve(listener, router).into_future());
        }
        Ok(Self { genesis, rpc })
    }

    /// A season file: the first node is the reference, the next two are controls with the validators of keys 101 and 102.
    fn season(&self, challenge: &str) -> String {
        let mut text = format!(
            "name = \"seats\"\nwindows = 1\nseats = 1\n\n[network]\nfamily = \"kaia\"\nchain_id = 1337\n\
             genesis = \"{}\"\nreference = \"{}\"\n",
            self.genesis, self.rpc[0]
        );
        for number in 1..=2_u8 {
            let (rpc, validator) = (&self.rpc[usize::from(number)], account(100 + number));
            let _ = write!(
                text,
                "\n[[operator]]\nid = \"control-{number}\"\nrole = \"control\"\nrpc = \"{rpc}\"\nvalidator = \"{validator}\"\n"
            );
        }
        text + &format!("\n[[trial]]\nchallenge = \"{challenge}\"\n")
    }
}

async fn answer(State(told): State<Told>, Json(asked): Json<Value>) -> Json<Value> {
    let one = |call: &Value| {
        let result = match call["method"].as_str().and_then(|method| method.split_once('_')) {
            Some((_, "chainID")) => json!("0x539"),
            Some((_, "getBlockByNumber")) => match &told.block {
                Some((_, first)) if call["params"][0] == "0x0" => first.clone(),
                _ => json!({ "hash": told.genesis, "baseFeePerGas": "0x1" }),
            },
            Some((_, "clientVersion")) => json!(CLIENT),
            Some((_, "blockNumber")) => json!(if told.block.is_some() { "0x1" } else { "0x0" }),
            Some((_, "getBlockWithConsensusInfoByNumber")) => {
                json!(told.block.as_ref().map(|(block, _)| block))
            }
            Some((_, "gasPrice")) => json!("0x1"),
            _ => Value::Null,
        };
        json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
    };
    Json(asked.as_array().map_or(Value::Null, |calls| calls.iter().map(one).collect()))
}

async fn house(challenge: &str, nodes: usize) -> anyhow::Result<House<Nodes>> {
    house_of(Nodes::start(nodes).await?, challenge).await
}

async fn house_of(nodes: Nodes, challenge: &str) -> anyhow::Result<House<Nodes>> {
    House::over(nodes, async |nodes, more| Served::of_file(&nodes.season(challenge), more).await).await
}

impl House<Nodes> {
    /// Somebody who has signed in and applied.
    async fn applicant(&self, number: u8) -> anyhow::Result<Visitor> {
        let visitor = self.guest(number).await?;
        let (id, name) = (format!("operator-{number}"), format!("Operator {number}"));
        let applied = visitor.post(&format!("{PAGE}/profile"), &[("id", &id), ("name", &name)]).await?;
        ensure!(applied.status == 303, "{applied:?}");
        Ok(visitor)
    }

    /// Validator and proof, by the command that the operator's page shows, with the key of another number.
    async fn signed(&self, visitor: &Visitor, with: u8) -> anyhow::Result<(String, String)> {
        let page = visitor.get(PAGE).await?.body.replace("&#x2F;", "/");
        let (_, rest) = page.split_once("<pre><code>touchstone ").context("no command")?;
        let (command, _) = rest.split_once("</code>").context("no end of the command")?;
        let file = self.served.directory.path().join(format!("nodekey-{with}"));
        std::fs::write(&file, hex::encode(key(with).secret_bytes()))?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        let file = file.to_str().context("a path")?;
        let command = command.replace("FILE", file);
        let said = Command::new(BINARY).args(command.split(' ')).output()?;
        ensure!(said.status.success(), "{command}: {}", String::from_utf8_lossy(&said.stderr));
        let all = String::from_utf8([said.stdout.clone(), said.stderr].concat())?;
        ensure!(!all.contains(&hex::encode(key(with).secret_bytes())), "the key was printed");
        let out = String::from_utf8(said.stdout)?;
        let line = |name: &str| out.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Ok((line("validator ").context(out.clone())?, line("validator_proof ").context(out.clone())?))
    }

    fn declaration(&self, node: usize, validator: &str, proof: &str) -> Value {
        json!({ "rpc": self.lab.rpc[node], "path": "direct", "validator": validator, "validator_proof": proof })
    }
}

async fn declare(visitor: &Visitor, body: &Value) -> anyhow::Result<Answer> {
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
    visitor.ask(Method::PUT, NODE, &headers, body.to_string()).await
}

/// Fails unless it was refused with this status, for this field, in these words.
async fn refused(
    visitor: &Visitor,
    body: &Value,
    status: u16,
    field: &str,
    words: &str,
) -> anyhow::Result<()> {
    let answer = declare(visitor, body).await?;
    ensure!(answer.status == status, "{body}: {answer:?}");
    let problem: Value = serde_json::from_str(&answer.body)?;
    let at = problem["errors"][0]["pointer"].as_str();
    ensure!(at == Some(&format!("#/{field}")) && answer.body.contains(words), "{body}: {problem}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_is_declared_by_who_has_its_key_and_stands_in_the_frozen_season() -> anyhow::Result<()> {
    let house = house("duty", 6).await?;
    let (alpha, beta) = (house.applicant(1).await?, house.applicant(2).await?);
    let (mine, proof) = house.signed(&alpha, 11).await?;
    ensure!(mine == account(11).to_string().to_lowercase(), "{mine}");
    let without = json!({ "rpc": house.lab.rpc[3], "path": "direct" });
    refused(&alpha, &without, 422, "validator", "is empty").await?;
    refused(&alpha, &house.declaration(3, &mine, ""), 422, "validator_proof", "is empty").await?;
    refused(&alpha, &house.declaration(3, "", &proof), 422, "validator", "is empty").await?;
    refused(&alpha, &house.declaration(3, "Alpha", &proof), 422, "validator", "40 hexadecimal digits")
        .await?;
    refused(&alpha, &house.declaration(3, &mine, "0x1b"), 422, "validator_proof", "130 hexadecimal").await?;
    // What another account's claim was signed with, and another key.
    let (theirs, another) = house.signed(&beta, 11).await?;
    refused(&alpha, &house.declaration(3, &theirs, &another), 422, "validator_proof", "this very text")
        .await?;
    let (_, stolen) = house.signed(&alpha, 12).await?;
    refused(&alpha, &house.declaration(3, &mine, &stolen), 422, "validator_proof", "not by").await?;
    // A control's is nobody else's, whoever has its key and however it is written.
    let (control, signed) = house.signed(&alpha, 101).await?;
    refused(&alpha, &house.declaration(3, &control, &signed), 409, "validator", "taken").await?;
    refused(&alpha, &house.declaration(3, &account(102).to_string(), &signed), 409, "validator", "taken")
        .await?;
    ensure!(alpha.get("/api/v1/seasons/spring/operator").await?.body.contains("\"node\":null"));

    let checksummed = house.declaration(3, &account(11).to_string(), &proof);
    let declared = declare(&alpha, &checksummed).await?;
    let shown: Value = serde_json::from_str(&declared.body)?;
    ensure!(declared.status == 200 && shown["node"]["validator"] == mine, "{declared:?}");
    // Somebody else with the same key, on another node; then with a validator of its own.
    refused(&beta, &house.declaration(4, &theirs, &another), 409, "validator", "taken").await?;
    let (other, its_proof) = house.signed(&beta, 12).await?;
    ensure!(declare(&beta, &house.declaration(4, &other, &its_proof)).await?.status == 200);

    let kim = house.guest(REVIEWER).await?;
    let seen = kim.get("/en/seasons/spring/review/operator-1").await?.body;
    ensure!(seen.contains(&format!("<dt>Validator</dt><dd><code>{mine}</code>")), "{seen}");
    let audit = kim.get("/api/v1/audit").await?.body;
    ensure!(audit.contains(&mine), "{audit}");
    begin(&house).await?;
    let frozen = house.served.season().await?.frozen.context("it is frozen")?.season;
    let validators: Vec<_> =
        frozen.operators.iter().map(|one| (one.id.as_str(), one.validator.as_deref())).collect();
    let controls = [account(101), account(102)].map(|control| control.to_string());
    ensure!(
        validators
            == [
                ("control-1", Some(controls[0].as_str())),
                ("control-2", Some(&controls[1])),
                ("operator-1", Some(&mine)),
                ("operator-2", Some(&other))
            ],
        "{validators:?}"
    );
    Ok(())
}

/// Who is not seated is taken all the same, and told; reviewers are too.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_seated_is_told_and_taken() -> anyhow::Result<()> {
    let house = house_of(Nodes::with_a_block(4).await?, "duty").await?;
    let me = house.applicant(1).await?;
    let (validator, proof) = house.signed(&me, 11).await?;
    let declared = declare(&me, &house.declaration(3, &validator, &proof)).await?;
    let shown: Value = serde_json::from_str(&declared.body)?;
    ensure!(declared.status == 200, "{declared:?}");
    ensure!(shown["node"]["seat"] == json!({ "height": 1, "seated": false }), "{shown}");
    let kim = house.guest(REVIEWER).await?;
    for (language, words) in [
        ("en", "Not seated at block 1: what is about validators is unrated"),
        ("ko", "블록 1의 밸리데이터 집합에 없습니다"),
    ] {
        let mine = me.get(&format!("/{language}/seasons/spring/operator")).await?.body;
        ensure!(mine.contains(words), "{mine}");
        let theirs = kim.get(&format!("/{language}/seasons/spring/review/operator-1")).await?.body;
        ensure!(theirs.contains(words), "{theirs}");
    }
    Ok(())
}

/// A reference that says nothing keeps nobody waiting for longer than the look at the node itself may.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_reference_is_silent_nobody_looked() -> anyhow::Result<()> {
    let mut nodes = Nodes::with_a_block(4).await?;
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    nodes.rpc[0] = format!("http://{}", silent.local_addr()?);
    let house = house_of(nodes, "duty").await?;
    let me = house.applicant(1).await?;
    let (validator, proof) = house.signed(&me, 11).await?;
    let begun = Instant::now();
    let declared = declare(&me, &house.declaration(3, &validator, &proof)).await?;
    ensure!(declared.status == 200 && declared.body.contains("\"seat\":null"), "{declared:?}");
    ensure!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    let page = me.get(PAGE).await?.body;
    ensure!(page.contains("when it was declared is not known"), "{page}");
    Ok(())
}

async fn begin(house: &House<Nodes>) -> Result<(), Fault> {
    let who =
        SignedIn { account: account(REVIEWER).to_string().parse().expect("one"), terms: None, session: None };
    let season = house.served.app.season("spring").await?;
    advance(&house.served.app, &season, &who, Stage::Trials).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_has_the_validator_where_trials_are_about_it() -> anyhow::Result<()> {
    let house = house("duty", 4).await?;
    let me = house.applicant(1).await?;
    let page = me.get(PAGE).await?.body;
    ensure!(page.contains("name=\"validator\"") && page.contains("name=\"validator_proof\""), "{page}");
    let command = format!(
        "touchstone validator sign --family kaia --season spring --account {} --genesis {} --key-file FILE",
        account(1).to_string().to_lowercase(),
        house.lab.genesis
    );
    ensure!(page.contains(&command), "{page}");
    let (validator, proof) = house.signed(&me, 11).await?;
    let form = |proof: &str| {
        let rpc = house.lab.rpc[3].clone();
        [
            ("rpc", rpc),
            ("path", "direct".into()),
            ("validator", validator.clone()),
            ("validator_proof", proof.into()),
        ]
    };
    let post = async |language: &str, proof: &str| {
        let fields = form(proof);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        me.post(&format!("/{language}/seasons/spring/operator/node"), &fields).await
    };
    let twisted = proof.replace("0x", "0x1");
    for (language, words, why) in [
        ("en", "This does not prove", "130 hexadecimal digits"),
        ("ko", "증명이 되지 않습니다", "16진수 130자리"),
    ] {
        let bad = post(language, &twisted).await?;
        ensure!(bad.status == 422 && bad.body.contains(words), "{bad:?}");
        ensure!(bad.body.contains(&format!("value=\"{twisted}\"")), "what was typed is lost: {}", bad.body);
        ensure!(bad.body.matches("aria-invalid").count() == 1 && bad.body.contains(why), "{}", bad.body);
        ensure!(
            language == "en" || !bad.body.contains("hexadecimal"),
            "English on a Korean page: {}",
            bad.body
        );
    }
    ensure!(post("ko", &proof).await?.status == 303);
    let page = me.get(PAGE).await?.body;
    ensure!(page.contains(&format!("value=\"{validator}\"")) && page.contains(&format!("value=\"{proof}\"")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_trial_is_about_validators_nobody_is_asked() -> anyhow::Result<()> {
    let house = House::open().await?;
    let me = house.guest(1).await?;
    ensure!(me.post(&format!("{PAGE}/profile"), &[("id", "alpha"), ("name", "Alpha")]).await?.status == 303);
    let page = me.get(PAGE).await?.body;
    ensure!(page.contains("name=\"rpc\"") && !page.contains("name=\"validator"), "{page}");
    let rpc = house.lab.ingresses[0].rpc();
    let named = json!({ "rpc": rpc, "path": "direct", "validator": "0xaa", "validator_proof": "0xbb" });
    refused(&me, &named, 422, "validator", "name no validators").await?;
    let blank = json!({ "rpc": rpc, "path": "direct", "validator": " ", "validator_proof": null });
    let declared = declare(&me, &blank).await?;
    ensure!(declared.status == 200 && declared.body.contains("\"validator\":null"), "{declared:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_can_stop_the_chain_begins_once_it_is_rehearsed() -> anyhow::Result<()> {
    let house = house("key-change", 4).await?;
    let me = house.applicant(1).await?;
    let (validator, proof) = house.signed(&me, 11).await?;
    ensure!(declare(&me, &house.declaration(3, &validator, &proof)).await?.status == 200);
    let why = begin(&house).await.err().context("it has begun")?.to_string();
    ensure!(
        why.contains(&format!("has not passed on {CLIENT}")) && why.contains("localnet rehearse"),
        "{why}"
    );
    ensure!(house.served.season().await?.stage == Stage::Open);
    let file = house.served.directory.path().join("season.toml");
    let trial = &parse_open(&std::fs::read_to_string(&file)?)?.trials[0];
    let plan = Digest::of(&trial.parameters);
    let rehearsal =
        Rehearsal { client: CLIENT.into(), plan, evidence: Digest::of_bytes(b"evidence"), at_ms: 1 };
    rehearsal::add(&file, rehearsal)?;
    begin(&house).await?;
    ensure!(house.served.season().await?.stage == Stage::Trials);
    Ok(())
}

/// The file may be changed while the season is open; a word that was given for another chain or trial is worth nothing
/// then.
#[tokio::test(flavor = "multi_thread")]
async fn who_declared_under_another_file_declares_anew() -> anyhow::Result<()> {
    let house = house("duty", 4).await?;
    let me = house.applicant(1).await?;
    let (validator, proof) = house.signed(&me, 11).await?;
    ensure!(declare(&me, &house.declaration(3, &validator, &proof)).await?.status == 200);
    let redeclare = async |file: String| {
        let store = &house.served.app.store;
        store.redeclare_season(&crate::served::id(), file.as_bytes(), server::season::held::now()).await
    };
    let file = house.lab.season("duty");
    redeclare(file.replace(&house.lab.genesis, &format!("0x{}", "1f".repeat(32)))).await?;
    let why = begin(&house).await.err().context("it has begun")?.to_string();
    ensure!(why.contains("operator-1") && why.contains("declared anew"), "{why}");
    redeclare(file).await?;
    begin(&house).await?;
    Ok(())
}
