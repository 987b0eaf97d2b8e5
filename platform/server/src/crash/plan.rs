//! Who is struck, and when: drawn from a seed before anything is started.

use std::time::Duration;

use model::{Draw, Seed};

/// Whom a kill strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// A server, and with it whatever it was about.
    Server,
    /// One of a server's workers; the server, should none be there for long.
    Worker,
}

/// When a kill strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long after all servers were ready.
    After(Duration),
    /// So long after all servers were ready, right after the next write that is acknowledged.
    AfterWrite(Duration),
    /// So long after the server was started anew: it need not be ready by then.
    StartUp(Duration),
    /// So long after a folder that is published begins to be written.
    Publishing(Duration),
}

/// One kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// Its number, from 1.
    pub number: u32,
    /// Whom.
    pub victim: Victim,
    /// When.
    pub moment: Moment,
    /// Which of several victims.
    pub choice: u64,
}

/// The kills of a seed: the same seed draws the same kills.
pub fn kills(seed: u64, count: u32) -> Vec<Kill> {
    let mut draw = Draw::new(&Seed::from_number(seed), "bench crash");
    let mut kills: Vec<Kill> = Vec::new();
    for number in 1..=count {
        let after_server = kills.last().is_some_and(|before| before.victim == Victim::Server);
        let (victim, moment) = strike(&mut draw, after_server);
        kills.push(Kill { number, victim, moment, choice: draw.bits() });
    }
    kills
}

fn strike(draw: &mut Draw, after_server: bool) -> (Victim, Moment) {
    let millis = Duration::from_millis;
    if after_server && draw.below(4) == 0 {
        return (Victim::Server, Moment::StartUp(millis(draw.below(600))));
    }
    match draw.below(20) {
        0..3 => (Victim::Server, Moment::Publishing(millis(draw.below(40)))),
        3..6 => (Victim::Server, Moment::AfterWrite(millis(200 + draw.below(4_000)))),
        6..10 => (Victim::Server, Moment::After(millis(200 + draw.below(7_800)))),
        _ => (Victim::Worker, Moment::After(millis(200 + draw.below(7_800)))),
    }
}

impl std::fmt::Display for Kill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let victim = if self.victim == Victim::Server { "server" } else { "worker" };
        let (at, when) = match self.moment {
            Moment::After(at) => (at, "after it was ready"),
            Moment::AfterWrite(at) => (at, "after it was ready, right after a write"),
            Moment::StartUp(at) => (at, "into its start"),
            Moment::Publishing(at) => (at, "into a publication"),
        };
        write!(f, "kill {}: {victim}, {} ms {when}", self.number, at.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_kills_again_and_another_seed_others() {
        let drawn = kills(1, 200);
        assert_eq!(drawn, kills(1, 200));
        assert_eq!(drawn[..20], kills(1, 20), "fewer kills are the first ones");
        assert_ne!(drawn, kills(2, 200));
    }

    #[test]
    fn every_victim_and_every_moment_is_drawn() {
        let drawn = kills(1, 200);
        let count = |wanted: fn(&Kill) -> bool| drawn.iter().filter(|kill| wanted(kill)).count();
        assert!((70..130).contains(&count(|kill| kill.victim == Victim::Worker)));
        for wanted in [
            |kill: &Kill| matches!(kill.moment, Moment::After(_)),
            |kill: &Kill| matches!(kill.moment, Moment::AfterWrite(_)),
            |kill: &Kill| matches!(kill.moment, Moment::StartUp(_)),
            |kill: &Kill| matches!(kill.moment, Moment::Publishing(_)),
        ] {
            assert!(count(wanted) >= 10);
        }
        let late = |kill: &Kill| !matches!(kill.moment, Moment::StartUp(_));
        assert!(late(&drawn[0]), "nothing is started anew before the first kill");
    }
}
