//! The season file as it is written: its tables and their defaults.

use model::plan::duty::Duty;
use model::plan::key_change::KeyChange;
use model::trial::{Path as LoadPath, SpamDefense, TrafficThroughput};
use model::{ChallengeKey, Parameters, Role, Schedule};
use serde::Deserialize;
use toml::Spanned;

use crate::profile::Profile;

/// A season file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonFile {
    /// Name on pages.
    pub name: Spanned<String>,
    /// `standard` or `quick`.
    #[serde(default = "quick")]
    pub rulebook: Spanned<String>,
    /// Windows in which everybody is measured.
    pub windows: Spanned<u32>,
    /// Seats to be filled.
    pub seats: Spanned<u32>,
    /// Attempts at a run before its slot is given up when each was void.
    #[serde(default = "three")]
    pub attempts: Spanned<u32>,
    /// Requests per second to any node that nothing may exceed [default: what the trials need].
    pub ceiling: Option<Spanned<u32>>,
    /// Requests per second in all that nothing may exceed.
    #[serde(default = "overall")]
    pub overall_ceiling: Spanned<u32>,
    /// The chain.
    pub network: NetworkTable,
    /// Who takes part.
    #[serde(rename = "operator", default)]
    pub operators: Vec<Spanned<OperatorTable>>,
    /// What is measured.
    #[serde(rename = "trial", default)]
    pub trials: Vec<Spanned<TrialTable>>,
}

/// `[network]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkTable {
    /// Chain family: `evm`, `clique`, `kaia`, `cometbft`.
    pub family: Spanned<String>,
    /// Chain id; 0 for a family whose chain ids are text (cometbft).
    pub chain_id: u64,
    /// Genesis hash.
    pub genesis: Spanned<String>,
    /// Rises when the network is reset.
    #[serde(default = "one")]
    pub incarnation: u32,
    /// RPC of a node that is only read from.
    pub reference: Spanned<String>,
    /// Its validator, if it has one: its seat counts as the controls' do.
    pub validator: Option<Spanned<String>>,
}

/// `[[operator]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorTable {
    /// Identifier.
    pub id: Spanned<String>,
    /// Name on pages [default: the identifier].
    pub name: Option<String>,
    /// Candidate or control.
    #[serde(default = "candidate")]
    pub role: Role,
    /// RPC of the node.
    pub rpc: Spanned<String>,
    /// Its validator on the chain: needed by `duty` and `key-change`.
    pub validator: Option<Spanned<String>>,
}

/// `[[trial]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialTable {
    /// Identifier [default: the challenge's name].
    pub id: Option<Spanned<String>>,
    /// Which challenge.
    pub challenge: ChallengeKey,
    /// How load reaches the nodes.
    #[serde(default = "direct")]
    pub path: LoadPath,
    /// Together or one at a time.
    #[serde(default = "alone")]
    pub schedule: Schedule,
    /// Weight in the total.
    #[serde(default = "one")]
    pub weight: u32,
    /// Where the parameters come from unless they stand here.
    #[serde(default = "profile")]
    pub profile: Profile,
    /// Parameters of `traffic-throughput`.
    pub traffic: Option<TrafficThroughput>,
    /// Parameters of `spam-defense`.
    pub spam: Option<SpamDefense>,
    /// Parameters of `duty`.
    pub duty: Option<Duty>,
    /// Parameters of `key-change`.
    #[serde(rename = "key-change")]
    pub key_change: Option<KeyChange>,
}

impl TrialTable {
    /// Whether its parameters are the profile's.
    pub fn has_usual(&self) -> bool {
        self.traffic.is_none() && self.spam.is_none() && self.duty.is_none() && self.key_change.is_none()
    }

    /// The parameters that stand in the table, else the profile's; none when it has those of another challenge.
    pub fn parameters(&self) -> Option<Parameters> {
        let given = [
            self.traffic.clone().map(Parameters::TrafficThroughput),
            self.spam.clone().map(Parameters::SpamDefense),
            self.duty.clone().map(Parameters::Duty),
            self.key_change.clone().map(Parameters::KeyChange),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (None, _) => Some(self.profile.parameters(self.challenge)),
            (Some(one), None) if one.challenge() == self.challenge => Some(one),
            _ => None,
        }
    }
}

fn quick() -> Spanned<String> {
    Spanned::new(0..0, "quick".into())
}
fn three() -> Spanned<u32> {
    Spanned::new(0..0, 3)
}
fn one() -> u32 {
    1
}
fn overall() -> Spanned<u32> {
    Spanned::new(0..0, 40_000)
}
fn candidate() -> Role {
    Role::Candidate
}
fn direct() -> LoadPath {
    LoadPath::Direct
}
fn alone() -> Schedule {
    Schedule::Alone
}
fn profile() -> Profile {
    Profile::Quick
}
