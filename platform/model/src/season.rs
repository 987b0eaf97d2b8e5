//! A recruitment round as it is published: no addresses, no contacts.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{OperatorId, TrialId};
use crate::trial::Trial;

/// The chain that a season runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Chain family, which names the driver: `evm`, `clique`, `kaia`, `cometbft`.
    pub family: String,
    /// Chain id; 0 for a family whose chain ids are text, which the hash of its first block then commits to.
    pub chain_id: u64,
    /// Hash of the first block as the chain writes it (`0x` and 64 hexadecimal digits; CometBFT: upper case, without
    /// `0x`).
    pub genesis: String,
    /// Rises when the network is reset.
    pub incarnation: u32,
}

/// What an operator is in a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Applies for a seat.
    Candidate,
    /// Run by the foundation or known good; measured like everybody, never ranked.
    Control,
}

/// Who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Its identifier in files and addresses.
    pub id: OperatorId,
    /// Its name on pages.
    pub name: String,
    /// Candidate or control.
    pub role: Role,
    /// Its validator on the chain, as the chain writes it; none where no trial asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
}

/// One recruitment round, frozen: what is measured, on whom, how often, and for how many seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// Version of this form.
    pub schema: u32,
    /// Name on pages.
    pub name: String,
    /// A demonstration: nothing it publishes is an admission.
    pub demonstration: bool,
    /// The chain.
    pub network: Network,
    /// The validator of the reference, where it has one: the foundation's, like those of the controls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_validator: Option<String>,
    /// Candidates and controls.
    pub operators: Vec<Operator>,
    /// What is measured.
    pub trials: Vec<Trial>,
    /// Windows in which everybody is measured.
    pub windows: u32,
    /// Attempts at a run before its slot is given up when each attempt was void.
    pub attempts: u32,
    /// Seats to be filled.
    pub seats: u32,
    /// Digest of the rulebook.
    pub rulebook: Digest,
    /// Commitment to the season's seed, revealed by the final publication.
    pub seed_commitment: Digest,
}

impl Season {
    /// Version of the form that this code writes.
    pub const SCHEMA: u32 = 1;

    /// The operator of this id.
    pub fn operator(&self, id: &OperatorId) -> Option<&Operator> {
        self.operators.iter().find(|operator| operator.id == *id)
    }

    /// The trial of this id.
    pub fn trial(&self, id: &TrialId) -> Option<&Trial> {
        self.trials.iter().find(|trial| trial.id == *id)
    }

    /// Those who apply.
    pub fn candidates(&self) -> impl Iterator<Item = &Operator> {
        self.operators.iter().filter(|operator| operator.role == Role::Candidate)
    }

    /// Validators that are known good: those of the controls, and of the reference.
    pub fn healthy(&self) -> impl Iterator<Item = &str> {
        let controls = self.controls().filter_map(|control| control.validator.as_deref());
        controls.chain(self.reference_validator.as_deref())
    }

    /// Those they are held against.
    pub fn controls(&self) -> impl Iterator<Item = &Operator> {
        self.operators.iter().filter(|operator| operator.role == Role::Control)
    }
}
