//! Key change: whose turns failed, and whose chain parted, while keys changed.

use std::collections::BTreeSet;

use model::plan::{LaneKind, Via};
use model::{BlockRecord, Digest, Evidence, Parameters, Part, Season};
use serde::{Deserialize, Serialize};

use crate::scale::{count, full_marks, linear, per_mille};
use crate::turns::{Turns, UnderWay, is, members};

/// Rules of `key-change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChangeRules {
    /// Turns that must fail in one run, while keys change, for a finding: one may be the network's.
    pub failed_turns: u32,
    /// Whether a turn right after another's failed one counts only for who made no block any more while keys changed: a
    /// round that fails can take the next one with it. Not so in rules before version 4.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_turns: bool,
    /// Whether a turn that failed while its validator stood still is not counted in a run in which another's turns
    /// failed by themselves. A node with the fault of 2021 also hands on other validators' blocks with altered
    /// transactions: on seven Kaia nodes, one of them so, a healthy one took such a block for the real one, refused
    /// that for a minute, and missed four turns. Not so in rules before version 5.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harmed_excused: bool,
    /// Share of turns that earns nothing, per mille.
    pub turns_zero: u32,
    /// Share of turns that earns everything, per mille.
    pub turns_full: u32,
}

impl KeyChangeRules {
    pub(crate) fn standard() -> Self {
        Self { failed_turns: 2, first_turns: true, harmed_excused: true, turns_zero: 500, turns_full: 990 }
    }

    pub(crate) fn check(&self, need: &mut impl FnMut(bool, &str)) {
        need(self.failed_turns >= 1, "key_change.failed_turns is 0: everybody would be found");
        need(
            self.turns_zero < self.turns_full && self.turns_full <= 1_000,
            "key_change: turns_zero must lie below turns_full, and that not above 1000",
        );
    }
}

/// The turns of a validator, without those that failed because another's node had harmed its own, where rules say so.
fn counted(rules: &KeyChangeRules, evidence: &Evidence, validator: &str) -> Turns {
    let mut turns = Turns::of(evidence, validator);
    let stood = stood_still(evidence, validator, &turns);
    if rules.harmed_excused && !stood.is_empty() && another_fails(rules, evidence, validator) {
        turns.failed.retain(|height| !stood.contains(height));
    }
    turns
}

/// Of its failed turns those before which it stood still: since its turn before, there were blocks, and it signed none.
fn stood_still(evidence: &Evidence, validator: &str, turns: &Turns) -> BTreeSet<u64> {
    let had: BTreeSet<u64> = turns.proposed.iter().chain(&turns.failed).copied().collect();
    let signed = |block: &BlockRecord| {
        let absent = block.turn.as_ref().and_then(|turn| turn.absent.as_deref());
        absent.is_none_or(|absent| !absent.iter().any(|who| is(who, validator)))
    };
    let stood = |height: u64| {
        let before = had.range(..height).next_back().copied();
        let since =
            |block: &&BlockRecord| block.height < height && before.is_none_or(|one| block.height > one);
        let mut since = evidence.blocks.iter().filter(since).peekable();
        since.peek().is_some() && !since.any(signed)
    };
    turns.failed.iter().copied().filter(|height| stood(*height)).collect()
}

/// Whether so many turns of another validator failed, before which it did not stand still, that it is named.
fn another_fails(rules: &KeyChangeRules, evidence: &Evidence, validator: &str) -> bool {
    let failed = evidence.blocks.iter().filter_map(|block| block.turn.as_ref()).flat_map(|turn| &turn.failed);
    let others: BTreeSet<String> =
        failed.filter(|who| !is(who, validator)).map(|who| who.to_ascii_lowercase()).collect();
    others.iter().any(|other| {
        let turns = Turns::of(evidence, other);
        let stood = stood_still(evidence, other, &turns);
        let by_itself = turns.failed.iter().filter(|height| !stood.contains(height)).count();
        by_itself as u64 >= u64::from(rules.failed_turns)
    })
}

/// `key-change.turns`: turns in which a block was made, of all turns of the run.
pub(crate) fn turns(rules: &KeyChangeRules, evidence: &Evidence, digest: Digest) -> Part {
    let of = full_marks(1_000);
    // A storm that was cut earns nothing, whatever was seen of it.
    let whole = evidence.phase("storm").and(evidence.validator.as_deref());
    let turns = whole.map(|me| counted(rules, evidence, me)).filter(|t| t.had() > 0);
    let (made, had) = turns.as_ref().map_or((0, 0), |t| (t.proposed.len() as u64, t.had()));
    let (zero, full) = (i128::from(rules.turns_zero), i128::from(rules.turns_full));
    let (share, whole) = (i128::from(made) * 1_000, i128::from(had));
    Part {
        rule: "key-change.turns".into(),
        observed: turns.as_ref().map(|_| per_mille(made, had)),
        unit: "per mille".into(),
        points: if had == 0 { 0 } else { linear(share, zero * whole, full * whole, of) },
        of,
        factors: vec![("proposed".into(), count(made)), ("had".into(), count(had))],
        evidence: digest,
    }
}

/// What a run of `key-change` shows of one validator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Heights at which a turn of its failed while keys changed.
    pub(crate) failed: Vec<u64>,
    /// Heights at which its node showed another block than the reference.
    pub(crate) parted: Vec<u64>,
}

impl Seen {
    /// What this run shows of `validator`, while keys were `changing`; of its node only if the run was about it.
    pub(crate) fn of(
        rules: &KeyChangeRules,
        evidence: &Evidence,
        changing: &UnderWay,
        validator: &str,
    ) -> Self {
        let turns = counted(rules, evidence, validator);
        let failed_at = turns.failed.iter().find(|height| changing.at(**height)).copied();
        let went_on = turns.proposed.iter().any(|height| changing.at(*height) && Some(*height) > failed_at);
        let all_count = !rules.first_turns || !went_on;
        let was_first = |height: u64| {
            let block = evidence.blocks.iter().find(|block| block.height == height);
            let first = block.and_then(|block| block.turn.as_ref()?.failed.first());
            first.is_some_and(|who| is(who, validator))
        };
        let mine = evidence.validator.as_deref().is_some_and(|me| is(me, validator));
        let partings = evidence.partings.iter().filter(|parting| mine && parting.via == Via::Candidate);
        Self {
            failed: turns
                .failed
                .into_iter()
                .filter(|height| changing.at(*height) && (all_count || was_first(*height)))
                .collect(),
            parted: partings.map(|parting| parting.height).collect(),
        }
    }

    /// Whether so many of its turns failed in one run that it is not the network's doing.
    pub(crate) fn fails(&self, rules: &KeyChangeRules) -> bool {
        self.failed.len() as u64 >= u64::from(rules.failed_turns)
    }

    /// Nothing that anybody would be named for.
    fn is_clean(&self, rules: &KeyChangeRules) -> bool {
        !self.fails(rules) && self.parted.is_empty()
    }
}

/// Whether a run of `key-change` can name anybody: the season's controls and reference held more than two thirds of
/// every committee, and none of them showed in it what a candidate would be named for.
pub(crate) fn can_name(
    rules: &KeyChangeRules,
    season: &Season,
    evidence: &Evidence,
    changing: &UnderWay,
) -> bool {
    let healthy: Vec<&str> = season.healthy().collect();
    let parted = evidence.partings.iter().any(|parting| parting.via != Via::Candidate);
    held(&healthy, evidence)
        && !parted
        && healthy.iter().all(|one| Seen::of(rules, evidence, changing, one).is_clean(rules))
}

/// Whether these validators held more than two thirds of every committee of the run.
pub(crate) fn held(validators: &[&str], evidence: &Evidence) -> bool {
    let seated = |members: &[String]| {
        let theirs: BTreeSet<String> = members
            .iter()
            .filter(|member| validators.iter().any(|validator| is(member, validator)))
            .map(|member| member.to_ascii_lowercase())
            .collect();
        !members.is_empty() && theirs.len() * 3 > members.len() * 2
    };
    let heights = evidence.blocks.iter().map(|block| block.height);
    !evidence.blocks.is_empty()
        && heights.into_iter().all(|height| seated(members(&evidence.committees, height)))
}

/// The heights at which keys were changing: key changes of the run were sent before, and in no block below.
pub(crate) fn changing(evidence: &Evidence) -> UnderWay {
    UnderWay::of(evidence, LaneKind::KeyChange, 1)
}

/// Whether the run is about changing keys.
pub(crate) fn is_about(evidence: &Evidence) -> bool {
    matches!(evidence.parameters, Parameters::KeyChange(_))
}
