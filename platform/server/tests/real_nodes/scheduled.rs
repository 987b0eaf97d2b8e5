//! Whose turns the heights of a run were, by each family's own order, and that the evidence tells each of them.

use alloy_primitives::Address;
use anyhow::{Context, ensure};
use localnet::Network;
use model::{Evidence, Turn};

pub(crate) fn is_clique(family: &str) -> bool {
    family == "clique"
}

/// Clique: the turn is that of the height, in the order of the addresses.
pub(crate) fn by_height(network: &Network, evidence: &Evidence, node: usize) -> anyhow::Result<Vec<u64>> {
    let mut sealers: Vec<String> =
        network.validators().filter_map(|one| Some(one.address()?.to_lowercase())).collect();
    sealers.sort();
    let me = network.nodes[node].address().context("a sealer")?.to_lowercase();
    let place = sealers.iter().position(|one| *one == me).context("a place")? as u64;
    let heights = turns(evidence).map(|(height, _)| height);
    Ok(heights.filter(|height| height % sealers.len() as u64 == place).collect())
}

/// Kaia: the round robin that the chain is set to, from who made a block and the one before; not from what the evidence
/// says of failed turns.
pub(crate) fn by_who_was_before(
    network: &Network,
    evidence: &Evidence,
    node: usize,
) -> anyhow::Result<Vec<u64>> {
    let mut order: Vec<Address> = network
        .validators()
        .map(|one| Ok(one.address().unwrap_or_default().parse()?))
        .collect::<anyhow::Result<_>>()?;
    // Council members take turns in the order of their addresses as spelled with a checksum.
    order.sort_by_key(Address::to_string);
    let me: Address = network.nodes[node].address().unwrap_or_default().parse()?;
    let told: Vec<_> = turns(evidence).collect();
    let mut mine = Vec::new();
    for pair in told.windows(2) {
        let [(below, before), (height, made)] = [pair[0], pair[1]];
        let (before, made): (Address, Address) = (before.proposer.parse()?, made.proposer.parse()?);
        let place = order.iter().position(|one| *one == before).context("a validator")?;
        let after = order.iter().cycle().skip(place + 1).take(order.len());
        // Whoever comes between the two had a turn, and so had the maker.
        let mut had = after.take_while(|one| **one != made).chain([&made]);
        if height == below + 1 && had.any(|one| *one == me) {
            mine.push(height);
        }
    }
    Ok(mine)
}

/// CometBFT: validators of equal power take the first rounds of the heights in turn, whatever other rounds there were;
/// where it begins is told by any block of a first round.
pub(crate) fn by_rotation(network: &Network, evidence: &Evidence, node: usize) -> anyhow::Result<Vec<u64>> {
    let me = network.nodes[node].address().context("a validator")?;
    let seated = network.validators().count() as u64;
    let made = turns(evidence).find(|(_, turn)| turn.round == 0 && turn.proposer.eq_ignore_ascii_case(me));
    let (first, _) = made.context("a block of its own")?;
    Ok(turns(evidence).map(|(height, _)| height).filter(|height| height % seated == first % seated).collect())
}

/// The blocks that the evidence tells the turns of: height and turn.
fn turns(evidence: &Evidence) -> impl Iterator<Item = (u64, &Turn)> {
    evidence.blocks.iter().filter_map(|block| Some((block.height, block.turn.as_ref()?)))
}

/// Every block has its turn but those whose turn was under way when the run began; every turn is somebody's, all
/// validators are seated, and clique alone is without votes. While one of four sealers is dead the other three go in a
/// ring: they were barred, which is in the evidence as such.
pub(crate) fn turns_are_told(evidence: &Evidence, validators: usize) -> anyhow::Result<()> {
    let is_clique = is_clique(&evidence.network.family);
    let untold = evidence.blocks.iter().position(|block| block.turn.is_some()).context("no turn is told")?;
    // The next one, and what was there already and is read later; under clique, when it is final.
    let most = if is_clique { validators / 2 + 3 } else { 2 };
    ensure!(
        (1..=most).contains(&untold),
        "{}: {untold} blocks before the first whose turn is told",
        evidence.run
    );
    ensure!(turns(evidence).count() + untold == evidence.blocks.len(), "blocks without a turn");
    let turns: Vec<&Turn> = turns(evidence).map(|(_, turn)| turn).collect();
    ensure!(turns.iter().all(|turn| turn.unknown() == 0), "a turn of which it is not known whose it was");
    let seated: Vec<usize> = evidence.committees.iter().map(|committee| committee.members.len()).collect();
    ensure!(seated == [validators], "{}: committees of {seated:?}", evidence.run);
    ensure!(turns.iter().all(|turn| turn.absent.is_none() == is_clique), "votes where there are none");
    let barred = turns.iter().filter(|turn| !turn.barred.is_empty()).count();
    println!("{}: {} blocks, {barred} with who was in turn barred", evidence.run, turns.len());
    ensure!((barred >= 4) == is_clique, "{barred} barred in {} blocks", turns.len());
    Ok(())
}
