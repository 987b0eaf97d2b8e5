//! Rules of the rulebook, and what their observations were made of.

use model::Vector;

use super::vector;
use crate::shell::Language;
use crate::{format, text};

/// What a rule looks at; the rule's own name where no better words are known.
pub(crate) fn rule(language: Language, rule: &str) -> String {
    let (family, last) = rule.split_once('.').unwrap_or(("", rule));
    let (kind, rate) = last.split_once('@').unwrap_or((last, ""));
    if let Some(found) = Vector::ALL.into_iter().find(|vector| kind == vector.to_string()) {
        let at = match (rate, language) {
            ("", _) => String::new(),
            (rate, Language::English) => format!(" at {rate}/s"),
            (rate, Language::Korean) => format!(", {rate}/s"),
        };
        return format!("{}: {}{at}", family_name(language, family), vector(language, found));
    }
    match rule {
        "ingress.inclusion" => language.pick("Ingress: share that landed", "인입: 블록에 포함된 비율").into(),
        "ingress.delay" => language
            .pick("Ingress: mean delay behind the control", "인입: 대조 노드보다 늦은 평균 시간")
            .into(),
        "door.capacity" => language.pick("Door: rate served, sustained", "관문: 지속 처리율").into(),
        "duty.turns" => {
            language.pick("Duty: turns in which it made its block", "직무: 블록을 만든 차례의 비율").into()
        }
        "duty.filled" => language
            .pick(
                "Duty: blocks not left empty while transactions waited",
                "직무: 대기 거래가 있을 때 비우지 않은 블록",
            )
            .into(),
        "duty.prompt" => language.pick("Duty: blocks that came in time", "직무: 제때 나온 블록").into(),
        "duty.votes" => language
            .pick("Duty: votes, against the controls' median", "직무: 대조 노드 중앙값 대비 투표율")
            .into(),
        "duty.head" => language.pick("Duty: kept up with the head", "직무: 최신 블록을 따라간 비율").into(),
        "duty.probes" => language.pick("Duty: probes that landed", "직무: 블록에 포함된 점검 거래").into(),
        "key-change.turns" => language
            .pick("Key change: turns in which it made its block", "키 변경: 블록을 만든 차례의 비율")
            .into(),
        _ => capital(&text::plain(rule).replace(['.', '-', '_'], " ")),
    }
}

fn family_name(language: Language, family: &str) -> String {
    match (language, family) {
        (Language::Korean, "defense") => "방어".into(),
        _ => capital(&text::plain(family)),
    }
}

/// A unit of observations.
pub(crate) fn unit(language: Language, unit: &str) -> String {
    match unit {
        "requests/s" => language.pick("requests/s", "건/s").into(),
        _ => text::plain(unit),
    }
}

/// What an observation was made of, in words with the value.
pub(crate) fn factor(language: Language, name: &str, value: i64) -> String {
    let share = |english, korean| format!("{} {}", language.pick(english, korean), format::per_mille(value));
    let said = |english: &str, korean: &str| language.pick(english, korean).to_owned();
    match (name, value) {
        ("Y(base)", _) => share("honest landed before the attack", "공격 전 정상 트래픽 포함률"),
        ("Y(attack)", _) => share("honest landed during the attack", "공격 중 정상 트래픽 포함률"),
        ("U", _) => share("kept here, against the control (U)", "대조 노드 대비 이 노드의 유지율 (U)"),
        ("N", _) => share("kept elsewhere, against the control (N)", "대조 노드 대비 다른 노드의 유지율 (N)"),
        ("accuracy", _) => share("right refusals", "올바른 거부"),
        ("bounded", _) => share("bounded queue", "대기열 제한"),
        ("behind_gap", _) => format!(
            "{} {value}",
            said(
                "most kept of one account behind a nonce gap:",
                "논스 공백 뒤에 보관한 계정당 최대 거래 수:"
            )
        ),
        ("recovery", _) => share("recovery", "회복"),
        ("controls_median", _) => {
            format!(
                "{} {value} {}",
                said("controls' median", "대조 노드 중앙값"),
                unit(language, "requests/s")
            )
        }
        ("at_least", 0) => said("the search found the limit", "탐색으로 한계를 찾음"),
        ("at_least", _) => said(
            "at least this: the search ended at its highest rate",
            "최소한 이 값: 최고 전송률에서 탐색이 끝남",
        ),
        ("steady", _) => share("answered without standing still", "멈춤 없이 응답한 비율"),
        ("recovered", 0) => said(
            "start rate not served again after the overload",
            "과부하 후 시작 전송률을 다시 처리하지 못함",
        ),
        ("recovered", _) => {
            said("start rate served again after the overload", "과부하 후 시작 전송률을 다시 처리함")
        }
        ("block_interval_us", _) => {
            format!("{} {}", said("block interval", "블록 간격"), format::signed_us(value))
        }
        ("good", _) => format!("{} {value}", said("good", "정상")),
        ("all", _) => format!("{} {value}", said("of", "전체")),
        ("outages", _) => {
            format!("{} {value}", said("was gone and came back, times:", "사라졌다가 돌아온 횟수:"))
        }
        ("proposed", _) => format!("{} {value}", said("blocks made", "만든 블록")),
        ("had", _) => format!("{} {value}", said("turns", "차례")),
        ("mine", _) => share("votes in certificates", "인증서에 든 투표"),
        ("at_most", _) => share("but for chance at most", "우연을 감안한 상한"),
        ("certificates", _) => format!("{} {value}", said("certificates", "인증서")),
        ("controls", _) => share("controls' median", "대조 노드 중앙값"),
        ("landed", _) => format!("{} {value}", said("landed", "블록 포함")),
        ("offered", _) => format!("{} {value}", said("offered", "보낸 요청")),
        ("pairs", _) => format!("{} {value}", said("pairs", "쌍")),
        _ => format!("{} = {value}", text::plain(name)),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_words_even_when_they_are_new() {
        let english = |name| rule(Language::English, name);
        assert_eq!(english("defense.V08@50"), "Defense: V08 future-nonce flood at 50/s");
        assert_eq!(english("defense.V01"), "Defense: V01 wrong chain id");
        assert_eq!(english("duty.turns-kept"), "Duty turns kept");
        assert_eq!(english(""), "");
        assert_eq!(rule(Language::Korean, "defense.V08@50"), "방어: V08 미래 논스 폭주, 50/s");
    }
}
