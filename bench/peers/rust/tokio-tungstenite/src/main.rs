//! tokio-tungstenite, with read buffers of 8 KiB: its default of 128 KiB for each connection is no faster.

use std::sync::Arc;

use bytes::Bytes;
use common::{Failure, Io, LIMIT, Memory, Peer, Settings, Socket};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

struct Connection<S>(WebSocketStream<S>);

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT))
}

impl<S: Io> Socket for Connection<S> {
    type Message = Message;

    fn message(is_text: bool, payload: Bytes) -> Message {
        if is_text {
            Message::Text(payload.try_into().expect("text"))
        } else {
            Message::Binary(payload)
        }
    }

    fn payload(message: Message) -> Bytes {
        message.into_data()
    }

    async fn next(&mut self) -> Result<Option<Message>, Failure> {
        while let Some(message) = self.0.next().await.transpose()? {
            if message.is_binary() || message.is_text() {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    async fn feed(&mut self, message: Message) -> Result<(), Failure> {
        Ok(self.0.feed(message).await?)
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.0.flush().await?)
    }
}

struct Tungstenite;

impl Peer for Tungstenite {
    async fn serve(stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let websocket = tokio_tungstenite::accept_async_with_config(stream, Some(config())).await?;
        common::serve(Connection(websocket), settings.hub.as_ref()).await
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        let role = if is_client {
            Role::Client
        } else {
            Role::Server
        };
        let opened = WebSocketStream::from_raw_socket(memory, role, Some(config()));
        Some(Connection(opened.now_or_never()?))
    }
}

fn main() -> Result<(), Failure> {
    common::run::<Tungstenite>()
}
