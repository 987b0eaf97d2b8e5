//! New blocks as a node announces them, over a WebSocket, where its family has that.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// The node must take the connection within this.
const DEADLINE: Duration = Duration::from_secs(5);
/// Largest announcement, bytes.
const LARGEST: usize = 1 << 20;

/// How a node is asked to announce its blocks.
#[derive(Debug, Clone, Copy)]
pub struct Subscription {
    /// Path of its WebSocket.
    pub path: &'static str,
    /// What is asked.
    pub request: &'static str,
    /// The height that an answer announces; none when it announces no block.
    pub height: fn(&str) -> Option<u64>,
}

/// Hands on each height that the node announces, until it cannot be heard any more: it does not take the connection, ends
/// it, or says what is no WebSocket's. Whoever listens then has to ask again by itself.
pub async fn listen(address: SocketAddr, subscription: Subscription, heights: UnboundedSender<u64>) {
    let connecting = async {
        let stream = TcpStream::connect(address).await.ok()?;
        let mut config = WebSocketConfig::default();
        (config.max_message_size, config.max_frame_size) = (Some(LARGEST), Some(LARGEST));
        let url = format!("ws://{address}{}", subscription.path);
        let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await.ok()?;
        socket.send(Message::text(subscription.request)).await.ok()?;
        Some(socket)
    };
    let Ok(Some(mut socket)) = timeout(DEADLINE, connecting).await else { return };
    // Pings are answered while it is read.
    while let Some(Ok(message)) = socket.next().await {
        let height = message.to_text().ok().and_then(subscription.height);
        if height.is_some_and(|height| heights.send(height).is_err()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::sync::mpsc::unbounded_channel;
    use tokio_tungstenite::accept_async;

    use super::*;

    /// What is handed on of what a node says, until it is heard no more.
    async fn heard(says: Vec<Message>) -> Vec<u64> {
        let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = node.local_addr().unwrap();
        let speaking = async {
            let mut socket = accept_async(node.accept().await.unwrap().0).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("blocks"));
            for message in says {
                // Who has heard enough has gone.
                let _ = socket.send(message).await;
            }
            let _ = socket.close(None).await;
        };
        let (sender, mut receiver) = unbounded_channel();
        let subscription = Subscription { path: "/", request: "blocks", height: |text| text.parse().ok() };
        tokio::join!(speaking, listen(address, subscription, sender));
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }

    #[tokio::test]
    async fn heights_are_handed_on_and_nothing_else() {
        let says = ["5", "{}", "6", "a block"].map(Message::text);
        assert_eq!(heard(says.into()).await, [5, 6]);
        let says = vec![Message::text("7"), Message::Ping(vec![1].into()), Message::Binary(vec![255].into())];
        assert_eq!(heard(says).await, [7]);
    }

    #[tokio::test]
    async fn what_is_too_large_ends_it() {
        let says = vec![Message::text("7"), Message::text("8".repeat(LARGEST + 1)), Message::text("9")];
        assert_eq!(heard(says).await, [7]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_without_a_websocket_is_not_waited_for() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let subscription = Subscription { path: "/", request: "", height: |_| None };
        let (sender, mut receiver) = unbounded_channel();
        listen(address, subscription, sender).await;
        assert_eq!(receiver.recv().await, None);
    }
}
