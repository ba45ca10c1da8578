//! tokio-websockets, as its own echo server has it, with SHA-1 by aws-lc and unlimited frames.

use std::sync::Arc;

use bytes::Bytes;
use common::{Duplex, Failure, Io, Memory, Messages, Peer, Settings, Socket};
use tokio_websockets::{ClientBuilder, Config, Limits, Message, ServerBuilder};

fn config() -> Config {
    Config::default().frame_size(usize::MAX)
}

struct TokioWebsockets;

impl Messages for TokioWebsockets {
    type Message = Message;

    const NEXT_FLUSHES: bool = true;

    fn message(is_text: bool, payload: Bytes) -> Message {
        if is_text {
            Message::text(String::from_utf8_lossy(&payload).into_owned())
        } else {
            Message::binary(payload)
        }
    }

    fn is_data(message: &Message) -> bool {
        message.is_binary() || message.is_text()
    }

    fn payload(message: Message) -> Bytes {
        message.into_payload().into()
    }
}

impl Peer for TokioWebsockets {
    async fn serve(stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let builder = ServerBuilder::new()
            .config(config())
            .limits(Limits::unlimited());
        let (_, websocket) = builder.accept(stream).await?;
        common::serve(
            Duplex::<_, TokioWebsockets>::new(websocket),
            settings.hub.as_ref(),
        )
        .await
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        Some(Duplex::<_, TokioWebsockets>::new(if is_client {
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
