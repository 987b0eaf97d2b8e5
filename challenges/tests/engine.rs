//! The engine on nodes of exactly known character, over real sockets.

use std::time::{Duration, Instant};

use challenges::driver::of_family;
use challenges::engine::ceiling::ceiling_for;
use challenges::engine::{measure, preflight::inspect};
use challenges::faucet::Faucet;
use lab::{Character, Ingress, IngressConfig, Running, Sequencer, SequencerConfig};
use model::plan::traffic_throughput::knee;
use model::plan::{LaneKind, Via, spam_defense};
use model::trial::{Door, SpamDefense, TrafficThroughput, Vector};
use model::work::{Command, Endpoint, Report, Work};
use model::{Class, Ended, Evidence, Network, Parameters, Reason, RunKey, Seed, Unavailable};
use tokio::sync::mpsc;

const KEY: &str = "0x746f756368737461706e65206c61622066617563657420746573746b65790001";

struct Stage {
    sequencer: Running,
    control: Running,
    node: Running,
    network: Network,
}

fn rpc(node: &Running) -> Endpoint {
    Endpoint { rpc: format!("http://{}", node.addr), validator: None }
}

impl Stage {
    async fn set(character: Character) -> Self {
        Self::of(character, SequencerConfig::default()).await
    }

    async fn of(character: Character, config: SequencerConfig) -> Self {
        let driver = of_family("evm").unwrap();
        let account = driver.account_of(KEY).unwrap().parse().unwrap();
        let config = SequencerConfig { block_ms: 200, fund: vec![account], ..config };
        let sequencer = Sequencer::start(config).await.unwrap();
        let control = Ingress::start(IngressConfig::new(sequencer.addr, Character::default())).await.unwrap();
        let node = Ingress::start(IngressConfig::new(sequencer.addr, character)).await.unwrap();
        let identity = inspect(driver, &rpc(&sequencer).rpc).await.unwrap();
        let network = Network {
            family: "evm".into(),
            chain_id: identity.chain_id,
            genesis: identity.genesis,
            incarnation: 1,
        };
        Self { sequencer, control, node, network }
    }

    fn work(&self, parameters: Parameters) -> Work {
        let run =
            RunKey { window: 1, trial: "t".parse().unwrap(), operator: "a".parse().unwrap(), attempt: 1 };
        Work {
            seed: run.seed(&Seed::from_number(9)),
            run,
            healthy: vec![],
            ceiling: ceiling_for(parameters.peak_rate()),
            parameters,
            network: self.network.clone(),
            target: rpc(&self.node),
            reference: Some(rpc(&self.sequencer)),
            controls: vec![rpc(&self.control)],
            lease_ms: 120_000,
        }
    }

    async fn fund(&self, work: &Work) {
        let driver = of_family("evm").unwrap();
        let (control, reference) = (rpc(&self.control).rpc, rpc(&self.sequencer).rpc);
        let faucet = Faucet::new(driver, KEY, self.network.chain_id, &control, &reference).unwrap();
        faucet.fund(&[(work.seed, work.parameters.clone())]).await.unwrap();
    }

    /// Runs to the end; `during` may speak to the worker when a phase begins.
    async fn run(&self, work: Work, mut during: impl FnMut(&str) -> Option<Command>) -> Report {
        self.fund(&work).await;
        let (commands, ordered) = mpsc::channel(4);
        let (reports, mut told) = mpsc::unbounded_channel();
        let measuring = tokio::spawn(measure(work, ordered, reports));
        while let Some(report) = told.recv().await {
            match report {
                Report::Ready => commands.send(Command::Go).await.unwrap(),
                Report::Progress { phase, .. } => {
                    if let Some(command) = during(&phase) {
                        commands.send(command).await.unwrap();
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        measuring.await.unwrap()
    }

    async fn evidence(&self, parameters: Parameters) -> Evidence {
        match self.run(self.work(parameters), |_| None).await {
            Report::Evidence(evidence) => *evidence,
            other => panic!("{other:?}"),
        }
    }
}

fn traffic(max_rate: u32) -> Parameters {
    let door = Door {
        start_rate: 20,
        max_rate,
        step_ms: 1_000,
        sustain_ms: 1_000,
        settle_ms: 50,
        bisections: 4,
        patience_ms: 200,
    };
    Parameters::TrafficThroughput(TrafficThroughput {
        pairs: 60,
        pair_rate: 30,
        horizon_blocks: 10,
        door,
        halt_ms: None,
    })
}

fn spam(vectors: &[Vector]) -> Parameters {
    Parameters::SpamDefense(SpamDefense {
        honest_rate: 20,
        horizon_blocks: 10,
        base_ms: 1_000,
        attack_ms: 1_000,
        settle_ms: 0,
        recover_ms: 1_000,
        intensities: vec![100],
        vectors: vectors.to_vec(),
        gapped_accounts: 0,
        halt_ms: None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_vector_is_answered_and_reconciled_as_the_chain_has_it() {
    let stage = Stage::set(Character::default()).await;
    let evidence = stage.evidence(spam(&Vector::ALL)).await;
    assert_eq!(evidence.ended, Ended::Completed);
    let lane = |kind: LaneKind| {
        let phases = evidence.phases.iter();
        phases.filter_map(|phase| phase.lane(kind, Via::Candidate)).next_back().unwrap()
    };
    for phase in &evidence.phases {
        for via in [Via::Candidate, Via::Distant] {
            let honest = phase.lane(LaneKind::Honest, via).unwrap();
            assert_eq!((honest.landed, honest.offered), (20, 20), "{} {via:?}", phase.name);
        }
    }
    assert_eq!(lane(LaneKind::V01).count(Class::Rejected(Reason::WrongChain)), 100);
    assert_eq!(lane(LaneKind::V04).count(Class::Rejected(Reason::Malformed)), 100);
    let bad = lane(LaneKind::V05);
    let stranger = bad.count(Class::Rejected(Reason::Funds));
    assert_eq!(bad.count(Class::Rejected(Reason::BadSignature)) + stranger, 100);
    assert!(stranger > 0, "some flipped bits recover a stranger");
    assert_eq!(lane(LaneKind::V07).count(Class::Rejected(Reason::NonceTooLow)), 100);
    assert_eq!((lane(LaneKind::V08).count(Class::Accepted), lane(LaneKind::V08).landed), (100, 0));
    let bids = lane(LaneKind::V11);
    let late = bids.count(Class::Rejected(Reason::NonceTooLow));
    assert_eq!((bids.count(Class::Accepted), bids.landed), (10, 10));
    assert_eq!(bids.count(Class::Rejected(Reason::Underpriced)) + late, 90);
    assert_eq!(lane(LaneKind::V20).count(Class::Rejected(Reason::Oversized)), 100);
    let reverted =
        lane(LaneKind::V15).transactions.iter().filter(|t| t.landed().is_some() && t.3 == 0).count();
    assert_eq!(reverted, 100);
    for kind in [LaneKind::V01, LaneKind::V04, LaneKind::V05, LaneKind::V07] {
        assert_eq!(lane(kind).landed, 0, "{kind:?}");
    }
}

/// What lands of each account of a flood whose gap is filled, on a chain that keeps so much of one sender.
async fn landed_behind_gaps(queued_per_sender: usize) -> Vec<usize> {
    let config = SequencerConfig { queued_per_sender, ..SequencerConfig::default() };
    let stage = Stage::of(Character::default(), config).await;
    let mut parameters = spam(&[Vector::V08]);
    let Parameters::SpamDefense(p) = &mut parameters else { unreachable!() };
    (p.intensities, p.gapped_accounts) = (vec![450], 3);
    let evidence = stage.evidence(parameters).await;
    assert_eq!(evidence.ended, Ended::Completed);
    let [_, attack, recover] = &evidence.phases[..] else { panic!("three phases") };
    let (flood, fill) = (&attack.lanes[2], &recover.lanes[2]);
    assert_eq!((fill.kind, fill.offered, fill.landed), (LaneKind::GapFill, 2, 2), "450 are enough for two");
    let landed = |account| {
        let mine = flood.transactions.iter().zip(0..).filter(|(_, index)| {
            spam_defense::behind_gap(2, *index).is_some_and(|(whose, _)| whose == account)
        });
        mine.filter(|(one, _)| one.landed().is_some()).count()
    };
    let all = vec![landed(0), landed(1)];
    assert_eq!(flood.landed, all.iter().sum::<usize>() as u64, "and of nobody else");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_kept_behind_a_gap_lands_once_it_is_filled() {
    assert_eq!(landed_behind_gaps(64).await, [64, 64]);
    assert_eq!(landed_behind_gaps(1_000).await, [192, 192]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_of_a_known_ingress_is_found() {
    let stage = Stage::set(Character { rate: 120, queue: 5, ..Character::default() }).await;
    let evidence = stage.evidence(traffic(400)).await;
    let Parameters::TrafficThroughput(parameters) = &evidence.parameters else { unreachable!() };
    let knee = knee(parameters, &evidence.phases).expect("the search ended");
    // The loss allowed (5 %) and the queue of 5 lie above the rate, the last bisection below it.
    assert!((112..=138).contains(&knee.capacity) && !knee.at_least, "{knee:?}");
    assert!(knee.recovered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_loss_is_seen_one_by_one_and_never_called_a_rejection() {
    let stage = Stage::set(Character { loss_per_mille: 100, ..Character::default() }).await;
    let evidence = stage.evidence(traffic(30)).await;
    let pairs = &evidence.phases[0];
    let (ours, theirs) = (&pairs.lanes[0], &pairs.lanes[1]);
    let closed = ours.count(Class::Unavailable(Unavailable::Closed));
    assert_eq!(ours.landed + closed, 60);
    assert!((2..=12).contains(&closed), "a tenth of 60: {closed}");
    assert_eq!(theirs.landed, 60);
    assert!(ours.transactions.iter().filter(|t| t.landed().is_none()).count() as u64 == closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_told_to_stop_stops_within_twice_two_seconds() {
    let stage = Stage::set(Character::default()).await;
    let mut told = None;
    let report = stage
        .run(stage.work(spam(&Vector::ALL)), |phase| {
            (phase == "V05@100").then(|| {
                told = Some(Instant::now());
                Command::Stop { consent_withdrawn: true }
            })
        })
        .await;
    assert!(told.expect("the phase came").elapsed() < Duration::from_secs(4));
    let Report::Evidence(evidence) = report else { panic!("{report:?}") };
    assert_eq!(evidence.ended, Ended::ConsentWithdrawn);
    assert!(evidence.phases.len() < 4, "what was not run is not recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_falls_silent_ends_the_run_also_between_short_steps() {
    let mut stage = Stage::set(Character::default()).await;
    let work = stage.work(traffic(300));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_from = Endpoint { rpc: format!("http://{}", silent.local_addr().unwrap()), validator: None };
    // A port that takes connections and never answers: not even the look before the run succeeds.
    let dead = Work { target: silent_from, lease_ms: 60_000, ..work.clone() };
    let Report::Evidence(evidence) = stage.run(dead, |_| None).await else { panic!("evidence") };
    assert_eq!(evidence.ended, Ended::Unreachable);
    // A node that ends in the middle.
    let mut node = Some(std::mem::replace(
        &mut stage.node,
        Ingress::start(IngressConfig::new(stage.sequencer.addr, Character::default())).await.unwrap(),
    ));
    let report = stage
        .run(work, |phase| {
            if phase.starts_with("ramp") {
                drop(node.take());
            }
            None
        })
        .await;
    let Report::Evidence(evidence) = report else { panic!("{report:?}") };
    assert_eq!(evidence.ended, Ended::NodeDown);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_a_low_ceiling_and_foreign_addresses_are_told() {
    let stage = Stage::set(Character::default()).await;
    let mut work = stage.work(traffic(300));
    work.network.chain_id += 1;
    let Report::Evidence(evidence) = ask(work).await else { panic!("evidence") };
    assert_eq!(evidence.ended, Ended::ReferenceLost, "the reference itself is elsewhere: ours");
    let other =
        Sequencer::start(SequencerConfig { chain_id: 77, ..SequencerConfig::default() }).await.unwrap();
    let mut work = stage.work(traffic(300));
    work.target = rpc(&other);
    let Report::Evidence(evidence) = ask(work).await else { panic!("evidence") };
    assert_eq!(evidence.ended, Ended::WrongChain);
    let mut work = stage.work(traffic(300));
    work.ceiling = 100;
    let Report::Refused { why } = ask(work).await else { panic!("refused") };
    assert!(why.contains("ceiling of"), "{why}");
    let mut work = stage.work(traffic(300));
    work.target = Endpoint { rpc: "http://192.0.2.1:8545".into(), validator: None };
    let Report::Refused { why } = ask(work).await else { panic!("refused") };
    assert!(why.contains("consent"), "{why}");
}

/// The answer to work that never gets as far as `ready`.
async fn ask(work: Work) -> Report {
    let (_commands, ordered) = mpsc::channel(1);
    let (reports, _told) = mpsc::unbounded_channel();
    measure(work, ordered, reports).await
}
