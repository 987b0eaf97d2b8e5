//! The end of the server: what is in flight is answered, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use server::http::{Closing, ServeOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::support::{Client, LONG, Server, get as fetch, request, unlimited};

#[tokio::test]
async fn what_is_in_flight_is_answered_and_nothing_new() {
    let (begun, mut began) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let work = async move || {
        let _ = begun.send(());
        released.notified().await;
        "done"
    };
    let router = Router::new().route("/work", get(work)).route("/ping", get(async || "pong"));
    let server = Server::start(router, unlimited(), ServeOptions::default()).await;
    let address = server.address;
    let mut idle = TcpStream::connect(address).await.expect("a connection");
    idle.write_all(b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("a request");
    let count = idle.read(&mut [0; 4096]).await.expect("an answer");
    assert!(count > 0);
    let silent = TcpStream::connect(address).await.expect("a connection");
    let in_flight = tokio::spawn(async move { fetch(address, "/work").await });
    began.recv().await.expect("the handler is at work");
    let served = server.stop();
    for mut unused in [idle, silent] {
        let end = timeout(LONG, unused.read(&mut [0; 16])).await.expect("an unused connection is closed");
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    assert!(!served.is_finished(), "a request is in flight");
    release.notify_one();
    assert_eq!(in_flight.await.expect("an answer").text(), "done");
    served.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn what_takes_longer_than_the_grace_is_cut_off() {
    let (begun, mut began) = mpsc::unbounded_channel();
    let work = async move || {
        let _ = begun.send(());
        std::future::pending::<&'static str>().await
    };
    let router = Router::new().route("/work", get(work));
    let options = ServeOptions { grace: Duration::from_millis(100), ..Default::default() };
    let server = Server::start(router, unlimited(), options).await;
    let mut client = Client::connect(server.address).await;
    let in_flight = tokio::spawn(async move { client.send(request("GET", "/work", &[])).await });
    began.recv().await.expect("the handler is at work");
    timeout(LONG, server.stop()).await.expect("an end").expect("no panic").expect("a clean end");
    assert!(in_flight.await.expect("no panic").is_err(), "nobody answered");
}

#[tokio::test]
async fn a_stream_is_told_that_the_server_ends() {
    let (begun, mut began) = mpsc::unbounded_channel();
    let stream = async move |mut closing: Closing| {
        let _ = begun.send(());
        closing.wait().await;
        "good-bye"
    };
    let router = Router::new().route("/events", get(stream));
    let shell = unlimited().allow("/events", server::http::Allowance::stream());
    let server = Server::start(router, shell, ServeOptions::default()).await;
    let address = server.address;
    let listening = tokio::spawn(async move { fetch(address, "/events").await });
    began.recv().await.expect("the stream has begun");
    server.stop().await.expect("no panic").expect("a clean end");
    assert_eq!(listening.await.expect("an answer").text(), "good-bye");
}
