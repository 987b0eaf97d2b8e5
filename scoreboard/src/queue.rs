//! How much a node keeps of what cannot be executed, counted from blocks (MEASURE 2 d: what a node tells of its pool is
//! never scored).
//!
//! Accounts of a future-nonce flood offer 192 transactions behind a gap, which the phase after it fills through the distant
//! control. What the candidate kept becomes executable then, is gossiped, and lands; what it threw away does not.

use model::Evidence;
use model::plan::spam_defense::{behind_gap, gapped};
use model::plan::{LaneKind, Via};
use model::trial::SpamDefense;

use crate::rulebook::Defense;
use crate::scale::{median, most};

/// What a node kept behind a gap during a flood.
pub(crate) struct Kept {
    /// The most of one account, counting those whose gap was filled.
    pub(crate) of_one_account: u64,
    /// 1 where that is no more than may be kept, falling to 0.
    pub(crate) bounded: f64,
}

/// None where no gap was filled: such a run says nothing of it.
pub(crate) fn kept(
    scale: &Defense,
    p: &SpamDefense,
    evidence: &Evidence,
    attack: &str,
    controls: &[&Evidence],
) -> Option<Kept> {
    let rules = scale.behind_gap.as_ref()?;
    let of_one_account = of_one_account(p, evidence, attack)?;
    let allowed = allowed_by(controls, &evidence.client, |control| self::of_one_account(p, control, attack));
    let full = most(rules.full.into(), allowed);
    let (zero, value) = (f64::from(rules.zero), of_one_account as f64);
    let bounded = if value <= full { 1.0 } else { most(0.0, (zero - value) / most(1.0, zero - full)) };
    Some(Kept { of_one_account, bounded })
}

/// What the controls show to be usual: the most that one of the same client keeps, whose defaults are no operator's
/// fault (MEASURE 3); without such a control the median of all. 0 where none tells.
fn allowed_by(controls: &[&Evidence], client: &str, kept: impl Fn(&Evidence) -> Option<u64>) -> f64 {
    let of = |all: &mut dyn Iterator<Item = &&Evidence>| -> Vec<f64> {
        all.filter_map(|control| kept(control)).map(|kept| kept as f64).collect()
    };
    let same = of(&mut controls.iter().filter(|control| control.client == client));
    same.into_iter().reduce(most).or_else(|| median(of(&mut controls.iter()))).unwrap_or(0.0)
}

/// The most transactions of one account that landed behind its gap.
fn of_one_account(p: &SpamDefense, evidence: &Evidence, attack: &str) -> Option<u64> {
    let place = evidence.phases.iter().position(|phase| phase.name == attack)?;
    let flood = evidence.phases.get(place)?.lane(LaneKind::V08, Via::Candidate)?;
    let fill = evidence.phases.get(place + 1)?.lane(LaneKind::GapFill, Via::Distant)?;
    let accounts = gapped(p.gapped_accounts, u32::try_from(flood.offered).ok()?);
    let landed = |account: u32| {
        let all = (0u32..).zip(&flood.transactions).filter(|(_, one)| one.landed().is_some());
        all.filter(|(index, _)| behind_gap(accounts, *index).is_some_and(|(whose, _)| whose == account))
            .count()
    };
    let filled = (0..accounts).zip(&fill.transactions).filter(|(_, one)| one.landed().is_some());
    filled.map(|(account, _)| landed(account) as u64).max()
}
