//! The sequencer over real sockets.

use std::time::Duration;

use alloy_primitives::{hex, keccak256};
use lab::{LabError, Running, Sequencer, SequencerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, call, submission};
use crate::wallet::{CHAIN_ID, Transfer, Wallet};

/// A sequencer with fast blocks that funds the first wallet.
pub(crate) async fn start() -> (Running, Wallet) {
    let wallet = Wallet::new(1);
    let config = SequencerConfig {
        chain_id: CHAIN_ID,
        block_ms: 20,
        fund: vec![wallet.address],
        ..SequencerConfig::default()
    };
    (Sequencer::start(config).await.unwrap(), wallet)
}

/// Waits until the account has this nonce.
pub(crate) async fn mined(client: &mut Client, wallet: &Wallet, nonce: u64) {
    let address = wallet.address.to_string();
    let wanted = json!(format!("{nonce:#x}"));
    for _ in 0..500 {
        if client.get("eth_getTransactionCount", json!([address, "latest"])).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nonce {nonce} was never reached");
}

async fn submit(client: &mut Client, wallet: &Wallet, transfer: &Transfer) -> Value {
    let raw = hex::encode_prefixed(wallet.sign(transfer));
    client.ask("eth_sendRawTransaction", json!([raw])).await
}

#[tokio::test]
async fn a_transfer_goes_in_and_its_receipt_comes_out() {
    let (node, wallet) = start().await;
    let mut client = Client::connect(node.addr).await;
    let raw = wallet.sign(&Transfer::default());
    let hash = client.get("eth_sendRawTransaction", json!([hex::encode_prefixed(&raw)])).await;
    assert_eq!(hash, json!(keccak256(&raw).to_string()));
    mined(&mut client, &wallet, 1).await;
    let head = client.get("eth_blockNumber", json!([])).await;
    let head = u64::from_str_radix(head.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    let mut found = Vec::new();
    for number in 0..=head {
        let number = json!(format!("{number:#x}"));
        let block = client.get("eth_getBlockByNumber", json!([number, false])).await;
        let same = client.get("eth_getBlockByHash", json!([block["hash"], false])).await;
        assert_eq!(block, same);
        let receipts = client.get("eth_getBlockReceipts", json!([number])).await;
        for receipt in receipts.as_array().unwrap() {
            assert_eq!(receipt["blockHash"], block["hash"]);
            assert_eq!(block["transactions"], json!([receipt["transactionHash"]]));
            found.push(receipt.clone());
        }
    }
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["transactionHash"], hash);
    assert_eq!([&found[0]["status"], &found[0]["gasUsed"]], [&json!("0x1"), &json!("0x5208")]);
    assert_eq!(found[0]["from"], json!(format!("{:#x}", wallet.address)));
    assert_eq!(found[0]["contractAddress"], Value::Null);
}

#[tokio::test]
async fn a_call_to_a_contract_is_included_and_fails() {
    let (node, wallet) = start().await;
    let mut client = Client::connect(node.addr).await;
    submit(&mut client, &wallet, &Transfer { to: None, ..Transfer::default() }).await;
    let contract = wallet.contract(0);
    submit(&mut client, &wallet, &Transfer { to: Some(contract), ..Transfer::nonce(1) }).await;
    mined(&mut client, &wallet, 2).await;
    let code = client.get("eth_getCode", json!([contract.to_string(), "latest"])).await;
    assert_eq!(code, json!("0x60006000fd"));
    let mut statuses = Vec::new();
    for number in 0..=200 {
        let number = json!(format!("{number:#x}"));
        let receipts = client.get("eth_getBlockReceipts", json!([number])).await;
        let Value::Array(receipts) = receipts else { break };
        statuses.extend(receipts.into_iter().map(|r| r["status"].clone()));
    }
    assert_eq!(statuses, [json!("0x1"), json!("0x0")]);
}

#[tokio::test]
async fn small_questions_have_their_answers() {
    let (node, wallet) = start().await;
    let mut client = Client::connect(node.addr).await;
    let address = wallet.address.to_string();
    let expected = [
        ("web3_clientVersion", json!([]), json!("touchstone-lab/0.1")),
        ("eth_chainId", json!([]), json!("0x270f")),
        ("net_version", json!([]), json!("9999")),
        ("net_peerCount", json!([]), json!("0x0")),
        ("eth_syncing", json!([]), json!(false)),
        ("eth_gasPrice", json!([]), json!("0x77359400")),
        ("eth_maxPriorityFeePerGas", json!([]), json!("0x3b9aca00")),
        ("txpool_status", json!([]), json!({"pending": "0x0", "queued": "0x0"})),
        ("eth_getBalance", json!([address, "latest"]), json!("0x52b7d2dcc80cd2e4000000")),
        ("eth_getCode", json!([address, "latest"]), json!("0x")),
        ("eth_getTransactionCount", json!([address, "pending"]), json!("0x0")),
        ("eth_getBlockByNumber", json!(["0xffffff", false]), Value::Null),
        ("eth_getBlockReceipts", json!(["0xffffff"]), Value::Null),
        ("eth_getBlockByHash", json!([format!("0x{}", "ab".repeat(32)), false]), Value::Null),
    ];
    for (method, params, result) in expected {
        assert_eq!(client.get(method, params).await, result, "{method}");
    }
    let genesis = client.get("eth_getBlockByNumber", json!(["earliest", false])).await;
    assert_eq!([&genesis["number"], &genesis["timestamp"]], [&json!("0x0"), &json!("0x0")]);
    for tag in ["latest", "safe", "finalized"] {
        let block = client.get("eth_getBlockByNumber", json!([tag, false])).await;
        assert_eq!(block["baseFeePerGas"], json!("0x3b9aca00"), "{tag}");
    }
}

#[tokio::test]
async fn refusals_have_geth_s_codes() {
    let (node, wallet) = start().await;
    let mut client = Client::connect(node.addr).await;
    let wrong = submit(&mut client, &wallet, &Transfer { chain_id: 5, ..Transfer::default() }).await;
    let message = "invalid sender: invalid chain id for signer: have 5 want 9999";
    assert_eq!(wrong["error"], json!({"code": -32000, "message": message}));
    let cases = [
        ("eth_sendRawTransaction", json!(["0xzz"]), -32602),
        ("eth_sendRawTransaction", json!(["0x1"]), -32602),
        ("eth_sendRawTransaction", json!(["f8"]), -32602),
        ("eth_sendRawTransaction", json!([]), -32602),
        ("eth_sendRawTransaction", json!([7]), -32602),
        ("eth_sendRawTransaction", json!(["0x"]), -32000),
        ("eth_getBlockByNumber", json!(["0x", false]), -32602),
        ("eth_getBlockByNumber", json!(["0x01", false]), -32602),
        ("eth_getBlockByNumber", json!(["0x+1", false]), -32602),
        ("eth_getBlockByNumber", json!(["latest", true]), -32602),
        ("eth_getBlockByHash", json!(["0xab", false]), -32602),
        ("eth_getBalance", json!(["0xab", "latest"]), -32602),
        ("eth_getBalance", json!([wallet.address.to_string(), "0x1"]), -32602),
        ("admin_peers", json!([]), -32601),
    ];
    for (method, params, code) in cases {
        let answer = client.ask(method, params.clone()).await;
        assert_eq!(answer["error"]["code"], json!(code), "{method} {params}");
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_order() {
    let (node, wallet) = start().await;
    let mut client = Client::connect(node.addr).await;
    let calls: Vec<Value> = (0..3)
        .map(|nonce| serde_json::from_str(&submission(&wallet.sign(&Transfer::nonce(nonce)))).unwrap())
        .collect();
    let (_, body) = client.post(json!(calls).to_string()).await.unwrap();
    let answers: Vec<Value> = serde_json::from_slice(&body).unwrap();
    assert!(answers.iter().all(|answer| answer["result"].is_string()));
    mined(&mut client, &wallet, 3).await;
}

async fn raw_status(node: &Running, head: &str) -> String {
    let mut stream = TcpStream::connect(node.addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64];
    let length = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn bodies_are_capped_and_nonsense_is_survived() {
    let (node, _) = start().await;
    let large = "POST / HTTP/1.1\r\nhost: lab\r\ncontent-length: 2097153\r\n\r\n";
    assert!(raw_status(&node, large).await.starts_with("HTTP/1.1 413"));
    let chunk = "a".repeat(2 * 1024 * 1024 + 1);
    let chunked =
        format!("POST / HTTP/1.1\r\nhost: lab\r\ntransfer-encoding: chunked\r\n\r\n200001\r\n{chunk}");
    assert!(raw_status(&node, &chunked).await.starts_with("HTTP/1.1 413"));
    let get = "GET / HTTP/1.1\r\nhost: lab\r\n\r\n";
    assert!(raw_status(&node, get).await.starts_with("HTTP/1.1 405"));
    assert!(raw_status(&node, "nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let mut client = Client::connect(node.addr).await;
    let (_, body) = client.post("{").await.unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["error"]["code"], json!(-32700));
    assert_eq!(client.get("eth_chainId", json!([])).await, json!("0x270f"));
}

#[tokio::test]
async fn stop_ends_connections_and_frees_the_port() {
    let (node, _) = start().await;
    let addr = node.addr;
    let mut client = Client::connect(addr).await;
    client.get("eth_chainId", json!([])).await;
    node.stop().await;
    assert!(client.post(call("eth_chainId", &json!([]))).await.is_none());
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_taken_port_and_no_block_time_are_errors() {
    let (node, _) = start().await;
    let taken = SequencerConfig { listen: node.addr, ..SequencerConfig::default() };
    assert!(matches!(Sequencer::start(taken).await, Err(LabError::Listen { .. })));
    let still = SequencerConfig { block_ms: 0, ..SequencerConfig::default() };
    assert!(matches!(Sequencer::start(still).await, Err(LabError::Config(_))));
}
