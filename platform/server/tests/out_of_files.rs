//! A server that has no file descriptor left for another connection. Alone in its process, whose limit it lowers.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::http::{ServeOptions, Shell, serve, wrap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// Connects as long as there are descriptors; the server's ends are in this process too.
fn connect_all(server: SocketAddr) -> Vec<TcpStream> {
    std::iter::repeat_with(|| TcpStream::connect(server)).map_while(Result::ok).collect()
}

async fn answered(server: SocketAddr) -> std::io::Result<bool> {
    let mut stream = tokio::net::TcpStream::connect(server).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200 "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_waits_for_files_and_goes_on() {
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..files }).expect("a lower limit");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let server = listener.local_addr().expect("an address");
    let shell = Shell { limits: None, ..Shell::new().expect("randomness") };
    let router = wrap(Router::new().route("/", get(async || "ok")), shell);
    let options = ServeOptions { header_time: Duration::from_secs(600), ..Default::default() };
    tokio::spawn(serve(listener, router, options, std::future::pending()));

    let mut clients = connect_all(server);
    sleep(Duration::from_millis(300)).await;
    clients.extend(connect_all(server));
    assert!(answered(server).await.is_err(), "{} connections left a descriptor", clients.len());
    println!("no descriptor left after {} connections", clients.len());
    drop(clients);
    let begun = Instant::now();
    while !answered(server).await.unwrap_or(false) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the server does not come back");
        sleep(Duration::from_millis(20)).await;
    }
}
