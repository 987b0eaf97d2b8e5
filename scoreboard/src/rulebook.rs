//! The rules as data: gates, scales, weights, minimums. Versioned, and hashed before a season opens.

use model::Digest;
use model::plan::spam_defense;
use serde::{Deserialize, Serialize};

use crate::duty::DutyRules;
use crate::key_change::KeyChangeRules;

/// Everything that a score or a place depends on besides the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rulebook {
    /// Version of this form.
    pub schema: u32,
    /// Name, for example `standard`.
    pub name: String,
    /// Version of the rules of this name.
    pub version: u32,
    /// When a run counts.
    pub gates: Gates,
    /// Parts of `traffic-throughput`.
    pub traffic: Traffic,
    /// Parts of `spam-defense`.
    pub defense: Defense,
    /// Parts of `duty`.
    pub duty: DutyRules,
    /// Findings and the part of `key-change`.
    pub key_change: KeyChangeRules,
    /// When an operator gets a place.
    pub minimums: Minimums,
    /// How sure a place and a seat have to be.
    pub confidence: Confidence,
}

/// When a run is void (MEASURE 3): ours, then the network's, else the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// Block intervals that a head may stand still.
    pub stall_intervals: u32,
    /// Blocks that a control must have gone on meanwhile for a standing reference to be ours.
    pub control_advance_blocks: u32,
    /// 99th percentile of our own lag above which the run is ours, microseconds.
    pub lag_p99_us: u64,
    /// 99th percentile of the calibration sink above which the run is ours, microseconds.
    pub sink_p99_us: u64,
    /// Sink requests lost above which the run is ours, per mille.
    pub sink_lost_per_mille: u32,
    /// Requests that our ceiling held back above which the run is ours, per mille.
    pub withheld_per_mille: u32,
    /// Honest share landed below which the network carried nobody's traffic, per mille.
    pub network_per_mille: u32,
}

/// Scales and weights of `traffic-throughput` (MEASURE 2 b, c). Weights are per mille of its points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Weight of the share that landed.
    pub inclusion_weight: u32,
    /// Share landed that earns nothing, per mille.
    pub inclusion_zero: u32,
    /// Share landed that earns everything, per mille.
    pub inclusion_full: u32,
    /// Weight of the delay behind the control.
    pub delay_weight: u32,
    /// Delay that earns everything, per mille of a block interval.
    pub delay_full: u32,
    /// Delay that earns nothing, per mille of a block interval.
    pub delay_zero: u32,
    /// Pairs of which both landed, below which the delay is not observed.
    pub delay_pairs: u32,
    /// Weight of the door's capacity.
    pub capacity_weight: u32,
    /// Capacity that earns everything, per mille of the controls' median.
    pub capacity_full: u32,
}

/// Scales of `spam-defense` (MEASURE 2 d). Its attacks weigh the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defense {
    /// Share of honest traffic kept, before and during the attack, that counts as all of it, per mille:
    /// what is lost without an attack is the loss of `ingress.inclusion`, not of the defense (judgement).
    pub kept_full: u32,
    /// Blocks after the attack within which the recovery is full.
    pub recovery_full_blocks: u32,
    /// Blocks after the attack from which a recovery earns nothing.
    pub recovery_zero_blocks: u32,
    /// Share of the calm level that counts as recovered, per mille.
    pub recovery_full: u32,
    /// Share of the calm level that counts as not recovered at all, per mille.
    pub recovery_zero: u32,
    /// Transactions from which a recovery may be read, at least.
    pub recovery_transactions: u32,
    /// Share of the phase's transactions from which a recovery may be read, at least, per mille.
    pub recovery_share: u32,
    /// What a node may keep behind a nonce gap; none in rules of before version 4, which do not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_gap: Option<BehindGap>,
}

/// How many transactions of one account a node may keep behind a nonce gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BehindGap {
    /// So many cost nothing: geth and Kaia keep 64. Where a control of the same client keeps more, as many as that does;
    /// without such a control, as many as the controls keep in the median.
    pub full: u32,
    /// As many from which what is left of a flood's part is nothing.
    pub zero: u32,
}

/// When an operator gets a number and a place (MEASURE 4). Windows count per trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimums {
    /// Fewer windows than this: unrated.
    pub rated_windows: u32,
    /// Fewer windows than this: provisional, without a place.
    pub ranked_windows: u32,
}

/// Seats and spreads (MEASURE 4). The levels themselves (95 %, 90 %) are in the pinned tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    /// No spread between windows is believed to be smaller, thousandths of a point.
    pub least_spread: u32,
    /// Spread above which an operator's seat goes by its lower bound, per mille of the common one.
    pub high_variance: u32,
    /// Half width of the lottery about the line, at least, thousandths of a point.
    pub lottery_points: u32,
    /// Windows over which the common spread is taken for the lottery's half width.
    pub lottery_windows: u32,
    /// Chance of a seat from which no second look is needed, per mille; as much from the other end.
    pub second_look: u32,
}

impl Rulebook {
    /// Version of the form that this code writes.
    pub const SCHEMA: u32 = 1;

    /// The rules of a full season.
    pub fn standard() -> Self {
        Self {
            schema: Self::SCHEMA,
            name: "standard".into(),
            version: 7,
            gates: Gates::standard(),
            traffic: Traffic::standard(),
            defense: Defense::standard(),
            duty: DutyRules::standard(),
            key_change: KeyChangeRules::standard(),
            minimums: Minimums { rated_windows: 3, ranked_windows: 8 },
            confidence: Confidence::standard(),
        }
    }

    /// The rules of a short season: few windows, and one machine that does everything.
    pub fn quick() -> Self {
        let mut book = Self::standard();
        book.name = "quick".into();
        book.gates.lag_p99_us = 100_000;
        book.gates.sink_p99_us = 200_000;
        book.gates.sink_lost_per_mille = 20;
        book.minimums = Minimums { rated_windows: 1, ranked_windows: 2 };
        book
    }

    /// The rules of a demonstration, from which no admission follows.
    pub fn demonstration() -> Self {
        Self { name: "demonstration".into(), ..Self::quick() }
    }

    /// Digest of the rules.
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }

    /// Whether these are, to the letter, rules that this programme was built with.
    pub fn is_shipped(&self) -> bool {
        [Self::standard(), Self::quick(), Self::demonstration()].contains(self)
    }

    /// What cannot be: one sentence for each impossible value.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut need = |good: bool, fault: &str| {
            if !good {
                faults.push(fault.to_owned());
            }
        };
        need(self.schema == Self::SCHEMA, "schema: this programme reads version 1");
        need((1..=60).contains(&self.name.len()), "name: give 1 to 60 bytes");
        need(!self.name.chars().any(char::is_control), "name holds a control character");
        self.gates.check(&mut need);
        self.traffic.check(&mut need);
        self.defense.check(&mut need);
        self.duty.check(&mut need);
        self.key_change.check(&mut need);
        self.minimums.check(&mut need);
        self.confidence.check(&mut need);
        faults
    }
}

impl Gates {
    fn standard() -> Self {
        Self {
            stall_intervals: 10,
            control_advance_blocks: 5,
            lag_p99_us: 20_000,
            sink_p99_us: 50_000,
            sink_lost_per_mille: 10,
            withheld_per_mille: 1,
            network_per_mille: 900,
        }
    }

    fn check(&self, need: &mut impl FnMut(bool, &str)) {
        need(self.stall_intervals > 0, "gates.stall_intervals is 0: no run would count");
        need(self.sink_lost_per_mille <= 1_000, "gates.sink_lost_per_mille is above 1000");
        need(self.withheld_per_mille <= 1_000, "gates.withheld_per_mille is above 1000");
        need(self.network_per_mille <= 1_000, "gates.network_per_mille is above 1000");
    }
}

impl Traffic {
    fn standard() -> Self {
        Self {
            inclusion_weight: 300,
            inclusion_zero: 800,
            inclusion_full: 990,
            delay_weight: 300,
            delay_full: 250,
            delay_zero: 2_000,
            delay_pairs: 5,
            capacity_weight: 400,
            capacity_full: 500,
        }
    }

    fn check(&self, need: &mut impl FnMut(bool, &str)) {
        let weights = [self.inclusion_weight, self.delay_weight, self.capacity_weight];
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        need(sum == 1_000, "traffic: the weights must add up to 1000");
        need(
            self.inclusion_zero < self.inclusion_full && self.inclusion_full <= 1_000,
            "traffic: inclusion_zero must lie below inclusion_full, and that not above 1000",
        );
        need(self.delay_full < self.delay_zero, "traffic: delay_full must lie below delay_zero");
        need((1..=1_000).contains(&self.capacity_full), "traffic.capacity_full: choose 1 to 1000");
    }
}

impl Defense {
    fn standard() -> Self {
        Self {
            kept_full: 950,
            recovery_full_blocks: 10,
            recovery_zero_blocks: 60,
            recovery_full: 950,
            recovery_zero: 500,
            recovery_transactions: 5,
            recovery_share: 200,
            behind_gap: Some(BehindGap { full: 72, zero: 144 }),
        }
    }

    fn check(&self, need: &mut impl FnMut(bool, &str)) {
        need(
            self.recovery_full_blocks < self.recovery_zero_blocks && self.recovery_zero_blocks <= 1_000,
            "defense: recovery_full_blocks must lie below recovery_zero_blocks, and that not above 1000",
        );
        need(
            self.recovery_zero < self.recovery_full && self.recovery_full <= 1_000,
            "defense: recovery_zero must lie below recovery_full, and that not above 1000",
        );
        need((1..=1_000).contains(&self.kept_full), "defense.kept_full: choose 1 to 1000");
        need(self.recovery_share <= 1_000, "defense.recovery_share is above 1000");
        need(
            self.behind_gap
                .as_ref()
                .is_none_or(|kept| kept.full < kept.zero && kept.zero <= spam_defense::BEHIND_GAP),
            "defense.behind_gap: full must lie below zero, and that not above what is offered, 192",
        );
    }
}

impl Confidence {
    fn standard() -> Self {
        Self {
            least_spread: 1_000,
            high_variance: 1_500,
            lottery_points: 1_000,
            lottery_windows: 20,
            second_look: 50,
        }
    }

    fn check(&self, need: &mut impl FnMut(bool, &str)) {
        need((1..=100_000).contains(&self.least_spread), "confidence.least_spread: choose 1 to 100000");
        need(self.lottery_windows > 0, "confidence.lottery_windows is 0");
        need(self.second_look <= 500, "confidence.second_look is above 500");
    }
}

impl Minimums {
    fn check(&self, need: &mut impl FnMut(bool, &str)) {
        need(self.rated_windows >= 1, "minimums.rated_windows is 0: no data is no number");
        need(self.ranked_windows >= 2, "minimums.ranked_windows: one window shows no spread");
        need(self.rated_windows <= self.ranked_windows, "minimums: ranked_windows lies below rated_windows");
    }
}
