//! Declared nodes.

use model::Standing;
use model::trial::Path;
use store::NewNode;

use crate::fixture::{at, begun, now, operator, spring};
use crate::stage::{Kind, Stage, ensure, refused, same};

fn node(port: u16) -> NewNode {
    NewNode {
        rpc: format!("http://127.0.0.1:{port}/"),
        target: format!("127.0.0.1:{port}"),
        path: Path::Fronted,
        region: Some("서울".into()),
        client: None,
    }
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
    refused(Kind::Conflict, "127.0.0.1:1", store.declare_node(&spring(), &north, &node(1), at(2)).await)?;
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
