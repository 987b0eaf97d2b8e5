//! Dates from Unix milliseconds, without a clock. Files for machines and English pages have UTC;
//! Korean pages have Korean time, which has kept nine hours ahead since 1988, with UTC beside it.

use crate::shell::Language;

/// Korean time is ahead of UTC by this much, milliseconds.
const AHEAD_MS: u64 = 9 * 3_600_000;

/// As a page in this language shows it: `2026-11-23 13:33:10 UTC`, or
/// `2026-11-23 22:33:10 KST`, a new line, `(13:33:10 UTC)`; the day in UTC stands there too where it is another.
pub(crate) fn shown(language: Language, ms: u64) -> String {
    let there = utc(ms);
    if language == Language::English {
        return there;
    }
    let here = utc(ms.saturating_add(AHEAD_MS)).replace("UTC", "KST");
    let same_day = here.split(' ').next() == there.split(' ').next();
    let brief = there.split_once(' ').filter(|_| same_day).map_or(there.as_str(), |(_, time)| time);
    // The line breaks there or nowhere: style sheets that keep it set UTC below.
    format!("{here}\n({brief})")
}

/// `2026-11-23 13:33:10 UTC`.
pub(crate) fn utc(ms: u64) -> String {
    let seconds = ms / 1000;
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `2026-11-23T13:33:10Z`, for machines.
pub(crate) fn iso(ms: u64) -> String {
    utc(ms).replacen(' ', "T", 1).replace(" UTC", "Z")
}

/// Year, month and day of the Gregorian calendar, of a count of days since 1970-01-01.
///
/// Years are counted from March, so that the leap day is a year's last: then the day of the year
/// follows from the month by one linear formula. An era is 400 years, which is 146,097 days.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_399_999), "2000-02-28 23:59:59 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_635_552_000_000), "2021-10-30 00:00:00 UTC");
        assert_eq!(utc(4_107_542_400_000), "2100-03-01 00:00:00 UTC");
        assert_eq!(iso(1_700_000_000_000), "2023-11-14T22:13:20Z");
    }

    #[test]
    fn korean_pages_have_korean_time_and_utc() {
        let day = "2023-11-14 22:13:20 UTC";
        assert_eq!(shown(Language::English, 1_700_000_000_000), day);
        assert_eq!(shown(Language::Korean, 1_700_000_000_000), format!("2023-11-15 07:13:20 KST\n({day})"));
        assert_eq!(shown(Language::Korean, 1_699_950_000_000), "2023-11-14 17:20:00 KST\n(08:20:00 UTC)");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = civil(0);
        for day in 1..100_000 {
            let now = civil(day);
            let next_day = now.0 == before.0 && now.1 == before.1 && now.2 == before.2 + 1;
            let next_month = now.0 == before.0 && now.1 == before.1 + 1 && now.2 == 1 && before.2 >= 28;
            let next_year = now == (before.0 + 1, 1, 1) && (before.1, before.2) == (12, 31);
            assert!(next_day || next_month || next_year, "{before:?} -> {now:?}");
            before = now;
        }
    }
}
