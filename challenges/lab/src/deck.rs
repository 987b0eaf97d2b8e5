//! Exact shares in a seeded order.

/// Cards in a deck, so that a share in per mille comes out exactly.
pub(crate) const CARDS: u16 = 1_000;

/// A thousand cards, each dealt once before they are shuffled again. A share of n per mille is hit by exactly n of the
/// first thousand draws, of the next thousand, and so on.
#[derive(Debug)]
pub(crate) struct Deck {
    seed: u64,
    /// How often the deck has been shuffled.
    round: u64,
    cards: Vec<u16>,
}

impl Deck {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, round: 0, cards: Vec::new() }
    }

    /// The next card, below 1,000.
    pub(crate) fn draw(&mut self) -> u16 {
        if self.cards.is_empty() {
            self.shuffle();
        }
        self.cards.pop().unwrap_or_default()
    }

    /// Fisher-Yates over a counter-based hash of seed, round and place.
    fn shuffle(&mut self) {
        self.cards = (0..CARDS).collect();
        let key = mix(self.seed ^ mix(self.round));
        for place in (1..self.cards.len()).rev() {
            let chance = mix(key.wrapping_add(place as u64));
            let other = chance % (place as u64 + 1);
            self.cards.swap(place, usize::try_from(other).unwrap_or_default());
        }
        self.round += 1;
    }
}

/// The finaliser of splitmix64, with its increment.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(deck: &mut Deck, share: u16) -> usize {
        (0..1_000).filter(|_| deck.draw() < share).count()
    }

    #[test]
    fn every_thousand_has_the_exact_share() {
        let mut deck = Deck::new(7);
        for share in [0, 1, 20, 333, 999, 1_000] {
            assert_eq!(hits(&mut deck, share), usize::from(share));
        }
    }

    #[test]
    fn the_order_is_the_seed_s_and_changes_every_round() {
        let deal = |seed| {
            let mut deck = Deck::new(seed);
            (0..2_000).map(|_| deck.draw()).collect::<Vec<_>>()
        };
        assert_eq!(deal(1), deal(1));
        assert_ne!(deal(1), deal(2));
        assert_ne!(deal(1)[..1_000], deal(1)[1_000..]);
    }

    #[test]
    fn hits_are_spread() {
        let mut deck = Deck::new(3);
        let first = (0..500).filter(|_| deck.draw() < 500).count();
        assert!((200..300).contains(&first), "{first}");
    }
}
