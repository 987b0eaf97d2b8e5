//! The chain and the nodes that a file names, checked.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use challenges::driver::of_family;
use challenges::http::loopback;
use model::season::Operator;
use model::{Network, OperatorId};
use toml::Spanned;

use super::faults::Faults;
use super::tables::{NetworkTable, OperatorTable};

/// The node at an address, however the address is spelled: what is loaded, and leased.
pub fn target(rpc: &str) -> String {
    loopback(rpc).map_or_else(
        |_| rpc.to_owned(),
        |address| SocketAddr::new(address.ip().to_canonical(), address.port()).to_string(),
    )
}

/// The operators of these tables, with the RPC of their node.
pub(crate) fn operators(
    tables: &[Spanned<OperatorTable>],
    faults: &mut Faults<'_>,
) -> Vec<(Operator, String)> {
    let (mut ids, mut nodes) = (BTreeSet::new(), BTreeSet::new());
    let mut operators = Vec::new();
    for table in tables {
        let OperatorTable { id, name, role, rpc, validator } = table.get_ref();
        let validator = validator.as_ref().map(|validator| validator.get_ref().clone());
        if let Err(error) = loopback(rpc.get_ref()) {
            faults.at(rpc, error);
        }
        if !nodes.insert(target(rpc.get_ref())) {
            faults.at(rpc, format!("two operators have the node {}: each needs its own", rpc.get_ref()));
        }
        match id.get_ref().parse::<OperatorId>() {
            Ok(parsed) if ids.insert(parsed.clone()) => {
                let name: String =
                    name.clone().unwrap_or_else(|| parsed.to_string()).chars().take(80).collect();
                operators
                    .push((Operator { id: parsed, name, role: *role, validator }, rpc.get_ref().clone()));
            }
            Ok(parsed) => faults.at(id, format!("two operators are called {parsed}: rename one")),
            Err(error) => faults.at(id, error),
        }
    }
    operators
}

/// The chain of this table, whose reference is none of these operators' nodes.
pub(crate) fn network(
    table: &NetworkTable,
    operators: &[Spanned<OperatorTable>],
    faults: &mut Faults<'_>,
) -> Network {
    let NetworkTable { family, chain_id, genesis, incarnation, reference, validator: _ } = table;
    match of_family(family.get_ref()) {
        Err(why) => faults.at(family, why),
        Ok(driver) if !driver.is_genesis(genesis.get_ref()) => {
            faults.at(genesis, format!("genesis is no hash: {}", driver.genesis_form()));
        }
        Ok(_) => {}
    }
    if let Err(error) = loopback(reference.get_ref()) {
        faults.at(reference, error);
    }
    if operators.iter().any(|o| target(o.get_ref().rpc.get_ref()) == target(reference.get_ref())) {
        faults.at(
            reference,
            "the reference is an operator's node: it must be a node that nobody is measured on",
        );
    }
    Network {
        family: family.get_ref().clone(),
        chain_id: *chain_id,
        genesis: genesis.get_ref().clone(),
        incarnation: *incarnation,
    }
}
