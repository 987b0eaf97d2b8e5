//! Wall clock times, which callers bring: nothing in the store reads a clock.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::row::bigint;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMs(i64);

bigint!(UnixMs);

impl UnixMs {
    /// This many milliseconds since 1970; times after the year 292 million are all the last one.
    pub fn from_millis(millis: u64) -> Self {
        Self(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }

    /// The time `later` than this, to the millisecond.
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(later.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// Times before 1970 are 1970.
impl From<SystemTime> for UnixMs {
    fn from(time: SystemTime) -> Self {
        Self(0).plus(time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
    }
}

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
