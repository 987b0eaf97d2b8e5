//! A season with two candidates, two controls and two trials, and what follows from it.

use std::collections::BTreeMap;
use std::time::Duration;

use model::evidence::{Observer, SelfCheck};
use model::publication::RunEntry;
use model::trial::{Path, SpamDefense};
use model::{
    Digest, Ended, Entry, Evidence, Network, Operator, OperatorId, Parameters, Publication, Ranking, Role,
    RunKey, RunState, Schedule, Season, SeasonId, Seed, Stage, Status, Trial, Vector,
};
use store::{Account, Epoch, Store, UnixMs};

/// The beginning of all tests.
pub(crate) fn now() -> UnixMs {
    UnixMs::from_millis(1_800_000_000_000)
}

/// So many seconds after the beginning.
pub(crate) fn at(seconds: u64) -> UnixMs {
    now().plus(Duration::from_secs(seconds))
}

pub(crate) fn spring() -> SeasonId {
    "spring".parse().expect("an identifier")
}

pub(crate) fn operator(id: &str) -> OperatorId {
    id.parse().expect("an identifier")
}

pub(crate) fn account(number: u32) -> Account {
    format!("0x{number:040x}").parse().expect("an account")
}

fn trial(id: &str, weight: u32) -> Trial {
    let parameters = Parameters::SpamDefense(SpamDefense {
        honest_rate: 20,
        horizon_blocks: 20,
        base_ms: 2_000,
        attack_ms: 2_000,
        settle_ms: 0,
        recover_ms: 2_000,
        intensities: vec![50],
        vectors: vec![Vector::V01, Vector::V07],
        gapped_accounts: 0,
        halt_ms: None,
    });
    let id = id.parse().expect("an identifier");
    Trial { id, version: 1, path: Path::Direct, schedule: Schedule::Together, weight, parameters }
}

/// A frozen season of this name.
pub(crate) fn season(name: &str) -> Season {
    let operator =
        |id: &str, name: &str, role| Operator { id: operator(id), name: name.into(), role, validator: None };
    Season {
        schema: Season::SCHEMA,
        name: name.into(),
        demonstration: true,
        network: Network {
            family: "evm".into(),
            chain_id: u64::MAX,
            genesis: format!("0x{}", "0f".repeat(32)),
            incarnation: 1,
        },
        reference_validator: None,
        operators: vec![
            operator("north", "북쪽 검증인", Role::Candidate),
            operator("alpha", "Alpha \"Validators\" & Söhne", Role::Candidate),
            operator("control-1", "control-1", Role::Control),
            operator("control-2", "control-2", Role::Control),
        ],
        trials: vec![trial("traffic", 2), trial("spam", 1)],
        windows: 2,
        attempts: 3,
        seats: 1,
        rulebook: Digest::of_bytes(b"rulebook"),
        seed_commitment: Seed::from_number(7).commitment(),
    }
}

pub(crate) fn run(window: u32, trial: &str, who: &str, attempt: u32) -> RunKey {
    RunKey { window, trial: trial.parse().expect("an identifier"), operator: operator(who), attempt }
}

/// Evidence of a run; another `mark` is other evidence.
pub(crate) fn evidence(run: &RunKey, mark: u64) -> Evidence {
    let season = season("Spring");
    let seed = run.seed(&Seed::from_number(7));
    let parameters = season.trials[0].parameters.clone();
    Evidence {
        schema: Evidence::SCHEMA,
        run: run.clone(),
        seed,
        plan: model::plan::plan_digest(&parameters, &seed),
        parameters,
        network: season.network,
        observer: Observer::Reference,
        validator: None,
        client: "geth/v1.13.15".into(),
        started_ms: 1_800_000_000_000,
        block_interval_us: mark,
        phases: vec![],
        blocks: vec![],
        committees: vec![],
        heads: vec![],
        partings: vec![],
        self_check: SelfCheck::default(),
        ended: Ended::Completed,
    }
}

fn entry(id: &str, place: Option<u32>) -> Entry {
    Entry {
        operator: operator(id),
        status: if place.is_some() { Status::Ranked } else { Status::Provisional },
        place,
        range: place.map(|place| (place, 2)),
        range_all: place.map(|_| (1, 2)),
        total: Some(87_654),
        interval: Some((80_000, 90_000)),
        spread: Some(1_234),
        windows: 1,
        cuts: 0,
        voids: 0,
        trials: vec![],
        seat_key: place.map(|_| 87_654),
        seat_chance: place.map(|_| 500),
        lottery: false,
        findings: vec![],
    }
}

/// The publication after `previous`, on this evidence.
pub(crate) fn publication<'a>(
    season: &Season,
    previous: Option<&Publication>,
    evidence: impl IntoIterator<Item = &'a Evidence>,
) -> Publication {
    let number = previous.map_or(1, |previous| previous.number + 1);
    let runs: BTreeMap<String, RunEntry> = evidence
        .into_iter()
        .map(|evidence| {
            let entry = RunEntry {
                run: evidence.run.clone(),
                evidence: Digest::of(evidence),
                state: RunState::Measured,
                score: None,
            };
            (evidence.run.to_string(), entry)
        })
        .collect();
    Publication {
        schema: Publication::SCHEMA,
        number,
        last: false,
        demonstration: true,
        published_ms: 1_800_000_000_000 + u64::from(number),
        windows: number,
        season: Digest::of(season),
        rulebook: season.rulebook,
        seed: None,
        previous: previous.map(Digest::of),
        ranking: Ranking {
            entries: vec![entry("alpha", Some(1)), entry("north", Some(1))],
            controls: vec![entry("control-1", None), entry("control-2", None)],
            expected_wrong_seats: 500,
        },
        decisions: Vec::new(),
        runs,
    }
}

/// Keeps the season `spring`, in its trials.
pub(crate) async fn begun(store: &Store) -> anyhow::Result<Season> {
    let season = season("Spring");
    store.create_season(&spring(), &season, Stage::Trials, now()).await?;
    Ok(season)
}

/// Queues a run and leases it.
pub(crate) async fn leased(store: &Store, run: &RunKey, target: &str) -> anyhow::Result<Epoch> {
    store.queue(&spring(), &[(run.clone(), target.into())], now()).await?;
    Ok(store.lease(&spring(), run, "worker", now(), at(60)).await?.epoch)
}

/// Measures a run: its evidence.
pub(crate) async fn measured(store: &Store, run: &RunKey, target: &str) -> anyhow::Result<Evidence> {
    let epoch = leased(store, run, target).await?;
    let evidence = evidence(run, 1_000_000);
    store.finish(&spring(), epoch, &evidence, at(30)).await?;
    Ok(evidence)
}
