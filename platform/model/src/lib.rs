//! The words of Touchstone, and the pure rules that every wing shares.
//!
//! A [`Season`] is a recruitment round on one [`Network`]. Its [`Trial`]s are challenges frozen for
//! that season. One trial on one operator's node in one window is a run ([`RunKey`]); what was seen
//! of it is [`Evidence`]; rules turn evidence into a [`Score`] made of [`Part`]s, scores into a
//! [`Ranking`], and a ranking into a [`Publication`].
//!
//! Nothing here does I/O, reads a clock or draws chance: what is not in the arguments is not known.

pub mod class;
pub mod decision;
pub mod digest;
pub mod draw;
pub mod evidence;
pub mod histogram;
pub mod id;
pub mod plan;
pub mod publication;
pub mod ranking;
pub mod run;
pub mod score;
pub mod season;
pub mod stage;
pub mod timetable;
pub mod trial;
pub mod turn;
pub mod vector;
pub mod work;

pub use class::{Class, Reason, Unavailable};
pub use decision::{Decision, Verdict};
pub use digest::Digest;
pub use draw::{Draw, Seed};
pub use evidence::{
    BlockRecord, Ended, Evidence, HeadSample, LaneRecord, Parting, PhaseRecord, SelfCheck, TransactionRecord,
};
pub use histogram::Histogram;
pub use id::{OperatorId, SeasonId, TrialId};
pub use publication::Publication;
pub use ranking::{Entry, Ranking, Status};
pub use run::{CutCause, RunKey, RunState, VoidCause};
pub use score::{Part, Points, Score};
pub use season::{Network, Operator, Role, Season};
pub use stage::{Stage, Standing};
pub use trial::{ChallengeKey, Parameters, Schedule, Trial};
pub use turn::{Committee, Turn};
pub use vector::{Vector, VectorKind};
