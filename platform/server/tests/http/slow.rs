//! Five hundred clients that hold connections without using them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use rustix::process::{Resource, getrlimit, setrlimit};
use server::http::ServeOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::support::{Client, Server, connect_from, quantile, unlimited};

/// What holds a connection open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Idler {
    /// One header a second, for ever.
    Dribble,
    /// Not a byte.
    Silent,
    /// Nothing more after one answered request.
    Idle,
}

const IDLERS: [Idler; 3] = [Idler::Dribble, Idler::Silent, Idler::Idle];

/// The deadline is 5 s; 6 s with some room, doubled for a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(12);

const PING: &[u8] = b"GET /api/v1/ping HTTP/1.1\r\nhost: x\r\n\r\n";

impl Idler {
    /// Holds a connection as long as the server lets it; returns how long that was.
    async fn hold(self, mut stream: TcpStream) -> Duration {
        match self {
            Self::Silent => {}
            Self::Dribble => stream.write_all(&PING[..PING.len() - 2]).await.expect("a first part"),
            Self::Idle => {
                stream.write_all(PING).await.expect("a request");
                let mut answer = [0; 4096];
                let count = stream.read(&mut answer).await.expect("an answer");
                assert!(answer[..count].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
            }
        }
        let begun = Instant::now();
        let (mut read, mut write) = stream.split();
        let mut rest = Vec::new();
        let dribble = async {
            let mut tick = interval(Duration::from_secs(1));
            loop {
                tick.tick().await;
                if write.write_all(b"x-more: 1\r\n").await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            _ = read.read_to_end(&mut rest) => {}
            () = dribble, if self == Self::Dribble => {}
        }
        begun.elapsed()
    }
}

/// A client that asks all the time; returns how long each answer took. Every one must come.
async fn good(server: SocketAddr) -> Vec<Duration> {
    let mut client = Client::connect(server).await;
    let mut took = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(7) {
        let asked = Instant::now();
        let answer = client.get("/api/v1/ping").await;
        took.push(asked.elapsed());
        assert_eq!(answer.status, 200);
        sleep(Duration::from_millis(10)).await;
    }
    took
}

/// Both ends of every connection are in this process.
fn allow_many_files() {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).expect("the soft limit can be raised to the hard one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_slow_connections_are_closed_and_good_requests_answered() {
    allow_many_files();
    let router = Router::new().route("/api/v1/ping", get(async || "pong"));
    let server = Server::start(router, unlimited(), ServeOptions::default()).await;
    let mut idlers = JoinSet::new();
    for number in 0..500_u16 {
        let idler = IDLERS[usize::from(number) % IDLERS.len()];
        // Ten addresses, since one may have 64 connections.
        let source = [127, 0, 2, (number % 10) as u8 + 1];
        let stream = connect_from(source, server.address).await;
        idlers.spawn(async move { (idler, timeout(CLOSED_WITHIN, idler.hold(stream)).await) });
    }
    let asking: Vec<_> = (0..4).map(|_| tokio::spawn(good(server.address))).collect();
    let mut longest = [Duration::ZERO; 3];
    while let Some(held) = idlers.join_next().await {
        let (idler, held) = held.expect("no panic");
        let held = held.unwrap_or_else(|_| panic!("{idler:?} still holds its connection after 12 s"));
        longest[idler as usize] = longest[idler as usize].max(held);
    }
    let mut took = Vec::new();
    for asking in asking {
        took.extend(asking.await.expect("every good request is answered"));
    }
    took.sort();
    let (p50, p99) = (quantile(&took, 0.5), quantile(&took, 0.99));
    println!("longest held: {IDLERS:?} {longest:?}");
    println!("{} good requests meanwhile: p50 {p50:?}, p99 {p99:?}", took.len());
    assert!(p99 < Duration::from_secs(1), "p99 {p99:?}");
}
