//! Draws from a seed: the same on every machine, for everybody who knows the seed.

use std::fmt;
use std::str::FromStr;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::digest::{Digest, NotADigest};

/// 32 secret bytes from which a season's or a run's draws follow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A seed from a small number, for demonstrations and tests (`--seed 7`).
    pub fn from_number(number: u64) -> Self {
        Self(Sha256::digest(format!("touchstone seed {number}")).into())
    }

    /// The seed of a named thing under this one; different names give unrelated seeds.
    pub fn derive(&self, name: &str) -> Seed {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(name.as_bytes());
        Seed(hasher.finalize().into())
    }

    /// What is published before the season opens, so that the seed cannot be chosen afterwards.
    pub fn commitment(&self) -> Digest {
        Digest::of_bytes(&self.0)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A seed is a secret until it is revealed: it does not show in logs.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed(commitment {})", self.commitment())
    }
}

impl FromStr for Seed {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        text.parse::<Digest>().map(|d| Self(*d.as_bytes()))
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A stream of draws (ChaCha20) with our own rejection sampling: range sampling in `rand` is not
/// promised to stay the same between its versions, and published draws must.
pub struct Draw(ChaCha20Rng);

impl Draw {
    /// The draws of `seed` for the purpose `name`.
    pub fn new(seed: &Seed, name: &str) -> Self {
        Self(ChaCha20Rng::from_seed(seed.derive(name).0))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, each equally likely; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound < 2 {
            return 0;
        }
        let fair = u64::MAX - u64::MAX % bound;
        loop {
            let bits = self.bits();
            if bits < fair {
                return bits % bound;
            }
        }
    }

    /// Puts `items` in a drawn order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PINNED: [u64; 6] = [90, 67, 91, 83, 63, 24];

    #[test]
    fn draws_are_pinned() {
        let mut draw = Draw::new(&Seed::from_number(1), "pinned");
        let drawn: Vec<u64> = (0..6).map(|_| draw.below(100)).collect();
        // Changing these changes every published draw.
        assert_eq!(drawn, PINNED);
        let mut other = Draw::new(&Seed::from_number(1), "other");
        assert_ne!(drawn, (0..6).map(|_| other.below(100)).collect::<Vec<_>>());
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut draw = Draw::new(&Seed::from_number(2), "range");
        let mut seen = [0u32; 7];
        for _ in 0..7_000 {
            seen[draw.below(7) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (800..1_200).contains(&n)), "{seen:?}");
    }

    #[test]
    fn a_seed_does_not_show_itself_in_logs() {
        let seed = Seed::from_number(3);
        assert!(!format!("{seed:?}").contains(&seed.to_string()));
    }
}
