//! A season that is served: operators leave while they are measured, it stands still when it is
//! suspended, and both databases publish the same bytes of it.

#[path = "../../store/tests/store/cluster.rs"]
mod cluster;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/season.rs"]
#[expect(dead_code, reason = "other tests run seasons from the command line")]
mod season;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "other tests look into its directory")]
mod served;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::lab::Character;
use anyhow::{Context, ensure};
use localnet::{Fault as Misbehaviour, Proxy};
use model::{CutCause, Ended, RunState, Stage, Standing, Verdict, VoidCause};
use server::lab_process::LabProcess;
use server::season::OpenSeason;
use server::season::file::parse_open;
use server::season::publish::publish;
use server::season::records::{Holder, Records};
use server::serve::decision::{Wanted, decide};
use server::serve::fault::Fault;
use server::serve::operator::{Declaration, Profile, apply, declare, withdraw};
use server::serve::stage::advance;
use store::{Place, RunProgress, Store, UnixMs};
use tokio::sync::Mutex;
use tokio::sync::broadcast::Receiver;

use crate::lab::{BINARY, Lab};
use crate::season::trial;
use crate::served::{Served, id};

/// One season at a time: two would disturb each other's measurements.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Twice what is promised: half a second until it is known, two until the worker has stopped.
const STOPPED: Duration = Duration::from_secs(5);

fn reviewer() -> server::config::Reviewer {
    server::config::Reviewer { account: format!("0x{}", "99".repeat(20)), name: "Kim".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_while_it_is_measured_is_left_alone_within_seconds() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let lab = Lab::start(4).await?;
    let trials = trial("invalid", "together", "V01") + &trial("gossip", "alone", "V15");
    let served = Served::open(&lab, &trials).await?;
    let stays = served.join(1, &lab.ingresses[0].rpc()).await?;
    let leaves = served.join(2, &lab.ingresses[1].rpc()).await?;
    let mut heard = served.app.service.live.listen(&id());
    advance(&served.app, &served.season().await?, &stays, Stage::Trials).await?;
    let of_two = "operator-2".parse()?;
    loop {
        let happened = tokio::time::timeout(Duration::from_secs(60), heard.recv()).await??;
        if happened.is_of(&of_two) && format!("{happened:?}").contains("base") {
            break;
        }
    }
    withdraw(&served.app, &served.season().await?, &leaves).await?;
    let left = Instant::now();
    let run = "w01.invalid.operator-2.1";
    let handed_in = async || -> anyhow::Result<_> {
        let records = served.app.store.evidence_records(&id()).await?;
        Ok(records.into_iter().find(|record| record.run.to_string() == run))
    };
    let record = served.until(handed_in).await?;
    let took = left.elapsed();
    println!("the worker stopped and handed in {took:?} after the withdrawal");
    ensure!(took < STOPPED, "{took:?}");
    ensure!(served.app.store.evidence_of(&record).await?.ended == Ended::ConsentWithdrawn);
    served.comes_to(Stage::Review).await?;
    let publication = served.app.latest(&id()).await?.context("a publication")?;
    for (name, entry) in &publication.runs {
        let expected = match name.contains("operator-2") {
            true => RunState::Cut(CutCause::ConsentWithdrawn),
            false => RunState::Measured,
        };
        ensure!(entry.state == expected || !entry.state.counts(), "{name} is {}", entry.state);
    }
    let counting = publication.runs.values().filter(|entry| entry.state.counts()).count();
    ensure!(counting == 8, "two trials on four nodes, not {counting}");
    ensure!(served.verify()?.last, "it is published to its end");
    let standing = served.app.store.operator(&id(), &of_two).await?.standing;
    ensure!(standing == Standing::Withdrawn, "{standing}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_the_trials_began_is_looked_at_again() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let lab = Lab::start(5).await?;
    let served = Served::open(&lab, &trial("invalid", "together", "V01")).await?;
    let stays = served.join(1, &lab.ingresses[0].rpc()).await?;
    let leaves = served.join(2, &lab.ingresses[1].rpc()).await?;
    let stale = served.season().await?;
    advance(&served.app, &stale, &stays, Stage::Trials).await?;
    let (of_two, one) = ("operator-2".parse()?, "operator-1".to_owned());
    let standing = served.app.store.operator(&id(), &of_two).await?.standing;
    ensure!(standing == Standing::Competing, "frozen and competing in one act: {standing}");
    let late = Declaration::of(&lab.ingresses[2].rpc(), model::trial::Path::Direct);
    let refused = declare(&served.app, &stale, &stays, &late).await.err();
    ensure!(matches!(refused, Some(Fault::Stage { .. } | Fault::Standing { .. })), "{refused:?}");
    let profile = Profile { id: one, name: "Another".into(), contact: None };
    let refused = apply(&served.app, &stale, &stays, &profile).await.err();
    ensure!(matches!(refused, Some(Fault::Stage { .. })), "{refused:?}");
    // Who leaves by a page that still said `open` keeps the node that the frozen season measures.
    withdraw(&served.app, &stale, &leaves).await?;
    ensure!(served.app.store.node(&id(), &of_two).await?.is_some(), "the season has lost a node");
    served.comes_to(Stage::Review).await?;
    ensure!(served.verify()?.last, "it is published to its end");
    let again = advance(&served.app, &stale, &stays, Stage::Trials).await.err();
    ensure!(matches!(again, Some(Fault::Stage { .. })), "{again:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_season_stands_still_and_goes_on_where_it_was() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let lab = Lab::start(3).await?;
    let served = Served::open(&lab, &trial("invalid", "together", "V01")).await?;
    let who = served.join(1, &lab.ingresses[0].rpc()).await?;
    advance(&served.app, &served.season().await?, &who, Stage::Trials).await?;
    let leased = async || -> anyhow::Result<Option<()>> {
        let runs = served.app.store.runs(&id()).await?;
        Ok(runs.iter().any(|run| matches!(run.progress, RunProgress::Leased { .. })).then_some(()))
    };
    served.until(leased).await?;
    advance(&served.app, &served.season().await?, &who, Stage::Suspended).await?;
    ensure!(served.season().await?.resumes == Some(Stage::Trials));
    let idle = async || -> anyhow::Result<Option<()>> {
        let jobs = served.app.store.jobs("conduct").await?;
        Ok(jobs.iter().all(|job| job.state == store::JobState::Done).then_some(()))
    };
    served.until(idle).await?;
    let before = served.app.store.evidence_records(&id()).await?.len();
    tokio::time::sleep(Duration::from_secs(3)).await;
    ensure!(
        served.app.store.evidence_records(&id()).await?.len() == before,
        "it is measured while suspended"
    );
    advance(&served.app, &served.season().await?, &who, Stage::Trials).await?;
    served.comes_to(Stage::Review).await?;
    let publication = served.app.latest(&id()).await?.context("a publication")?;
    let void = publication.runs.values().filter(|entry| entry.state == RunState::Void(VoidCause::Ours));
    ensure!(void.count() >= 1, "what was under way is void, by our doing");
    let measured = publication.runs.values().filter(|entry| entry.state == RunState::Measured).count();
    ensure!(measured == 3, "{measured} nodes were measured");
    ensure!(served.verify()?.last);
    Ok(())
}

/// Three nodes of a lab that take their chain from here.
async fn three_nodes(upstream: SocketAddr) -> anyhow::Result<Vec<LabProcess>> {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(LabProcess::ingress(Path::new(BINARY), upstream, &Character::default()).await?);
    }
    Ok(nodes)
}

/// Waits until something with these words is told of the season.
async fn is_told<T: Clone + Debug>(heard: &mut Receiver<T>, words: &str) -> anyhow::Result<()> {
    let told = async {
        while !format!("{:?}", heard.recv().await?).contains(words) {}
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.with_context(|| words.to_owned())?
}

/// The chain stands still for every node at once, while they all answer: whoever wants to know of it is told, once, though
/// three runs saw it; and the season goes on with the chain.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_stands_still_is_told_once() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let lab = Lab::start(0).await?;
    let before_it = Proxy::start(lab.sequencer.rpc(), Misbehaviour::None)?;
    let nodes = three_nodes(before_it.addr).await?;
    let controls: Vec<String> = nodes[1..].iter().map(LabProcess::rpc).collect();
    let trials = trial("invalid", "together", "V01").replace("recover_ms = 1000", "recover_ms = 12000");
    let file = season::of(&lab.network.genesis, &before_it.url(), &controls, &trials);
    let folder = tempfile::tempdir()?;
    let told = folder.path().join("told");
    let hook = format!(
        "on_halt = 'echo \"$TOUCHSTONE_RUN $TOUCHSTONE_HEAD $TOUCHSTONE_CHAIN_ID\" >> {}'\n",
        told.display()
    );
    let served = Served::of_entry(&file, "", &hook).await?;
    let who = served.join(1, &nodes[0].rpc()).await?;
    let mut heard = served.app.service.live.listen(&id());
    advance(&served.app, &served.season().await?, &who, Stage::Trials).await?;
    is_told(&mut heard, "recover").await?;
    before_it.set(Misbehaviour::Canned { kept: Duration::from_secs(3_600) });
    let halted = async || -> anyhow::Result<_> {
        let evidence = served.app.store.evidence(&id()).await?;
        Ok((evidence.len() >= 3).then_some(evidence))
    };
    let halted = served.until(halted).await?;
    before_it.set(Misbehaviour::None);
    for (run, evidence) in &halted {
        ensure!(evidence.ended == Ended::NetworkHalted, "{run}: {:?}", evidence.ended);
    }
    served.comes_to(Stage::Review).await?;
    let said = fs::read_to_string(&told)?;
    let words: Vec<&str> = said.split_whitespace().collect();
    let [run, head, chain] = words[..] else { anyhow::bail!("told once, not: {said}") };
    let stood = halted.get(run).with_context(|| format!("{run} is none of those that halted"))?;
    let last = stood.heads.iter().filter_map(|sample| sample.reference).max();
    ensure!(head.parse().ok() == last && chain == "1337", "{said}, and the last head was {last:?}");
    println!("told: {said}");
    let publication = served.app.latest(&id()).await?.context("a publication")?;
    let state = |state: RunState| publication.runs.values().filter(|entry| entry.state == state).count();
    ensure!(state(RunState::Void(VoidCause::Network)) == 3, "the halt is charged to nobody");
    ensure!(state(RunState::Measured) == 3, "all were measured again");
    Ok(())
}

/// The reference alone stands still, and goes on doing so: nobody's attempts are used up on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reference_is_waited_for() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let lab = Lab::start(0).await?;
    let before_it = Proxy::start(lab.sequencer.rpc(), Misbehaviour::None)?;
    let nodes = three_nodes(lab.sequencer.address).await?;
    let controls: Vec<String> = nodes[1..].iter().map(LabProcess::rpc).collect();
    let trials = trial("invalid", "together", "V01").replace("recover_ms = 1000", "recover_ms = 12000");
    let file = season::of(&lab.network.genesis, &before_it.url(), &controls, &trials);
    let served = Served::of_entry(&file, "", "").await?;
    let who = served.join(1, &nodes[0].rpc()).await?;
    let mut heard = served.app.service.live.listen(&id());
    advance(&served.app, &served.season().await?, &who, Stage::Trials).await?;
    is_told(&mut heard, "recover").await?;
    before_it.set(Misbehaviour::Canned { kept: Duration::from_secs(3_600) });
    is_told(&mut heard, "waiting for it").await?;
    // Whoever were measured meanwhile would lose an attempt within a second or two.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let lost = served.app.store.evidence(&id()).await?;
    ensure!(lost.len() == 3, "{} runs ended", lost.len());
    for (run, evidence) in lost {
        ensure!(evidence.ended == Ended::ReferenceLost, "{run}: {:?}", evidence.ended);
    }
    before_it.set(Misbehaviour::None);
    served.comes_to(Stage::Review).await?;
    let publication = served.app.latest(&id()).await?.context("a publication")?;
    let state = |state: RunState| publication.runs.values().filter(|entry| entry.state == state).count();
    ensure!(state(RunState::Void(VoidCause::Ours)) == 3, "a lost reference is charged to nobody");
    ensure!(state(RunState::Measured) == 3, "all were measured again");
    Ok(())
}

/// Everything that a season left, given to another store, is published there in the same bytes.
async fn publish_again(served: &Served, place: &Place, directory: &Path) -> anyhow::Result<()> {
    let store = Arc::new(Store::open(place).await?);
    let record = served.season().await?;
    let frozen = record.frozen.context("it is frozen")?;
    let declaration = record.declaration.context("it was opened from a file")?;
    let from = &served.app.store;
    let publications = from.publications(&id()).await?;
    store.create_season(&id(), &frozen.season, Stage::Trials, UnixMs::from_millis(1)).await?;
    for run in from.runs(&id()).await? {
        store.queue(&id(), &[(run.run.clone(), run.target.clone())], UnixMs::from_millis(2)).await?;
        let (now, until) = (UnixMs::from_millis(3), UnixMs::from_millis(4));
        let lease = store.lease(&id(), &run.run, "again", now, until).await?;
        let evidence = from.evidence(&id()).await?.remove(&run.run.to_string()).context("evidence")?;
        store.finish(&id(), lease.epoch, &evidence, now).await?;
    }
    fs::create_dir_all(directory.join("private"))?;
    for secret in ["seed", "signing.key"] {
        fs::copy(served.published().join("private").join(secret), directory.join("private").join(secret))?;
    }
    let declared = parse_open(std::str::from_utf8(&declaration)?)?;
    let seed = fs::read_to_string(directory.join("private/seed"))?.trim().parse()?;
    let open = OpenSeason { season: frozen.season, ..OpenSeason::freeze(declared, seed, false) };
    let records = Records::of(Arc::clone(&store), id(), directory, Holder::one_of_many()?)?;
    let windows = open.season.windows;
    for publication in publications {
        for decision in publication.decisions.iter().skip(store.decisions(&id()).await?.len()) {
            let new = store::NewDecision {
                operator: decision.operator.clone(),
                publication: decision.publication,
                digest: decision.digest,
                verdict: decision.verdict,
                reason: decision.reason.clone(),
                reviewer: decision.reviewer.clone(),
                replaces: decision.replaces,
            };
            store.decide(&id(), &new, UnixMs::from_millis(decision.decided_ms)).await?;
        }
        let at = UnixMs::from_millis(publication.published_ms);
        publish(&open, &records, &records.evidence().await?, publication.windows.min(windows), at).await?;
    }
    store.close().await;
    Ok(())
}

fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(here) = folders.pop() {
        for entry in fs::read_dir(&here)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder)?.display().to_string(), fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

/// A whole season on the lab, decided upon and published.
async fn decided(lab: &Lab) -> anyhow::Result<Served> {
    let served = Served::open(lab, &trial("invalid", "together", "V01")).await?;
    let who = served.join(1, &lab.ingresses[0].rpc()).await?;
    advance(&served.app, &served.season().await?, &who, Stage::Trials).await?;
    served.comes_to(Stage::Review).await?;
    let wanted = Wanted {
        operator: "operator-1".parse()?,
        verdict: Verdict::Admit,
        reason: "잘 버텼습니다.".into(),
        publication: 1,
        replaces: None,
    };
    decide(&served.app, &served.season().await?, &who, &reviewer(), &wanted).await?;
    advance(&served.app, &served.season().await?, &who, Stage::Published).await?;
    Ok(served)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_publish_the_same_bytes() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let lab = Lab::start(3).await?;
    let served = decided(&lab).await?;
    ensure!(served.verify()?.publications == 2, "the list, and the list with what was decided");
    let expected = files(&served.published().join("bundle"))?;
    ensure!(expected.len() > 5, "a whole bundle");
    let directory = tempfile::tempdir()?;
    let lite = directory.path().join("lite");
    publish_again(&served, &Place::sqlite(&lite), &lite.join("season")).await?;
    for folder in ["bundle", "site", "download"] {
        let (first, again) =
            (files(&served.published().join(folder))?, files(&lite.join("season").join(folder))?);
        ensure!(first == again, "{folder} differs on another SQLite");
    }
    let Some((_server, url)) = postgres()? else { return Ok(()) };
    let big = directory.path().join("big");
    fs::create_dir_all(&big)?;
    publish_again(&served, &Place::postgres(&big, &url), &big.join("season")).await?;
    for folder in ["bundle", "site", "download"] {
        let (first, again) =
            (files(&served.published().join(folder))?, files(&big.join("season").join(folder))?);
        ensure!(first == again, "{folder} differs on PostgreSQL");
    }
    println!("{} files of a bundle, the same from SQLite and PostgreSQL", expected.len());
    Ok(())
}

/// A database of our own server; none where there is no PostgreSQL, which is an error where it is
/// required.
fn postgres() -> anyhow::Result<Option<(cluster::Cluster, String)>> {
    match cluster::Programs::find() {
        Ok(programs) => {
            let started = std::thread::spawn(move || cluster::Cluster::start(&programs));
            let cluster = started.join().map_err(|_| anyhow::anyhow!("starting panicked"))??;
            let url = cluster.url("postgres");
            Ok(Some((cluster, url)))
        }
        Err(why) if std::env::var_os("TOUCHSTONE_REQUIRE_NODES").is_some() => Err(why),
        Err(why) => {
            eprintln!("not run: on PostgreSQL (apt-get install postgresql): {why:#}");
            Ok(None)
        }
    }
}
