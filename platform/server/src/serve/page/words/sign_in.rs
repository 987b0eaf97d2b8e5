//! Why a signed text does not do.

use site::shell::Language;

use crate::account::NotAnAccount;
use crate::account::message::MessageFault;
use crate::account::sign_in::{MAX_AGE_MS, Refusal};
use crate::account::signature::SignatureFault;

/// In this language; English is what the act says.
pub(super) fn refusal(language: Language, fault: &Refusal) -> String {
    if language == Language::English {
        return fault.to_string();
    }
    match fault {
        Refusal::Message(fault) => message(fault),
        Refusal::Domain { said, expected } => format!(
            "이 문구는 {expected}이(가) 아니라 {said}의 것입니다. 지금 보고 있는 사이트에서 받은 문구에만 서명하십시오."
        ),
        Refusal::Uri { said, expected } => format!(
            "이 문구의 주소 {said}은(는) {expected}에 없습니다. {expected}에서 받은 문구에 서명하십시오."
        ),
        Refusal::ChainId { said, expected } => format!(
            "이 문구는 체인 {expected}이(가) 아니라 체인 {said}의 것입니다. 지갑에서 네트워크를 바꾸고 새 문구에 \
             서명하십시오."
        ),
        Refusal::Nonce => "이 사이트가 준 문구가 아닙니다. 새 문구를 받아 서명하십시오.".into(),
        Refusal::Future { seconds } => {
            format!("문구가 {seconds}초 뒤의 시각으로 만들어졌습니다. 기기의 시계를 맞추십시오.")
        }
        Refusal::Old { seconds } => format!(
            "문구를 받은 지 {seconds}초가 지났습니다. 새 문구를 받아 {}분 안에 서명하십시오.",
            MAX_AGE_MS / 60_000
        ),
        Refusal::Expired { at } => format!("문구가 {at}에 만료되었습니다. 새 문구를 받아 서명하십시오."),
        Refusal::Early { at } => {
            format!("문구는 {at}부터 유효합니다. 그때까지 기다리거나 새 문구를 받으십시오.")
        }
        Refusal::Signature(fault) => signature(fault),
    }
}

/// What is wrong with an account that somebody typed.
pub(super) fn account(language: Language, fault: &NotAnAccount) -> String {
    match (language, fault) {
        (Language::English, fault) => fault.to_string(),
        (Language::Korean, NotAnAccount::Form) => "계정은 0x와 16진수 40자리입니다.".into(),
        (Language::Korean, NotAnAccount::Checksum { right }) => {
            format!("계정의 대문자가 EIP-55와 다릅니다. 틀린 자리가 없다면 {right}(이)라고 쓰십시오.")
        }
    }
}

fn message(fault: &MessageFault) -> String {
    match fault {
        MessageFault::Long => "문구가 너무 깁니다. 서버가 준 문구에 서명하십시오.".into(),
        MessageFault::Character(character) => {
            format!(
                "문구에 EIP-4361이 허용하지 않는 문자 {character:?}이(가) 있습니다. 문구를 바꾸지 마십시오."
            )
        }
        MessageFault::Line { line, .. } => {
            format!("문구의 {line}번째 줄이 EIP-4361의 순서와 다릅니다. 서버가 준 문구를 그대로 쓰십시오.")
        }
        MessageFault::Trailing { line } => {
            format!("문구의 {line}번째 줄은 필요 없습니다. 서버가 준 문구를 그대로 쓰십시오.")
        }
        MessageFault::Field { field } => {
            format!("문구의 {field} 항목이 EIP-4361의 형식이 아닙니다. 서버가 준 문구에 서명하십시오.")
        }
        MessageFault::Version => "문구의 버전이 1이 아닙니다.".into(),
        MessageFault::Account(fault) => account(Language::Korean, fault),
    }
}

/// Why a signature is not taken, in Korean.
pub(super) fn signature(fault: &SignatureFault) -> String {
    match fault {
        SignatureFault::Form => {
            "서명은 16진수 130자리입니다(0x는 있어도 없어도 됩니다). 전체를 복사하십시오.".into()
        }
        SignatureFault::Parity(byte) => format!(
            "서명의 마지막 바이트가 {byte}입니다. 27, 28, 0, 1 중 하나여야 합니다. 트랜잭션이 아니라 문구에 서명하십시오."
        ),
        SignatureFault::Range => "서명의 숫자가 범위를 벗어났습니다. 다시 서명하십시오.".into(),
        SignatureFault::HighS => "서명의 s가 위쪽 절반에 있습니다(EIP-2). 다시 서명하십시오.".into(),
        SignatureFault::Stranger { account, ethereum, klaytn } => format!(
            "{account}의 서명이 아니거나 문구가 다릅니다. 문구를 바꾸지 말고 그 계정의 키로 서명하십시오. (이더리움 \
             방식이라면 {ethereum}, Kaia 방식이라면 {klaytn}의 서명입니다.)"
        ),
    }
}
