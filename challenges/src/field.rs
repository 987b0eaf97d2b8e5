//! Fields of headers as JSON writes them, in Ethereum and its relatives.

use alloy_primitives::{B256, U256};
use serde_json::Value;

use crate::driver::Malformed;

/// How a field is written in JSON, which is also how it is read.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Data,
    Number,
}

impl Form {
    /// The bytes that the field's encoding is of.
    pub(crate) fn read(self, told: &Value, name: &str) -> Result<Vec<u8>, Malformed> {
        match self {
            Self::Data => data(told, name),
            Self::Number => Ok(number(told, name)?.to_be_bytes_trimmed_vec()),
        }
    }
}

fn digits<'a>(told: &'a Value, name: &str) -> Result<&'a str, Malformed> {
    let text = told.get(name).and_then(Value::as_str).and_then(|text| text.strip_prefix("0x"));
    text.ok_or_else(|| Malformed(format!("no `{name}` in the block")))
}

/// Bytes, of any length.
pub(crate) fn data(told: &Value, name: &str) -> Result<Vec<u8>, Malformed> {
    hex::decode(digits(told, name)?).map_err(|_| Malformed(format!("`{name}` of the block is no data")))
}

/// A number.
pub(crate) fn number(told: &Value, name: &str) -> Result<U256, Malformed> {
    let digits = digits(told, name)?;
    let number = (1..=64).contains(&digits.len()).then(|| U256::from_str_radix(digits, 16).ok()).flatten();
    number.ok_or_else(|| Malformed(format!("`{name}` of the block is no number")))
}

/// A hash.
pub(crate) fn hash(told: &Value, name: &str) -> Result<B256, Malformed> {
    let bytes = data(told, name)?;
    B256::try_from(bytes.as_slice()).map_err(|_| Malformed(format!("`{name}` of the block is no hash")))
}
