//! Whether a validator is seated, as the season's reference shows it: asked once, when the validator is declared.

use std::time::Duration;

use challenges::driver::{Identity, of_family};
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
    let block = driver.block(&reply).ok()??;
    let council = driver.council(&reply, &block).ok()?;
    (block.height == height).then(|| shown(&council, height, validator)).flatten()
}

/// What those who have seats show; a family may tell nobody.
fn shown(council: &[String], height: u64, validator: &str) -> Option<Seat> {
    let seated = council.iter().any(|member| member.eq_ignore_ascii_case(validator));
    (!council.is_empty()).then_some(Seat { height, seated })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_the_council_is_seated_however_its_name_is_spelled() {
        let council = ["0xAa".to_owned(), "0xbb".to_owned()];
        let told = |council: &[String], validator| shown(council, 7, validator).map(|seat| seat.seated);
        assert_eq!(told(&council, "0xaa"), Some(true));
        assert_eq!(told(&council, "0xcc"), Some(false));
        assert_eq!(told(&[], "0xaa"), None, "nobody is told");
    }
}
