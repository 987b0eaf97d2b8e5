//! Ten times as many requests as the server answers at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use server::http::{ServeOptions, Shell};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::support::{Client, Server, get as fetch, quantile, request, unlimited};

const CONCURRENCY: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_is_shed_and_the_rest_is_answered() {
    let doors = Arc::new(Semaphore::new(0));
    let closed_doors = Arc::clone(&doors);
    let work = async move || {
        let _door = closed_doors.acquire().await;
        "done"
    };
    let router = Router::new().route("/api/v1/work", get(work));
    let shell = Shell { concurrency: CONCURRENCY, ..unlimited() };
    let options = ServeOptions { connections_each: 1_000, ..Default::default() };
    let server = Server::start(router, shell, options).await;
    let (answers, mut answered) = mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for _ in 0..10 * CONCURRENCY {
        let (answers, address) = (answers.clone(), server.address);
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            let asked = Instant::now();
            let answer = client.send(request("GET", "/api/v1/work", &[])).await.expect("an answer");
            let _ = answers.send((answer, asked.elapsed()));
        });
    }
    let mut refused = Vec::new();
    for _ in 0..9 * CONCURRENCY {
        let (answer, took) = answered.recv().await.expect("an answer");
        answer.problem(503);
        assert_eq!(answer.header("retry-after"), "1");
        refused.push(took);
    }
    refused.sort();
    let (p50, p99) = (quantile(&refused, 0.5), quantile(&refused, 0.99));
    println!("{} refused: p50 {p50:?}, p99 {p99:?}", refused.len());
    assert_eq!(fetch(server.address, "/healthz").await.text(), "ok\n", "busy is not dead");
    assert_eq!(fetch(server.address, "/readyz").await.text(), "ready\n");
    let relieved = Instant::now();
    doors.add_permits(CONCURRENCY);
    for _ in 0..CONCURRENCY {
        let (answer, _) = answered.recv().await.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "done"));
    }
    assert_eq!(fetch(server.address, "/api/v1/work").await.status, 200);
    let recovered = relieved.elapsed();
    println!("answered again {recovered:?} after the load was gone");
    assert!(recovered < Duration::from_secs(4), "2 s, doubled: {recovered:?}");
}
