//! RLP.

use alloy_rlp::{Encodable, Header};

/// RLP of one value.
pub(crate) fn encoded(value: &impl Encodable) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.length());
    value.encode(&mut out);
    out
}

/// RLP of a list whose items are encoded already.
pub(crate) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload_length = items.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(payload_length + 9);
    Header { list: true, payload_length }.encode(&mut out);
    out.extend(items.iter().flatten());
    out
}
