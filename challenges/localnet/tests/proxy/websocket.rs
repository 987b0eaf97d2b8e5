//! A WebSocket through the proxy: handed on while the node behaves well, and not after.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use localnet::{Fault, Proxy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, connect_async};

/// A node that says everything back.
async fn echo() -> std::net::SocketAddr {
    let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = node.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = node.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    let _ = socket.send(message).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn it_is_handed_on_until_the_node_is_to_misbehave() {
    let proxy = Proxy::start(echo().await, Fault::None).unwrap();
    let url = format!("ws://{}/websocket", proxy.addr);
    let (mut socket, _) = connect_async(&url).await.unwrap();
    for text in ["one", "two"] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
    proxy.set(Fault::Canned { kept: Duration::from_secs(60) });
    let ended = timeout(Duration::from_secs(4), socket.next()).await.expect("it ends");
    assert!(!matches!(ended, Some(Ok(_))), "{ended:?}");
    assert!(connect_async(&url).await.is_err());
    proxy.set(Fault::None);
    assert!(connect_async(&url).await.is_ok());
}

#[tokio::test]
async fn a_node_that_is_down_or_has_none_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::start(free, Fault::None).unwrap();
    let told = connect_async(format!("ws://{}/", proxy.addr)).await.unwrap_err();
    assert!(told.to_string().contains("502"), "{told}");
    let upstream = crate::stand::Upstream::start().await;
    let proxy = Proxy::start(upstream.addr, Fault::None).unwrap();
    assert!(connect_async(format!("ws://{}/", proxy.addr)).await.is_err());
    // Others are answered as before.
    assert!(TcpStream::connect(proxy.addr).await.is_ok());
    assert_eq!(crate::stand::Client::new(proxy.addr).read().await.unwrap().0, 200);
}
