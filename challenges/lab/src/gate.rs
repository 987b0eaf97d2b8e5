//! The pure core of an ingress: who is served, when, and what becomes of it.

use crate::character::Character;
use crate::deck::Deck;
use crate::queue::VirtualQueue;
use crate::stall::Stall;

/// Nanoseconds in a millisecond.
const MILLISECOND: u64 = 1_000_000;

/// Decides about requests in order of arrival.
#[derive(Debug)]
pub(crate) struct Gate {
    queue: VirtualQueue,
    stall: Stall,
    latency: u64,
    loss: u16,
    /// Loss and errors together.
    faults: u16,
    wrong: u16,
    fates: Deck,
    rejections: Deck,
}

/// A request that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// When to go on with it: service done, latency over (nanoseconds).
    pub(crate) due: u64,
    pub(crate) fate: Fate,
}

/// What becomes of a served request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lost,
    Failed,
    Forwarded,
}

impl Gate {
    pub(crate) fn new(character: &Character, seed: u64) -> Self {
        let nanoseconds = |ms: u64| ms.saturating_mul(MILLISECOND);
        Self {
            queue: VirtualQueue::new(character.rate, character.queue),
            stall: Stall::new(nanoseconds(character.stall_every_ms), nanoseconds(character.stall_ms)),
            latency: nanoseconds(character.latency_ms),
            loss: character.loss_per_mille,
            faults: character.loss_per_mille.saturating_add(character.error_per_mille),
            wrong: character.wrong_class_per_mille,
            fates: Deck::new(seed),
            rejections: Deck::new(!seed),
        }
    }

    /// A request arrives at `now` (nanoseconds since the start). `None` if the queue is full.
    pub(crate) fn arrive(&mut self, now: u64) -> Option<Service> {
        let done = self.queue.offer(self.stall.work(now))?;
        let served = self.stall.wall(done).max(now);
        let card = self.fates.draw();
        let fate = if card < self.loss {
            Fate::Lost
        } else if card < self.faults {
            Fate::Failed
        } else {
            Fate::Forwarded
        };
        Some(Service { due: served.saturating_add(self.latency), fate })
    }

    /// The upstream rejected a transaction. True if the client is to hear that it was accepted.
    pub(crate) fn hides_rejection(&mut self) -> bool {
        self.wrong > 0 && self.rejections.draw() < self.wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = MILLISECOND;

    fn gate(character: Character) -> Gate {
        Gate::new(&character, 11)
    }

    #[test]
    fn the_healthy_serve_at_once() {
        let mut gate = gate(Character::default());
        for now in [0, 5, 5, 70 * MS] {
            let service = gate.arrive(now).unwrap();
            assert_eq!(service, Service { due: now, fate: Fate::Forwarded });
        }
    }

    #[test]
    fn shares_are_exact_over_every_thousand() {
        let mut gate = gate(Character {
            loss_per_mille: 17,
            error_per_mille: 203,
            wrong_class_per_mille: 250,
            ..Character::default()
        });
        for _ in 0..3 {
            let fates: Vec<Fate> = (0..1_000).map(|i| gate.arrive(i).unwrap().fate).collect();
            let count = |fate| fates.iter().filter(|f| **f == fate).count();
            assert_eq!([count(Fate::Lost), count(Fate::Failed)], [17, 203]);
            assert_eq!((0..1_000).filter(|_| gate.hides_rejection()).count(), 250);
        }
    }

    #[test]
    fn latency_comes_after_service() {
        let mut gate = gate(Character { rate: 100, latency_ms: 30, ..Character::default() });
        assert_eq!(gate.arrive(0).unwrap().due, 40 * MS);
        assert_eq!(gate.arrive(0).unwrap().due, 50 * MS);
    }

    #[test]
    fn a_stall_serves_nothing_and_takes_its_share_of_the_rate() {
        let mut gate = gate(Character {
            rate: 100,
            queue: 1_000,
            stall_every_ms: 1_000,
            stall_ms: 400,
            ..Character::default()
        });
        let due: Vec<u64> = (0..300).map(|i| gate.arrive(i * 10 * MS).unwrap().due).collect();
        assert!(due.iter().all(|due| due % (1_000 * MS) >= 400 * MS));
        let served = due.iter().filter(|due| **due <= 3_000 * MS).count();
        assert!((179..=180).contains(&served), "{served}");
    }

    #[test]
    fn a_stall_without_a_rate_holds_everything_until_its_end() {
        let mut gate = gate(Character { stall_every_ms: 100, stall_ms: 25, ..Character::default() });
        assert_eq!(gate.arrive(0).unwrap().due, 25 * MS);
        assert_eq!(gate.arrive(124 * MS).unwrap().due, 125 * MS);
        assert_eq!(gate.arrive(126 * MS).unwrap().due, 126 * MS);
    }

    #[test]
    fn the_queue_overflows_in_a_stall() {
        let mut gate = gate(Character {
            rate: 100,
            queue: 4,
            stall_every_ms: 1_000,
            stall_ms: 500,
            ..Character::default()
        });
        assert_eq!((0..20).filter(|i| gate.arrive(i * MS).is_some()).count(), 5);
    }
}
