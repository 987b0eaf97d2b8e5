//! The validators of a height: who may vote with how much power, and whose turn to propose comes when.

use ed25519_dalek::VerifyingKey;
use serde::Deserialize;

use super::reply::{base64, number};
use super::wire::{Hash, Message, merkle_root, sha256};
use crate::driver::Malformed;

const ED25519: &str = "tendermint/PubKeyEd25519";
/// CometBFT's own bound on the sum of all power, an eighth of what 64 bits hold.
const MOST_POWER: i64 = i64::MAX / 8;

/// An answer to `validators`.
#[derive(Deserialize)]
pub(super) struct Told {
    #[serde(deserialize_with = "number")]
    block_height: i64,
    validators: Vec<ToldOne>,
    #[serde(deserialize_with = "number")]
    total: i64,
}

#[derive(Deserialize)]
struct ToldOne {
    address: String,
    pub_key: ToldKey,
    #[serde(deserialize_with = "number")]
    voting_power: i64,
    #[serde(deserialize_with = "number")]
    proposer_priority: i64,
}

#[derive(Deserialize)]
struct ToldKey {
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "base64")]
    value: Vec<u8>,
}

/// A validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Validator {
    /// Upper-case hexadecimal.
    pub(super) address: String,
    pub(super) key: VerifyingKey,
    pub(super) power: i64,
    /// As the node tells it; no header vouches for it.
    pub(super) priority: i64,
}

/// The validators of one height, in the chain's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Validators {
    pub(super) list: Vec<Validator>,
    pub(super) power: i64,
}

impl Validators {
    /// The validators that a node tells for `height`; none where they do not fit on one page.
    pub(super) fn of(told: Told, height: i64) -> Result<Option<Self>, Malformed> {
        if told.block_height != height {
            return Err(Malformed(format!("validators of {} for height {height}", told.block_height)));
        }
        if told.total > told.validators.len() as i64 {
            return Ok(None);
        }
        let list = told.validators.into_iter().map(Validator::of).collect::<Result<Vec<_>, _>>()?;
        let power = list.iter().try_fold(0i64, |sum, one| sum.checked_add(one.power));
        match power.filter(|power| (1..=MOST_POWER).contains(power)) {
            Some(power) => Ok(Some(Self { list, power })),
            None => Err(Malformed("the validators' power does not add up".into())),
        }
    }

    /// What the header calls them: their keys and power, not their priorities.
    pub(super) fn hash(&self) -> Hash {
        let leaf = |one: &Validator| {
            let key = Message::new().bytes(1, one.key.as_bytes());
            Message::new().message(1, &key).varint(2, one.power).encode()
        };
        merkle_root(&self.list.iter().map(leaf).collect::<Vec<_>>())
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        self.list.iter().map(|one| one.address.clone()).collect()
    }
}

impl Validator {
    fn of(told: ToldOne) -> Result<Self, Malformed> {
        let wrong = |what: &str| {
            Malformed(format!("validator {}: {what}", crate::driver::printable(&told.address, 40)))
        };
        if told.pub_key.kind != ED25519 {
            return Err(wrong("its key is not ed25519, and its votes cannot be checked"));
        }
        let bytes: Option<[u8; 32]> = told.pub_key.value.as_slice().try_into().ok();
        let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        let key = key.ok_or_else(|| wrong("its key is none"))?;
        if told.address != hex::encode_upper(&sha256(key.as_bytes())[..20]) {
            return Err(wrong("its address is not that of its key"));
        }
        if told.voting_power < 1 {
            return Err(wrong("it has no power"));
        }
        Ok(Self { address: told.address, key, power: told.voting_power, priority: told.proposer_priority })
    }
}

/// Whose turn comes when: a round robin weighted by power, one step a height, and from there one more for each round
/// that failed. Source: cometbft v0.38 types/validator_set.go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rotation<'a> {
    validators: &'a Validators,
    priorities: Vec<i128>,
}

impl<'a> Rotation<'a> {
    /// Before the first height of a chain: all are equal.
    pub(super) fn new(validators: &'a Validators) -> Self {
        Self { validators, priorities: vec![0; validators.list.len()] }
    }

    /// As a node tells it for a height: after that height's step.
    pub(super) fn told(validators: &'a Validators) -> Self {
        let priorities = validators.list.iter().map(|one| one.priority.into()).collect();
        Self { validators, priorities }
    }

    /// Whether `told` has the same priorities in the same order.
    pub(super) fn agrees(&self, told: &Validators) -> bool {
        self.priorities.iter().copied().eq(told.list.iter().map(|one| i128::from(one.priority)))
    }

    /// One step; whose turn it is then.
    pub(super) fn step(&mut self) -> &'a str {
        self.contract();
        for (priority, one) in self.priorities.iter_mut().zip(&self.validators.list) {
            *priority += i128::from(one.power);
        }
        // Among equals the lower address comes first.
        let order = |index: &usize| {
            (self.priorities[*index], std::cmp::Reverse(&self.validators.list[*index].address))
        };
        let next = (0..self.priorities.len()).max_by_key(order).unwrap_or(0);
        let total = i128::from(self.validators.power);
        match (self.priorities.get_mut(next), self.validators.list.get(next)) {
            (Some(priority), Some(one)) => {
                *priority -= total;
                &one.address
            }
            _ => "",
        }
    }

    /// Keeps the priorities within twice the total power of each other, and their mean at zero.
    fn contract(&mut self) {
        let (low, high) = (self.priorities.iter().min(), self.priorities.iter().max());
        let (Some(low), Some(high)) = (low.copied(), high.copied()) else { return };
        let (spread, most) = (high - low, 2 * i128::from(self.validators.power));
        if spread > most {
            let ratio = (spread + most - 1) / most;
            self.priorities.iter_mut().for_each(|priority| *priority /= ratio);
        }
        let mean = self.priorities.iter().sum::<i128>().div_euclid(self.priorities.len() as i128);
        self.priorities.iter_mut().for_each(|priority| *priority -= mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Validators of these powers, of the keys 1, 2, …, by their addresses.
    fn validators(powers: &[i64]) -> Validators {
        let one = |(power, byte): (&i64, u8)| {
            let key = ed25519_dalek::SigningKey::from_bytes(&[byte; 32]).verifying_key();
            let address = format!("{byte:02}");
            Validator { address, key, power: *power, priority: 0 }
        };
        Validators { list: powers.iter().zip(1..).map(one).collect(), power: powers.iter().sum() }
    }

    fn turns(powers: &[i64], count: usize) -> Vec<String> {
        let validators = validators(powers);
        let mut rotation = Rotation::new(&validators);
        (0..count).map(|_| rotation.step().to_owned()).collect()
    }

    #[test]
    fn turns_come_by_power_and_among_equals_by_address() {
        assert_eq!(turns(&[1, 1, 1, 1], 5), ["01", "02", "03", "04", "01"]);
        assert_eq!(turns(&[1, 3], 8), ["02", "01", "02", "02", "02", "01", "02", "02"]);
        let many = turns(&[5, 1, 10], 160);
        let of = |address: &str| many.iter().filter(|turn| *turn == address).count();
        assert_eq!((of("01"), of("02"), of("03")), (50, 10, 100));
    }

    #[test]
    fn told_priorities_go_on_where_the_steps_left_off() {
        let mut validators = validators(&[1, 2, 4]);
        let before = validators.clone();
        let mut rotation = Rotation::new(&before);
        for _ in 0..3 {
            rotation.step();
        }
        for (one, priority) in validators.list.iter_mut().zip(&rotation.priorities) {
            one.priority = *priority as i64;
        }
        assert!(rotation.agrees(&validators));
        let mut told = Rotation::told(&validators);
        for _ in 0..9 {
            assert_eq!(told.step(), rotation.step());
        }
        assert!(!rotation.agrees(&before));
    }

    #[test]
    fn wild_priorities_neither_panic_nor_take_long() {
        let mut validators = validators(&[1, 1]);
        validators.list[0].priority = i64::MIN;
        validators.list[1].priority = i64::MAX;
        assert_eq!(Rotation::told(&validators).step(), "02");
    }
}
