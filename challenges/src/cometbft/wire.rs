//! The few pieces of protocol buffers that CometBFT hashes and signs, and the trees it hashes them into.
//! Sources: cometbft v0.38 proto/tendermint/types/{types,canonical}.proto, crypto/merkle/{hash,tree}.go.

use sha2::{Digest as _, Sha256};

/// SHA-256.
pub(super) type Hash = [u8; 32];

/// A message under construction. As in proto3, a field of value 0 or without bytes is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A whole number; negative ones take ten bytes.
    pub(super) fn varint(mut self, field: u8, value: i64) -> Self {
        if value != 0 {
            self.0.push(field << 3);
            self.raw_varint(value as u64);
        }
        self
    }

    /// A whole number of eight bytes, lowest first.
    pub(super) fn fixed(mut self, field: u8, value: i64) -> Self {
        if value != 0 {
            self.0.push(field << 3 | 1);
            self.0.extend_from_slice(&value.to_le_bytes());
        }
        self
    }

    /// Bytes or text.
    pub(super) fn bytes(mut self, field: u8, value: &[u8]) -> Self {
        if !value.is_empty() {
            self.0.push(field << 3 | 2);
            self.raw_varint(value.len() as u64);
            self.0.extend_from_slice(value);
        }
        self
    }

    /// A message in the message; an empty one is written too.
    pub(super) fn message(mut self, field: u8, value: &Self) -> Self {
        self.0.push(field << 3 | 2);
        self.raw_varint(value.0.len() as u64);
        self.0.extend_from_slice(&value.0);
        self
    }

    /// The bytes.
    pub(super) fn encode(self) -> Vec<u8> {
        self.0
    }

    /// The bytes with their number before them.
    pub(super) fn encode_delimited(self) -> Vec<u8> {
        let mut out = Self::new();
        out.raw_varint(self.0.len() as u64);
        out.0.extend_from_slice(&self.0);
        out.0
    }
}

/// SHA-256 of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The root of the tree over `leaves` (as RFC 6962: leaves are marked 0, inner nodes 1).
pub(super) fn merkle_root<T: AsRef<[u8]>>(leaves: &[T]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => Sha256::new().chain_update([0]).chain_update(leaf).finalize().into(),
        _ => {
            // The largest power of two below the number of leaves.
            let left = leaves.len().div_ceil(2).next_power_of_two();
            let (left, right) = leaves.split_at(left);
            let inner = Sha256::new().chain_update([1]);
            inner.chain_update(merkle_root(left)).chain_update(merkle_root(right)).finalize().into()
        }
    }
}

/// An instant as the chain writes it, such as `2026-11-25T17:13:38.108577567Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    /// Since 1970.
    seconds: i64,
    nanos: u32,
}

impl Time {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let possible = (1..=12).contains(&month) && (1..=31).contains(&day);
        if !possible || hour > 23 || minute > 59 || second > 60 || fraction.len() > 9 {
            return None;
        }
        let nanos = if fraction.is_empty() { 0 } else { digits(fraction)? };
        let nanos = nanos * 10u32.pow(9 - fraction.len() as u32);
        let of_day = hour * 3_600 + minute * 60 + second;
        let seconds = days(year.into(), month.into(), day.into()) * 86_400 + i64::from(of_day);
        Some(Self { seconds, nanos })
    }

    pub(super) fn message(self) -> Message {
        Message::new().varint(1, self.seconds).varint(2, self.nanos.into())
    }
}

/// Three numbers of so many digits with `mark` between them.
fn numbers(text: &str, mark: char, lengths: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(mark);
    let mut found = [0; 3];
    for (number, length) in found.iter_mut().zip(lengths) {
        *number = digits(parts.next().filter(|part| part.len() == length)?)?;
    }
    parts.next().is_none().then_some(found)
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that the leap day is
/// a year's last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_to_the_nanosecond() {
        let time = |text| Time::parse(text).map(|time| (time.seconds, time.nanos));
        assert_eq!(time("1970-01-01T00:00:00Z"), Some((0, 0)));
        assert_eq!(time("2026-11-25T17:13:38.108577567Z"), Some((1_795_626_818, 108_577_567)));
        assert_eq!(time("2024-02-29T23:59:59.5Z"), Some((1_709_251_199, 500_000_000)));
        assert_eq!(time("0001-01-01T00:00:00Z"), Some((-62_135_596_800, 0)));
        for bad in [
            "",
            "2026-11-25",
            "2026-13-01T00:00:00Z",
            "2026-11-25T17:13:38+01:00",
            "2026-1-25T17:13:38Z",
            "2026-11-25T17:13:38.1085775670Z",
            "2026-11-25T17:13:38.-1Z",
            "+026-11-25T17:13:38Z",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    #[test]
    fn trees_split_at_the_largest_power_of_two() {
        let leaf = |text: &str| Sha256::new().chain_update([0]).chain_update(text).finalize();
        let inner = |left: &[u8], right: &[u8]| {
            Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize()
        };
        assert_eq!(hex::encode(merkle_root::<&str>(&[]))[..8], *"e3b0c442");
        let three = inner(&inner(&leaf("a"), &leaf("b")), &leaf("c"));
        assert_eq!(merkle_root(&["a", "b", "c"])[..], three[..]);
        let four = inner(&inner(&leaf("a"), &leaf("b")), &inner(&leaf("c"), &leaf("d")));
        assert_eq!(merkle_root(&["a", "b", "c", "d"])[..], four[..]);
        let five = inner(&four, &leaf("e"));
        assert_eq!(merkle_root(&["a", "b", "c", "d", "e"])[..], five[..]);
    }
}
