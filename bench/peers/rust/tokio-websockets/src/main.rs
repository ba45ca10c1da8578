//! tokio-websockets, as its own echo server has it, with SHA-1 by aws-lc and unlimited frames.

use std::sync::Arc;

use bytes::Bytes;
use common::{Failure, Io, Memory, Peer, Settings, Socket};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_websockets::{ClientBuilder, Config, Limits, Message, ServerBuilder, WebSocketStream};

struct Connection<S>(WebSocketStream<S>);

fn config() -> Config {
    Config::default().frame_size(usize::MAX)
}

impl<S: Io> Socket for Connection<S> {
    type Message = Message;

    fn message(is_text: bool, payload: Bytes) -> Message {
        if is_text {
            Message::text(String::from_utf8_lossy(&payload).into_owned())
        } else {
            Message::binary(payload)
        }
    }

    fn payload(message: Message) -> Bytes {
        message.into_payload().into()
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

struct TokioWebsockets;

impl Peer for TokioWebsockets {
    async fn serve(stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let builder = ServerBuilder::new()
            .config(config())
            .limits(Limits::unlimited());
        let (_, websocket) = builder.accept(stream).await?;
        common::serve(Connection(websocket), settings.hub.as_ref()).await
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        Some(Connection(if is_client {
            ClientBuilder::new()
                .config(config())
                .limits(Limits::unlimited())
                .take_over(memory)
        } else {
            ServerBuilder::new()
                .config(config())
                .limits(Limits::unlimited())
                .serve(memory)
        }))
    }
}

fn main() -> Result<(), Failure> {
    common::run::<TokioWebsockets>()
}
