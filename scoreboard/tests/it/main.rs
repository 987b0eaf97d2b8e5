//! Laws of the scoreboard, on evidence of nodes of known character.

mod attribution;
mod command;
mod completeness;
mod decisions;
mod defense;
mod duty;
mod intake;
mod key_change;
mod note;
mod ranking;
mod rules;
mod support;
mod traffic;
mod validators;
mod verification;
