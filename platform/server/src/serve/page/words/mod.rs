//! Machine words in plain ones. What stands in templates is in the catalogues beside this; what an enum says is
//! here, so that the compiler sees to it that none is forgotten. Runs and rankings speak as the public pages do
//! ([`site::explain`]).

mod claim;
pub(super) mod fault;
pub(super) mod next;
mod sign_in;

use model::trial::Path;
use model::{ChallengeKey, Schedule, Stage, Standing};
use site::explain;
use site::shell::Language;
use store::Seat;

use crate::serve::runs::Progress;

/// How the validator behind a node was seated when it was declared; none: nobody could tell.
pub(super) fn seat(language: Language, seat: Option<Seat>) -> String {
    let Some(Seat { height, seated }) = seat else {
        let text = language.pick(
            "Whether it was seated when it was declared is not known.",
            "등록할 때 밸리데이터 집합에 있었는지 알 수 없습니다.",
        );
        return text.to_owned();
    };
    match (language, seated) {
        (Language::English, true) => format!("Seated at block {height}."),
        (Language::Korean, true) => format!("블록 {height}의 밸리데이터 집합에 있습니다."),
        (Language::English, false) => {
            format!("Not seated at block {height}: what is about validators is unrated until it is.")
        }
        (Language::Korean, false) => format!(
            "블록 {height}의 밸리데이터 집합에 없습니다. 집합에 들어올 때까지 밸리데이터에 대한 과제는 점수를 매기지 \
             않습니다."
        ),
    }
}

/// How far a season is, in a word.
pub(super) fn stage(language: Language, stage: Stage) -> &'static str {
    match stage {
        Stage::Draft => language.pick("draft", "준비 중"),
        Stage::Open => language.pick("open", "모집 중"),
        Stage::Trials => language.pick("trials", "측정 중"),
        Stage::Review => language.pick("review", "심사 중"),
        Stage::Published => language.pick("published", "공표됨"),
        Stage::Archived => language.pick("archived", "보존됨"),
        Stage::Suspended => language.pick("suspended", "일시 중지"),
    }
}

/// What it means that a season is there.
pub(super) fn stage_now(language: Language, stage: Stage) -> &'static str {
    match stage {
        Stage::Draft => {
            language.pick("It is still being written. Nobody can apply yet.", "아직 준비하고 있습니다. 신청할 수 없습니다.")
        }
        Stage::Open => language.pick(
            "Operators apply and declare the node that is to be measured.",
            "운영자가 신청하고 측정받을 노드를 등록하는 기간입니다.",
        ),
        Stage::Trials => language.pick(
            "Nodes are being measured. After each window a list is published; it is provisional until the last.",
            "노드를 측정하고 있습니다. 측정 구간이 끝날 때마다 순위표를 공표하며, 마지막 공표 전까지는 잠정입니다.",
        ),
        Stage::Review => language.pick(
            "Everything is measured and published. Reviewers decide who is admitted.",
            "측정과 공표가 끝났습니다. 심사위원이 선발을 결정하고 있습니다.",
        ),
        Stage::Published => language.pick(
            "The admission list is published. Corrections are new decisions that name the ones they replace.",
            "선발 명단을 공표했습니다. 정정은 앞선 결정을 대체하는 새 결정으로만 합니다.",
        ),
        Stage::Archived => {
            language.pick("It is over, and kept to be read.", "시즌이 끝났으며 기록으로 보존합니다.")
        }
        Stage::Suspended => language.pick(
            "All clocks stand still. It goes on where it was.",
            "모든 진행을 멈췄습니다. 멈춘 곳에서 다시 이어집니다.",
        ),
    }
}

/// What a reviewer does who moves a season from one stage to another, and what follows from it.
pub(super) fn move_to(language: Language, from: Stage, to: Stage) -> (&'static str, &'static str) {
    let (english, korean) = match (from, to) {
        (Stage::Published, Stage::Published) => (
            ("Publish new decisions", "A publication is added; those before it stay readable."),
            ("새 결정 공표", "공표가 하나 늘어납니다. 앞선 공표도 계속 공개됩니다."),
        ),
        (Stage::Suspended, _) => {
            (("Go on", "The season goes on where it was."), ("재개", "시즌을 멈춘 곳에서 다시 이어 갑니다."))
        }
        (_, Stage::Draft) => {
            (("Back to draft", "Nobody can apply any more."), ("준비 단계로", "더는 신청할 수 없습니다."))
        }
        (_, Stage::Open) => (
            ("Open for applications", "Operators may apply and declare nodes."),
            ("모집 시작", "운영자가 신청하고 노드를 등록할 수 있습니다."),
        ),
        (_, Stage::Trials) => (
            (
                "Begin the trials",
                "Rules and operators are frozen: everybody whose node is known takes part, nobody can apply any \
                 more, and measuring begins. There is no way back.",
            ),
            (
                "측정 시작",
                "규칙과 운영자를 확정합니다. 노드를 확인한 운영자가 모두 참가하고, 더는 신청할 수 없으며, 측정을 \
                 시작합니다. 되돌릴 수 없습니다.",
            ),
        ),
        (_, Stage::Review) => {
            (("Begin the review", "Reviewers may decide."), ("심사 시작", "심사위원이 결정할 수 있습니다."))
        }
        (_, Stage::Published) => (
            ("Publish the admission list", "Every decision so far is signed and published with its reason."),
            ("선발 명단 공표", "지금까지의 모든 결정을 사유와 함께 서명하여 공표합니다."),
        ),
        (_, Stage::Archived) => (
            ("Archive", "The season is over, and stays readable."),
            ("보존", "시즌을 끝내고 기록으로 보존합니다."),
        ),
        (_, Stage::Suspended) => (
            (
                "Suspend",
                "All clocks stand still and load stops. A run under way is void, as ours, and is drawn again.",
            ),
            (
                "일시 중지",
                "모든 진행과 부하를 멈춥니다. 진행 중이던 측정은 플랫폼 책임의 무효로 처리하고 다시 측정합니다.",
            ),
        ),
    };
    language.pick(english, korean)
}

/// How far an operator is, in a word.
pub(super) fn standing(language: Language, standing: Standing) -> &'static str {
    match standing {
        Standing::Applied => language.pick("applied", "신청함"),
        Standing::Verified => language.pick("verified", "확인됨"),
        Standing::Competing => language.pick("competing", "참가 중"),
        Standing::Withdrawn => language.pick("withdrawn", "참가 철회"),
        Standing::Barred => language.pick("barred", "배제"),
    }
}

/// What follows for an operator who leaves a season at this stage.
pub(super) fn leave(language: Language, stage: Stage) -> &'static str {
    match stage {
        Stage::Open | Stage::Draft => language.pick(
            "Nothing is measured yet. Your node is free for others then, and you may apply again while the season is \
             open.",
            "아직 측정을 시작하지 않았습니다. 철회하면 등록한 노드를 다른 운영자가 등록할 수 있으며, 모집 중에는 다시 \
             신청할 수 있습니다.",
        ),
        Stage::Trials | Stage::Suspended => language.pick(
            "Load on your node stops within seconds. A run under way is cut and counts; runs that were to come are cut \
             as well. This cannot be undone.",
            "몇 초 안에 노드로 보내는 부하를 멈춥니다. 진행 중이던 측정은 중단되어 결과에 반영되며, 남은 측정도 \
             중단으로 처리합니다. 되돌릴 수 없습니다.",
        ),
        Stage::Review | Stage::Published | Stage::Archived => language.pick(
            "Everything is measured, and what was measured stays published. Reviewers see that you left. This cannot \
             be undone.",
            "측정이 모두 끝났으며 공표된 결과는 그대로 남습니다. 심사위원은 철회 사실을 볼 수 있습니다. 되돌릴 수 \
             없습니다.",
        ),
    }
}

/// How load reaches a node.
pub(super) fn path(language: Language, path: Path) -> &'static str {
    match path {
        Path::Direct => language.pick("direct: the node's own RPC", "직접: 노드 자체의 RPC"),
        Path::Fronted => language.pick(
            "fronted: a sentry or RPC node in front of it",
            "전면: 밸리데이터 앞의 센트리 또는 RPC 노드",
        ),
    }
}

/// A kind of task.
pub(super) fn challenge(language: Language, challenge: ChallengeKey) -> &'static str {
    match challenge {
        ChallengeKey::TrafficThroughput => language.pick("traffic throughput", "트래픽 처리량"),
        ChallengeKey::SpamDefense => language.pick("spam defense", "스팸 방어"),
        ChallengeKey::Duty => language.pick("duty", "직무 수행"),
        ChallengeKey::KeyChange => language.pick("key change", "키 변경"),
    }
}

/// When operators are measured.
pub(super) fn schedule(language: Language, schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Together => language.pick("all at once", "동시에"),
        Schedule::Alone => language.pick("one after another", "한 운영자씩"),
    }
}

/// How far a run is, in a word, with its style class.
pub(super) fn progress(language: Language, progress: &Progress) -> (String, &'static str) {
    match progress {
        Progress::Queued => (language.pick("waits for its turn", "차례를 기다림").into(), "neutral"),
        Progress::Running => (language.pick("is being measured", "측정 중").into(), "neutral"),
        Progress::Ended { state, .. } => (explain::state(language, *state), explain::state_class(*state)),
    }
}
