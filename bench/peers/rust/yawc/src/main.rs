//! yawc over hyper, with UTF-8 checked (by SIMD), and its low-latency preset where it compresses.

use std::sync::Arc;

use bytes::Bytes;
use common::{Deflate, Failure, Io, LIMIT, Memory, Peer, Settings, Socket};
use futures_util::{SinkExt as _, StreamExt as _};
use yawc::{Frame, OpCode, Options, Role, WebSocket};

struct Connection<S>(WebSocket<S>);

fn options(deflate: Deflate) -> Options {
    let options = Options::default().with_limits(LIMIT, 2 * LIMIT).with_utf8();
    match deflate {
        Deflate::Off => options.without_compression(),
        Deflate::Takeover => options.with_low_latency_compression(),
        Deflate::Alone => options
            .with_low_latency_compression()
            .server_no_context_takeover()
            .client_no_context_takeover(),
    }
}

impl<S: Io> Socket for Connection<S> {
    type Message = Frame;

    fn message(is_text: bool, payload: Bytes) -> Frame {
        if is_text {
            Frame::text(payload)
        } else {
            Frame::binary(payload)
        }
    }

    fn payload(message: Frame) -> Bytes {
        message.into_payload()
    }

    async fn next(&mut self) -> Result<Option<Frame>, Failure> {
        while let Some(frame) = self.0.next().await {
            if matches!(frame.opcode(), OpCode::Text | OpCode::Binary) {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    async fn feed(&mut self, message: Frame) -> Result<(), Failure> {
        Ok(self.0.feed(message).await?)
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.0.flush().await?)
    }
}

struct Yawc;

impl Peer for Yawc {
    async fn serve(stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let deflate = settings.deflate;
        let accept =
            move |request: &mut _| WebSocket::upgrade_with_options(request, options(deflate));
        let websocket = common::upgrade(stream, accept).await?.await?;
        common::serve(Connection(websocket), settings.hub.as_ref()).await
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        let role = if is_client {
            Role::Client
        } else {
            Role::Server
        };
        WebSocket::from_stream(memory, role, options(Deflate::Off))
            .ok()
            .map(Connection)
    }
}

fn main() -> Result<(), Failure> {
    common::run::<Yawc>()
}
