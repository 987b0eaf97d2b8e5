//! Every fault against a tiny upstream.

mod stand;
mod websocket;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use localnet::{Fault, Proxy};
use serde_json::json;
use stand::{Client, Upstream};
use tokio::task::JoinSet;

async fn stand(fault: Fault) -> (Upstream, Proxy, Client) {
    let upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr, fault).unwrap();
    let client = Client::new(proxy.addr);
    (upstream, proxy, client)
}

#[tokio::test]
async fn without_a_fault_all_is_carried_over_one_connection() {
    let (upstream, _proxy, mut client) = stand(Fault::None).await;
    for _ in 0..50 {
        assert_eq!(
            client.send("0x01").await.unwrap(),
            (200, json!({"jsonrpc": "2.0", "id": 7, "result": "0xupstream"}))
        );
        assert_eq!(client.read().await.unwrap().1["result"], "0x1");
    }
    assert_eq!((upstream.sends(), upstream.reads()), (50, 50));
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_upstream_that_is_down_is_a_502() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::start(free, Fault::None).unwrap();
    assert_eq!(Client::new(proxy.addr).read().await.unwrap().0, 502);
}

#[tokio::test]
async fn a_delay_is_at_least_so_long_and_changes_at_once() {
    let delay = Duration::from_millis(200);
    let (_upstream, proxy, mut client) = stand(Fault::Delay(delay)).await;
    for _ in 0..3 {
        let start = Instant::now();
        client.read().await.unwrap();
        assert!(start.elapsed() >= delay, "{:?}", start.elapsed());
    }
    proxy.set(Fault::None);
    assert_eq!(proxy.fault(), Fault::None);
    // The quickest of ten: a machine that stalls once is not the proxy.
    let mut quickest = delay;
    for _ in 0..10 {
        let start = Instant::now();
        client.read().await.unwrap();
        quickest = quickest.min(start.elapsed());
    }
    assert!(quickest < delay);
}

#[tokio::test]
async fn delayed_requests_do_not_wait_for_each_other() {
    let (_upstream, proxy, _client) = stand(Fault::Delay(Duration::from_millis(300))).await;
    let start = Instant::now();
    let mut reads = JoinSet::new();
    for _ in 0..50 {
        let mut client = Client::new(proxy.addr);
        reads.spawn(async move { client.read().await.unwrap() });
    }
    reads.join_all().await;
    assert!(
        start.elapsed() < Duration::from_secs(7),
        "one after the other takes 15 s: {:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn the_share_closed_is_exact_and_reads_stay_honest() {
    let (upstream, _proxy, mut client) = stand(Fault::Close { per_mille: 50 }).await;
    let mut closed = Vec::new();
    for index in 0..1000 {
        if client.send("0x01").await.is_none() {
            closed.push(index);
        }
        assert!(client.read().await.is_some());
    }
    let each_twentieth: Vec<usize> = (0..50).map(|hit| hit * 20 + 19).collect();
    assert_eq!(closed, each_twentieth);
    assert_eq!((upstream.sends(), upstream.reads()), (950, 1000));
}

// How exact the rate is, fault.rs shows on a clock of its own; here nobody is served before its turn.
#[tokio::test]
async fn a_rate_is_never_exceeded_and_everybody_is_served() {
    let (upstream, proxy, _client) = stand(Fault::Rate { per_second: 200, queue: 1000 }).await;
    let start = Instant::now();
    let mut sends = JoinSet::new();
    for _ in 0..401 {
        let mut client = Client::new(proxy.addr);
        sends.spawn(async move { client.send("0x01").await.unwrap().0 });
    }
    assert!(sends.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(upstream.sends(), 401);
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn beyond_the_queue_is_a_503_and_reads_pass() {
    let (upstream, proxy, mut client) = stand(Fault::Rate { per_second: 1, queue: 3 }).await;
    assert_eq!(client.send("0x01").await.unwrap().0, 200);
    let mut sends = JoinSet::new();
    for _ in 0..10 {
        let mut client = Client::new(proxy.addr);
        sends.spawn(async move { client.send("0x01").await.unwrap().0 });
    }
    let mut refused = 0;
    while refused < 6 {
        assert_eq!(sends.join_next().await.unwrap().unwrap(), 503);
        refused += 1;
    }
    assert_eq!(client.read().await.unwrap().0, 200);
    // One at the head and three behind it are served, one a second.
    let start = Instant::now();
    assert_eq!(sends.join_all().await, [200; 4]);
    assert!(start.elapsed() > Duration::from_millis(2500), "{:?}", start.elapsed());
    assert_eq!(upstream.sends(), 5);
}

#[tokio::test]
async fn a_tarpit_answers_at_once_and_never_ends() {
    let (_upstream, _proxy, mut client) = stand(Fault::Tarpit).await;
    let start = Instant::now();
    let mut answer = client.open("eth_chainId", "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    for second in 1..=2 {
        let frame = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame.len(), 1);
        assert!(start.elapsed() >= Duration::from_secs(second), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_page_instead_of_json() {
    let (_upstream, _proxy, mut client) = stand(Fault::Html).await;
    let answer = client.open("eth_chainId", "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"<!DOCTYPE html>"));
}

#[tokio::test]
async fn an_endless_body_keeps_coming() {
    let (_upstream, proxy, mut client) = stand(Fault::Endless).await;
    let mut answer = client.open("eth_chainId", "").await.unwrap();
    let mut bytes = 0;
    while bytes < 32 << 20 {
        bytes += answer.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    // Meanwhile the proxy still serves others.
    proxy.set(Fault::None);
    assert_eq!(Client::new(proxy.addr).read().await.unwrap().0, 200);
}

#[tokio::test]
async fn a_bomb_is_small_on_the_wire() {
    let (_upstream, _proxy, mut client) = stand(Fault::GzipBomb).await;
    let answer = client.open("eth_chainId", "").await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(&[0x1f, 0x8b, 8]));
    assert!(body.len() < 1_100_000, "{} bytes", body.len());
}

#[tokio::test]
async fn refusals_are_whitewashed_in_an_exact_share() {
    let (upstream, _proxy, mut client) = stand(Fault::WrongClass { per_mille: 100 }).await;
    let mut whitewashed = 0;
    for _ in 0..200 {
        let (_, answer) = client.send("0xbad").await.unwrap();
        match answer["result"].as_str() {
            Some(hash) => {
                assert_eq!(hash.len(), 66);
                whitewashed += 1;
            }
            None => assert_eq!(answer["error"]["message"], "nonce too low"),
        }
        assert_eq!(client.send("0x01").await.unwrap().1["result"], "0xupstream");
    }
    assert_eq!(whitewashed, 20);
    assert_eq!(upstream.sends(), 400);
}

#[tokio::test]
async fn refusing_closes_open_connections_too() {
    let (upstream, proxy, mut client) = stand(Fault::None).await;
    client.read().await.unwrap();
    let mut slow = Client::new(proxy.addr);
    proxy.set(Fault::Delay(Duration::from_secs(60)));
    let waiting = tokio::spawn(async move { slow.read().await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    proxy.set(Fault::Refuse);
    assert_eq!(waiting.await.unwrap(), None);
    for _ in 0..3 {
        assert_eq!(client.read().await, None);
    }
    proxy.set(Fault::None);
    assert!(client.read().await.is_some());
    assert_eq!(upstream.reads(), 2);
}

#[tokio::test]
async fn all_sends_are_answered_here() {
    let (upstream, proxy, mut client) = stand(Fault::AcceptAll { per_mille: 1_000 }).await;
    let (status, answer) = client.send("0x").await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(answer["id"], 7);
    assert_eq!(answer["result"], "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    proxy.set(Fault::RejectAll { per_mille: 1_000 });
    let (status, answer) = client.send("0x").await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(answer["error"], json!({"code": -32000, "message": "transaction rejected"}));
    client.read().await.unwrap();
    assert_eq!((upstream.sends(), upstream.reads()), (0, 1));
    for fault in [Fault::AcceptAll { per_mille: 250 }, Fault::RejectAll { per_mille: 250 }] {
        let before = upstream.sends();
        proxy.set(fault);
        for _ in 0..8 {
            client.send("0x").await.unwrap();
        }
        assert_eq!(upstream.sends() - before, 6, "{fault:?}");
    }
}

#[tokio::test]
async fn a_canned_answer_is_kept_for_so_long() {
    let kept = Duration::from_secs(2);
    let (upstream, _proxy, mut client) = stand(Fault::Canned { kept }).await;
    let start = Instant::now();
    while start.elapsed() < kept * 2 - Duration::from_millis(500) {
        client.read().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The second stretch has begun, and at most a third on a slow machine.
    let asked = upstream.reads();
    assert!((2..=3).contains(&asked), "{asked}");
}

#[tokio::test]
async fn dropping_it_closes_everything() {
    let (_upstream, proxy, mut client) = stand(Fault::None).await;
    client.read().await.unwrap();
    let addr = proxy.addr;
    drop(proxy);
    assert_eq!(client.read().await, None);
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_clients_share_at_most_eight_connections() {
    let (upstream, proxy, _client) = stand(Fault::None).await;
    let mut senders = JoinSet::new();
    for _ in 0..8 {
        let mut client = Client::new(proxy.addr);
        senders.spawn(async move {
            for _ in 0..500 {
                assert_eq!(client.send("0x01").await.unwrap().0, 200);
            }
        });
    }
    senders.join_all().await;
    assert_eq!(upstream.sends(), 4000);
    assert!(upstream.connections.load(Ordering::Relaxed) <= 8);
}
