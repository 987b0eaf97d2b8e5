//! Key change: whose turns failed, and whose chain parted, while keys changed.

use std::collections::{BTreeMap, BTreeSet};

use model::plan::{LaneKind, Via};
use model::{Digest, Evidence, Parameters, Part, Season};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, failures};
use crate::scale::{count, full_marks, linear, per_mille};
use crate::turns::{Turns, UnderWay, is, members};

/// Rules of `key-change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChangeRules {
    /// Turns that must fail in one run, while keys change, for a finding: one may be the network's.
    pub failed_turns: u32,
    /// Whether a turn right after another's failed one counts only for who made no block meanwhile: a round that fails
    /// can take the next one with it. Meanwhile is while keys changed; with `harm`, since its own turns began to fail.
    /// Not so in rules before version 4.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_turns: bool,
    /// When a failed turn is the doing of another validator whose turns failed by themselves; none in rules before
    /// version 5, which do not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<Harm>,
    /// Share of turns that earns nothing, per mille.
    pub turns_zero: u32,
    /// Share of turns that earns everything, per mille.
    pub turns_full: u32,
}

impl KeyChangeRules {
    pub(crate) fn standard() -> Self {
        let harm = Some(Harm { missed_votes: 2, lasts_us: 120_000_000, until_back: true });
        Self { failed_turns: 2, first_turns: true, harm, turns_zero: 500, turns_full: 990 }
    }

    pub(crate) fn check(&self, need: &mut impl FnMut(bool, &str)) {
        need(self.failed_turns >= 1, "key_change.failed_turns is 0: everybody would be found");
        need(
            self.turns_zero < self.turns_full && self.turns_full <= 1_000,
            "key_change: turns_zero must lie below turns_full, and that not above 1000",
        );
        need(
            self.harm.as_ref().is_none_or(|harm| harm.missed_votes > 0),
            "key_change.harm.missed_votes is 0: everybody would have stood still",
        );
    }
}

/// What is taken for harm that another did. A node with the fault of 2021 also hands on other validators' blocks with
/// altered transactions. On seven Kaia nodes, one of them so, a healthy one took such a block for the real one, refused
/// that for 62 s, voted in no certificate meanwhile, and missed four turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Harm {
    /// Certificates just before a turn without its validator's vote, after which that is taken to have stood still. A
    /// certificate is a first quorum: one vote that it lacks says nothing.
    pub missed_votes: u32,
    /// How long it may have been harmed, microseconds: who stands still for longer does so by itself. The 62 s, and what
    /// the time between two certificates adds when turns fail before and after.
    pub lasts_us: u64,
    /// Whether it is asked how long it stood still in all, from its last vote or block, or from the first block of the
    /// run, to its next or to the last block; who never came back is not charged for what was not seen. Then too who
    /// failed once by itself and goes on to fail standing still may have made turns fail from that height on, and turns
    /// that failed right after another's, and no other, name nobody unless one more failed than suffices else.
    /// Not so in rules before version 6: they measure from its last vote or block in the run to the failed turn, and who
    /// had neither was never there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub until_back: bool,
}

impl Harm {
    /// Whether a validator is taken to have been harmed when this turn of its failed, if there is who did it.
    fn may_explain(&self, failure: &Failure) -> bool {
        let lasted = if self.until_back {
            failure.may_be_back_within(self.lasts_us)
        } else {
            failure.was_there_within(self.lasts_us)
        };
        lasted && failure.stood_still(self.missed_votes)
    }
}

/// `key-change.turns`: turns in which a block was made, of all turns of the run.
pub(crate) fn turns(rules: &KeyChangeRules, evidence: &Evidence, digest: Digest) -> Part {
    let of = full_marks(1_000);
    // A storm that was cut earns nothing, whatever was seen of it.
    let whole = evidence.phase("storm").and(evidence.validator.as_deref());
    let turns = whole.map(|me| Turns::of(evidence, me)).filter(|t| t.had() > 0);
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
    /// Whether so many of its turns failed in one run that it is not the network's doing.
    pub(crate) fn fails(&self, rules: &KeyChangeRules) -> bool {
        is_too_many(rules, self.failed.len())
    }

    /// Nothing that anybody would be named for.
    fn is_clean(&self, rules: &KeyChangeRules) -> bool {
        !self.fails(rules) && self.parted.is_empty()
    }
}

fn is_too_many(rules: &KeyChangeRules, failed: usize) -> bool {
    failed as u64 >= u64::from(rules.failed_turns)
}

/// From which height on a validator with these failed turns may have harmed others; none when it needed somebody to fail
/// too often.
fn began_to_harm(rules: &KeyChangeRules, failed: &[Failure]) -> Option<u64> {
    let harm = rules.harm.as_ref();
    let is_by_itself = |failure: &&Failure| {
        failure.was_first && !harm.is_some_and(|harm| failure.stood_still(harm.missed_votes))
    };
    if is_too_many(rules, failed.iter().filter(is_by_itself).count()) {
        return Some(0);
    }
    // Who parts from the chain fails once by itself, and then stands still.
    let harm = harm.filter(|harm| harm.until_back)?;
    let (first, later) = failed.split_first().filter(|(first, _)| is_by_itself(first))?;
    let still = later.iter().filter(|failure| failure.stood_still(harm.missed_votes)).count();
    is_too_many(rules, 1 + still).then_some(first.height)
}

/// What failed in a run of `key-change`, and who may have made it fail.
pub(crate) struct Storm<'a> {
    rules: &'a KeyChangeRules,
    evidence: &'a Evidence,
    /// Heights at which keys changed: key changes of the run were sent before, and in no block below.
    changing: UnderWay,
    /// Failed turns while keys changed, by validators in small letters.
    failures: BTreeMap<String, Vec<Failure>>,
    /// Of these, who needed nobody to fail too often, and from which height on it may have harmed others: any, when so
    /// many turns failed by themselves; else that of the one that did.
    causes: BTreeMap<String, u64>,
}

impl<'a> Storm<'a> {
    /// None when the run is about something else.
    pub(crate) fn of(rules: &'a KeyChangeRules, evidence: &'a Evidence) -> Option<Self> {
        if !matches!(evidence.parameters, Parameters::KeyChange(_)) {
            return None;
        }
        let changing = UnderWay::of(evidence, LaneKind::KeyChange, 1);
        let mut failures = failures(evidence);
        for failed in failures.values_mut() {
            failed.retain(|failure| changing.at(failure.height));
        }
        let cause =
            |(who, failed): (&String, &Vec<Failure>)| Some((who.clone(), began_to_harm(rules, failed)?));
        let causes = failures.iter().filter_map(cause).collect();
        Some(Self { rules, evidence, changing, failures, causes })
    }

    /// What the run shows of `validator`; of its node only if the run was about it.
    pub(crate) fn seen(&self, validator: &str) -> Seen {
        let validator = validator.to_ascii_lowercase();
        let mine = self.evidence.validator.as_deref().is_some_and(|me| is(me, &validator));
        let partings = self.evidence.partings.iter().filter(|parting| mine && parting.via == Via::Candidate);
        Seen {
            failed: self.charged(&validator).map(|failure| failure.height).collect(),
            parted: partings.map(|parting| parting.height).collect(),
        }
    }

    /// The failed turns of a validator that nobody else made fail.
    fn charged(&self, validator: &str) -> impl Iterator<Item = &Failure> {
        let failed = self.failures.get(validator).map_or(&[][..], Vec::as_slice);
        let is_harmed = |failure: &Failure| {
            self.rules.harm.as_ref().is_some_and(|harm| harm.may_explain(failure))
                && self.may_be_harmed(validator, failure)
        };
        let own: Vec<&Failure> = failed.iter().filter(|failure| !is_harmed(failure)).collect();
        let began = own.first().filter(|_| self.rules.harm.is_some()).map_or(0, |failure| failure.height);
        let alone_too_few = self.rules.harm.as_ref().is_some_and(|harm| harm.until_back)
            && own.len() as u64 <= u64::from(self.rules.failed_turns)
            && own.iter().all(|failure| !failure.was_first);
        let all_count = !self.rules.first_turns || !(alone_too_few || self.made_a_block(validator, began));
        own.into_iter().filter(move |failure| all_count || failure.was_first)
    }

    /// Whether another may have made this turn fail. Of two who parted from the chain, who did so first is not excused by
    /// the other.
    fn may_be_harmed(&self, validator: &str, failure: &Failure) -> bool {
        let own = self.causes.get(validator);
        let mut others = self.causes.iter().filter(|(other, _)| *other != validator);
        others.any(|(_, began)| *began <= failure.height && own.is_none_or(|own| began <= own))
    }

    /// Whether a validator made a block above `height` while keys changed.
    fn made_a_block(&self, validator: &str, height: u64) -> bool {
        self.evidence.blocks.iter().any(|block| {
            let is_its = block.turn.as_ref().is_some_and(|turn| is(&turn.proposer, validator));
            is_its && block.height > height && self.changing.at(block.height)
        })
    }

    /// Whether the run can name anybody: the season's controls and reference held more than two thirds of every
    /// committee, and none of them showed in it what a candidate would be named for.
    pub(crate) fn can_name(&self, season: &Season) -> bool {
        let healthy: Vec<&str> = season.healthy().collect();
        let parted = self.evidence.partings.iter().any(|parting| parting.via != Via::Candidate);
        held(&healthy, self.evidence)
            && !parted
            && healthy.iter().all(|one| self.seen(one).is_clean(self.rules))
    }
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
