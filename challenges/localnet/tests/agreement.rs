//! Real nodes of the chains on which two thirds must agree.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use localnet::{CometOptions, KaiaOptions, Network, Node, call};
use serde_json::{Value, json};
use tokio::time::sleep;

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("localnet-{name}-{}", std::process::id())))
    }
}

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
async fn cometbft_lives_with_three_of_four_and_halts_with_two() {
    let folder = Folder::new("cometbft");
    let options = CometOptions { seed: Some(1), others: 1, ..CometOptions::new(&folder.0) };
    let network = options.start().await.unwrap();
    let answer = call(network.nodes[4].rpc_addr(), "validators", json!({})).await.unwrap();
    let told = answer["validators"].as_array().unwrap().iter().map(|one| one["address"].clone());
    seats_are(&network, told.collect());
    lives_with_three_and_halts_with_two(&network).await;
    stands_while_it_is_cut_off(&network).await;
}

#[tokio::test]
#[ignore = "needs kcn: set KCN_BIN to the consensus node of a Kaia release"]
async fn kaia_lives_with_three_of_four_and_halts_with_two() {
    let folder = Folder::new("kaia");
    let network = KaiaOptions { seed: Some(1), ..KaiaOptions::new(&folder.0) }.start().await.unwrap();
    let council = call(network.nodes[3].rpc_addr(), "kaia_getCouncil", json!(["latest"])).await.unwrap();
    seats_are(&network, council.as_array().unwrap().clone());
    lives_with_three_and_halts_with_two(&network).await;
    stands_while_it_is_cut_off(&network).await;
}

/// The chain's validators, as told, are the network's.
fn seats_are(network: &Network, told: Vec<Value>) {
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    let told = told.iter().map(|one| one.as_str().unwrap().to_lowercase()).collect();
    let ours = network.validators().map(|node| node.address().unwrap().to_lowercase()).collect();
    assert_eq!(sorted(told), sorted(ours));
    assert_eq!(network.validators().count(), 4);
}

async fn lives_with_three_and_halts_with_two(network: &Network) {
    let nodes = &network.nodes;
    let before = highest(nodes).await;
    sleep(Duration::from_secs(10)).await;
    let blocks = highest(nodes).await - before;
    assert!((7..=12).contains(&blocks), "{blocks} blocks in 10 s");

    // With one paused, its turns change the round after some seconds each; the others go on.
    nodes[0].pause().unwrap();
    let head = highest(&nodes[1..]).await;
    reaches(&nodes[1..], head + 6, "three of four do not go on").await;

    // With two, nothing is agreed on any more; what is answered is the last block.
    nodes[1].pause().unwrap();
    sleep(Duration::from_secs(3)).await;
    let head = highest(&nodes[2..]).await;
    sleep(Duration::from_secs(15)).await;
    assert_eq!(highest(&nodes[2..]).await, head, "two of four made a block");

    nodes[0].resume().unwrap();
    nodes[1].resume().unwrap();
    reaches(nodes, head + 3, "the network does not come back").await;
}

/// One that is cut off answers and makes no block, until it is joined or started anew.
async fn stands_while_it_is_cut_off(network: &Network) {
    let (cut, others) = network.nodes.split_at(1);
    for starts_anew in [false, true] {
        network.cut(0).await.unwrap();
        let stood = cut[0].head().await.unwrap();
        reaches(others, highest(others).await + 4, "three of four do not go on").await;
        assert_eq!(cut[0].head().await.unwrap(), stood, "a node without peers made a block");
        if starts_anew {
            cut[0].stop().await.unwrap();
            network.restart(0).await.unwrap();
        } else {
            network.join(0).await.unwrap();
        }
        let joined = Instant::now();
        reaches(cut, highest(others).await + 1, "it does not catch up").await;
        println!("it has caught up {:.1?} later", joined.elapsed());
    }
}

async fn reaches(nodes: &[Node], head: u64, wrong: &str) {
    let start = Instant::now();
    while highest(nodes).await < head {
        assert!(start.elapsed() < Duration::from_secs(90), "{wrong}");
        sleep(Duration::from_millis(200)).await;
    }
}
