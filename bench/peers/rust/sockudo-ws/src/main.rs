//! sockudo-ws with SIMD up to AVX2, as its own servers have it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use common::{Deflate, Duplex, Failure, Io, LIMIT, Memory, Messages, Peer, Settings, Socket};
use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate};
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::protocol::Message;
use sockudo_ws::{CompressedWebSocketStream, Config, WebSocketStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn config() -> Config {
    Config::builder()
        .max_message_size(LIMIT)
        .max_frame_size(LIMIT)
        .build()
}

struct Sockudo;

impl Messages for Sockudo {
    type Message = Message;

    fn message(is_text: bool, payload: Bytes) -> Message {
        if is_text {
            Message::Text(payload)
        } else {
            Message::Binary(payload)
        }
    }

    fn is_data(message: &Message) -> bool {
        matches!(message, Message::Text(_) | Message::Binary(_))
    }

    fn payload(message: Message) -> Bytes {
        match message {
            Message::Text(payload) | Message::Binary(payload) => payload,
            _ => Bytes::new(),
        }
    }
}

/// The opening handshake; what was negotiated of compression.
async fn shake_hands(
    stream: &mut impl Io,
    deflate: Deflate,
) -> Result<Option<DeflateConfig>, Failure> {
    let mut head = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err("no request came".into());
        }
        let Some((request, _)) = parse_request(&head)? else {
            continue;
        };
        let policy = DeflateConfig {
            server_no_context_takeover: deflate == Deflate::Alone,
            client_no_context_takeover: deflate == Deflate::Alone,
            ..DeflateConfig::default()
        };
        let offers = request.extensions.filter(|_| deflate != Deflate::Off);
        let agreed = offers.and_then(|offers| negotiate_server_deflate(offers, &policy));
        let header = agreed.as_ref().map(|agreed| agreed.to_response_header());
        let response = build_response(&generate_accept_key(request.key), None, header.as_deref());
        stream.write_all(&response).await?;
        return Ok(agreed.map(|agreed| agreed.config));
    }
}

impl Peer for Sockudo {
    async fn serve(mut stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let hub = settings.hub.as_ref();
        match shake_hands(&mut stream, settings.deflate).await? {
            Some(deflate) => {
                let websocket = CompressedWebSocketStream::server(stream, config(), deflate);
                common::serve(Duplex::<_, Sockudo>::new(websocket), hub).await
            }
            None => {
                let websocket = WebSocketStream::server(stream, config());
                common::serve(Duplex::<_, Sockudo>::new(websocket), hub).await
            }
        }
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        Some(Duplex::<_, Sockudo>::new(if is_client {
            WebSocketStream::client(memory, config())
        } else {
            WebSocketStream::server(memory, config())
        }))
    }
}

fn main() -> Result<(), Failure> {
    common::run::<Sockudo>()
}
