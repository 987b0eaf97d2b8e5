//! What must have passed on a throwaway network before it may be sent to a season's: plans that can stop a chain.
//!
//! Beside a season file stands `FILE.rehearsals.json`, which `touchstone localnet rehearse` writes: for each release,
//! as its nodes call themselves, the plans that it has passed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use model::trial::Hazard;
use model::{Digest, Season};
use serde::{Deserialize, Serialize};

/// One plan that passed on one release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// Client name and version, as the nodes told it.
    pub client: String,
    /// Digest of the challenge's parameters.
    pub plan: Digest,
    /// Digest of the evidence.
    pub evidence: Digest,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// Where the rehearsals for a season file are kept.
pub fn place(season_file: &Path) -> PathBuf {
    let mut name = season_file.as_os_str().to_owned();
    name.push(".rehearsals.json");
    name.into()
}

/// The rehearsals for a season file; none where there is no record.
///
/// # Errors
/// When the record cannot be read.
pub fn read(season_file: &Path) -> anyhow::Result<Vec<Rehearsal>> {
    let place = place(season_file);
    if !place.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read(&place).with_context(|| format!("cannot read {}", place.display()))?;
    let damaged = || format!("{} is damaged: remove it and rehearse again", place.display());
    serde_json::from_slice(&text).with_context(damaged)
}

/// Adds one, in place of an older one of the same plan and release.
///
/// # Errors
/// When the record cannot be read or written.
pub fn add(season_file: &Path, rehearsal: Rehearsal) -> anyhow::Result<()> {
    let mut known = read(season_file)?;
    known.retain(|one| (&one.client, one.plan) != (&rehearsal.client, rehearsal.plan));
    known.push(rehearsal);
    known.sort();
    let place = place(season_file);
    let text = serde_json::to_string_pretty(&known)?;
    std::fs::write(&place, text + "\n").with_context(|| format!("cannot write {}", place.display()))
}

/// What is not rehearsed: a sentence for each plan that can stop a chain and each release that controls or reference run.
pub fn missing(season: &Season, rehearsals: &[Rehearsal], clients: &BTreeSet<String>) -> Vec<String> {
    let hazards = season.trials.iter().filter(|trial| trial.parameters.challenge().hazard() == Hazard::Chain);
    let mut missing = Vec::new();
    for trial in hazards {
        let plan = Digest::of(&trial.parameters);
        for client in clients {
            if !rehearsals.iter().any(|one| one.client == *client && one.plan == plan) {
                missing.push(format!(
                    "trial {} can stop a chain, and this plan has not passed on {client}, which controls or reference \
                     run: try it on a throwaway network first, `touchstone localnet rehearse SEASON_FILE --bin PATH` with \
                     that release's node program (and --klaytn for a release of Klaytn's)",
                    trial.id
                ));
            }
        }
    }
    missing
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::season::OpenSeason;
    use crate::season::file::parse;
    use model::Seed;

    /// A season of the chain hazard, whole.
    pub(in crate::season) const FILE: &str = r#"
name = "x"
windows = 1
seats = 1
[network]
family = "kaia"
chain_id = 1
genesis = "0x00000000000000000000000000000000000000000000000000000000000000ab"
reference = "http://127.0.0.1:1"
[[operator]]
id = "a"
rpc = "http://127.0.0.1:2"
validator = "0x01"
[[operator]]
id = "c1"
role = "control"
rpc = "http://127.0.0.1:3"
validator = "0x02"
[[operator]]
id = "c2"
role = "control"
rpc = "http://127.0.0.1:4"
validator = "0x03"
[[trial]]
challenge = "duty"
[[trial]]
challenge = "key-change"
"#;

    #[test]
    fn each_plan_must_have_passed_on_each_release() {
        let season = OpenSeason::freeze(parse(FILE).unwrap(), Seed::from_number(0), false).season;
        let clients: BTreeSet<String> = ["Kaia/1".to_owned(), "Kaia/2".to_owned()].into();
        assert_eq!(missing(&season, &[], &clients).len(), 2);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("season.toml");
        assert_eq!(read(&file).unwrap(), []);
        let plan = Digest::of(&season.trials[1].parameters);
        let passed = |client: &str, at_ms| Rehearsal { client: client.into(), plan, evidence: plan, at_ms };
        for (client, at_ms) in [("Kaia/1", 1), ("Kaia/1", 2)] {
            add(&file, passed(client, at_ms)).unwrap();
        }
        assert_eq!(read(&file).unwrap(), [passed("Kaia/1", 2)]);
        let left = missing(&season, &read(&file).unwrap(), &clients);
        assert!(left.len() == 1 && left[0].contains("Kaia/2"), "{left:?}");
        add(&file, passed("Kaia/2", 3)).unwrap();
        assert_eq!(missing(&season, &read(&file).unwrap(), &clients), Vec::<String>::new());
        std::fs::write(place(&file), "{").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("damaged"));
    }
}
