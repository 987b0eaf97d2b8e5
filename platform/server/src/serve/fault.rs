//! Why somebody does not get what they asked for: one list for API and pages, so that each reason can be
//! said in each language.

use axum::response::{IntoResponse, Response};
use challenges::claim::{NameForm, ProofFault};
use model::trial::Path;
use model::{OperatorId, SeasonId, Stage};

use crate::account::NotAnAccount;
use crate::account::sign_in::Refusal;
use crate::account::token::TokenFault;
use crate::http::{FieldError, Problem, Standing};

/// Why not, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Nobody is signed in.
    #[error("sign in first, on /en/sign-in or with a token that `touchstone login` gets ({0})")]
    NotSignedIn(String),
    /// What was signed does not do.
    #[error("{0}")]
    SignIn(#[from] Refusal),
    /// The text was signed in before, or was never given.
    #[error("this text was used already, or is none that this server gave: ask for a new one and sign it")]
    NonceTaken,
    /// No account.
    #[error("{0}")]
    Account(#[from] NotAnAccount),
    /// The token is for something else.
    #[error("{0}")]
    Token(#[from] TokenFault),
    /// The account is no reviewer's.
    #[error("this is for reviewers: ask the foundation to enter your account in the configuration")]
    NotReviewer,
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// The account has no operator in the season.
    #[error("you have not applied to season {0} with this account: apply first")]
    NotApplied(SeasonId),
    /// The season's stage does not allow it.
    #[error("season {season} is {stage}: this can be done while it is {needed}")]
    Stage {
        /// Which season.
        season: SeasonId,
        /// Its stage.
        stage: Stage,
        /// When it could be done, such as `open`.
        needed: &'static str,
    },
    /// The operator's standing does not allow it.
    #[error("operator {operator} is {standing}: this cannot be done any more")]
    Standing {
        /// Who.
        operator: OperatorId,
        /// Its standing.
        standing: model::Standing,
    },
    /// A field cannot be what was given.
    #[error("{}: {what}", .field.name())]
    Field {
        /// Which.
        field: Field,
        /// What is wrong with it.
        what: FieldFault,
    },
    /// The node could not be looked at, or is none of this season's chain.
    #[error("{0}")]
    Node(NodeFault),
    /// The account asks too often.
    #[error("too many requests: try again in {} s", .0.seconds)]
    TooOften(Standing),
    /// What is stored speaks against it.
    #[error("{0}")]
    Conflict(String),
    /// Not now.
    #[error("the database is busy: try again in a second")]
    Busy,
    /// Ours; the cause is in the log.
    #[error("{0}")]
    Internal(String),
}

/// A field of a form, or of a JSON body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Operator's identifier.
    Id,
    /// Operator's name.
    Name,
    /// How to reach the operator.
    Contact,
    /// Address of a node.
    Rpc,
    /// How load reaches the node.
    Path,
    /// Where a node stands.
    Region,
    /// What a node runs.
    Client,
    /// The validator behind a node.
    Validator,
    /// What the validator's key signed.
    ValidatorProof,
    /// What is decided.
    Verdict,
    /// The public reason.
    Reason,
    /// The publication decided on.
    Publication,
    /// The decision that is replaced.
    Replaces,
    /// A token's name.
    TokenName,
    /// A token's days.
    Days,
    /// A token's scope.
    Scope,
    /// The stage that a season is to come to.
    To,
}

impl Field {
    /// As it stands in JSON and in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name | Self::TokenName => "name",
            Self::Contact => "contact",
            Self::Rpc => "rpc",
            Self::Path => "path",
            Self::Region => "region",
            Self::Client => "client",
            Self::Validator => "validator",
            Self::ValidatorProof => "validator_proof",
            Self::Verdict => "verdict",
            Self::Reason => "reason",
            Self::Publication => "publication",
            Self::Replaces => "replaces",
            Self::Days => "days",
            Self::Scope => "scope",
            Self::To => "to",
        }
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    /// Nothing was given.
    #[error("is empty: fill it in")]
    Empty,
    /// Too long.
    #[error("is longer than {0} characters: shorten it")]
    Long(usize),
    /// Control characters, or such as change the direction of writing or cannot be seen.
    #[error("has characters that cannot be seen, or that turn the direction of writing: remove them")]
    Unseen,
    /// No identifier.
    #[error("is no identifier: use 1 to 40 of a-z, 0-9 and -, not beginning or ending with -")]
    NotAnId,
    /// None of the words.
    #[error("is none of {0}")]
    NoneOf(&'static str),
    /// No number.
    #[error("is no number")]
    NotANumber,
    /// Nothing has this number.
    #[error("is the number of nothing that is published: choose one that is")]
    NoSuch,
    /// Somebody else has it.
    #[error("is taken: choose another one")]
    Taken,
    /// No name of a validator; its form.
    #[error("is no validator's name: give {0}")]
    NotAValidator(NameForm),
    /// The chain family has no validators that could be named.
    #[error("cannot be given: blocks of the chain family {0} name no validators; leave it out")]
    NoValidators(String),
    /// The validator's key did not sign; why.
    #[error("does not prove that you run the validator: {0}")]
    Unproven(ProofFault),
    /// It was chosen before, and is chosen once.
    #[error("is chosen once: this account applied as {0}")]
    Chosen(OperatorId),
}

/// What is wrong with a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeFault {
    /// Not an address that is measured: its form, or not on this machine.
    #[error("{0}")]
    Address(#[from] challenges::http::NotAllowed),
    /// The address is this server's own, the reference's or a control's.
    #[error("{0} is the address of this server, the reference or a control: name a node of your own")]
    Ours(String),
    /// No trial of the season takes this path.
    #[error("the season measures on the path {season}: choose that one")]
    Path {
        /// Those that it takes.
        season: String,
    },
    /// Somebody else has declared it.
    #[error("{0} is declared by another operator: name a node of your own")]
    Taken(String),
    /// It does not answer, or not as a node.
    #[error("the node was looked at and gave no good answer: {0}")]
    Silent(String),
    /// Another chain.
    #[error("the node is on chain {has}, the season on {needs}: name a node of the season's network")]
    Chain {
        /// What it says.
        has: u64,
        /// What the season needs.
        needs: u64,
    },
    /// Another genesis.
    #[error("the node's genesis is {has}, the season's {needs}: name a node of the season's network")]
    Genesis {
        /// What it says.
        has: String,
        /// What the season needs.
        needs: String,
    },
}

impl Fault {
    /// A field that cannot be what was given.
    pub fn field(field: Field, what: FieldFault) -> Self {
        Self::Field { field, what }
    }

    /// A path of the season, as words.
    pub fn path(paths: impl IntoIterator<Item = Path>) -> Self {
        let mut names: Vec<&str> = paths.into_iter().map(path_word).collect();
        names.sort_unstable();
        names.dedup();
        Self::Node(NodeFault::Path { season: names.join(" or ") })
    }

    /// Our fault; the cause goes into the log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}

/// A path as JSON and forms have it.
pub fn path_word(path: Path) -> &'static str {
    match path {
        Path::Direct => "direct",
        Path::Fronted => "fronted",
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        use store::Error::{Busy, Conflict, Damaged, Db, File, Invalid, Newer, NotFound, Taken};
        match error {
            NotFound(what) => Self::NotFound(what),
            Conflict(why) | Invalid(why) | Taken { why, .. } => Self::Conflict(why),
            Busy(_) => Self::Busy,
            Newer { .. } | Damaged(_) | File { .. } | Db(_) => Self::internal(error),
        }
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<store::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::internal(format_args!("{error:#}")),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let said = fault.to_string();
        match fault {
            Fault::NotSignedIn(_) => Self::unauthorized("Bearer").detail(said),
            Fault::SignIn(_) | Fault::NonceTaken => Self::unauthorized("Bearer").detail(said),
            Fault::Account(_) => Self::bad_request(said),
            Fault::Token(TokenFault::Days(_)) => Self::unprocessable([FieldError::at("#/days", said)]),
            Fault::Token(_) | Fault::NotReviewer => Self::forbidden(said),
            Fault::NotFound(_) | Fault::NotApplied(_) => Self::not_found().detail(said),
            Fault::Stage { .. } | Fault::Standing { .. } | Fault::Conflict(_) => Self::conflict(said),
            Fault::Field { field, what } => {
                let error = FieldError::at(format!("#/{}", field.name()), what.to_string());
                match what {
                    FieldFault::Taken | FieldFault::Chosen(_) => Self::conflict(said).errors([error]),
                    _ => Self::unprocessable([error]),
                }
            }
            Fault::Node(NodeFault::Taken(_)) => {
                Self::conflict(said.clone()).errors([FieldError::at("#/rpc", said)])
            }
            Fault::Node(NodeFault::Path { .. }) => Self::unprocessable([FieldError::at("#/path", said)]),
            Fault::Node(_) => Self::unprocessable([FieldError::at("#/rpc", said)]),
            Fault::TooOften(standing) => standing.refusal(),
            Fault::Busy => Self::unavailable(1, said),
            Fault::Internal(cause) => Self::internal(cause),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_inside_is_said_to_nobody() {
        let problem = Problem::from(Fault::from(anyhow::anyhow!("password of touchstone")));
        assert_eq!(problem.status, 500);
        assert!(!serde_json::to_string(&problem).expect("JSON").contains("password"));
    }

    #[test]
    fn a_field_is_named_where_it_stands() {
        let problem = Problem::from(Fault::field(Field::Reason, FieldFault::Empty));
        assert_eq!((problem.status, problem.errors[0].pointer.as_deref()), (422, Some("#/reason")));
    }
}
