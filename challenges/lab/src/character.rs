//! What an ingress is told to be.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::deck::CARDS;
use crate::error::LabError;

/// How an ingress treats `eth_sendRawTransaction`. Everything else passes through untouched.
///
/// The default is healthy: no limit, no delay, no fault.
#[derive(Args, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Character {
    /// Requests served per second; 0 is no limit.
    #[arg(long, default_value_t = Self::default().rate)]
    pub rate: u64,
    /// Requests that may wait beside the one in service; means nothing without a rate.
    #[arg(long, default_value_t = Self::default().queue)]
    pub queue: u64,
    /// Milliseconds added to every served request before it is forwarded or answered.
    #[arg(long, default_value_t = Self::default().latency_ms)]
    pub latency_ms: u64,
    /// Of 1,000 served requests, how many end with a closed connection, unanswered and not forwarded.
    #[arg(long, default_value_t = Self::default().loss_per_mille)]
    pub loss_per_mille: u16,
    /// Of 1,000 served requests, how many are answered with `error` and not forwarded.
    #[arg(long, default_value_t = Self::default().error_per_mille)]
    pub error_per_mille: u16,
    /// What the failing share is answered with.
    #[arg(long, value_enum, default_value_t = Self::default().error)]
    pub error: ErrorClass,
    /// Of 1,000 rejections by the upstream, how many are answered as accepted.
    #[arg(long, default_value_t = Self::default().wrong_class_per_mille)]
    pub wrong_class_per_mille: u16,
    /// Period of the stalls in milliseconds, from the start of the ingress on; 0 is no stall.
    #[arg(long, default_value_t = Self::default().stall_every_ms)]
    pub stall_every_ms: u64,
    /// Milliseconds at the beginning of each period in which nothing is served.
    #[arg(long, default_value_t = Self::default().stall_ms)]
    pub stall_ms: u64,
    /// What a request beyond the queue gets, at once.
    #[arg(long, value_enum, default_value_t = Self::default().overflow)]
    pub overflow: Overflow,
}

/// What the failing share is answered with.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorClass {
    /// HTTP 503.
    #[value(name = "http-503")]
    #[serde(rename = "http-503")]
    Http503,
    /// HTTP 429.
    #[value(name = "http-429")]
    #[serde(rename = "http-429")]
    Http429,
    /// HTTP 200 with a JSON-RPC error: -32005, `server is busy`.
    #[value(name = "rpc-busy")]
    #[serde(rename = "rpc-busy")]
    RpcBusy,
    /// A made-up success with the transaction's own hash.
    #[value(name = "accept")]
    #[serde(rename = "accept")]
    Accept,
}

/// What a request beyond the queue gets.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overflow {
    /// HTTP 503.
    #[value(name = "http-503")]
    #[serde(rename = "http-503")]
    Http503,
    /// The connection is closed without an answer.
    #[value(name = "close")]
    #[serde(rename = "close")]
    Close,
    /// HTTP 200 with a JSON-RPC error: -32005, `server is busy`.
    #[value(name = "rpc-busy")]
    #[serde(rename = "rpc-busy")]
    RpcBusy,
}

impl Default for Character {
    fn default() -> Self {
        Self {
            rate: 0,
            queue: 100,
            latency_ms: 0,
            loss_per_mille: 0,
            error_per_mille: 0,
            error: ErrorClass::Http503,
            wrong_class_per_mille: 0,
            stall_every_ms: 0,
            stall_ms: 0,
            overflow: Overflow::Http503,
        }
    }
}

impl Character {
    /// The command line flags that give this character.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        let numbers = [
            ("--rate", self.rate),
            ("--queue", self.queue),
            ("--latency-ms", self.latency_ms),
            ("--loss-per-mille", self.loss_per_mille.into()),
            ("--error-per-mille", self.error_per_mille.into()),
            ("--wrong-class-per-mille", self.wrong_class_per_mille.into()),
            ("--stall-every-ms", self.stall_every_ms),
            ("--stall-ms", self.stall_ms),
        ];
        let names = [("--error", name(&self.error)), ("--overflow", name(&self.overflow))];
        let numbers = numbers.map(|(flag, number)| (flag, number.to_string()));
        let flags = numbers.into_iter().chain(names);
        flags.flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    /// Says whether the settings fit together.
    pub(crate) fn check(&self) -> Result<(), LabError> {
        if u32::from(self.loss_per_mille) + u32::from(self.error_per_mille) > u32::from(CARDS) {
            return Err(LabError::Config("loss and error together exceed 1000 per mille"));
        }
        if self.wrong_class_per_mille > CARDS {
            return Err(LabError::Config("wrong-class exceeds 1000 per mille"));
        }
        if self.stall_ms > 0 && self.stall_ms >= self.stall_every_ms {
            return Err(LabError::Config("stall-ms must be below stall-every-ms"));
        }
        Ok(())
    }
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        character: Character,
    }

    fn parse(args: &[String]) -> Character {
        let line = std::iter::once("lab").chain(args.iter().map(String::as_str));
        Line::try_parse_from(line).unwrap().character
    }

    fn odd() -> Character {
        Character {
            rate: 1,
            queue: 2,
            latency_ms: 3,
            loss_per_mille: 4,
            error_per_mille: 5,
            error: ErrorClass::Accept,
            wrong_class_per_mille: 6,
            stall_every_ms: 8,
            stall_ms: 7,
            overflow: Overflow::Close,
        }
    }

    #[test]
    fn no_flags_give_the_default() {
        assert_eq!(parse(&[]), Character::default());
        Character::default().check().unwrap();
    }

    #[test]
    fn flags_round_trip() {
        for character in [Character::default(), odd()] {
            assert_eq!(parse(&character.args()), character);
        }
        for error in ErrorClass::value_variants() {
            for overflow in Overflow::value_variants() {
                let character = Character { error: *error, overflow: *overflow, ..odd() };
                assert_eq!(parse(&character.args()), character);
                let json = serde_json::to_string(&character).unwrap();
                assert_eq!(serde_json::from_str::<Character>(&json).unwrap(), character);
            }
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let healthy = Character::default;
        let bad = [
            Character { loss_per_mille: 600, error_per_mille: 401, ..healthy() },
            Character { wrong_class_per_mille: 1_001, ..healthy() },
            Character { stall_ms: 5, stall_every_ms: 5, ..healthy() },
            Character { stall_ms: 5, ..healthy() },
        ];
        assert!(bad.iter().all(|character| character.check().is_err()));
    }
}
