//! What nodes answer.

use model::Class;
use model::class::{Reason, Unavailable};

use crate::shell::Language;

/// The class of an answer.
pub(crate) fn answer(language: Language, class: Class) -> &'static str {
    let korean = match class {
        Class::Accepted => "수락",
        Class::Rejected(reason) => rejected(reason),
        Class::Throttled => "속도 제한",
        Class::Unavailable(how) => unavailable(how),
        Class::ProtocolError => "프로토콜 오류",
        Class::Unknown => "알 수 없음",
    };
    language.pick(class.as_str(), korean)
}

fn rejected(reason: Reason) -> &'static str {
    match reason {
        Reason::WrongChain => "거부: 다른 체인",
        Reason::BadSignature => "거부: 잘못된 서명",
        Reason::NonceTooLow => "거부: 지난 논스",
        Reason::AlreadyKnown => "거부: 이미 있음",
        Reason::FutureNonce => "거부: 미래 논스",
        Reason::Underpriced => "거부: 수수료 부족",
        Reason::Funds => "거부: 잔액 부족",
        Reason::Gas => "거부: 가스 범위",
        Reason::PoolFull => "거부: 풀 가득 참",
        Reason::Oversized => "거부: 크기 초과",
        Reason::Malformed => "거부: 형식 오류",
    }
}

fn unavailable(how: Unavailable) -> &'static str {
    match how {
        Unavailable::Timeout => "응답 불가: 시간 초과",
        Unavailable::Refused => "응답 불가: 연결 거부",
        Unavailable::Closed => "응답 불가: 연결 끊김",
        Unavailable::ServerError => "응답 불가: 서버 오류",
        Unavailable::Backlog => "응답 불가: 대기 초과",
    }
}
