//! Real Kaia nodes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use localnet::{KaiaOptions, Node, call};
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
#[ignore = "needs kcn: set KCN_BIN to the consensus node of a Kaia release"]
async fn four_validators_live_with_three_and_halt_with_two() {
    let folder = Folder(std::env::temp_dir().join(format!("localnet-kaia-{}", std::process::id())));
    let start = Instant::now();
    let options = KaiaOptions { seed: Some(1), ..KaiaOptions::new(&folder.0) };
    let network = options.start().await.unwrap();
    println!("up after {:.1?}", start.elapsed());
    let nodes = &network.nodes;
    assert_eq!((network.validators().count(), network.others().count()), (4, 0));

    let council = call(nodes[3].rpc_addr(), "kaia_getCouncil", json!(["latest"])).await.unwrap();
    let mut addresses: Vec<String> =
        network.validators().map(|node| node.address().unwrap().to_string().to_lowercase()).collect();
    addresses.sort();
    let mut told: Vec<String> =
        council.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_lowercase()).collect();
    told.sort();
    assert_eq!(told, addresses);

    let before = highest(nodes).await;
    sleep(Duration::from_secs(10)).await;
    let blocks = highest(nodes).await - before;
    assert!((7..=12).contains(&blocks), "{blocks} blocks in 10 s");

    // With one paused, its turns change the round after 10 s each; the others go on.
    nodes[0].pause().unwrap();
    let head = highest(&nodes[1..]).await;
    let start = Instant::now();
    while highest(&nodes[1..]).await < head + 6 {
        assert!(start.elapsed() < Duration::from_secs(90), "three of four do not go on");
        sleep(Duration::from_millis(200)).await;
    }
    println!("6 blocks with three validators took {:.1?}", start.elapsed());

    // With two, nothing is agreed on any more; what is answered is the last block.
    nodes[1].pause().unwrap();
    sleep(Duration::from_secs(3)).await;
    let head = highest(&nodes[2..]).await;
    sleep(Duration::from_secs(15)).await;
    assert_eq!(highest(&nodes[2..]).await, head, "two of four made a block");
}
