//! Scores, ranks, publications, and the check of them: pure functions of rulebook and evidence.
//!
//! [`attribute`] says whose doing a run is, [`score_run`] what it earns, [`rank`] where everybody
//! stands; [`publish`] puts it together and [`bundle::write`] into files. [`verify`] works all of it out again.
//!
//! No sockets, no database, no clock, no chance. The one access to files is [`disk`], which reads
//! a bundle. Numbers are f64 with + - * / and sqrt only, quantiles come from pinned tables, and what
//! is published is integers: the same bytes on every machine.

mod attribution;
mod bounds;
pub mod bundle;
mod completeness;
mod decisions;
mod defense;
pub mod disk;
mod door;
mod duty;
mod estimate;
mod failure;
mod finding;
mod frozen;
mod heads;
mod ingress;
mod intake;
mod key_change;
pub mod note;
mod publish;
mod queue;
mod rank;
mod record;
mod recovery;
mod rulebook;
mod scale;
mod score;
mod seats;
mod tables;
mod tally;
mod turns;
mod verify;

pub use attribution::{VoidReason, attribute, void_reason};
pub use bundle::{Bundle, Manifest};
pub use completeness::{Incomplete, complete};
pub use decisions::{LONGEST_REASON, check_decisions};
pub use duty::DutyRules;
pub use finding::{Finding, Findings, findings};
pub use frozen::season_faults;
pub use intake::intake;
pub use key_change::{Harm, KeyChangeRules};
pub use note::{NoteSigner, VerifyingNote};
pub use publish::{Draft, publish};
pub use rank::{rank, second_look};
pub use record::{Filed, Record, record};
pub use rulebook::{BehindGap, Confidence, Defense, Gates, Minimums, Rulebook, Traffic};
pub use score::score_run;
pub use verify::{Mismatch, Signer, Verified, verify};
