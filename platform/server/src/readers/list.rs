//! A ranked list of many operators, as it could have been.

use std::collections::BTreeMap;

use model::ranking::TrialMean;
use model::trial::Path;
use model::{
    Digest, Entry, Network, Operator, Parameters, Publication, Ranking, Role, Schedule, Season, Seed, Status,
    Trial,
};
use scoreboard::Rulebook;

use crate::demo::traffic;

/// The files of a site whose list has `count` candidates.
///
/// # Errors
/// When the pages cannot be rendered.
pub(super) fn render(count: u32) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let rulebook = Rulebook::standard();
    let season = season(count, rulebook.digest())?;
    let publication = Publication {
        schema: Publication::SCHEMA,
        number: 1,
        last: true,
        demonstration: true,
        published_ms: 1_790_000_000_000,
        windows: season.windows,
        season: Digest::of(&season),
        rulebook: rulebook.digest(),
        seed: None,
        previous: None,
        ranking: ranking(&season),
        decisions: Vec::new(),
        runs: BTreeMap::new(),
    };
    let source = site::Source {
        season: &season,
        rulebook: &rulebook,
        publications: &[publication],
        evidence: &BTreeMap::new(),
        signer: "touchstone-benchmark+1a2b3c4d+AVXXvF0uCvzE/2cs1tRmkTLRTGQeGpRQ2tvCSW5oWAbg",
    };
    Ok(site::render(&source)?)
}

fn season(count: u32, rulebook: Digest) -> anyhow::Result<Season> {
    let mut operators = Vec::new();
    for number in 1..=count {
        let name = match number % 2 {
            0 => format!("Validator company {number}"),
            _ => format!("밸리데이터 운영사 {number}"),
        };
        operators.push(Operator {
            id: format!("candidate-{number}").parse()?,
            name,
            role: Role::Candidate,
            validator: None,
        });
    }
    Ok(Season {
        schema: Season::SCHEMA,
        name: "Benchmark".into(),
        demonstration: true,
        network: Network { family: "evm".into(), chain_id: 1_337, genesis: "0x00".into(), incarnation: 1 },
        reference_validator: None,
        operators,
        trials: vec![Trial {
            id: "door".parse()?,
            version: 1,
            path: Path::Direct,
            schedule: Schedule::Together,
            weight: 1,
            parameters: Parameters::TrafficThroughput(traffic()),
        }],
        windows: 8,
        attempts: 3,
        seats: 30,
        rulebook,
        seed_commitment: Seed::from_number(1).commitment(),
    })
}

fn ranking(season: &Season) -> Ranking {
    let entry = |(place, operator): (usize, &Operator)| {
        let place = u32::try_from(place + 1).unwrap_or(u32::MAX);
        let total = 100_000 / i64::from(place).max(1) + 17;
        Entry {
            operator: operator.id.clone(),
            status: Status::Ranked,
            place: Some(place),
            range: Some((place, place + 3)),
            range_all: Some((place, place + 9)),
            total: Some(total),
            interval: Some((total - 12, total + 12)),
            spread: Some(9),
            windows: season.windows,
            cuts: place % 3,
            voids: place % 2,
            trials: season
                .trials
                .iter()
                .map(|trial| TrialMean {
                    trial: trial.id.clone(),
                    mean: Some(total),
                    windows: season.windows,
                })
                .collect(),
            seat_key: Some(total),
            seat_chance: Some(1_000 / place),
            lottery: false,
            findings: Vec::new(),
        }
    };
    let entries = season.operators.iter().enumerate().map(entry).collect();
    Ranking { entries, controls: Vec::new(), expected_wrong_seats: 0 }
}
