//! yawc over hyper, with UTF-8 checked (by SIMD), and its low-latency preset where it compresses.

use std::sync::Arc;

use bytes::Bytes;
use common::{Deflate, Duplex, Failure, Io, LIMIT, Memory, Messages, Peer, Settings, Socket};
use futures_util::StreamExt as _;
use yawc::{Frame, OpCode, Options, Role, WebSocket, WebSocketError};

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

struct Yawc;

impl Messages for Yawc {
    type Message = Frame;

    fn message(is_text: bool, payload: Bytes) -> Frame {
        if is_text {
            Frame::text(payload)
        } else {
            Frame::binary(payload)
        }
    }

    fn is_data(message: &Frame) -> bool {
        matches!(message.opcode(), OpCode::Text | OpCode::Binary)
    }

    fn payload(message: Frame) -> Bytes {
        message.into_payload()
    }
}

/// Its stream ends without an error.
fn duplex(websocket: WebSocket<impl Io>) -> impl Socket {
    Duplex::<_, Yawc>::new(websocket.map(Ok::<_, WebSocketError>))
}

impl Peer for Yawc {
    async fn serve(stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let deflate = settings.deflate;
        let accept =
            move |request: &mut _| WebSocket::upgrade_with_options(request, options(deflate));
        let websocket = common::upgrade(stream, accept).await?.await?;
        common::serve(duplex(websocket), settings.hub.as_ref()).await
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        let role = if is_client {
            Role::Client
        } else {
            Role::Server
        };
        let websocket = WebSocket::from_stream(memory, role, options(Deflate::Off));
        websocket.ok().map(duplex)
    }
}

fn main() -> Result<(), Failure> {
    common::run::<Yawc>()
}
