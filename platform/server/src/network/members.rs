//! Whom a network file, or a season file, names.

use std::path::Path;

use anyhow::{Context, anyhow};
use model::season::Operator;
use model::trial::Hazard;
use model::{Network, Trial};
use serde::Deserialize;
use toml::Spanned;

use crate::season::faults::Faults;
use crate::season::file::{Declared, parse_open};
use crate::season::members::{network, operators};
use crate::season::tables::{NetworkTable, OperatorTable};

/// The nodes of a network, and what is known of it.
#[derive(Debug, Clone)]
pub struct Members {
    /// The chain.
    pub network: Network,
    /// RPC of the reference.
    pub reference: String,
    /// Validator of the reference, where it has one.
    pub reference_validator: Option<String>,
    /// Operators with the RPC of their node.
    pub operators: Vec<(Operator, String)>,
    /// Whether plans that can stop a chain are to run on it.
    pub can_halt: bool,
}

/// A file of which a season is not made: `[network]` and `[[operator]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkFile {
    network: NetworkTable,
    #[serde(rename = "operator", default)]
    operators: Vec<Spanned<OperatorTable>>,
}

/// Reads a season file, or one that has only its `[network]` and `[[operator]]` tables.
///
/// # Errors
/// Every fault found, with line and remedy.
pub(super) fn read(path: &Path) -> anyhow::Result<Members> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} cannot be used", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Members> {
    let told = |why: toml::de::Error| anyhow!("{}", why.to_string().trim_end().to_owned());
    let table: toml::Table = text.parse().map_err(told)?;
    if table.keys().any(|key| !["network", "operator"].contains(&key.as_str())) {
        return Ok(parse_open(text)?.into());
    }
    let file: NetworkFile = toml::from_str(text).map_err(told)?;
    let mut faults = Faults::of(text);
    let operators = operators(&file.operators, &mut faults);
    let network = network(&file.network, &file.operators, &mut faults);
    faults.none()?;
    let NetworkTable { reference, validator, .. } = file.network;
    Ok(Members {
        network,
        reference: reference.into_inner(),
        reference_validator: validator.map(Spanned::into_inner),
        operators,
        can_halt: false,
    })
}

impl From<Declared> for Members {
    fn from(declared: Declared) -> Self {
        let can_halt = |trial: &Trial| trial.parameters.challenge().hazard() == Hazard::Chain;
        Self {
            can_halt: declared.trials.iter().any(can_halt),
            network: declared.network,
            reference: declared.reference,
            reference_validator: declared.reference_validator,
            operators: declared.operators,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENESIS: &str = "0x00000000000000000000000000000000000000000000000000000000000000ab";

    fn file(more: &str) -> String {
        format!(
            "[network]\nfamily = \"kaia\"\nchain_id = 7\ngenesis = \"{GENESIS}\"\nreference = \"http://127.0.0.1:1\"\n\
             [[operator]]\nid = \"a\"\nrole = \"control\"\nrpc = \"http://127.0.0.1:2\"\n{more}"
        )
    }

    #[test]
    fn a_network_file_needs_no_season() {
        let members = parse(&file("validator = \"0x1\"\n")).unwrap();
        assert_eq!((members.network.chain_id, members.operators.len(), members.can_halt), (7, 1, false));
        assert_eq!(members.operators[0].0.validator.as_deref(), Some("0x1"));
        let told = |text: &str| format!("{:#}", parse(text).unwrap_err());
        assert!(told(&file("role = 3")).contains("duplicate"), "{}", told(&file("role = 3")));
        assert!(told(&file("port = 3")).contains("port"));
        let twice = file("[[operator]]\nid = \"a\"\nrpc = \"http://127.0.0.1:1\"\n");
        let faults = told(&twice);
        assert!(faults.contains("line 11: two operators are called a"), "{faults}");
        assert!(faults.contains("line 5: the reference is an operator's node"), "{faults}");
        // What has anything else of a season's is a season file, and has to be one.
        let season = format!("windows = 1\n{}", file(""));
        assert!(told(&season).contains("missing field `name`"), "{}", told(&season));
    }
}
