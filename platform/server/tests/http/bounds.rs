//! Requests that are too much: too long, too many, too slow; and clients that do not read.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use server::http::{Allowance, Closing, Problem, ServeOptions, Shell, extract};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep};

use crate::support::{Client, LONG, Server, connect_from, get as fetch, raw, request, rest, send, unlimited};

/// Says how many bytes it was sent; evidence may be 2 MiB, and what is quick has half a second for its body.
async fn server() -> Server {
    server_with(256).await
}

async fn server_with(concurrency: usize) -> Server {
    let count = async |extract::Bytes(body): extract::Bytes| body.len().to_string();
    let router = Router::new()
        .route("/api/v1/count", post(count))
        .route("/api/v1/evidence/{run}", post(count))
        .route("/api/v1/quick", post(count))
        .route("/api/v1/quick-evidence", post(count))
        .route("/api/v1/ignored-evidence", post(async || "not read"))
        .route("/api/v1/ping", get(async || "pong"));
    let quick = Allowance { body_time: Duration::from_millis(500), ..Allowance::default() };
    let quick_evidence = Allowance { body_bytes: 2 * 1024 * 1024, ..quick };
    let shell = unlimited()
        .allow("/api/v1/evidence/{run}", Allowance::body(2 * 1024 * 1024))
        .allow("/api/v1/quick", quick)
        .allow("/api/v1/quick-evidence", quick_evidence)
        .allow("/api/v1/ignored-evidence", quick_evidence);
    Server::start(router, Shell { concurrency, ..shell }, ServeOptions::default()).await
}

#[tokio::test]
async fn long_and_many_headers_are_refused() {
    let server = server().await;
    let with =
        |headers: &str| format!("GET /api/v1/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    let lines = |count: usize| {
        (0..count).fold(String::new(), |mut text, n| {
            let _ = write!(text, "x-{n}: 1\r\n");
            text
        })
    };
    let long = raw(server.address, with(&format!("x: {}\r\n", "a".repeat(20 * 1024))).as_bytes()).await;
    assert!(long.starts_with("HTTP/1.1 431 "), "{long}");
    let path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(20 * 1024));
    let path = raw(server.address, path.as_bytes()).await;
    assert!(path.starts_with("HTTP/1.1 4"), "{path}");
    let many = raw(server.address, with(&lines(99)).as_bytes()).await;
    assert!(many.starts_with("HTTP/1.1 431 "), "{many}");
    let most = raw(server.address, with(&lines(98)).as_bytes()).await;
    assert!(most.starts_with("HTTP/1.1 200 "), "{most}");
    let almost = raw(server.address, with(&format!("x: {}\r\n", "a".repeat(15 * 1024))).as_bytes()).await;
    assert!(almost.starts_with("HTTP/1.1 200 "), "{almost}");
}

fn upload(path: &str, body: Body) -> axum::http::Request<Body> {
    request("POST", path, &[]).map(|_| body)
}

/// A body of which the server is not told the length.
fn unannounced(bytes: usize) -> String {
    let part = "a".repeat(1024);
    let chunks = format!("400\r\n{part}\r\n").repeat(bytes / 1024);
    format!(
        "POST /api/v1/count HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
    )
}

#[tokio::test]
async fn a_body_is_bounded_as_its_route_says() {
    let server = server().await;
    let most = send(server.address, upload("/api/v1/count", Body::from(vec![0; 64 * 1024]))).await;
    assert_eq!((most.status.as_u16(), most.text()), (200, "65536"));
    let more = send(server.address, upload("/api/v1/count", Body::from(vec![0; 64 * 1024 + 1]))).await;
    more.problem(413);
    let large = send(server.address, upload("/api/v1/evidence/7", Body::from(vec![0; 1024 * 1024]))).await;
    assert_eq!((large.status.as_u16(), large.text()), (200, "1048576"));
    let larger =
        send(server.address, upload("/api/v1/evidence/7", Body::from(vec![0; 2 * 1024 * 1024 + 1]))).await;
    larger.problem(413);
    let most = raw(server.address, unannounced(64 * 1024).as_bytes()).await;
    assert!(most.starts_with("HTTP/1.1 200 ") && most.ends_with("65536"), "{most}");
    let more = raw(server.address, unannounced(80 * 1024).as_bytes()).await;
    assert!(more.starts_with("HTTP/1.1 413 ") && more.contains("application/problem+json"), "{more}");
}

/// Announces a body of a thousand bytes, and sends one every 50 ms; returns the answer and how long it took.
async fn dribble(server: &Server, path: &str) -> (String, Duration) {
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("a head");
    let begun = Instant::now();
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    let dribble = async {
        let mut tick = interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            if write.write_all(b"a").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = read.read_to_end(&mut answer) => {}
        () = dribble => {}
        () = sleep(LONG) => panic!("the connection is still open"),
    }
    (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
}

#[tokio::test]
async fn a_dribbling_body_ends() {
    let server = server().await;
    for path in ["/api/v1/quick", "/api/v1/quick-evidence"] {
        let (answer, took) = dribble(&server, path).await;
        println!("a body that dribbles was ended after {took:?}");
        assert!(
            answer.starts_with("HTTP/1.1 408 ") && answer.contains("application/problem+json"),
            "{answer}"
        );
    }
    let (answer, _) = dribble(&server, "/api/v1/ignored-evidence").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "nobody waits for a body that nobody reads: {answer}");
}

#[tokio::test]
async fn a_dribbling_body_takes_nobody_s_place() {
    let server = server_with(1).await;
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(server.address).await.expect("a connection");
        let head =
            b"POST /api/v1/count HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
        stream.write_all(head).await.expect("a head");
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.expect("the server waits for the body");
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        slow.push(stream);
    }
    assert_eq!(fetch(server.address, "/api/v1/ping").await.text(), "pong");
    for mut stream in slow {
        stream.write_all(b"ab").await.expect("a body");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

#[tokio::test]
async fn who_does_not_read_loses_the_connection() {
    const LENGTH: usize = 64 * 1024 * 1024;
    let zeros = Bytes::from(vec![0_u8; LENGTH]);
    let router = Router::new().route("/large", get(async move || zeros)).route("/small", get(async || "ok"));
    let options = ServeOptions {
        connections_each: 1,
        write_patience: Duration::from_millis(300),
        ..Default::default()
    };
    let server = Server::start(router, unlimited(), options).await;
    let mut unread = TcpStream::connect(server.address).await.expect("a connection");
    unread.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("a request");
    // This client may have one connection: another one is answered as soon as the first is given up.
    let took = until_answered([127, 0, 0, 1], server.address, "/small").await;
    println!("who does not read was ended after {took:?}");
    let (mut count, mut part) = (0, vec![0; 1024 * 1024]);
    while let Ok(more @ 1..) = unread.read(&mut part).await {
        count += more;
    }
    assert!(count < LENGTH, "all {count} bytes came");
}

#[tokio::test]
async fn one_client_has_so_many_connections_and_others_have_theirs() {
    let router = Router::new().route("/api/v1/ping", get(async || "pong"));
    let options = ServeOptions { connections_each: 4, ..Default::default() };
    let server = Server::start(router, unlimited(), options).await;
    let mut own = Vec::new();
    for _ in 0..4 {
        let mut client = Client::over(connect_from([127, 0, 3, 1], server.address).await).await;
        assert_eq!(client.get("/api/v1/ping").await.status, 200);
        own.push(client);
    }
    let mut fifth = connect_from([127, 0, 3, 1], server.address).await;
    let refusal = rest(&mut fifth).await;
    assert!(refusal.starts_with("HTTP/1.1 503 ") && refusal.contains("retry-after: 1"), "{refusal:?}");
    let mut other = Client::over(connect_from([127, 0, 3, 2], server.address).await).await;
    assert_eq!(other.get("/api/v1/ping").await.status, 200);
    own.pop();
    until_answered([127, 0, 3, 1], server.address, "/api/v1/ping").await;
}

/// Asks from this address until there is a place for the connection; returns how long that took.
async fn until_answered(source: [u8; 4], server: SocketAddr, path: &str) -> Duration {
    let begun = Instant::now();
    loop {
        let mut client = Client::over(connect_from(source, server).await).await;
        if client.send(request("GET", path, &[])).await.is_ok_and(|answer| answer.status == 200) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < LONG, "no place was given back");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_handler_has_a_deadline_and_a_stream_has_none() {
    let slow = async || -> Result<&'static str, Problem> {
        sleep(Duration::from_secs(1)).await;
        Ok("late")
    };
    let closing = async |mut closing: Closing| {
        tokio::select! {
            () = closing.wait() => "closing",
            () = sleep(Duration::from_secs(1)) => "late",
        }
    };
    let router = Router::new().route("/api/v1/slow", get(slow)).route("/api/v1/events", get(closing));
    let mut shell = unlimited().allow("/api/v1/events", Allowance::stream());
    shell.others.handler_time = Some(Duration::from_millis(50));
    let server = Server::start(router, shell, ServeOptions::default()).await;
    let late = fetch(server.address, "/api/v1/slow").await;
    late.problem(503);
    assert_eq!(late.header("retry-after"), "1");
    let stream = fetch(server.address, "/api/v1/events").await;
    assert_eq!((stream.status.as_u16(), stream.text()), (200, "late"));
}
