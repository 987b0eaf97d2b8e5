//! Why somebody does not get what they asked for, in their language and beside the field that it is about.

use challenges::http::NotAllowed;
use site::shell::Language;

use super::{claim, sign_in, stage, standing};
use crate::account::sign_in::Refusal;
use crate::account::token::{MOST_DAYS, TokenFault};
use crate::http::Problem;
use crate::serve::fault::{Fault, FieldFault, NodeFault};

/// A fault in words.
#[derive(Debug)]
pub(in super::super) struct Said {
    /// Name of the control that it is about; empty when it is about none.
    pub(in super::super) field: &'static str,
    /// What is wrong, and what to do about it.
    pub(in super::super) text: String,
    /// What a machine said about it, in English.
    pub(in super::super) detail: Option<String>,
    /// Status and headers of the answer.
    pub(in super::super) problem: Problem,
}

impl Said {
    /// A fault in this language.
    pub(in super::super) fn of(language: Language, fault: Fault) -> Self {
        let (field, text, detail) = (field(&fault), text(language, &fault), detail(language, &fault));
        Self { field, text, detail, problem: fault.into() }
    }

    /// A form that came after its session had ended.
    pub(in super::super) fn ended(language: Language) -> Self {
        let text = language.pick(
            "Your session has ended, and nothing was saved. Sign in in another tab, then go back here and send it \
             again: your browser keeps what you typed.",
            "로그인이 만료되어 저장하지 않았습니다. 다른 탭에서 로그인한 다음 이전 화면으로 돌아가 다시 보내십시오. 입력한 \
             내용은 브라우저에 남아 있습니다.",
        );
        let problem = Problem::unauthorized("Bearer");
        Self { field: "", text: text.into(), detail: None, problem }
    }

    /// A box that must be ticked and is not.
    pub(in super::super) fn unconfirmed(language: Language) -> Self {
        let text = language.pick("Tick the box to say that you mean it.", "확인란에 표시해야 합니다.");
        Self { field: "confirm", text: text.into(), detail: None, problem: Problem::unprocessable([]) }
    }
}

fn field(fault: &Fault) -> &'static str {
    match fault {
        Fault::Field { field, .. } => field.name(),
        Fault::Account(_) => "address",
        Fault::SignIn(Refusal::Signature(_)) => "signature",
        Fault::SignIn(_) | Fault::NonceTaken => "message",
        Fault::Node(NodeFault::Path { .. }) => "path",
        Fault::Node(_) => "rpc",
        Fault::Token(TokenFault::Days(_)) => "days",
        Fault::NotSignedIn(_)
        | Fault::Token(_)
        | Fault::NotReviewer
        | Fault::NotFound(_)
        | Fault::NotApplied(_)
        | Fault::Stage { .. }
        | Fault::Standing { .. }
        | Fault::TooOften(_)
        | Fault::Conflict(_)
        | Fault::Busy
        | Fault::Internal(_) => "",
    }
}

fn text(language: Language, fault: &Fault) -> String {
    let say = |english: &str, korean: &str| language.pick(english, korean).to_owned();
    match fault {
        Fault::NotSignedIn(_) => say("Sign in first.", "먼저 로그인하십시오."),
        Fault::SignIn(refusal) => sign_in::refusal(language, refusal),
        Fault::NonceTaken => say(
            "This text was used already, or is none that this server gave: ask for a new one and sign it.",
            "이미 사용했거나 이 서버가 주지 않은 문구입니다. 새 문구를 받아 서명하십시오.",
        ),
        Fault::Account(fault) => sign_in::account(language, fault),
        Fault::Token(fault) => token(language, fault),
        Fault::NotReviewer => say(
            "This is for reviewers. Ask the foundation to enter your account as a reviewer's.",
            "심사위원만 볼 수 있습니다. 재단에 심사위원 계정 등록을 요청하십시오.",
        ),
        Fault::NotFound(_) => say("There is no such thing here.", "요청한 내용을 찾을 수 없습니다."),
        Fault::NotApplied(season) => match language {
            Language::English => {
                format!("You have not applied to season {season} with this account: apply first.")
            }
            Language::Korean => {
                format!("이 계정으로 시즌 {season}에 신청하지 않았습니다. 먼저 신청하십시오.")
            }
        },
        Fault::Stage { season, stage: now, needed } => match language {
            Language::English => format!("Season {season} is {now}. This can be done while it is {needed}."),
            Language::Korean => {
                format!(
                    "시즌 {season}은(는) 지금 '{}' 단계라서 이 작업을 할 수 없습니다.",
                    stage(language, *now)
                )
            }
        },
        Fault::Standing { operator, standing: now } => match language {
            Language::English => format!("Operator {operator} is {now}: this cannot be done any more."),
            Language::Korean => {
                format!(
                    "운영자 {operator}은(는) '{}' 상태라서 이 작업을 할 수 없습니다.",
                    standing(language, *now)
                )
            }
        },
        Fault::Field { what, .. } => field_text(language, what),
        Fault::Node(fault) => node(language, fault),
        Fault::TooOften(wait) => match language {
            Language::English => format!("Too many requests. Try again in {} s.", wait.seconds),
            Language::Korean => format!("요청이 너무 많습니다. {}초 뒤에 다시 시도하십시오.", wait.seconds),
        },
        Fault::Conflict(_) => {
            say("What is stored does not allow it.", "저장된 내용과 맞지 않아 처리하지 않았습니다.")
        }
        Fault::Busy => say(
            "The database is busy: try again in a second.",
            "데이터베이스가 바쁩니다. 잠시 뒤에 다시 시도하십시오.",
        ),
        Fault::Internal(_) => say(
            "This is our fault, and it is in our log. If it goes on, tell us the x-request-id of this answer.",
            "플랫폼의 오류이며 기록해 두었습니다. 계속되면 이 응답의 x-request-id를 알려 주십시오.",
        ),
    }
}

/// What has no wording of ours is told as it is.
fn detail(language: Language, fault: &Fault) -> Option<String> {
    match fault {
        Fault::NotFound(what) => Some(format!("There is no {what}.")),
        Fault::Conflict(why) => Some(why.clone()),
        Fault::Node(NodeFault::Silent(why)) => Some(why.clone()),
        Fault::Stage { needed, .. } if language == Language::Korean => Some(format!("Needed: {needed}.")),
        _ => None,
    }
}

fn field_text(language: Language, fault: &FieldFault) -> String {
    let say = |english: &str, korean: &str| language.pick(english, korean).to_owned();
    match fault {
        FieldFault::Empty => say("Fill this in.", "내용을 입력하십시오."),
        FieldFault::Long(most) => match language {
            Language::English => format!("This is longer than {most} characters: shorten it."),
            Language::Korean => format!("{most}자보다 깁니다. 줄여 주십시오."),
        },
        FieldFault::Unseen => say(
            "There are characters in it that cannot be seen, or that turn the direction of writing: remove them.",
            "보이지 않거나 쓰기 방향을 바꾸는 문자가 있습니다. 지워 주십시오.",
        ),
        FieldFault::NotAnId => say(
            "Use 1 to 40 of a-z, 0-9 and -, not beginning or ending with -.",
            "a-z, 0-9, -를 1자에서 40자까지 쓰고, -로 시작하거나 끝내지 마십시오.",
        ),
        FieldFault::NoneOf(words) => match language {
            Language::English => format!("Choose one of {words}."),
            Language::Korean => format!("다음 중에서 고르십시오: {words}."),
        },
        FieldFault::NotANumber => say("Give a number.", "숫자를 입력하십시오."),
        FieldFault::NoSuch => say(
            "Nothing is published under this number: choose one that is.",
            "이 번호로 공표된 것이 없습니다. 공표된 번호를 쓰십시오.",
        ),
        FieldFault::Taken => {
            say("This is taken: choose another one.", "이미 사용 중입니다. 다른 것을 고르십시오.")
        }
        FieldFault::NotAValidator(form) => match language {
            Language::English => format!("This is no validator's name. On this chain it is {form}."),
            Language::Korean => {
                format!("밸리데이터의 이름이 아닙니다. 이 체인에서는 {}입니다.", claim::form(*form))
            }
        },
        FieldFault::NoValidators(family) => match language {
            Language::English => {
                format!("Blocks of the chain family {family} name no validators: leave this empty.")
            }
            Language::Korean => {
                format!("체인 계열 {family}의 블록에는 밸리데이터가 나타나지 않습니다. 비워 두십시오.")
            }
        },
        FieldFault::Unproven(fault) => match language {
            Language::English => format!(
                "This does not prove that you run the validator: {fault}. Sign with its key, by the command shown here."
            ),
            Language::Korean => format!(
                "이 밸리데이터를 운영한다는 증명이 되지 않습니다. {} 여기에 나온 명령으로 밸리데이터의 키를 써서 서명하십시오.",
                claim::proof(fault)
            ),
        },
        FieldFault::Chosen(id) => match language {
            Language::English => format!("This account applied as {id}: an identifier is chosen once."),
            Language::Korean => {
                format!("이 계정은 {id}(으)로 신청했습니다. 식별자는 한 번만 정할 수 있습니다.")
            }
        },
    }
}

fn node(language: Language, fault: &NodeFault) -> String {
    match (language, fault) {
        (Language::English, NodeFault::Silent(_)) => {
            "The node was looked at and gave no good answer: see that it runs, and try again.".into()
        }
        (Language::English, fault) => format!("This cannot be measured: {fault}."),
        (Language::Korean, NodeFault::Address(NotAllowed::Form(given))) => {
            format!("{given}은(는) 노드 주소가 아닙니다. http://IP:PORT 형식으로 쓰십시오.")
        }
        (Language::Korean, NodeFault::Address(NotAllowed::NotLoopback(given))) => format!(
            "{given}은(는) 이 서버에 있지 않습니다. 이 버전에서는 루프백 주소(127.0.0.0/8 또는 [::1])만 측정합니다."
        ),
        (Language::Korean, NodeFault::Ours(given)) => format!(
            "{given}은(는) 이 서버, 참조 노드 또는 대조 노드의 주소입니다. 자신의 노드를 등록하십시오."
        ),
        (Language::Korean, NodeFault::Path { season }) => {
            format!("이 시즌은 {season} 경로로 측정합니다. 그 경로를 고르십시오.")
        }
        (Language::Korean, NodeFault::Taken(given)) => {
            format!("{given}은(는) 다른 운영자가 등록했습니다. 자신의 노드를 등록하십시오.")
        }
        (Language::Korean, NodeFault::Silent(_)) => {
            "노드가 올바르게 응답하지 않았습니다. 가동 중인지 확인하고 다시 시도하십시오.".into()
        }
        (Language::Korean, NodeFault::Chain { has, needs }) => {
            format!("노드는 체인 {has}, 시즌은 체인 {needs}입니다. 시즌 네트워크의 노드를 등록하십시오.")
        }
        (Language::Korean, NodeFault::Genesis { has, needs }) => format!(
            "노드의 제네시스는 {has}, 시즌의 제네시스는 {needs}입니다. 시즌 네트워크의 노드를 등록하십시오."
        ),
    }
}

fn token(language: Language, fault: &TokenFault) -> String {
    match (language, fault) {
        (Language::English, fault) => fault.to_string(),
        (Language::Korean, TokenFault::Expired) => {
            "토큰이 만료되었습니다. touchstone login으로 새 토큰을 받으십시오.".into()
        }
        (Language::Korean, TokenFault::Scope { has, needed }) => {
            format!("토큰의 권한은 {has}인데 {needed} 권한이 필요합니다.")
        }
        (Language::Korean, TokenFault::Days(days)) => {
            format!("토큰의 수명은 1일에서 {MOST_DAYS}일까지입니다. {days}일은 쓸 수 없습니다.")
        }
    }
}
