//! The evidence that a publication rests on, by run name.

use std::collections::BTreeMap;

use model::{Digest, Evidence};

/// Evidence with the digest of its one JSON form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    digest: Digest,
    evidence: Evidence,
}

impl Filed {
    /// Files evidence; works out its digest.
    pub fn new(evidence: Evidence) -> Self {
        Self { digest: Digest::of(&evidence), evidence }
    }

    /// Digest of the evidence.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The evidence.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// Every run of a season so far, void ones too, by [`model::RunKey`] as text.
pub type Record = BTreeMap<String, Filed>;

/// The record of these runs. Of two with the same name the later one stays.
pub fn record(evidence: impl IntoIterator<Item = Evidence>) -> Record {
    evidence.into_iter().map(|one| (one.run.to_string(), Filed::new(one))).collect()
}
