//! Who gets a seat, and how sure that is (MEASURE 4).

use crate::estimate::Estimate;
use crate::rulebook::Confidence;
use crate::scale::most;
use crate::tables::phi_per_mille;

/// What one operator's estimate means for the seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chance {
    /// Chance of a seat, per mille.
    pub(crate) per_mille: u32,
    /// Whether it is within the lottery about the line.
    pub(crate) lottery: bool,
    /// Whether the key admits it.
    pub(crate) admitted: bool,
}

/// The chances of these operators (in a fixed order, which breaks ties of the key) for `seats`
/// seats. With a seat for everybody, or for nobody, there is no line and no doubt.
pub(crate) fn chances(rules: &Confidence, all: &[Estimate], seats: u32, common: f64) -> Vec<Chance> {
    let seats = usize::try_from(seats).unwrap_or(usize::MAX);
    let order = by_key(all);
    let key = |place: usize| order.get(place).and_then(|index| all.get(*index)).map(Estimate::seat_key);
    let (Some(last_in), Some(first_out)) = (seats.checked_sub(1).and_then(key), key(seats)) else {
        let (per_mille, admitted) = if seats == 0 { (0, false) } else { (1_000, true) };
        return vec![Chance { per_mille, lottery: false, admitted }; all.len()];
    };
    let line = (last_in + first_out) / 2.0;
    let margin = most(f64::from(rules.lottery_points), common / f64::from(rules.lottery_windows).sqrt());
    let admitted = |index| order.iter().take(seats).any(|one| *one == index);
    let chance = |(index, one): (usize, &Estimate)| Chance {
        per_mille: phi_per_mille((one.mean - line) / one.error),
        lottery: !one.high_variance && one.mean - line <= margin && line - one.mean <= margin,
        admitted: admitted(index),
    };
    all.iter().enumerate().map(chance).collect()
}

/// Indices by seat key, highest first.
fn by_key(all: &[Estimate]) -> Vec<usize> {
    let mut order: Vec<(f64, usize)> = all.iter().map(Estimate::seat_key).zip(0..).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, index)| index).collect()
}

/// Expected number of wrong seats, thousandths of a seat: the sum of (1 - P) over the admitted.
pub(crate) fn expected_wrong(chances: &[Chance]) -> u32 {
    chances.iter().filter(|chance| chance.admitted).map(|chance| 1_000 - chance.per_mille.min(1_000)).sum()
}
