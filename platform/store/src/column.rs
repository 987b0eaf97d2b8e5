//! How words, digests and numbers stand in columns.

use model::Digest;
use serde::de::value::{Error as NoSuchWord, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// Text as it may be stored: PostgreSQL takes no NUL, so SQLite is not given one either.
pub(crate) fn text<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    if text.contains('\0') {
        return Err(Error::Invalid(format!(
            "the {what} contains the character NUL, which cannot be stored: leave it out"
        )));
    }
    Ok(text)
}

/// As [`text`], and not empty.
pub(crate) fn filled<'a>(what: &str, given: &'a str) -> Result<&'a str> {
    if given.trim().is_empty() {
        return Err(Error::Invalid(format!("the {what} is empty: give one")));
    }
    text(what, given)
}

/// As [`text`], where there is any.
pub(crate) fn optional<'a>(what: &str, given: Option<&'a str>) -> Result<Option<&'a str>> {
    given.map(|given| text(what, given)).transpose()
}

/// A word of `model` (a unit variant) as its JSON form writes it.
pub(crate) fn word<T: Serialize>(word: T) -> String {
    match serde_json::to_value(word) {
        Ok(Value::String(text)) => text,
        other => unreachable!("a word's JSON form is a string, not {other:?}"),
    }
}

/// The word that stands in a column.
pub(crate) fn read_word<'a, T: Deserialize<'a>>(column: &str, text: &'a str) -> Result<T> {
    let deserializer: StrDeserializer<'a, NoSuchWord> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| Error::Damaged(format!("{column}: {error}")))
}

/// What parses from a column.
pub(crate) fn parsed<T: std::str::FromStr>(column: &str, text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| Error::Damaged(format!("{column} `{text}`: {error}")))
}

/// A count from a column.
pub(crate) fn count<T: TryFrom<i64>>(column: &str, number: i64) -> Result<T> {
    T::try_from(number).map_err(|_| Error::Damaged(format!("{column} is {number}")))
}

/// A document of this digest, read back.
pub(crate) fn document<T: DeserializeOwned>(what: &str, bytes: &[u8], digest: &str) -> Result<T> {
    if Digest::of_bytes(bytes).to_string() != digest {
        return Err(Error::Damaged(format!("{what} does not match its digest {digest}")));
    }
    serde_json::from_slice(bytes).map_err(|error| Error::Damaged(format!("{what}: {error}")))
}

#[cfg(test)]
mod tests {
    use model::{Role, Stage};

    use super::*;

    #[test]
    fn words_come_back() {
        assert_eq!(word(Role::Candidate), "candidate");
        assert_eq!(read_word::<Stage>("stage", &word(Stage::Trials)).unwrap(), Stage::Trials);
        let error = read_word::<Stage>("stage", "nowhere").unwrap_err().to_string();
        assert!(error.contains("stage") && error.contains("nowhere"), "{error}");
    }

    #[test]
    fn nul_is_refused_in_words() {
        assert!(text("name", "가 \u{202e} '; --").is_ok());
        let error = text("name", "a\0b").unwrap_err().to_string();
        assert!(error.contains("name") && error.contains("NUL"), "{error}");
    }
}
