//! A small season as it could have been: six candidates, two controls, two trials, three windows;
//! a cut run, a void run drawn again, a sealed run, and one operator of each status. The numbers are made up by
//! hand; nothing here calculates a rank.

#![allow(clippy::missing_panics_doc)]

mod record;
mod score;

use std::collections::BTreeMap;

use model::publication::RunEntry;
use model::ranking::TrialMean;
use model::trial::{Door, Path, SpamDefense, TrafficThroughput};
use model::{
    CutCause, Decision, Digest, Ended, Entry, Evidence, Network, Operator, Parameters, Publication, Ranking,
    Role, RunKey, RunState, Schedule, Season, Seed, Status, Trial, Vector, Verdict, VoidCause,
};
use scoreboard::Rulebook;

/// Where the run without evidence stands.
pub(crate) const SEALED: &str = "w03.spam.alpha.1";

/// Everything that pages are made from.
pub(crate) struct Sample {
    pub(crate) season: Season,
    pub(crate) rulebook: Rulebook,
    pub(crate) publications: Vec<Publication>,
    pub(crate) evidence: BTreeMap<String, Evidence>,
}

impl Sample {
    pub(crate) fn new(demonstration: bool) -> Self {
        let season = season(demonstration);
        let (runs, evidence) = runs(&season);
        let publications = (1..=3).map(|number| publication(&season, number, &runs)).collect();
        Self { season, rulebook: Rulebook::demonstration(), publications, evidence }
    }

    /// In earnest, with four decisions about three operators: the first is replaced by the last.
    pub(crate) fn decided() -> Self {
        let mut sample = Self::new(false);
        let reason = "Enough points in every window.";
        sample.decide("bravo", Verdict::Waitlist, 2, reason);
        sample.decide("alpha", Verdict::Admit, 2, reason);
        sample.decide("charlie", Verdict::Reject, 2, "The door gave way early.\nApply again.");
        sample.decide("bravo", Verdict::Admit, 2, reason);
        sample
    }

    /// One more decision in the last publication.
    pub(crate) fn decide(&mut self, id: &str, verdict: Verdict, publication: u32, reason: &str) {
        let ground = self.publications.iter().find(|past| past.number == publication).unwrap();
        let digest = Digest::of(ground);
        let decisions = &mut self.publications.last_mut().unwrap().decisions;
        let before = decisions.iter().rev().find(|decision| decision.operator.as_str() == id);
        let (number, replaces) = (decisions.len() as u32 + 1, before.map(|decision| decision.number));
        decisions.push(Decision {
            number,
            operator: id.parse().unwrap(),
            verdict,
            reason: reason.into(),
            publication,
            digest,
            reviewer: "Kim Reviewer".into(),
            decided_ms: 1_790_020_000_000 + u64::from(number) * 1_000,
            replaces,
        });
    }

    pub(crate) fn rename(&mut self, id: &str, name: &str) {
        let operator = self.season.operators.iter_mut().find(|operator| operator.id.as_str() == id);
        operator.expect("in the sample").name = name.into();
    }

    /// The site, with the publications of the season as it now is.
    pub(crate) fn render(&self) -> BTreeMap<String, Vec<u8>> {
        let mut publications = self.publications.clone();
        publications.iter_mut().for_each(|publication| publication.season = Digest::of(&self.season));
        site::render(&self.source(&publications)).expect("the sample renders")
    }

    pub(crate) fn source<'a>(&'a self, publications: &'a [Publication]) -> site::Source<'a> {
        site::Source {
            season: &self.season,
            rulebook: &self.rulebook,
            publications,
            evidence: &self.evidence,
            signer: "touchstone-sample+1a2b3c4d+AVXXvF0uCvzE/2cs1tRmkTLRTGQeGpRQ2tvCSW5oWAbg",
        }
    }
}

/// (id, name, requests/s at the door, answer time in us, honest loss per mille)
type Node = (&'static str, &'static str, u32, u64, u64);

const NODES: [Node; 8] = [
    ("alpha", "Alpha Validators", 420, 9_000, 2),
    ("bravo", "한국 검증인 협동조합", 400, 12_000, 4),
    ("charlie", "Charlie & Sons Staking", 210, 31_000, 60),
    ("delta", "Delta Nodes", 90, 64_000, 180),
    ("echo", "Echo", 0, 0, 0),
    ("foxtrot", "Foxtrot Infrastructure", 380, 14_000, 9),
    ("control-near", "Control, near", 430, 8_000, 1),
    ("control-far", "Control, far", 410, 38_000, 3),
];

fn season(demonstration: bool) -> Season {
    let operators = NODES.iter().map(|node| Operator {
        id: node.0.parse().unwrap(),
        name: node.1.into(),
        role: if node.0.starts_with("control") { Role::Control } else { Role::Candidate },
        validator: None,
    });
    Season {
        schema: Season::SCHEMA,
        name: "Autumn intake".into(),
        demonstration,
        network: network(),
        reference_validator: None,
        operators: operators.collect(),
        trials: vec![traffic(), spam()],
        windows: 3,
        attempts: 3,
        seats: 2,
        rulebook: Digest::of(&Rulebook::demonstration()),
        seed_commitment: Seed::from_number(7).commitment(),
    }
}

pub(crate) fn network() -> Network {
    Network {
        family: "evm".into(),
        chain_id: 1_337,
        genesis: format!("0x{}", "ab".repeat(32)),
        incarnation: 1,
    }
}

fn traffic() -> Trial {
    let door = Door {
        start_rate: 20,
        max_rate: 600,
        step_ms: 1_000,
        sustain_ms: 3_000,
        settle_ms: 0,
        bisections: 2,
        patience_ms: 200,
    };
    let parameters = TrafficThroughput { pairs: 200, pair_rate: 10, horizon_blocks: 20, door, halt_ms: None };
    trial("traffic", 2, Schedule::Together, Parameters::TrafficThroughput(parameters))
}

fn spam() -> Trial {
    let parameters = SpamDefense {
        honest_rate: 12,
        horizon_blocks: 20,
        base_ms: 10_000,
        attack_ms: 8_000,
        settle_ms: 1_000,
        recover_ms: 10_000,
        intensities: vec![50, 200],
        vectors: vec![Vector::V01, Vector::V05, Vector::V08],
        gapped_accounts: 0,
        halt_ms: None,
    };
    trial("spam", 3, Schedule::Alone, Parameters::SpamDefense(parameters))
}

fn trial(id: &str, weight: u32, schedule: Schedule, parameters: Parameters) -> Trial {
    Trial { id: id.parse().unwrap(), version: 1, path: Path::Direct, schedule, weight, parameters }
}

type Runs = BTreeMap<String, RunEntry>;

fn runs(season: &Season) -> (Runs, BTreeMap<String, Evidence>) {
    let (mut runs, mut evidence) = (Runs::new(), BTreeMap::new());
    for window in 1..=3 {
        for trial in &season.trials {
            for node in NODES.iter().filter(|node| node.0 != "echo" || window == 1) {
                for (attempt, state, ended) in attempts(window, trial, node) {
                    let operator = node.0.parse().unwrap();
                    let key = RunKey { window, trial: trial.id.clone(), operator, attempt };
                    let record = record::of(&key, trial, node, ended);
                    let digest = Digest::of(&record);
                    let score = state.counts().then(|| score::of(&record, node, digest));
                    runs.insert(
                        key.to_string(),
                        RunEntry { run: key.clone(), evidence: digest, state, score },
                    );
                    evidence.insert(key.to_string(), record);
                }
            }
        }
    }
    evidence.remove(SEALED);
    (runs, evidence)
}

fn attempts(window: u32, trial: &Trial, node: &Node) -> Vec<(u32, RunState, Ended)> {
    let good = |attempt| (attempt, RunState::Measured, Ended::Completed);
    match (window, trial.id.as_str(), node.0) {
        (2, "spam", "delta") => vec![(1, RunState::Cut(CutCause::NodeDown), Ended::NodeDown)],
        (2, "traffic", "bravo") => {
            vec![(1, RunState::Void(VoidCause::Ours), Ended::ReferenceLost), good(2)]
        }
        (1, _, "echo") => vec![(1, RunState::Void(VoidCause::Network), Ended::NetworkHalted)],
        _ => vec![good(1)],
    }
}

fn publication(season: &Season, number: u32, runs: &Runs) -> Publication {
    Publication {
        schema: Publication::SCHEMA,
        number,
        last: number == 3,
        demonstration: season.demonstration,
        published_ms: 1_790_000_000_000 + u64::from(number) * 7_200_000,
        windows: number,
        season: Digest::of(season),
        rulebook: season.rulebook,
        seed: (number == 3).then(|| Seed::from_number(7)),
        previous: (number > 1).then(|| Digest::of_bytes(&[number as u8])),
        ranking: ranking(number),
        decisions: Vec::new(),
        runs: runs
            .iter()
            .filter(|(_, entry)| entry.run.window <= number)
            .map(|(n, e)| (n.clone(), e.clone()))
            .collect(),
    }
}

fn ranking(windows: u32) -> Ranking {
    let mut entries = vec![
        entry("alpha", Status::Ranked, Some((97_812, 2_400)), [98_120, 97_607]),
        entry("bravo", Status::Ranked, Some((96_940, 3_100)), [97_200, 96_767]),
        entry("charlie", Status::Ranked, Some((84_355, 4_900)), [86_400, 82_992]),
        entry("foxtrot", Status::Barred, Some((95_100, 2_900)), [95_800, 94_633]),
        entry("delta", Status::Provisional, Some((41_970, 17_300)), [50_100, 36_550]),
        entry("echo", Status::Unrated, None, [0, 0]),
    ];
    let places = [(1, (1, 2), 971, false), (1, (1, 2), 902, true), (3, (3, 3), 127, false)];
    for (entry, (place, range, chance, lottery)) in entries.iter_mut().zip(places) {
        entry.place = Some(place);
        entry.range = Some(range);
        entry.range_all = Some((1, 3));
        entry.seat_key = entry.total;
        entry.seat_chance = Some(chance);
        entry.lottery = lottery;
    }
    entries[3].findings = vec!["invalid transaction included (V05 bad signature)".into()];
    entries[4].cuts = 1;
    entries[1].voids = 1;
    let controls = vec![
        entry("control-near", Status::Ranked, Some((98_900, 1_900)), [99_100, 98_767]),
        entry("control-far", Status::Ranked, Some((98_020, 2_200)), [98_300, 97_833]),
    ];
    entries.iter_mut().for_each(|entry| entry.windows = entry.windows.min(windows));
    Ranking { entries, controls, expected_wrong_seats: 127 }
}

fn entry(id: &str, status: Status, total: Option<(i64, i64)>, means: [i64; 2]) -> Entry {
    let mean = |(trial, mean): (&str, i64)| TrialMean {
        trial: trial.parse().unwrap(),
        mean: total.map(|_| mean),
        windows: if total.is_some() { 3 } else { 0 },
    };
    Entry {
        operator: id.parse().unwrap(),
        status,
        place: None,
        range: None,
        range_all: None,
        total: total.map(|(mean, _)| mean),
        interval: total.map(|(mean, half)| ((mean - half).max(0), (mean + half).min(100_000))),
        spread: total.map(|(_, half)| half / 2),
        windows: if total.is_some() { 3 } else { 0 },
        cuts: 0,
        voids: 0,
        trials: ["traffic", "spam"].into_iter().zip(means).map(mean).collect(),
        seat_key: None,
        seat_chance: None,
        lottery: false,
        findings: vec![],
    }
}
