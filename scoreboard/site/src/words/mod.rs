//! Machine words in plain ones, in the reader's language.

mod answer;
mod rule;

use std::fmt;

use model::evidence::Observer;
use model::plan::{LaneKind, Via};
use model::{CutCause, Ended, Network, RunState, Status, Vector, Verdict, VoidCause};

pub(crate) use self::answer::answer;
pub(crate) use self::rule::{factor, rule, unit};
use crate::shell::Language;
use crate::standing::Seat;
use crate::{format, text};

/// Where an entry stands, in a word.
pub(crate) fn status(language: Language, status: Status) -> &'static str {
    match status {
        Status::Ranked => language.pick("ranked", "순위 부여"),
        Status::Provisional => language.pick("provisional", "잠정"),
        Status::Unrated => language.pick("unrated", "미평가"),
        Status::Barred => language.pick("barred", "배제"),
    }
}

/// Why an entry has no place.
pub(crate) fn status_reason(language: Language, status: Status) -> &'static str {
    match status {
        Status::Ranked => {
            language.pick("Measured often enough for a place.", "순위를 매기기에 충분히 측정했습니다.")
        }
        Status::Provisional => language
            .pick("Measured, but too seldom for a place.", "측정했지만 순위를 매기기에는 횟수가 적습니다."),
        Status::Unrated => language.pick(
            "Too little seen for a number. This is not a zero.",
            "점수를 내기에는 관측이 적습니다. 0점이라는 뜻이 아닙니다.",
        ),
        Status::Barred => language
            .pick("A finding bars it, whatever its points.", "중대 발견이 있어 점수와 관계없이 배제됩니다."),
    }
}

/// What the ranking means for a seat; empty where it means nothing.
pub(crate) fn seat(language: Language, seat: Seat) -> &'static str {
    match seat {
        Seat::In => language.pick("in", "의석권"),
        Seat::Out => language.pick("out", "의석권 밖"),
        Seat::Lottery => language.pick("lottery", "추첨"),
        Seat::None => "",
    }
}

/// A range of numbers.
pub(crate) fn from_to(language: Language, low: impl fmt::Display, high: impl fmt::Display) -> String {
    format!("{low} {} {high}", language.pick("to", "~"))
}

/// Which network it is.
pub(crate) fn network(language: Language, network: &Network) -> String {
    let chain_id = language.pick("chain id", "체인 ID");
    format!("{}, {chain_id} {}", text::name(&network.family, format::NONE), network.chain_id)
}

/// What was decided, in a word.
pub(crate) fn verdict(language: Language, verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Admit => language.pick("admit", "선발"),
        Verdict::Waitlist => language.pick("waitlist", "예비"),
        Verdict::Reject => language.pick("reject", "제외"),
    }
}

/// What those are called about whom it was decided.
pub(crate) fn verdict_heading(language: Language, verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Admit => language.pick("Admitted", "선발"),
        Verdict::Waitlist => language.pick("Waiting list", "예비"),
        Verdict::Reject => language.pick("Not admitted", "제외"),
    }
}

/// The style class of a run's state.
pub(crate) fn state_class(state: RunState) -> &'static str {
    match state {
        RunState::Measured => "good",
        RunState::Cut(_) => "bad",
        RunState::Void(_) => "neutral",
    }
}

/// What became of a run, in a word.
pub(crate) fn state(language: Language, state: RunState) -> String {
    let korean = match state {
        RunState::Measured => "측정 완료",
        RunState::Cut(CutCause::NodeDown) => "중단 (노드 다운)",
        RunState::Cut(CutCause::ConsentWithdrawn) => "중단 (동의 철회)",
        RunState::Cut(CutCause::ProtectiveStop) => "중단 (보호 정지)",
        RunState::Void(VoidCause::Ours) => "무효 (플랫폼 책임)",
        RunState::Void(VoidCause::Network) => "무효 (네트워크)",
    };
    language.pick(state.to_string(), korean.to_owned())
}

/// Who bears a run's end, and what follows.
pub(crate) fn attribution(language: Language, state: RunState) -> &'static str {
    match state {
        RunState::Measured => language.pick(
            "The run went to its end and counts.",
            "측정을 끝까지 마쳤으며 결과에 반영됩니다.",
        ),
        RunState::Cut(CutCause::NodeDown) => language.pick(
            "The node did not answer, or answered for another chain. That is the operator's side: the run \
             counts, and phases that were not observed earn their floor.",
            "노드가 응답하지 않았거나 다른 체인으로 응답했습니다. 운영자 측 사유이므로 결과에 반영되며, \
             관측되지 않은 단계는 최저점을 받습니다.",
        ),
        RunState::Cut(CutCause::ConsentWithdrawn) => language.pick(
            "The operator withdrew consent, so sending stopped at once. The run counts, and phases that were \
             not observed earn their floor.",
            "운영자가 동의를 철회하여 즉시 전송을 멈췄습니다. 결과에 반영되며, 관측되지 않은 단계는 최저점을 \
             받습니다.",
        ),
        RunState::Cut(CutCause::ProtectiveStop) => language.pick(
            "Touchstone stopped to protect the node or the network from harm that the node allowed. The run \
             counts, and phases that were not observed earn their floor.",
            "노드가 막지 못한 피해로부터 노드나 네트워크를 보호하려고 멈췄습니다. 결과에 반영되며, 관측되지 \
             않은 단계는 최저점을 받습니다.",
        ),
        RunState::Void(VoidCause::Ours) => language.pick(
            "Touchstone's own fault, not the operator's. The run does not count and costs no point; it is \
             drawn again while attempts are left.",
            "운영자가 아니라 플랫폼의 잘못입니다. 결과에 반영되지 않고 감점도 없으며, 시도 횟수가 남아 있으면 \
             다시 측정합니다.",
        ),
        RunState::Void(VoidCause::Network) => language.pick(
            "The network stood still. The run does not count and costs no point; it is drawn again while \
             attempts are left.",
            "네트워크가 멈췄습니다. 결과에 반영되지 않고 감점도 없으며, 시도 횟수가 남아 있으면 다시 \
             측정합니다.",
        ),
    }
}

/// How a run ended, as the worker saw it.
pub(crate) fn ended(language: Language, ended: Ended) -> &'static str {
    let (english, korean) = match ended {
        Ended::Completed => ("every phase was run", "모든 단계를 수행함"),
        Ended::Unreachable => {
            ("the node gave no usable answer at the beginning", "처음부터 노드가 쓸 수 있는 응답을 하지 않음")
        }
        Ended::WrongChain => {
            ("the node answered for another chain id or genesis", "노드가 다른 체인 ID나 제네시스로 응답함")
        }
        Ended::NodeDown => ("the node stopped answering", "노드가 더 이상 응답하지 않음"),
        Ended::ConsentWithdrawn => ("consent was withdrawn", "동의가 철회됨"),
        Ended::ProtectiveStop => {
            ("stopped to protect the node or the network", "노드나 네트워크를 보호하려고 멈춤")
        }
        Ended::ReferenceLost => (
            "the reference did not answer, or stood still while a control went on or nobody else was there to tell",
            "참조 노드가 응답하지 않았거나, 참조 노드가 멈춘 동안 대조 노드는 진행했거나 이를 확인해 줄 다른 노드가 없었음",
        ),
        Ended::ReferenceUnread => (
            "the reference went on and showed no blocks that its seals bear out",
            "참조 노드는 진행했지만 서명으로 확인되는 블록을 보여 주지 않음",
        ),
        Ended::NetworkHalted => {
            ("no reference and no control advanced", "참조 노드와 대조 노드가 모두 진행하지 않음")
        }
        Ended::Unfunded => ("the run's accounts could not be funded", "측정용 계정에 자금을 넣을 수 없었음"),
        Ended::Interrupted => ("the measuring process itself ended", "측정 프로세스 자체가 종료됨"),
    };
    language.pick(english, korean)
}

/// What the door search found: the rate of requests served.
pub(crate) fn knee(language: Language, capacity: u32, at_least: bool, recovered: bool) -> String {
    let after = match recovered {
        true => language.pick("served again", "다시 처리함"),
        false => language.pick("not served again", "다시 처리하지 못함"),
    };
    let least = if at_least { language.pick("at least ", "최소 ") } else { "" };
    match language {
        Language::English => {
            format!("{least}{capacity} requests/s; start rate {after} after the overload")
        }
        Language::Korean => format!("{least}{capacity}건/s; 과부하 후 시작 전송률을 {after}"),
    }
}

/// Who told us about the chain.
pub(crate) fn observer(language: Language, observer: Observer) -> &'static str {
    match observer {
        Observer::Reference => language.pick("a reference node of the network", "네트워크의 참조 노드"),
        Observer::SelfObserved => language.pick(
            "the node under test itself (good for a rehearsal, never for a rank)",
            "측정 대상 노드 자신 (예행연습에는 쓸 수 있으나 순위에는 쓸 수 없음)",
        ),
    }
}

/// A vector by number and title.
pub(crate) fn vector(language: Language, vector: Vector) -> String {
    let korean = match vector {
        Vector::V01 => "잘못된 체인 ID",
        Vector::V04 => "형식이 깨진 거래",
        Vector::V05 => "잘못된 서명",
        Vector::V07 => "재전송",
        Vector::V08 => "미래 논스 폭주",
        Vector::V11 => "거래 교체 남발",
        Vector::V15 => "리버트 스팸",
        Vector::V20 => "배치 폭탄",
    };
    format!("{vector} {}", language.pick(vector.title(), korean))
}

/// What a lane carries.
pub(crate) fn lane(language: Language, kind: LaneKind) -> String {
    match (kind, kind.vector()) {
        (LaneKind::Load, _) => language.pick("door probe", "관문 탐색").into(),
        (LaneKind::GapFill, _) => language.pick("missing nonces", "빠진 논스").into(),
        (LaneKind::KeyChange, _) => language.pick("key changes", "키 변경").into(),
        (_, Some(found)) => vector(language, found),
        _ => language.pick("honest", "정상 트래픽").into(),
    }
}

/// Through which node a lane goes in.
pub(crate) fn via(language: Language, via: Via) -> &'static str {
    match via {
        Via::Candidate => language.pick("this node", "이 노드"),
        Via::Control => language.pick("control", "대조 노드"),
        Via::Distant => language.pick("distant control", "원격 대조 노드"),
        Via::Next => language.pick("next proposer", "다음 제안자"),
    }
}

/// A phase of a plan. Plans name phases in English; a word that is not known stays.
pub(crate) fn phase(language: Language, name: &str) -> String {
    let plain = text::plain(name);
    let word = |word: &str| match word {
        "base" => "기준".into(),
        "recover" => "회복".into(),
        "pairs" => "짝 전송".into(),
        "door" => "관문".into(),
        "start" => "시작".into(),
        "ramp" => "상승".into(),
        "bisect" => "이분 탐색".into(),
        "sustain" => "지속".into(),
        "overload" => "과부하".into(),
        "again" => "재시도".into(),
        "watch" => "관찰".into(),
        "calm" => "평상시".into(),
        "storm" => "키 변경 폭주".into(),
        "recovery" => "회복".into(),
        other => other.to_owned(),
    };
    match language {
        Language::English => plain,
        Language::Korean => plain.split(' ').map(word).collect::<Vec<_>>().join(" "),
    }
}

/// A finding. It is published in English; one that is not known stays as it is.
pub(crate) fn finding(language: Language, published: &str) -> String {
    let plain = text::plain(published);
    let known = Vector::ALL.into_iter().find_map(|found| {
        let head = format!("invalid transaction included ({})", vector(Language::English, found));
        Some((found, plain.strip_prefix(&head)?))
    });
    let (Language::Korean, Some((found, rest))) = (language, known) else {
        return plain;
    };
    let shared = match rest {
        "" => "",
        "; client finding, a control of the same client did the same" => {
            "; 클라이언트의 문제이며, 같은 클라이언트의 대조 노드에서도 나타남"
        }
        _ => return plain,
    };
    format!("무효 트랜잭션이 블록에 포함됨 ({}){shared}", vector(language, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_in_english_is_translated_where_it_is_known() {
        let known = "invalid transaction included (V05 bad signature)";
        assert_eq!(finding(Language::English, known), known);
        assert_eq!(finding(Language::Korean, known), "무효 트랜잭션이 블록에 포함됨 (V05 잘못된 서명)");
        assert_eq!(finding(Language::Korean, "crash at height 7"), "crash at height 7");
        assert_eq!(phase(Language::Korean, "bisect 450/s again"), "이분 탐색 450/s 재시도");
        assert_eq!(phase(Language::Korean, "V01@50"), "V01@50");
    }
}
