//! Defense: honest traffic kept alive among spam (MEASURE 2 d).
//!
//! Part = min(1, min(base, attack / k) / 0.95) x min(1, N) x accuracy x recovery x boundedness. `base` and `attack` are the
//! shares of honest transactions through the candidate that landed before and during the attack, k
//! is what the controls kept in the same window: with U = (attack / base) / k the first factor is
//! base x min(1, U). The factor `base` keeps the score monotone: without it a node that loses
//! honest transactions on purpose before the attack would raise its own U. The scale saturates at
//! 0.95, so that a loss without any attack, which inclusion is charged for, is not charged twice. The boundedness is that
//! of a node's queue, of a future-nonce flood only: what waits there harms nobody until memory is short, so that no
//! share of honest traffic shows it.

use model::plan::{LaneKind, Via, spam_defense::attack_name};
use model::score::FULL;
use model::trial::SpamDefense;
use model::{Class, Digest, Evidence, Part};

use crate::ingress::landed_within;
use crate::queue;
use crate::recovery::recovery;
use crate::rulebook::Defense;
use crate::scale::{count, least, median, rounded};

/// One part an attack, in the order of the plan; their full marks add up to the trial's.
pub(crate) fn parts(
    scale: &Defense,
    p: &SpamDefense,
    evidence: &Evidence,
    digest: Digest,
    controls: &[&Evidence],
) -> Vec<Part> {
    let attacks: Vec<String> = p
        .vectors
        .iter()
        .flat_map(|vector| p.intensities.iter().map(|rate| attack_name(*vector, *rate)))
        .collect();
    let run = Calm::of(scale, p, evidence);
    let whole = attacks.len() as i64;
    let marks = (0i64..).map(|k| FULL * (k + 1) / whole - FULL * k / whole);
    attacks.iter().zip(marks).map(|(attack, of)| part(&run, attack, of, digest, controls)).collect()
}

/// What is the same for every attack of a run.
struct Calm<'a> {
    scale: &'a Defense,
    plan: &'a SpamDefense,
    evidence: &'a Evidence,
    kept_full: f64,
    base: f64,
    distant: f64,
    accuracy: Option<f64>,
    recovery: f64,
}

impl<'a> Calm<'a> {
    fn of(scale: &'a Defense, plan: &'a SpamDefense, evidence: &'a Evidence) -> Self {
        let share = |via| landed_share(evidence, "base", via).unwrap_or(0.0);
        let distant = share(Via::Distant);
        let calm = if distant > 0.0 { distant } else { 1.0 };
        let horizon = evidence.parameters.horizon_blocks().into();
        let recovered = evidence.phase("recover").map(|phase| recovery(scale, phase, calm, horizon));
        Self {
            scale,
            plan,
            evidence,
            kept_full: f64::from(scale.kept_full.max(1)),
            base: share(Via::Candidate),
            distant,
            accuracy: accuracy(evidence),
            recovery: recovered.unwrap_or(0.0),
        }
    }
}

fn part(run: &Calm, attack: &str, of: i64, digest: Digest, controls: &[&Evidence]) -> Part {
    let mut part = Part {
        rule: format!("defense.{attack}"),
        observed: None,
        unit: "per mille".into(),
        points: 0,
        of,
        factors: Vec::new(),
        evidence: digest,
    };
    let Some(share) = landed_share(run.evidence, attack, Via::Candidate) else {
        return part;
    };
    let k = control_ratio(controls, attack, Via::Candidate);
    // base x min(1, U), written so that a better base can never come out lower.
    let kept = if run.base > 0.0 && k > 0.0 { least(run.base, share / k) } else { run.base };
    let spread = spread(run, attack, controls);
    let kept_in_full = least(1.0, kept * 1_000.0 / run.kept_full);
    let behind_gap = queue::kept(run.scale, run.plan, run.evidence, attack, controls);
    let bounded = behind_gap.as_ref().map_or(1.0, |kept| kept.bounded);
    let product = kept_in_full * spread * run.accuracy.unwrap_or(1.0) * run.recovery * bounded;
    let own = if run.base > 0.0 { least(1.0, kept / run.base) } else { 0.0 };
    let factors = [("Y(base)", run.base), ("Y(attack)", share), ("U", own), ("N", spread)];
    let per_mille = |value: f64| rounded(value * 1_000.0);
    part.factors = factors.iter().map(|(name, value)| ((*name).to_owned(), per_mille(*value))).collect();
    part.factors.extend(run.accuracy.map(|value| ("accuracy".to_owned(), per_mille(value))));
    part.factors.push(("recovery".into(), per_mille(run.recovery)));
    if let Some(behind_gap) = behind_gap {
        part.factors.push(("bounded".into(), per_mille(behind_gap.bounded)));
        part.factors.push(("behind_gap".into(), count(behind_gap.of_one_account)));
    }
    part.observed = Some(per_mille(product));
    part.points = rounded(product * of as f64).clamp(0, of);
    part
}

/// min(1, N): what the distant control's own lane kept during the attack, against the same of the
/// controls' runs. Nothing to compare with counts for the operator.
fn spread(run: &Calm, attack: &str, controls: &[&Evidence]) -> f64 {
    let k = control_ratio(controls, attack, Via::Distant);
    match landed_share(run.evidence, attack, Via::Distant) {
        Some(share) if run.distant > 0.0 && k > 0.0 => least(1.0, share / run.distant / k),
        _ => 1.0,
    }
}

/// Median over the controls' own runs of share during the attack / share before; 1 without any.
fn control_ratio(controls: &[&Evidence], attack: &str, via: Via) -> f64 {
    let ratio = |control: &&Evidence| {
        let base = landed_share(control, "base", via).filter(|share| *share > 0.0)?;
        Some(landed_share(control, attack, via)? / base)
    };
    median(controls.iter().filter_map(ratio).collect()).unwrap_or(1.0)
}

/// Y: honest transactions of a phase landed within H / offered; none where there is no such phase.
fn landed_share(evidence: &Evidence, phase: &str, via: Via) -> Option<f64> {
    let lane = evidence.phase(phase)?.lane(LaneKind::Honest, via)?;
    let horizon = evidence.parameters.horizon_blocks().into();
    (lane.offered > 0).then(|| landed_within(lane, horizon) as f64 / lane.offered as f64)
}

/// Class accuracy over all vectors of a run of which not all may be taken: allowed / answered. Throttling is neutral:
/// nothing but throttled is 1, nothing answered 0. None where no such vector was sent.
fn accuracy(evidence: &Evidence) -> Option<f64> {
    let (mut allowed, mut answered, mut throttled, mut silent) = (0u128, 0u128, 0u128, 0u128);
    let mut sent = false;
    for lane in evidence.phases.iter().flat_map(|phase| &phase.lanes) {
        let Some(vector) = lane.kind.vector() else { continue };
        let Some(may_take) = vector.may_take(lane.offered) else { continue };
        sent = true;
        for (class, count) in &lane.outcomes {
            *slot(*class, [&mut answered, &mut throttled, &mut silent]) += u128::from(*count);
            allowed += u128::from(match class {
                Class::Accepted => may_take.min(*count),
                class if vector.allows(*class) => *count,
                _ => 0,
            });
        }
    }
    sent.then_some(if answered > 0 {
        allowed as f64 / answered as f64
    } else if throttled > 0 && silent == 0 {
        1.0
    } else {
        0.0
    })
}

fn slot(class: Class, [answered, throttled, silent]: [&mut u128; 3]) -> &mut u128 {
    match class {
        class if class.is_answer() => answered,
        Class::Throttled => throttled,
        _ => silent,
    }
}
