//! Instants as RFC 3339 writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The last instant that four digits of a year can say, milliseconds since 1970: 9999-12-31T23:59:59Z.
const LAST_MS: u64 = 253_402_300_799_000;
const DAY_S: i64 = 86_400;

/// An instant from 1970 to 9999 with the text that it was read from, which a signature may cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    text: String,
    ms: u64,
}

/// The text is no instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as RFC 3339 does, such as 2026-11-23T13:33:10Z, between the years 1970 and 9999")]
pub struct NotATimestamp;

impl Timestamp {
    /// The instant `ms` milliseconds after 1970 began, cut to whole seconds; what is after the year
    /// 9999 becomes its last second.
    pub fn from_ms(ms: u64) -> Self {
        let seconds = ms.min(LAST_MS) / 1000;
        let (year, month, day) = civil(seconds / DAY_S as u64);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        Self { text, ms: seconds * 1000 }
    }

    /// Milliseconds since 1970 began; finer fractions of the text are cut off.
    pub fn ms(&self) -> u64 {
        self.ms
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `date-time` of RFC 3339 section 5.6. A leap second is refused: none has been since 2016.
impl FromStr for Timestamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        let ms = read(text).ok_or(NotATimestamp)?;
        Ok(Self { text: text.to_owned(), ms })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

fn read(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if bytes.len() < 20 || marks.iter().any(|&(at, mark)| bytes[at].to_ascii_uppercase() != mark) {
        return None;
    }
    let (year, month, day) =
        (number(&bytes[..4], 9999)?, number(&bytes[5..7], 12)?, number(&bytes[8..10], 31)?);
    let (hour, minute, second) =
        (number(&bytes[11..13], 23)?, number(&bytes[14..16], 59)?, number(&bytes[17..19], 59)?);
    if month == 0 || day == 0 || day > days_in(year, month) {
        return None;
    }
    let (fraction_ms, zone) = fraction(&bytes[19..])?;
    let seconds = days(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - offset(zone)?;
    let ms = u64::try_from(seconds * 1000 + fraction_ms).ok()?;
    (ms <= LAST_MS + 999).then_some(ms)
}

/// Decimal digits and nothing else, not above `most`.
fn number(digits: &[u8], most: i64) -> Option<i64> {
    let digit = |sum: i64, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
    digits.iter().try_fold(0, digit).filter(|number| *number <= most)
}

/// The fraction of a second in whole milliseconds, and what follows it.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = rest.split_at(count);
    if !(1..=9).contains(&count) {
        return None;
    }
    let padded = [digits, b"00"].concat();
    Some((number(&padded[..3], 999)?, zone))
}

/// Seconds by which local time is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let ahead = number(&[h1, h2], 23)? * 3600 + number(&[m1, m2], 59)? * 60;
            Some(if sign == b'-' { -ahead } else { ahead })
        }
        _ => None,
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is a year's last: then the day of the year
/// follows from the month by one linear formula. An era is 400 years, which is 146,097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * from_march + 2) / 5;
    era * 146_097 + day_of_era + day - 1 - 719_468
}

/// Year, month and day of a count of days since 1970-01-01: the inverse of [`days`].
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Option<u64> {
        text.parse::<Timestamp>().ok().map(|time| time.ms())
    }

    /// The first four from RFC 3339 section 5.8; numbers by `date -d … +%s%3N`.
    #[test]
    fn known_instants() {
        for (text, expected) in [
            ("1985-04-12T23:20:50.52Z", 482_196_050_520),
            ("1996-12-19T16:39:57-08:00", 851_042_397_000),
            ("1996-12-20T00:39:57Z", 851_042_397_000),
            ("1937-01-01T12:00:27.87+00:20", u64::MAX),
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T09:00:00+09:00", 0),
            ("2000-02-29t00:00:00z", 951_782_400_000),
            ("2026-11-23T13:33:10.123456789Z", 1_795_440_790_123),
            ("9999-12-31T23:59:59.999Z", LAST_MS + 999),
        ] {
            assert_eq!(ms(text), (expected != u64::MAX).then_some(expected), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_instant() {
        for odd in [
            "",
            "2026-11-23",
            "2026-11-23 13:33:10Z",
            "2026-11-23T13:33:10",
            "2026-11-23T13:33Z",
            "2026-11-23T13:33:10Z ",
            " 2026-11-23T13:33:10Z",
            "2026-11-23T13:33:10.Z",
            "2026-11-23T13:33:10.1234567890Z",
            "2026-11-23T13:33:10,5Z",
            "2026-11-23T13:33:10+0900",
            "2026-11-23T13:33:10+24:00",
            "2026-11-23T13:33:10+09:60",
            "2026-11-23T13:33:60Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T13:60:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-13-10T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "+026-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "２026-11-23T13:33:10Z",
            "1795440790",
        ] {
            assert_eq!(ms(odd), None, "{odd}");
        }
    }

    #[test]
    fn days_are_written_and_read_back() {
        for day in (0..LAST_MS / 86_400_000).step_by(13) {
            let instant = day * 86_400_000 + day % 86_400 * 1000;
            let written = Timestamp::from_ms(instant + 999);
            assert_eq!(written.ms(), instant);
            assert_eq!(written.to_string().parse(), Ok(written));
        }
        assert_eq!(Timestamp::from_ms(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_ms(1_700_000_000_000).to_string(), "2023-11-14T22:13:20Z");
    }
}
