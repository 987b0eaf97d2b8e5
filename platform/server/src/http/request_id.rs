//! A name for every request, the same in the answer and in the log.

use std::fmt::{self, Display};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use axum::http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

/// The header that carries it.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest name taken from a trusted proxy, bytes.
const LONGEST: usize = 64;

/// The name of one request; the shell adds it to every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// A proxy's own name for the request, if it is one that can stand in a log.
    pub(super) fn given(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
        (plain && !bytes.is_empty() && bytes.len() <= LONGEST).then(|| Self(value.clone()))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// Makes names of 128 bits that tell neither how many requests there were nor what comes next.
#[derive(Debug)]
pub struct RequestIds {
    seed: [u8; 32],
    count: AtomicU64,
}

impl RequestIds {
    /// Names of this seed; the same seed gives the same names.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    /// Names that no other process gives.
    ///
    /// # Errors
    /// When the operating system has no randomness.
    pub fn random() -> anyhow::Result<Self> {
        let mut seed = [0; 32];
        let mut source = std::fs::File::open("/dev/urandom").context("cannot open /dev/urandom")?;
        source.read_exact(&mut seed).context("cannot read /dev/urandom")?;
        Ok(Self::new(seed))
    }

    /// The next name.
    pub(super) fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new().chain_update(self.seed).chain_update(count.to_be_bytes()).finalize();
        let text = hex::encode(&digest[..16]);
        RequestId(HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("none")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_request_has_a_name_of_its_own() {
        let ids = RequestIds::new([7; 32]);
        let names: BTreeSet<String> = (0..1_000).map(|_| ids.next().to_string()).collect();
        assert_eq!(names.len(), 1_000);
        assert!(names.iter().all(|name| name.len() == 32));
    }

    #[test]
    fn what_could_forge_a_log_line_is_no_name() {
        let given = |text: &str| RequestId::given(&HeaderValue::from_str(text).expect("a value"));
        assert_eq!(given("req-7_a.b").map(|id| id.to_string()).as_deref(), Some("req-7_a.b"));
        for bad in ["", "a b", "a\"b", "a=b", &"x".repeat(65)] {
            assert_eq!(given(bad), None, "{bad:?}");
        }
    }
}
