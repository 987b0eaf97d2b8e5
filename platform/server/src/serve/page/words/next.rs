//! What somebody can do next in a season.

use model::{Stage, Standing};
use site::shell::Language;
use store::SeasonRecord;

/// How an account stands to a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Part {
    /// Nobody is signed in.
    Stranger,
    /// Signed in, and has not applied.
    Visitor,
    /// Has applied.
    Operator(Standing),
}

/// What comes next, in a sentence.
pub(in super::super) fn next(language: Language, season: &SeasonRecord, part: Part) -> &'static str {
    let stage = season.stage;
    if stage == Stage::Suspended && season.resumes == Some(Stage::Open) {
        return language.pick(
            "Applications pause. What is declared stays; come back when the season goes on.",
            "모집을 잠시 멈췄습니다. 등록한 내용은 그대로입니다. 시즌이 재개되면 다시 방문하십시오.",
        );
    }
    match part {
        Part::Stranger => stranger(language, stage),
        Part::Visitor => visitor(language, stage),
        Part::Operator(standing) => operator(language, stage, standing),
    }
}

fn stranger(language: Language, stage: Stage) -> &'static str {
    match stage {
        Stage::Open => {
            language.pick("Sign in with your account to apply.", "참가를 신청하려면 계정으로 로그인하십시오.")
        }
        other => visitor(language, other),
    }
}

fn visitor(language: Language, stage: Stage) -> &'static str {
    match stage {
        Stage::Open => language.pick("You can apply now.", "지금 신청할 수 있습니다."),
        Stage::Draft => language.pick("Come back when it is open.", "모집이 시작되면 다시 방문하십시오."),
        Stage::Trials | Stage::Suspended => language.pick(
            "Nobody can apply any more. Read what is published.",
            "더는 신청할 수 없습니다. 공표된 내용을 확인하십시오.",
        ),
        Stage::Review | Stage::Published | Stage::Archived => language
            .pick("Read the ranked list and check it yourself.", "순위표를 읽고 직접 검증해 보십시오."),
    }
}

fn operator(language: Language, stage: Stage, standing: Standing) -> &'static str {
    match (standing, stage) {
        (Standing::Applied, Stage::Draft | Stage::Open) => language.pick(
            "Declare the node that is to be measured: only then do you take part.",
            "측정받을 노드를 등록하십시오. 등록해야 참가할 수 있습니다.",
        ),
        (Standing::Applied, _) => language.pick(
            "You declared no node before the trials began, so you do not take part.",
            "측정이 시작되기 전에 노드를 등록하지 않아 참가하지 않습니다.",
        ),
        (Standing::Verified, Stage::Draft | Stage::Open) => language.pick(
            "Your node is known. Keep it running: the trials begin when a reviewer freezes the season.",
            "노드를 확인했습니다. 계속 가동하십시오. 심사위원이 시즌을 확정하면 측정이 시작됩니다.",
        ),
        (Standing::Verified, _) => {
            language.pick("The season was frozen without you.", "시즌이 이 운영자 없이 확정되었습니다.")
        }
        (Standing::Competing, Stage::Trials) => language.pick(
            "Your node is measured in every window. Keep it running, and change nothing that you need not.",
            "모든 측정 구간에서 노드를 측정합니다. 계속 가동하고, 꼭 필요하지 않은 변경은 하지 마십시오.",
        ),
        (Standing::Competing, Stage::Suspended) => language.pick(
            "All clocks stand still. Keep your node running.",
            "모든 진행을 멈췄습니다. 노드는 계속 가동하십시오.",
        ),
        (Standing::Competing, Stage::Review) => language.pick(
            "You are measured. Look at your runs while reviewers decide.",
            "측정이 끝났습니다. 심사가 진행되는 동안 측정 결과를 확인하십시오.",
        ),
        (Standing::Competing, _) => {
            language.pick("Read what was decided, and why.", "결정과 그 사유를 확인하십시오.")
        }
        (Standing::Withdrawn, Stage::Open) => language.pick(
            "You left. As long as the season is open you may apply again.",
            "참가를 철회했습니다. 모집 중에는 다시 신청할 수 있습니다.",
        ),
        (Standing::Withdrawn, _) => language.pick(
            "You left this season. Nothing is sent to your node any more.",
            "이 시즌의 참가를 철회했습니다. 노드로 더는 요청을 보내지 않습니다.",
        ),
        (Standing::Barred, _) => language.pick(
            "The foundation has put you out of this season: ask it for the reason.",
            "재단이 이 시즌에서 배제했습니다. 사유는 재단에 문의하십시오.",
        ),
    }
}
