//! Real nodes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use localnet::{AnvilOptions, Fault, GethOptions, Limit, Node, Proxy, call};
use serde_json::json;
use tokio::time::sleep;

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("localnet-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn heads(nodes: &[Node]) -> Vec<u64> {
    let mut heads = Vec::new();
    for node in nodes {
        // A paused node keeps none.
        heads.push(node.head().await.unwrap_or(0));
    }
    heads
}

async fn highest(nodes: &[Node]) -> u64 {
    heads(nodes).await.into_iter().max().unwrap()
}

/// Waits until each node's head is at least `height`; how long it took.
async fn reach(nodes: &[Node], height: u64, within: Duration) -> Duration {
    let start = Instant::now();
    loop {
        let heads = heads(nodes).await;
        if heads.iter().all(|head| *head >= height) {
            return start.elapsed();
        }
        assert!(start.elapsed() < within, "heads {heads:?} did not reach {height} in {within:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs geth 1.13.15: go install -ldflags=-checklinkname=0 github.com/ethereum/go-ethereum/cmd/geth@v1.13.15"]
async fn four_sealers_live_with_three_and_halt_with_two() {
    let folder = Folder::new("geth");
    let start = Instant::now();
    let network = GethOptions::new(&folder.0).start().await.unwrap();
    println!("up after {:.1?}", start.elapsed());
    let nodes = &network.nodes;
    assert_eq!((network.validators().count(), network.others().count()), (4, 3));
    assert_eq!(call(nodes[6].rpc_addr(), "eth_chainId", json!([])).await.unwrap(), "0x270e");

    let before = heads(nodes).await;
    sleep(Duration::from_secs(10)).await;
    for (before, after) in before.iter().zip(heads(nodes).await) {
        assert!((8..=12).contains(&(after - before)), "{} blocks in 10 s", after - before);
    }
    let signers = call(nodes[0].rpc_addr(), "clique_getSigners", json!([])).await.unwrap();
    let addresses: Vec<String> =
        network.validators().map(|node| node.address().unwrap().to_string().to_lowercase()).collect();
    assert_eq!(signers, json!(addresses));

    nodes[0].pause().unwrap();
    let head = nodes[4].head().await.unwrap();
    let took = reach(&nodes[1..], head + 8, Duration::from_secs(30)).await;
    println!("8 blocks with three sealers took {took:.1?}");

    nodes[1].pause().unwrap();
    sleep(Duration::from_secs(4)).await;
    let halted = highest(&nodes[2..]).await;
    sleep(Duration::from_secs(8)).await;
    assert_eq!(highest(&nodes[2..]).await, halted, "two of four sealers must not be enough");
    assert!(nodes[1].head().await.is_err());

    nodes[0].resume().unwrap();
    nodes[1].resume().unwrap();
    let took = reach(nodes, halted + 5, Duration::from_secs(60)).await;
    println!("all nodes 5 blocks on {took:.1?} after the resume");

    nodes[6].kill();
    assert!(nodes[6].pause().is_err());
    assert!(!nodes[6].log_tail(3).is_empty());
    nodes[3].pause().unwrap();
    let pids: Vec<u32> = nodes.iter().map(Node::pid).collect();
    drop(network);
    for pid in pids {
        assert!(!PathBuf::from(format!("/proc/{pid}")).exists(), "{pid} outlived its network");
    }
}

#[tokio::test]
#[ignore = "needs geth 1.13.15: go install -ldflags=-checklinkname=0 github.com/ethereum/go-ethereum/cmd/geth@v1.13.15"]
async fn a_seed_fixes_the_chain_and_a_proxy_reaches_it() {
    let folder = Folder::new("seeded");
    let options = |name: &str| GethOptions {
        sealers: 1,
        others: 1,
        chain_id: 77,
        seed: Some(7),
        ..GethOptions::new(folder.0.join(name))
    };
    let start = Instant::now();
    let first = options("first").start().await.unwrap();
    println!("one sealer and one other up after {:.1?}", start.elapsed());
    let second = options("second").start().await.unwrap();
    assert_eq!(first.genesis_hash(), second.genesis_hash());
    assert_eq!(first.nodes[0].secret(), second.nodes[0].secret());

    let proxy = Proxy::start(first.nodes[1].rpc_url(), Fault::RejectAll { per_mille: 1_000 }).unwrap();
    let funded = json!(["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "latest"]);
    let balance = call(proxy.addr, "eth_getBalance", funded).await.unwrap();
    assert_eq!(balance, "0x52b7d2dcc80cd2e4000000");
    let send = call(proxy.addr, "eth_sendRawTransaction", json!(["0x00"])).await.unwrap_err();
    assert!(send.to_string().contains("transaction rejected"), "{send}");

    let other = GethOptions { others: 2, ..options("first") }.start().await.unwrap_err().to_string();
    assert!(other.contains("another network"), "{other}");
    let (head, genesis) = (first.nodes[1].head().await.unwrap(), first.genesis_hash().to_owned());
    drop((proxy, first));
    let again = options("first").start().await.unwrap();
    assert_eq!(again.genesis_hash(), genesis);
    assert!(again.nodes[1].head().await.unwrap() >= head, "it goes on where it was");
    again.nodes[0].stop().await.unwrap();
    assert!(!again.nodes[0].is_running());
    let stood = again.nodes[1].head().await.unwrap();
    again.restart(0).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while again.nodes[1].head().await.unwrap() <= stood {
        assert!(Instant::now() < deadline, "the sealer that was started again seals");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs geth 1.13.15: go install -ldflags=-checklinkname=0 github.com/ethereum/go-ethereum/cmd/geth@v1.13.15"]
async fn a_sealer_that_is_cut_off_stands_until_it_is_joined_again() {
    let folder = Folder::new("cut");
    let network = GethOptions { others: 0, ..GethOptions::new(&folder.0) }.start().await.unwrap();
    let nodes = &network.nodes;
    let within = Duration::from_secs(60);
    network.cut(0).await.unwrap();
    let others = highest(&nodes[1..]).await;
    reach(&nodes[1..], others + 6, within).await;
    // Alone a sealer may make one block, and waits then until others have.
    let stood = nodes[0].head().await.unwrap();
    assert!(stood <= others + 1, "it stands at {stood}, the others stood at {others} and went on");

    network.join(0).await.unwrap();
    let took = reach(&nodes[..1], highest(&nodes[1..]).await + 1, within).await;
    println!("joined and caught up after {took:.1?}");
}

#[tokio::test]
#[ignore = "needs geth 1.13.15: go install -ldflags=-checklinkname=0 github.com/ethereum/go-ethereum/cmd/geth@v1.13.15"]
async fn a_start_that_is_too_slow_quotes_a_log_and_leaves_nothing_running() {
    let folder = Folder::new("slow");
    let options = GethOptions {
        sealers: 1,
        others: 0,
        period_s: 600,
        deadline: Duration::from_secs(8),
        ..GethOptions::new(&folder.0)
    };
    let error = options.start().await.unwrap_err().to_string();
    assert!(error.contains("sealer 0 has a head that does not advance"), "{error}");
    assert!(error.contains("INFO "), "{error}");
    let pattern = folder.0.display().to_string();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let command = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!command.contains(&pattern), "still running: {command}");
    }
}

#[tokio::test]
#[ignore = "needs anvil 1.7.1: npm install @foundry-rs/anvil@1.7.1 and set ANVIL_DIR to that folder"]
async fn anvil_goes_on_from_its_folder() {
    let folder = Folder::new("anvil");
    let start = Instant::now();
    let network = AnvilOptions { chain_id: 9_998, ..AnvilOptions::new(&folder.0) }.start().await.unwrap();
    println!("anvil up after {:.1?}", start.elapsed());
    let node = &network.nodes[0];
    assert_eq!(call(node.rpc_addr(), "eth_chainId", json!([])).await.unwrap(), "0x270e");
    let (genesis, head) = (network.genesis_hash().to_owned(), node.head().await.unwrap());
    let pid = node.pid();
    network.stop().await;
    assert!(!PathBuf::from(format!("/proc/{pid}")).exists());
    let error = AnvilOptions::new(&folder.0).start().await.unwrap_err().to_string();
    assert!(error.contains("another network"), "{error}");
    let network = AnvilOptions { chain_id: 9_998, ..AnvilOptions::new(&folder.0) }.start().await.unwrap();
    assert_eq!(network.genesis_hash(), genesis);
    assert!(network.nodes[0].head().await.unwrap() > head);
    assert!(network.cut(0).await.unwrap_err().to_string().contains("single node"));
    assert!(
        network.lift(0, Some(Limit::Batch(1_000_000))).await.unwrap_err().to_string().contains("geth has")
    );
    drop(network);
    std::fs::remove_file(folder.0.join("node-0/state.json")).unwrap();
    let options = AnvilOptions { chain_id: 9_998, ..AnvilOptions::new(&folder.0) };
    let error = options.start().await.unwrap_err().to_string();
    assert!(error.contains("state.json is missing"), "{error}");
}
