//! Whether a validator is seated, as the season's reference shows it: asked once, when the validator is declared.

use std::time::Duration;

use challenges::driver::{Block, Identity, of_family};
use challenges::engine::preflight::inspect;
use challenges::http::{BLOCK_BODY, Target, loopback};
use store::Seat;

use crate::network::{context, head};
use crate::season::file::Declared;

/// The reference has so long to tell.
const LOOK: Duration = Duration::from_secs(3);

/// The seat at the newest final block; none when the reference does not tell it in time.
pub(super) async fn seat(plan: &Declared, validator: &str) -> Option<Seat> {
    tokio::time::timeout(LOOK, asked(plan, validator)).await.ok().flatten()
}

async fn asked(plan: &Declared, validator: &str) -> Option<Seat> {
    let driver = of_family(&plan.network.family).ok()?;
    let Identity { chain_id, genesis, finality_depth, .. } = inspect(driver, &plan.reference).await.ok()?;
    if (chain_id, &genesis) != (plan.network.chain_id, &plan.network.genesis) {
        return None;
    }
    let target = Target::new(loopback(&plan.reference).ok()?, None);
    let context = context(driver, &target).await?;
    let height = head(driver, &plan.reference).await?.checked_sub(finality_depth)?;
    let reply = target.post(&driver.block_request(height, context), BLOCK_BODY, LOOK).await.ok()?;
    shown(&driver.block(&reply).ok()??, height, validator)
}

/// What the block asked for shows; a family may tell nobody.
fn shown(block: &Block, height: u64, validator: &str) -> Option<Seat> {
    if block.height != height || block.committee.is_empty() {
        return None;
    }
    let seated = block.committee.iter().any(|member| member.eq_ignore_ascii_case(validator));
    Some(Seat { height, seated })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_shows_who_is_seated_if_it_is_the_one_that_was_asked_for() {
        let mut block = Block {
            height: 7,
            hash: "0x1".into(),
            transactions: vec![],
            turn: None,
            committee: vec!["0xAa".into(), "0xbb".into()],
            next: None,
        };
        let told =
            |block: &Block, validator| shown(block, 7, validator).map(|seat| (seat.height, seat.seated));
        assert_eq!(told(&block, "0xaa"), Some((7, true)));
        assert_eq!(told(&block, "0xcc"), Some((7, false)));
        block.height = 6;
        assert_eq!(told(&block, "0xaa"), None);
        (block.height, block.committee) = (7, vec![]);
        assert_eq!(told(&block, "0xaa"), None, "nobody is told");
    }
}
