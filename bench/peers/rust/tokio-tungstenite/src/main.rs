//! tokio-tungstenite, with read buffers of 8 KiB: its default of 128 KiB for each connection is no faster.

use std::sync::Arc;

use bytes::Bytes;
use common::{Duplex, Failure, Io, LIMIT, Memory, Messages, Peer, Settings, Socket};
use futures_util::FutureExt as _;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT))
}

struct Tungstenite;

impl Messages for Tungstenite {
    type Message = Message;

    fn message(is_text: bool, payload: Bytes) -> Message {
        if is_text {
            Message::Text(payload.try_into().expect("text"))
        } else {
            Message::Binary(payload)
        }
    }

    fn is_data(message: &Message) -> bool {
        message.is_binary() || message.is_text()
    }

    fn payload(message: Message) -> Bytes {
        message.into_data()
    }
}

impl Peer for Tungstenite {
    async fn serve(stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let websocket = tokio_tungstenite::accept_async_with_config(stream, Some(config())).await?;
        common::serve(
            Duplex::<_, Tungstenite>::new(websocket),
            settings.hub.as_ref(),
        )
        .await
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        let role = if is_client {
            Role::Client
        } else {
            Role::Server
        };
        let opened = WebSocketStream::from_raw_socket(memory, role, Some(config()));
        Some(Duplex::<_, Tungstenite>::new(opened.now_or_never()?))
    }
}

fn main() -> Result<(), Failure> {
    common::run::<Tungstenite>()
}
