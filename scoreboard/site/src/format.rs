//! Numbers as people read them, from integers only.

use model::{Digest, Points};

/// What stands where there is no number.
pub(crate) const NONE: &str = "–";

/// The minus sign of pages; files for machines have `-`.
const MINUS: &str = "−";

/// Thousandths of a point as `87.3`, rounded half away from zero.
pub(crate) fn points(thousandths: Points) -> String {
    let tenths = (thousandths.unsigned_abs() + 50) / 100;
    let sign = if thousandths < 0 && tenths > 0 { MINUS } else { "" };
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

/// Thousandths as they are, `87.345`, for machines.
pub(crate) fn exact(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    let size = thousandths.unsigned_abs();
    format!("{sign}{}.{:03}", size / 1000, size % 1000)
}

/// Points, or a dash.
pub(crate) fn points_or_none(value: Option<Points>) -> String {
    value.map_or_else(|| NONE.into(), points)
}

/// Per mille as `95.0 %`.
pub(crate) fn per_mille(value: i64) -> String {
    let sign = if value < 0 { MINUS } else { "" };
    let size = value.unsigned_abs();
    format!("{sign}{}.{}\u{a0}%", size / 10, size % 10)
}

/// `12,345`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration with two or three digits that matter, held together by a no-break space: `850 µs`, `12.3 ms`, `2.35 s`, `4 min 10 s`.
pub(crate) fn duration_us(us: u64) -> String {
    match us {
        0..1_000 => format!("{us}\u{a0}µs"),
        1_000..9_995 => fixed(us, 1_000, 2, "ms"),
        9_995..99_950 => fixed(us, 1_000, 1, "ms"),
        99_950..999_500 => fixed(us, 1_000, 0, "ms"),
        999_500..9_995_000 => fixed(us, 1_000_000, 2, "s"),
        9_995_000..120_000_000 => fixed(us, 1_000_000, 1, "s"),
        _ => format!("{}\u{a0}min\u{a0}{}\u{a0}s", us / 60_000_000, us / 1_000_000 % 60),
    }
}

/// A signed duration: differences between candidate and control have a sign.
pub(crate) fn signed_us(us: i64) -> String {
    let text = duration_us(us.unsigned_abs());
    if us < 0 { format!("{MINUS}{text}") } else { text }
}

/// A duration, or a dash.
pub(crate) fn duration_or_none(us: Option<u64>) -> String {
    us.map_or_else(|| NONE.into(), duration_us)
}

fn fixed(value: u64, unit: u64, decimals: u32, name: &str) -> String {
    let scale = 10u64.pow(decimals);
    let scaled = (value * scale + unit / 2) / unit;
    if decimals == 0 {
        return format!("{scaled}\u{a0}{name}");
    }
    format!("{}.{:0width$}\u{a0}{name}", scaled / scale, scaled % scale, width = decimals as usize)
}

/// The beginning of a digest; pages show the whole one on hovering or beside it.
pub(crate) fn short(digest: &Digest) -> String {
    digest.to_string()[..12].to_owned()
}

/// An observation in its unit.
pub(crate) fn observed(value: i64, unit: &str) -> String {
    match unit {
        "us" => signed_us(value),
        "ms" => signed_us(value.saturating_mul(1_000)),
        "per mille" => per_mille(value),
        "" => value.to_string(),
        _ => format!("{value} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_one_decimal() {
        let shown: Vec<_> = [0, 49, 50, 87_345, 99_960, 100_000, -50, -1].map(points).into();
        assert_eq!(shown, ["0.0", "0.0", "0.1", "87.3", "100.0", "100.0", "−0.1", "0.0"]);
        assert_eq!(exact(87_345), "87.345");
        assert_eq!(exact(-5), "-0.005");
    }

    #[test]
    fn counts_have_commas() {
        let shown: Vec<_> = [0, 999, 1_000, 12_345, 1_234_567].map(count).into();
        assert_eq!(shown, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn durations_are_for_people() {
        let cases = [
            (0, "0\u{a0}µs"),
            (999, "999\u{a0}µs"),
            (1_000, "1.00\u{a0}ms"),
            (9_994, "9.99\u{a0}ms"),
            (9_995, "10.0\u{a0}ms"),
            (99_949, "99.9\u{a0}ms"),
            (99_950, "100\u{a0}ms"),
            (999_499, "999\u{a0}ms"),
            (999_500, "1.00\u{a0}s"),
            (34_500_000, "34.5\u{a0}s"),
            (250_000_000, "4\u{a0}min\u{a0}10\u{a0}s"),
        ];
        for (us, text) in cases {
            assert_eq!(duration_us(us), text);
        }
        assert_eq!(signed_us(-2_000), "−2.00\u{a0}ms");
    }

    #[test]
    fn observations_follow_their_unit() {
        assert_eq!(observed(950, "per mille"), "95.0\u{a0}%");
        assert_eq!(observed(-12_300, "us"), "−12.3\u{a0}ms");
        assert_eq!(observed(480, "requests/s"), "480 requests/s");
    }
}
