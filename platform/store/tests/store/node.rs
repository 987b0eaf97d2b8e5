//! Declared nodes.

use model::Standing;
use model::trial::Path;
use store::{Claim, NewNode};

use crate::fixture::{at, begun, now, operator, spring};
use crate::stage::{Kind, Stage, ensure, refused, same};

fn node(port: u16) -> NewNode {
    NewNode {
        rpc: format!("http://127.0.0.1:{port}/"),
        target: format!("127.0.0.1:{port}"),
        path: Path::Fronted,
        region: Some("서울".into()),
        client: None,
        claim: None,
    }
}

/// The same, with a validator.
fn seated(port: u16, validator: &str, proof: &str) -> NewNode {
    NewNode { claim: Some(Claim { validator: validator.into(), proof: proof.into() }), ..node(port) }
}

pub(crate) async fn declaring_anew_supersedes(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let alpha = operator("alpha");
    same(store.node(&spring(), &alpha).await?, None)?;
    store.declare_node(&spring(), &alpha, &node(1), at(1)).await?;
    store.declare_node(&spring(), &alpha, &node(1), at(2)).await?;
    store.declare_node(&spring(), &alpha, &node(2), at(3)).await?;
    let other_path = NewNode { path: Path::Direct, ..node(2) };
    store.declare_node(&spring(), &alpha, &other_path, at(4)).await?;
    let history = store.node_history(&spring(), &alpha).await?;
    let times: Vec<_> = history.iter().map(|node| (node.number, node.declared, node.withdrawn)).collect();
    same(times, vec![(1, at(1), Some(at(3))), (2, at(3), Some(at(4))), (3, at(4), None)])?;
    same(&history[0].node, &node(1))?;
    same(store.node(&spring(), &alpha).await?.map(|record| record.node), Some(other_path))?;

    ensure(store.withdraw_node(&spring(), &alpha, at(5)).await?, || "there was a node".into())?;
    ensure(!store.withdraw_node(&spring(), &alpha, at(6)).await?, || "there was none any more".into())?;
    same(store.node(&spring(), &alpha).await?, None)?;
    refused(
        Kind::NotFound,
        "operator who",
        store.declare_node(&spring(), &operator("who"), &node(9), now()).await,
    )?;
    stage.end(store).await
}

pub(crate) async fn a_target_is_declared_by_one_operator(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let (alpha, north) = (operator("alpha"), operator("north"));
    store.declare_node(&spring(), &north, &node(2), at(1)).await?;
    store.declare_node(&spring(), &alpha, &node(1), at(1)).await?;
    refused(Kind::TakenTarget, "127.0.0.1:1", store.declare_node(&spring(), &north, &node(1), at(2)).await)?;
    // What was refused withdrew nothing.
    same(store.node(&spring(), &north).await?.map(|record| record.node.target), Some("127.0.0.1:2".into()))?;
    store.withdraw_node(&spring(), &alpha, at(3)).await?;
    store.declare_node(&spring(), &north, &node(1), at(4)).await?;
    store.declare_node(&spring(), &alpha, &node(3), at(4)).await?;
    let nodes = store.nodes(&spring()).await?;
    let who: Vec<_> = nodes.iter().map(|node| (node.operator.as_str(), node.node.target.as_str())).collect();
    same(who, vec![("alpha", "127.0.0.1:3"), ("north", "127.0.0.1:1")])?;
    // Another season is another network.
    let autumn = "autumn".parse()?;
    store.create_season(&autumn, &crate::fixture::season("Autumn"), model::Stage::Trials, now()).await?;
    store.declare_node(&autumn, &north, &node(3), at(5)).await?;
    same(store.operator(&autumn, &north).await?.standing, Standing::Competing)?;
    stage.end(store).await
}

pub(crate) async fn a_validator_is_declared_by_one_operator(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let (alpha, north) = (operator("alpha"), operator("north"));
    store.declare_node(&spring(), &alpha, &seated(1, "0xaa", "0x01"), at(1)).await?;
    let theirs = seated(2, "0xaa", "0x02");
    refused(
        Kind::TakenValidator,
        "validator 0xaa",
        store.declare_node(&spring(), &north, &theirs, at(2)).await,
    )?;
    // Both taken: whichever is told, nothing is written.
    let both = seated(1, "0xaa", "0x02");
    ensure(store.declare_node(&spring(), &north, &both, at(2)).await.is_err(), || "both are taken".into())?;
    same(store.node_history(&spring(), &north).await?, vec![])?;
    // An operator may keep its validator on another node, and its node with another proof.
    store.declare_node(&spring(), &alpha, &seated(3, "0xaa", "0x01"), at(3)).await?;
    store.declare_node(&spring(), &alpha, &seated(3, "0xaa", "0x03"), at(4)).await?;
    let present = store.node(&spring(), &alpha).await?;
    same(present.map(|record| (record.number, record.node)), Some((3, seated(3, "0xaa", "0x03"))))?;
    // Who withdraws frees it; nodes without a validator do not meet each other.
    store.withdraw_node(&spring(), &alpha, at(5)).await?;
    store.declare_node(&spring(), &north, &theirs, at(6)).await?;
    store.declare_node(&spring(), &alpha, &node(4), at(6)).await?;
    store.declare_node(&spring(), &operator("control-1"), &node(5), at(6)).await?;
    let empty = store.declare_node(&spring(), &alpha, &seated(6, "", "0x01"), at(7)).await;
    refused(Kind::Invalid, "validator", empty)?;
    let autumn = "autumn".parse()?;
    store.create_season(&autumn, &crate::fixture::season("Autumn"), model::Stage::Trials, now()).await?;
    store.declare_node(&autumn, &alpha, &theirs, at(8)).await?;
    stage.end(store).await
}
