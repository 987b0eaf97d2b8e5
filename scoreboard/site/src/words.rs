//! Machine words in plain ones.

use model::evidence::Observer;
use model::plan::{LaneKind, Via};
use model::{CutCause, Ended, RunState, Status, Vector, VoidCause};

use crate::{format, text};

/// Where an entry stands, in a word.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Ranked => "ranked",
        Status::Provisional => "provisional",
        Status::Unrated => "unrated",
        Status::Barred => "barred",
    }
}

/// Why an entry has no place.
pub(crate) fn status_reason(status: Status) -> &'static str {
    match status {
        Status::Ranked => "Measured often enough for a place.",
        Status::Provisional => "Measured, but too seldom for a place.",
        Status::Unrated => "Too little seen for a number. This is not a zero.",
        Status::Barred => "A finding bars it, whatever its points.",
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

/// Who bears a run's end, and what follows.
pub(crate) fn attribution(state: RunState) -> &'static str {
    match state {
        RunState::Measured => "The run went to its end and counts.",
        RunState::Cut(CutCause::NodeDown) => {
            "The node did not answer, or answered for another chain. That is the operator's side: the run \
             counts, and phases that were not observed earn their floor."
        }
        RunState::Cut(CutCause::ConsentWithdrawn) => {
            "The operator withdrew consent, so sending stopped at once. The run counts, and phases that were \
             not observed earn their floor."
        }
        RunState::Cut(CutCause::ProtectiveStop) => {
            "Touchstone stopped to protect the node or the network from harm that the node allowed. The run \
             counts, and phases that were not observed earn their floor."
        }
        RunState::Void(VoidCause::Ours) => {
            "Touchstone's own fault, not the operator's. The run does not count and costs no point; it is \
             drawn again while attempts are left."
        }
        RunState::Void(VoidCause::Network) => {
            "The network stood still. The run does not count and costs no point; it is drawn again while \
             attempts are left."
        }
    }
}

/// How a run ended, as the worker saw it.
pub(crate) fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Completed => "every phase was run",
        Ended::Unreachable => "the node gave no usable answer at the beginning",
        Ended::WrongChain => "the node answered for another chain id or genesis",
        Ended::NodeDown => "the node stopped answering",
        Ended::ConsentWithdrawn => "consent was withdrawn",
        Ended::ProtectiveStop => "stopped to protect the node or the network",
        Ended::ReferenceLost => "the reference could not be read, or stood still while a control went on",
        Ended::NetworkHalted => "no reference and no control advanced",
        Ended::Unfunded => "the run's accounts could not be funded",
        Ended::Interrupted => "the measuring process itself ended",
    }
}

/// Who told us about the chain.
pub(crate) fn observer(observer: Observer) -> &'static str {
    match observer {
        Observer::Reference => "a reference node of the network",
        Observer::SelfObserved => "the node under test itself (good for a rehearsal, never for a rank)",
    }
}

/// What a lane carries.
pub(crate) fn lane(kind: LaneKind) -> String {
    match (kind, kind.vector()) {
        (LaneKind::Load, _) => "door probe".into(),
        (_, Some(vector)) => format!("{vector} {}", vector.title()),
        _ => "honest".into(),
    }
}

/// Through which node a lane goes in.
pub(crate) fn via(via: Via) -> &'static str {
    match via {
        Via::Candidate => "this node",
        Via::Control => "control",
        Via::Distant => "distant control",
    }
}

/// What a rule looks at; the rule's own name where no better words are known.
pub(crate) fn rule(rule: &str) -> String {
    let (family, last) = rule.split_once('.').unwrap_or(("", rule));
    let (kind, rate) = last.split_once('@').unwrap_or((last, ""));
    if let Some(vector) = Vector::ALL.into_iter().find(|vector| kind == vector.to_string()) {
        let at = if rate.is_empty() { String::new() } else { format!(" at {rate}/s") };
        return format!("{}: {vector} {}{at}", capital(family), vector.title());
    }
    match rule {
        "ingress.inclusion" => "Ingress: share that landed".into(),
        "ingress.delay" => "Ingress: mean delay behind the control".into(),
        "door.capacity" => "Door: rate served, sustained".into(),
        _ => capital(&text::plain(rule).replace(['.', '-', '_'], " ")),
    }
}

/// What an observation was made of, in words with the value.
pub(crate) fn factor(name: &str, value: i64) -> String {
    let share = |words: &str| format!("{words} {}", format::per_mille(value));
    match (name, value) {
        ("Y(base)", _) => share("honest landed before the attack"),
        ("Y(attack)", _) => share("honest landed during the attack"),
        ("U", _) => share("kept here, against the control (U)"),
        ("N", _) => share("kept elsewhere, against the control (N)"),
        ("accuracy", _) => share("right refusals"),
        ("recovery", _) => share("recovery"),
        ("controls_median", _) => format!("controls' median {value} requests/s"),
        ("at_least", 0) => "the search found the limit".into(),
        ("at_least", _) => "at least this: the search ended at its highest rate".into(),
        ("recovered", 0) => "start rate not served again after the overload".into(),
        ("recovered", _) => "start rate served again after the overload".into(),
        ("block_interval_us", _) => format!("block interval {}", format::signed_us(value)),
        ("landed" | "offered" | "pairs", _) => format!("{name} {value}"),
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
        assert_eq!(rule("defense.V08@50"), "Defense: V08 future-nonce flood at 50/s");
        assert_eq!(rule("defense.V01"), "Defense: V01 wrong chain id");
        assert_eq!(rule("duty.turns-kept"), "Duty turns kept");
        assert_eq!(rule(""), "");
    }
}
