//! Names of seasons, operators and trials as they stand in files, addresses and pages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no identifier: use 1 to 40 of a-z, 0-9 and -, not beginning or ending with -")]
pub struct NotAnId(String);

fn check(text: &str) -> Result<String, NotAnId> {
    let good = (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if good { Ok(text.to_owned()) } else { Err(NotAnId(text.chars().take(60).collect())) }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                check(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

identifier!(
    /// A season, for example `spring-2027`: safe in a file name and an address.
    SeasonId
);
identifier!(
    /// An operator of a season, for example `alpha`: safe in a file name and an address.
    OperatorId
);
identifier!(
    /// A trial of a season, for example `traffic-throughput` or `door`.
    TrialId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_safe_in_paths() {
        assert!("alpha-2".parse::<OperatorId>().is_ok());
        for bad in ["", "-a", "a-", "A", "a/b", "..", "a b", "\u{202e}a", &"a".repeat(41)] {
            assert!(bad.parse::<OperatorId>().is_err(), "{bad:?}");
        }
    }
}
