//! Real CometBFT nodes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use localnet::{CometOptions, Node, call};
use serde_json::json;
use tokio::time::sleep;

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn highest(nodes: &[Node]) -> u64 {
    let mut highest = 0;
    for node in nodes {
        // A paused node tells none.
        highest = highest.max(node.head().await.unwrap_or(0));
    }
    highest
}

#[tokio::test]
#[ignore = "needs cometbft: CGO_ENABLED=0 go install github.com/cometbft/cometbft/cmd/cometbft@v0.38.25"]
async fn four_validators_live_with_three_and_halt_with_two() {
    let folder = Folder(std::env::temp_dir().join(format!("localnet-cometbft-{}", std::process::id())));
    let start = Instant::now();
    let options = CometOptions { seed: Some(1), others: 1, ..CometOptions::new(&folder.0) };
    let network = options.start().await.unwrap();
    println!("up after {:.1?}", start.elapsed());
    let nodes = &network.nodes;
    assert_eq!((network.validators().count(), network.others().count()), (4, 1));

    let answer = call(nodes[4].rpc_addr(), "validators", json!({})).await.unwrap();
    let told = answer["validators"].as_array().unwrap();
    let mut told: Vec<&str> = told.iter().map(|one| one["address"].as_str().unwrap()).collect();
    told.sort_unstable();
    let mut addresses: Vec<&str> = network.validators().map(|node| node.address().unwrap()).collect();
    addresses.sort_unstable();
    assert_eq!(told, addresses);

    let before = highest(nodes).await;
    sleep(Duration::from_secs(10)).await;
    let blocks = highest(nodes).await - before;
    assert!((7..=11).contains(&blocks), "{blocks} blocks in 10 s");

    // With one paused, its turns change the round after 3 s each; the others go on.
    nodes[0].pause().unwrap();
    let head = highest(&nodes[1..]).await;
    let start = Instant::now();
    while highest(&nodes[1..]).await < head + 6 {
        assert!(start.elapsed() < Duration::from_secs(60), "three of four do not go on");
        sleep(Duration::from_millis(200)).await;
    }
    println!("6 blocks with three validators took {:.1?}", start.elapsed());

    // With two, nothing is agreed on any more; what is answered is the last block.
    nodes[1].pause().unwrap();
    sleep(Duration::from_secs(3)).await;
    let head = highest(&nodes[2..]).await;
    sleep(Duration::from_secs(12)).await;
    assert_eq!(highest(&nodes[2..]).await, head, "two of four made a block");

    nodes[0].resume().unwrap();
    nodes[1].resume().unwrap();
    let start = Instant::now();
    while highest(nodes).await < head + 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "the network does not come back");
        sleep(Duration::from_millis(200)).await;
    }
    println!("back after {:.1?}", start.elapsed());
}
