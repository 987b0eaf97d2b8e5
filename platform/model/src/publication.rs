//! What is published: a ranking with everything it rests on, chained to the one before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::digest::Digest;
use crate::draw::Seed;
use crate::ranking::Ranking;
use crate::run::{RunKey, RunState};
use crate::score::Score;

/// One run in a publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEntry {
    /// Which run.
    pub run: RunKey,
    /// Digest of its evidence.
    pub evidence: Digest,
    /// What became of it.
    pub state: RunState,
    /// Its score; none when void.
    pub score: Option<Score>,
}

/// Ranking n, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Version of this form.
    pub schema: u32,
    /// Number in the season, from 1.
    pub number: u32,
    /// Whether all windows are closed: what follows carries decisions only.
    pub last: bool,
    /// A demonstration: no admission follows from it.
    pub demonstration: bool,
    /// When it was made, Unix milliseconds.
    pub published_ms: u64,
    /// Windows closed.
    pub windows: u32,
    /// Digest of the season.
    pub season: Digest,
    /// Digest of the rulebook.
    pub rulebook: Digest,
    /// The season's seed, once revealed.
    pub seed: Option<Seed>,
    /// Digest of the publication before.
    pub previous: Option<Digest>,
    /// The ranking.
    pub ranking: Ranking,
    /// Every decision so far, oldest first.
    pub decisions: Vec<Decision>,
    /// Every run of the closed windows, void ones too, by name.
    pub runs: BTreeMap<String, RunEntry>,
}

impl Publication {
    /// Version of the form that this code writes.
    pub const SCHEMA: u32 = 1;
}
