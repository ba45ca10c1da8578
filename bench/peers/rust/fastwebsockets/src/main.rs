//! fastwebsockets over hyper, as its own echo server has it: whole messages, and vectored writes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use common::{Failure, Io, LIMIT, Memory, Peer, Settings, Socket};
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role, WebSocket, upgrade};

struct Connection<S>(FragmentCollector<S>);

impl<S: Io> Connection<S> {
    fn new(mut websocket: WebSocket<S>) -> Self {
        websocket.set_max_message_size(LIMIT);
        websocket.set_writev(true);
        Connection(FragmentCollector::new(websocket))
    }
}

impl<S: Io> Socket for Connection<S> {
    type Message = (OpCode, Bytes);

    fn message(is_text: bool, payload: Bytes) -> Self::Message {
        (
            if is_text {
                OpCode::Text
            } else {
                OpCode::Binary
            },
            payload,
        )
    }

    fn payload(message: Self::Message) -> Bytes {
        message.1
    }

    async fn next(&mut self) -> Result<Option<Self::Message>, Failure> {
        loop {
            let frame = self.0.read_frame().await?;
            match frame.opcode {
                OpCode::Close => return Ok(None),
                OpCode::Text | OpCode::Binary => {
                    return Ok(Some((frame.opcode, owned(frame.payload))));
                }
                _ => {}
            }
        }
    }

    async fn feed(&mut self, (opcode, payload): Self::Message) -> Result<(), Failure> {
        Ok(self
            .0
            .write_frame(Frame::new(true, opcode, None, Payload::Borrowed(&payload)))
            .await?)
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// A received payload, which is not copied.
fn owned(payload: Payload<'_>) -> Bytes {
    match payload {
        Payload::Bytes(bytes) => BytesMut::freeze(bytes),
        Payload::Owned(bytes) => bytes.into(),
        other => Bytes::copy_from_slice(&other),
    }
}

struct Fastwebsockets;

impl Peer for Fastwebsockets {
    async fn serve(stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let websocket = common::upgrade(stream, |request| upgrade::upgrade(request))
            .await?
            .await?;
        common::serve(Connection::new(websocket), settings.hub.as_ref()).await
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        let role = if is_client {
            Role::Client
        } else {
            Role::Server
        };
        Some(Connection::new(WebSocket::after_handshake(memory, role)))
    }
}

fn main() -> Result<(), Failure> {
    common::run::<Fastwebsockets>()
}
