//! Why a validator's name or proof does not do, in Korean; English is what the claim itself says.

use challenges::claim::{NameForm, ProofFault};

use super::sign_in::signature;

/// The form of a validator's name, as the end of a sentence.
pub(super) fn form(form: NameForm) -> &'static str {
    match form {
        NameForm::Address => "0x와 16진수 40자리로 된, 블록에 서명하는 키의 주소",
        NameForm::ConsensusAddress => "16진수 40자리로 된, 노드의 priv_validator_key.json에 있는 주소",
    }
}

/// Why a proof does not prove.
pub(super) fn proof(fault: &ProofFault) -> String {
    match fault {
        ProofFault::Validator(name) => format!("밸리데이터의 이름은 {}입니다.", form(*name)),
        ProofFault::Signature(fault) => signature(fault),
        ProofFault::Form => "증명은 공개 키와 서명을 이은 16진수 192자리입니다. 전체를 복사하십시오.".into(),
        ProofFault::NoKey => "증명의 앞 64자리가 공개 키가 아닙니다. 다시 서명하십시오.".into(),
        ProofFault::Another { by, validator } => {
            format!(
                "{validator}이(가) 아니라 밸리데이터 {by}의 키로 서명했습니다. {validator}의 키로 서명하십시오."
            )
        }
        ProofFault::Text(text) => {
            format!("바로 이 문구에 대한 증명이 아닙니다. 다음 문구를 바꾸지 말고 서명하십시오: {text}")
        }
    }
}
