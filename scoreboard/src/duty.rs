//! Duty: what a validator did with its turns and votes at normal load (MEASURE 2 e).

use model::plan::duty::Duty;
use model::plan::{LaneKind, Via};
use model::{BlockRecord, Digest, Evidence, Part, Season};
use serde::{Deserialize, Serialize};

use crate::estimate::at_most;
use crate::ingress::landed_within;
use crate::scale::{count, full_marks, linear, median, per_mille, rounded};
use crate::turns::{Turns, UnderWay, gaps, is};

/// Scales and weights of `duty`. Weights are per mille of its points; where a scale begins and ends is a judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyRules {
    /// Weight of the turns in which a block was made.
    pub turns_weight: u32,
    /// Weight of blocks that were not left empty while transactions waited.
    pub filled_weight: u32,
    /// Weight of blocks that came in time.
    pub prompt_weight: u32,
    /// Weight of the votes; where the chain has none, it is added to that of the turns.
    pub votes_weight: u32,
    /// Weight of keeping up with the head.
    pub head_weight: u32,
    /// Weight of the probes that landed.
    pub probes_weight: u32,
    /// Share that earns nothing, per mille: of turns, filled blocks, prompt blocks, samples, probes.
    pub zero: u32,
    /// Share that earns everything, per mille.
    pub full: u32,
    /// Votes, held against the controls' median, that earn nothing, per mille: a certificate is a first quorum, so
    /// that a slow voter is often not needed.
    pub votes_zero: u32,
    /// Votes, held against the controls' median, that earn everything, per mille.
    pub votes_full: u32,
    /// Standard errors, thousandths, that chance may take from the share of certificates: its upper bound (Wilson 1927)
    /// is what is held against the controls' median. Of the thirty certificates of a short watch a vote as good as
    /// another's may be in 60 % where the other's is in 75 %. 0 in rules before version 7.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub votes_chance: u32,
    /// Blocks for which a transaction must have waited for an empty block to count against its maker.
    pub waited_blocks: u32,
    /// Whether a block made out of turn, or right after one, may be empty: after blocks that were left for others the
    /// transactions in them come back late. Not so in rules before version 4.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hasty_may_be_empty: bool,
    /// Whether such a block, when it is empty, is no sign of a full one either, and left out. Not so in rules before
    /// version 5.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hasty_says_nothing: bool,
    /// A block later than this, per mille of the usual gap, is late.
    pub late: u32,
    /// Added to that, microseconds: what the reference is asked every so often, and a busy host.
    pub late_allowance_us: u64,
    /// Blocks that a node may be behind the reference, or before it: heads are not asked for at one instant.
    pub behind_blocks: u32,
}

impl DutyRules {
    pub(crate) fn standard() -> Self {
        Self {
            turns_weight: 400,
            filled_weight: 100,
            prompt_weight: 100,
            votes_weight: 150,
            head_weight: 100,
            probes_weight: 150,
            zero: 800,
            full: 990,
            votes_zero: 500,
            votes_full: 950,
            votes_chance: 1_960,
            waited_blocks: 2,
            hasty_may_be_empty: true,
            hasty_says_nothing: true,
            late: 2_000,
            late_allowance_us: 300_000,
            behind_blocks: 2,
        }
    }

    pub(crate) fn check(&self, need: &mut impl FnMut(bool, &str)) {
        let weights = [
            self.turns_weight,
            self.filled_weight,
            self.prompt_weight,
            self.votes_weight,
            self.head_weight,
            self.probes_weight,
        ];
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        need(sum == 1_000, "duty: the weights must add up to 1000");
        need(
            self.zero < self.full && self.full <= 1_000,
            "duty: zero must lie below full, and that not above 1000",
        );
        need(
            self.votes_zero < self.votes_full && self.votes_full <= 1_000,
            "duty: votes_zero must lie below votes_full, and that not above 1000",
        );
        need(self.votes_chance <= 5_000, "duty: votes_chance must not be above 5000, five standard errors");
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The parts of one run of `duty`.
pub(crate) fn parts(
    rules: &DutyRules,
    p: &Duty,
    season: &Season,
    evidence: &Evidence,
    digest: Digest,
) -> Vec<Part> {
    // A watch that was cut earns nothing, whatever was seen of it.
    let watch = evidence.phase("watch");
    let turns = watch.and(evidence.validator.as_deref()).map(|me| (me, Turns::of(evidence, me)));
    let share = |rule: &str, weight: u32, seen: Option<(u64, u64)>| {
        let scale = (rules.zero, rules.full);
        part(rule, weight, scale, seen.filter(|(_, all)| *all > 0), digest)
    };
    let mine = |of: &dyn Fn(&str, &Turns) -> (u64, u64)| turns.as_ref().map(|(me, turns)| of(me, turns));
    let probes = watch.and_then(|phase| phase.lane(LaneKind::Honest, Via::Candidate));
    let has_votes = !is_without_votes(evidence);
    let filled = mine(&|me, t| filled(rules, evidence, me, t));
    // Where all blocks were empty and made in haste, they say nothing of it.
    let has_filled = filled != Some((0, 0)) || turns.as_ref().is_none_or(|(_, t)| t.proposed.is_empty());
    let without = |is_there: bool, weight: u32| if is_there { 0 } else { weight };
    let turns_weight = rules.turns_weight
        + without(has_votes, rules.votes_weight)
        + without(has_filled, rules.filled_weight);
    let mut parts = vec![share("duty.turns", turns_weight, mine(&|_, t| (t.proposed.len() as u64, t.had())))];
    if has_filled {
        parts.push(share("duty.filled", rules.filled_weight, filled));
    }
    parts.push(share("duty.prompt", rules.prompt_weight, mine(&|me, t| prompt(rules, evidence, me, t))));
    if has_votes {
        parts.push(votes(rules, season, evidence, turns.as_ref().map(|(_, turns)| turns), digest));
    }
    parts.push(head(rules, evidence, watch.is_some(), digest));
    let probes = probes.map(|lane| (landed_within(lane, p.horizon_blocks.into()), lane.offered));
    parts.push(share("duty.probes", rules.probes_weight, probes));
    parts
}

/// Whether the chain has no votes, as under clique: making its blocks is then all that a validator does for it, and
/// counts for the votes too. Neither all votes given nor all missed could be told from the other there.
fn is_without_votes(evidence: &Evidence) -> bool {
    let mut turns = evidence.blocks.iter().filter_map(|block| block.turn.as_ref()).peekable();
    turns.peek().is_some() && turns.all(|turn| turn.absent.is_none())
}

/// `good` of `all` on the scale from `zero` to `full`, both per mille.
fn part(rule: &str, weight: u32, (zero, full): (u32, u32), seen: Option<(u64, u64)>, digest: Digest) -> Part {
    let of = full_marks(weight);
    let (good, all) = seen.unwrap_or_default();
    let (share, whole) = (i128::from(good) * 1_000, i128::from(all));
    Part {
        rule: rule.into(),
        observed: seen.map(|_| per_mille(good, all)),
        unit: "per mille".into(),
        points: seen.map_or(0, |_| linear(share, i128::from(zero) * whole, i128::from(full) * whole, of)),
        of,
        factors: vec![("good".into(), count(good)), ("all".into(), count(all))],
        evidence: digest,
    }
}

/// Blocks of mine that were not empty while transactions of the run waited; of all blocks of mine, without empty ones
/// made in haste where they say nothing.
fn filled(rules: &DutyRules, evidence: &Evidence, me: &str, turns: &Turns) -> (u64, u64) {
    let round = |block: &BlockRecord| block.turn.as_ref().map_or(0, |turn| turn.round);
    let mine = |block: &BlockRecord| block.turn.as_ref().is_some_and(|turn| is(&turn.proposer, me));
    let before = [None].into_iter().chain(evidence.blocks.iter().map(Some));
    let waiting = UnderWay::of(evidence, LaneKind::Honest, rules.waited_blocks.into());
    let (mut hasty, mut idle) = (0, 0);
    for (before, block) in before.zip(&evidence.blocks) {
        if !mine(block) || block.transactions > 0 || !waiting.at(block.height) {
            continue;
        }
        let is_hasty = round(block) > 0 || before.is_some_and(|before| round(before) > 0);
        let counted = if rules.hasty_may_be_empty && is_hasty { &mut hasty } else { &mut idle };
        *counted += 1;
    }
    let left_out = if rules.hasty_says_nothing { hasty } else { 0 };
    let all = (turns.proposed.len() as u64).saturating_sub(left_out);
    (all - all.min(idle), all)
}

/// Blocks of mine that are not known to have been late; of all blocks of mine. One that took over after failed rounds
/// cannot be late by its own doing.
fn prompt(rules: &DutyRules, evidence: &Evidence, me: &str, turns: &Turns) -> (u64, u64) {
    let usual = median(gaps(evidence).map(|(_, gap)| gap as f64).collect()).unwrap_or(0.0);
    let latest = usual * f64::from(rules.late) / 1_000.0 + rules.late_allowance_us as f64;
    let mine = gaps(evidence).filter(|(turn, _)| is(&turn.proposer, me));
    let late = mine.filter(|(_, gap)| *gap as f64 > latest).count();
    let all = turns.proposed.len() as u64;
    (all - (late as u64).min(all), all)
}

/// `duty.head`: whether the node kept up. How often it was gone and came back, as after a restart, stands beside it and
/// earns nothing more: what was missed meanwhile counts already.
fn head(rules: &DutyRules, evidence: &Evidence, watched: bool, digest: Digest) -> Part {
    let seen = watched.then(|| kept_up(rules, evidence)).filter(|(_, all)| *all > 0);
    let mut part = part("duty.head", rules.head_weight, (rules.zero, rules.full), seen, digest);
    part.factors.push(("outages".into(), count(outages(evidence))));
    part
}

/// How often the node told no head in two samples or more, one after another, and then told one again.
fn outages(evidence: &Evidence) -> u64 {
    let told: Vec<bool> = evidence
        .heads
        .iter()
        .filter(|sample| sample.reference.is_some())
        .map(|sample| sample.target.is_some())
        .collect();
    let gone = told.chunk_by(|a, b| a == b).filter(|run| run.len() >= 2 && run.first() == Some(&false));
    let is_gone = told.ends_with(&[false, false]);
    (gone.count() as u64).saturating_sub(u64::from(is_gone))
}

/// Samples in which the node was not far behind the reference; of those in which the reference said something.
fn kept_up(rules: &DutyRules, evidence: &Evidence) -> (u64, u64) {
    let told = || evidence.heads.iter().filter_map(|sample| Some((sample.reference?, sample.target)));
    let near = |(reference, target): &(u64, Option<u64>)| {
        target.is_some_and(|head| head.abs_diff(*reference) <= rules.behind_blocks.into())
    };
    (told().filter(near).count() as u64, told().count() as u64)
}

/// `duty.votes`: the share of certificates with the validator's vote, or as much as it would be of many but for chance,
/// held against the median of the controls': one certificate is a first quorum, and absence from it no fault.
fn votes(
    rules: &DutyRules,
    season: &Season,
    evidence: &Evidence,
    turns: Option<&Turns>,
    digest: Digest,
) -> Part {
    let of = full_marks(rules.votes_weight);
    let equals = season.controls().filter_map(|control| control.validator.as_deref());
    let equals = median(equals.filter_map(|who| vote_share(&Turns::of(evidence, who))).collect());
    let mine = turns.and_then(|turns| vote_share(turns).map(|share| (share, turns.seated)));
    let seen = mine.zip(equals.filter(|median| *median > 0.0)).map(|((mine, seated), equals)| {
        let chance = f64::from(rules.votes_chance) / 1_000.0;
        let most = if chance > 0.0 { at_most(mine / 1_000.0, seated, chance) * 1_000.0 } else { mine };
        (mine, most, seated, equals)
    });
    let against = |share: f64, equals: f64| rounded(share * 1_000.0 / equals);
    let scaled = seen.map(|(_, most, _, equals)| against(most, equals));
    let (zero, full) = (i128::from(rules.votes_zero), i128::from(rules.votes_full));
    let (mine, most, seated, equals) = seen.unwrap_or_default();
    let mut factors = vec![("mine".into(), rounded(mine)), ("controls".into(), rounded(equals))];
    if rules.votes_chance > 0 {
        factors.push(("at_most".into(), rounded(most)));
        factors.push(("certificates".into(), count(seated)));
    }
    Part {
        rule: "duty.votes".into(),
        observed: seen.map(|(mine, _, _, equals)| against(mine, equals)),
        unit: "per mille".into(),
        points: scaled.map_or(0, |scaled| linear(scaled.into(), zero, full, of)),
        of,
        factors,
        evidence: digest,
    }
}

/// Certificates with a validator's vote, of those in which it was seated, per mille; none where it never was.
fn vote_share(turns: &Turns) -> Option<f64> {
    (turns.seated > 0).then(|| (turns.seated - turns.absent) as f64 * 1_000.0 / turns.seated as f64)
}
