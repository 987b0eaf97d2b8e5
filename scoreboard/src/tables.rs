//! Pinned quantiles: the same numbers on every machine. Where a table has no entry, the next wider
//! one is taken.

/// Student's t, two-sided 95 % (0.975 quantile), thousandths, for 1 to 30 degrees of freedom; NIST/SEMATECH
/// e-Handbook of Statistical Methods 1.3.6.7.2, also by numeric integration of the density.
const T_95: [u32; 30] = [
    12_706, 4_303, 3_182, 2_776, 2_571, 2_447, 2_365, 2_306, 2_262, 2_228, 2_201, 2_179, 2_160, 2_145, 2_131,
    2_120, 2_110, 2_101, 2_093, 2_086, 2_080, 2_074, 2_069, 2_064, 2_060, 2_056, 2_052, 2_048, 2_045, 2_042,
];

/// The same, (degrees of freedom, thousandths), beyond 30.
const T_95_BEYOND: [(u32, u32); 3] = [(40, 2_021), (60, 2_000), (120, 1_980)];

/// Student's t, one-sided 90 %, thousandths, for 1 to 30 degrees of freedom; same source.
const T_90: [u32; 30] = [
    3_078, 1_886, 1_638, 1_533, 1_476, 1_440, 1_415, 1_397, 1_383, 1_372, 1_363, 1_356, 1_350, 1_345, 1_341,
    1_337, 1_333, 1_330, 1_328, 1_325, 1_323, 1_321, 1_319, 1_318, 1_316, 1_315, 1_314, 1_313, 1_311, 1_310,
];

/// The same, (degrees of freedom, thousandths), beyond 30.
const T_90_BEYOND: [(u32, u32); 3] = [(40, 1_303), (60, 1_296), (120, 1_289)];

/// The normal distribution: (k, z in thousandths, rounded up) with an upper tail of 1/k. From the
/// inverse normal distribution (Wichura 1988, algorithm AS 241).
const Z: [(u64, u32); 54] = [
    (40, 1960),
    (80, 2242),
    (120, 2394),
    (160, 2498),
    (200, 2576),
    (240, 2639),
    (280, 2691),
    (320, 2735),
    (360, 2773),
    (400, 2808),
    (440, 2838),
    (480, 2866),
    (520, 2891),
    (560, 2914),
    (600, 2936),
    (640, 2956),
    (680, 2974),
    (720, 2992),
    (760, 3008),
    (800, 3024),
    (1000, 3091),
    (1200, 3144),
    (1500, 3209),
    (2000, 3291),
    (2500, 3353),
    (3000, 3403),
    (4000, 3481),
    (5000, 3541),
    (6000, 3588),
    (8000, 3663),
    (10000, 3720),
    (20000, 3891),
    (30000, 3988),
    (50000, 4108),
    (100000, 4265),
    (200000, 4418),
    (300000, 4505),
    (500000, 4612),
    (1000000, 4754),
    (2000000, 4892),
    (3000000, 4971),
    (5000000, 5069),
    (10000000, 5200),
    (20000000, 5327),
    (30000000, 5400),
    (50000000, 5491),
    (100000000, 5613),
    (200000000, 5731),
    (300000000, 5800),
    (500000000, 5885),
    (1000000000, 5998),
    (2000000000, 6110),
    (3000000000, 6174),
    (5000000000, 6255),
];

/// Phi(x), hundred-thousandths, rounded down, for x = 0.00, 0.05 .. 4.00. From the error function
/// (Abramowitz and Stegun 26.2, table 26.1).
const PHI: [u32; 81] = [
    50000, 51993, 53982, 55961, 57925, 59870, 61791, 63683, 65542, 67364, 69146, 70884, 72574, 74215, 75803,
    77337, 78814, 80233, 81593, 82894, 84134, 85314, 86433, 87492, 88493, 89435, 90319, 91149, 91924, 92647,
    93319, 93942, 94520, 95052, 95543, 95994, 96406, 96784, 97128, 97441, 97724, 97981, 98213, 98422, 98609,
    98777, 98927, 99061, 99180, 99285, 99379, 99461, 99533, 99597, 99653, 99702, 99744, 99781, 99813, 99841,
    99865, 99885, 99903, 99918, 99931, 99942, 99951, 99959, 99966, 99971, 99976, 99980, 99984, 99986, 99989,
    99991, 99992, 99994, 99995, 99996, 99996,
];

/// Student's t for an interval that covers 95 %, two-sided; none without a degree of freedom.
pub(crate) fn t_95(degrees: u32) -> Option<f64> {
    t(&T_95, &T_95_BEYOND, degrees)
}

/// Student's t for a bound that holds with 90 %, one-sided; none without a degree of freedom.
pub(crate) fn t_90(degrees: u32) -> Option<f64> {
    t(&T_90, &T_90_BEYOND, degrees)
}

fn t(table: &[u32; 30], beyond: &[(u32, u32); 3], degrees: u32) -> Option<f64> {
    let index = usize::try_from(degrees).ok()?.checked_sub(1)?;
    let last = table.len() - 1;
    let near = table.get(index.min(last)).copied()?;
    let far = beyond.iter().rev().find(|(known, _)| *known <= degrees).map(|(_, value)| *value);
    Some(f64::from(far.unwrap_or(near)) / 1_000.0)
}

/// z with an upper tail of at most 1 / `k`. Beyond the table (more than 15,000 operators at once) the last entry.
pub(crate) fn z(k: u64) -> f64 {
    let found = Z.iter().find(|(known, _)| *known >= k).or(Z.last());
    found.map_or(0.0, |(_, value)| f64::from(*value) / 1_000.0)
}

/// Phi(x) in per mille, never surer than it is: |x| is rounded down to a step of 0.05, and beyond
/// 4.00 the entry for 4.00 is taken.
pub(crate) fn phi_per_mille(x: f64) -> u32 {
    let size = if x < 0.0 { -x } else { x };
    let index = (size * 20.0) as usize;
    let value = PHI.get(index).or(PHI.last()).copied().unwrap_or(50_000);
    let per_mille = (value + 50) / 100;
    if x < 0.0 { 1_000 - per_mille } else { per_mille }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_is_the_known_one() {
        assert_eq!([t_95(1), t_95(2), t_95(30)], [Some(12.706), Some(4.303), Some(2.042)]);
        assert_eq!([t_95(39), t_95(40), t_95(1_000)], [Some(2.042), Some(2.021), Some(1.98)]);
        assert_eq!([t_90(1), t_90(7), t_90(0)], [Some(3.078), Some(1.415), None]);
    }

    #[test]
    fn z_is_the_known_one_or_wider() {
        assert_eq!([z(40), z(200), z(1_000)], [1.960, 2.576, 3.091]);
        // Ten operators: 0.05 / 18 in one tail is 2.773; thirty at once: 0.05 / 870 in one tail.
        assert_eq!(z(360), 2.773);
        assert_eq!(z(17_400), 3.891);
        assert!((0..10_000).all(|k| z(k) <= z(k + 1)));
    }

    #[test]
    fn phi_is_the_known_one_and_symmetric() {
        assert_eq!([phi_per_mille(0.0), phi_per_mille(1.0), phi_per_mille(2.0)], [500, 841, 977]);
        assert_eq!(phi_per_mille(-1.0), 159);
        assert_eq!(phi_per_mille(1.99), phi_per_mille(1.95));
        assert_eq!([phi_per_mille(f64::INFINITY), phi_per_mille(f64::NEG_INFINITY)], [1_000, 0]);
    }

    #[test]
    fn tables_rise_and_fall_as_they_must() {
        assert!(T_95.windows(2).chain(T_90.windows(2)).all(|pair| pair[0] >= pair[1]));
        assert!(Z.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        assert!(PHI.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
