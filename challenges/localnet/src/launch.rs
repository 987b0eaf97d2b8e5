//! Nodes that know each other's ports from the start, launched together.

use tokio::time::Instant;

use crate::mesh;
use crate::node::Node;
use crate::ports::Ports;

/// How the nodes of a family are started; each has `PORTS` ports.
pub(crate) trait Launch<const PORTS: usize> {
    /// Starts node `index`; `ports` are those of all nodes.
    fn launch(&self, index: usize, ports: &[[u16; PORTS]]) -> anyhow::Result<Node>;

    /// Waits until the node answers.
    async fn wait(&self, node: &Node) -> anyhow::Result<()>;

    /// When all must be up.
    fn deadline(&self) -> Instant;
}

/// Launches `count` nodes and waits until the network lives; when a port was taken, all begin anew.
pub(crate) async fn all<const PORTS: usize>(
    recipe: &impl Launch<PORTS>,
    count: usize,
    ports: Ports,
) -> anyhow::Result<Vec<Node>> {
    let mut attempt = 1;
    loop {
        match once(recipe, count, ports).await {
            Err(error) if ports.allow_another(attempt, &error) => attempt += 1,
            other => return other,
        }
    }
}

async fn once<const PORTS: usize>(
    recipe: &impl Launch<PORTS>,
    count: usize,
    ports: Ports,
) -> anyhow::Result<Vec<Node>> {
    let ports = ports.of(0..count)?;
    let mut nodes = Vec::with_capacity(count);
    for index in 0..count {
        nodes.push(recipe.launch(index, &ports)?);
    }
    for node in &nodes {
        recipe.wait(node).await?;
    }
    mesh::wait_until_alive(&nodes, recipe.deadline()).await?;
    Ok(nodes)
}
