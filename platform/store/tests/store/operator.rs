//! Operators: entered once, moved step by step, under any name.

use model::{Role, Stage as SeasonStage, Standing};
use store::{NewAudit, NewNode, NewOperator};

use crate::fixture::{account, at, begun, now, operator, run, spring};
use crate::stage::{Kind, Stage, refused, same};

fn applicant(id: &str, number: u32) -> NewOperator {
    NewOperator {
        id: operator(id),
        account: Some(account(number)),
        name: format!("{id} & Co"),
        role: Role::Candidate,
        contact: Some("ops@example.org".into()),
    }
}

pub(crate) async fn an_operator_applies_once(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let id = spring();
    refused(Kind::NotFound, "season spring", store.apply(&id, &applicant("alpha", 1), now()).await)?;
    store.draft_season(&id, b"", now()).await?;
    store.move_season(&id, SeasonStage::Draft, SeasonStage::Open, now()).await?;
    store.apply(&id, &applicant("alpha", 1), at(1)).await?;
    refused(Kind::Conflict, "alpha", store.apply(&id, &applicant("alpha", 2), at(2)).await)?;
    refused(Kind::Conflict, "same account", store.apply(&id, &applicant("beta", 1), at(2)).await)?;
    for id in ["beta", "gamma"] {
        let nobodys = NewOperator { account: None, contact: None, ..applicant(id, 0) };
        store.apply(&spring(), &nobodys, at(3)).await?;
    }
    let alpha = store.operator(&id, &operator("alpha")).await?;
    same(alpha.account, Some(account(1)))?;
    same((alpha.standing, alpha.created, alpha.changed), (Standing::Applied, at(1), at(1)))?;
    let found = store.operator_of(&id, &account(1)).await?;
    same(found.map(|operator| operator.id), Some(operator("alpha")))?;
    same(store.operator_of(&id, &account(9)).await?, None)?;

    store.set_profile(&id, &operator("alpha"), "Alpha 2", Some("new@example.org"), at(4)).await?;
    let changed = store.operator(&id, &operator("alpha")).await?;
    same((changed.name.as_str(), changed.contact.as_deref()), ("Alpha 2", Some("new@example.org")))?;
    store.set_profile(&id, &operator("alpha"), "Alpha 2", None, at(5)).await?;
    same(store.operator(&id, &operator("alpha")).await?.contact, None)?;
    let of_delta = store.set_profile(&id, &operator("delta"), "Delta", None, at(5)).await;
    refused(Kind::NotFound, "delta", of_delta)?;
    let nameless = store.set_profile(&id, &operator("alpha"), " ", None, at(5)).await;
    refused(Kind::Invalid, "empty", nameless)?;

    // Frozen with the season: who applied stays as it is, who did not is entered.
    store.freeze_season(&id, &crate::fixture::season("Spring"), at(6)).await?;
    same(store.operator(&id, &operator("alpha")).await?.standing, Standing::Applied)?;
    same(store.operator(&id, &operator("north")).await?.standing, Standing::Competing)?;
    stage.end(store).await
}

pub(crate) async fn standing_changes_step_by_step(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    store.apply(&spring(), &applicant("late", 1), now()).await?;
    let late = operator("late");
    let go = async |from, to| store.move_operator(&spring(), &late, from, to, at(1)).await;
    refused(Kind::Conflict, "cannot become", go(Standing::Applied, Standing::Competing).await)?;
    refused(Kind::Conflict, "not verified", go(Standing::Verified, Standing::Competing).await)?;
    go(Standing::Applied, Standing::Verified).await?;
    go(Standing::Verified, Standing::Competing).await?;
    go(Standing::Competing, Standing::Withdrawn).await?;
    go(Standing::Withdrawn, Standing::Applied).await?;
    go(Standing::Applied, Standing::Barred).await?;
    let kept = store.operator(&spring(), &late).await?;
    same((kept.standing, kept.changed), (Standing::Barred, at(1)))?;
    let nobody =
        store.move_operator(&spring(), &operator("who"), Standing::Applied, Standing::Verified, now()).await;
    refused(Kind::NotFound, "operator who", nobody)?;
    stage.end(store).await
}

pub(crate) async fn hostile_names_come_back_and_nul_does_not_go_in(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let names = [
        "한국 검증인 협회 🦀",
        "'); DROP TABLE operator; --",
        "\u{202e}gnirts\u{202c} \u{feff}\u{200b}",
        "<script>alert(1)</script> $1 ? :name %s \\x00 \\",
        " leading, trailing \r\n\t",
        "\u{1}\u{7f}\u{10ffff}",
    ];
    for (number, name) in (1..).zip(names) {
        let id = format!("odd-{number}");
        let odd = NewOperator {
            name: (*name).into(),
            contact: Some((*name).into()),
            account: None,
            ..applicant(&id, 0)
        };
        store.apply(&spring(), &odd, now()).await?;
        let kept = store.operator(&spring(), &operator(&id)).await?;
        same((kept.name.as_str(), kept.contact.as_deref()), (name, Some(name)))?;
    }

    let nul = "a\0b";
    let named = NewOperator { name: nul.into(), ..applicant("nul", 5) };
    refused(Kind::Invalid, "NUL", store.apply(&spring(), &named, now()).await)?;
    refused(
        Kind::Invalid,
        "empty",
        store.apply(&spring(), &NewOperator { name: " ".into(), ..named }, now()).await,
    )?;
    let contact = store.set_profile(&spring(), &operator("alpha"), "Alpha", Some(nul), now()).await;
    refused(Kind::Invalid, "NUL", contact)?;
    let node = NewNode {
        rpc: "http://127.0.0.1:1".into(),
        target: nul.into(),
        path: model::trial::Path::Direct,
        region: None,
        client: None,
        claim: None,
    };
    refused(Kind::Invalid, "NUL", store.declare_node(&spring(), &operator("alpha"), &node, now()).await)?;
    let key = run(1, "spam", "alpha", 1);
    refused(Kind::Invalid, "NUL", store.queue(&spring(), &[(key.clone(), nul.into())], now()).await)?;
    refused(Kind::Invalid, "NUL", store.lease(&spring(), &key, nul, now(), at(1)).await)?;
    refused(Kind::Invalid, "NUL", store.lease_next(nul, now(), at(1)).await)?;
    refused(Kind::Invalid, "NUL", store.give_nonce(nul, "sign-in", at(1)).await)?;
    refused(Kind::Invalid, "NUL", store.take_nonce(nul, "sign-in", now()).await)?;
    refused(Kind::Invalid, "NUL", store.enqueue(nul, "x", now(), now()).await)?;
    refused(Kind::Invalid, "NUL", store.lease_job("x", nul, "w", now(), at(1)).await)?;
    refused(Kind::Invalid, "NUL", store.audit(Some(nul), None, 1).await)?;
    let audit = NewAudit { actor: nul.into(), action: "x".into(), subject: "y".into(), detail: "{}".into() };
    refused(Kind::Invalid, "NUL", store.note(&audit, now()).await)?;
    stage.end(store).await
}
