//! Faults put on nodes behind their doors, and taken off again.

use anyhow::ensure;
use challenges::driver::{Driver, of_family};
use localnet::Fault;

use super::doors::Doors;
use super::fault::{Order, Place};
use super::turns::Held;

/// Puts a fault on a well behaved node; returns what holds its process, if that is the fault.
///
/// # Errors
/// When the family or the node cannot have it, in words.
pub async fn put(doors: &Doors, door: usize, order: Order) -> anyhow::Result<Option<Held>> {
    let (network, node) = (doors.network(), doors.node_index(door));
    match order.place() {
        Place::Ingress(fault) => doors.set(door, fault),
        Place::Limit(limit) => network.lift(node, Some(limit)).await?,
        Place::Turns(per_mille) => {
            let tells_turns = of_family(network.family).is_ok_and(Driver::tells_turns);
            ensure!(tells_turns, "this family does not tell whose turn it is: geth, kaia and cometbft do");
            ensure!(
                doors.node(door).address().is_some(),
                "{} is no validator: it has no turns",
                doors.name(door)
            );
            return Ok(Some(Held::turns(network, node, per_mille)));
        }
        Place::Cpu(percent) => return Ok(Some(Held::cpu(network, node, percent))),
        Place::Peers => {
            if let Err(why) = network.cut(node).await {
                // It is not to be left with half of its peers; of the two errors the first says more.
                let _ = network.join(node).await;
                return Err(why);
            }
            return Ok(Some(Held::apart(network, node)));
        }
    }
    Ok(None)
}

/// Takes a fault off a node again; what held its process must be dropped before.
///
/// # Errors
/// When its process does not come up again, or does not answer.
pub async fn take_off(doors: &Doors, door: usize, order: Order) -> anyhow::Result<()> {
    let (network, node) = (doors.network(), doors.node_index(door));
    match order.place() {
        Place::Ingress(_) => doors.set(door, Fault::None),
        Place::Limit(_) => network.lift(node, None).await?,
        // One that has ended finds its peers when it is started.
        Place::Peers if doors.node(door).is_running() => network.join(node).await?,
        Place::Peers | Place::Turns(_) | Place::Cpu(_) => {}
    }
    Ok(())
}
