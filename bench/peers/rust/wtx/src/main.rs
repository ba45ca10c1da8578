//! wtx with its optimizations, each frame echoed from where it was received.

use std::io::IoSlice;
use std::sync::Arc;

use bytes::Bytes;
use common::{Deflate, Failure, Io, LIMIT, Memory, Peer, Settings, Socket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wtx::collection::Vector;
use wtx::rng::{Xorshift64, simple_seed};
use wtx::stream::{StreamReader, StreamWriter};
use wtx::web_socket::compression::{Flate2, NegotiatedCompression};
use wtx::web_socket::{
    DeflateConfig, Frame, OpCode, WebSocket, WebSocketAcceptor, WebSocketBuffer,
    WebSocketPayloadOrigin,
};

/// Any stream of Tokio's as one of wtx's, as its own do it.
struct Stream<S>(S);

impl<S: Io> StreamReader for Stream<S> {
    async fn read(&mut self, bytes: &mut [u8]) -> wtx::Result<usize> {
        Ok(self.0.read(bytes).await?)
    }
}

impl<S: Io> StreamWriter for Stream<S> {
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        self.0.write_all(bytes).await?;
        Ok(self.0.flush().await?)
    }

    async fn write_all_vectored(&mut self, bytes: &[&[u8]]) -> wtx::Result<()> {
        let mut slices = [IoSlice::new(&[]); 8];
        for (slice, part) in slices.iter_mut().zip(bytes) {
            *slice = IoSlice::new(part);
        }
        let mut left = &mut slices[..bytes.len()];
        while !left.is_empty() {
            let written = self.0.write_vectored(left).await?;
            if written == 0 {
                return Err(wtx::Error::UnexpectedStreamWriteEOF);
            }
            IoSlice::advance_slices(&mut left, written);
        }
        Ok(self.0.flush().await?)
    }
}

struct Connection<C, S, const IS_CLIENT: bool> {
    websocket: WebSocket<C, Xorshift64, Stream<S>, WebSocketBuffer, IS_CLIENT>,
    buffer: Vector<u8>,
}

impl<C: NegotiatedCompression + Send, S: Io, const IS_CLIENT: bool> Connection<C, S, IS_CLIENT> {
    fn new(mut websocket: WebSocket<C, Xorshift64, Stream<S>, WebSocketBuffer, IS_CLIENT>) -> Self {
        websocket.set_max_payload_len(LIMIT);
        let buffer = Vector::new();
        Connection { websocket, buffer }
    }

    async fn serve(mut self, settings: &Settings) -> Result<(), Failure> {
        if settings.hub.is_some() {
            return common::serve(self, settings.hub.as_ref()).await;
        }
        let (mut common, mut reader, mut writer) = self.websocket.split_mut();
        loop {
            self.buffer.clear();
            let mut frame = reader
                .read_frame(
                    &mut self.buffer,
                    &mut common,
                    WebSocketPayloadOrigin::Adaptive,
                )
                .await?;
            match frame.op_code() {
                OpCode::Binary | OpCode::Text => {
                    writer.write_frame(&mut common, &mut frame).await?
                }
                OpCode::Close => return Ok(()),
                _ => {}
            }
        }
    }
}

impl<C: NegotiatedCompression + Send, S: Io, const IS_CLIENT: bool> Socket
    for Connection<C, S, IS_CLIENT>
{
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
            self.buffer.clear();
            let frame = self
                .websocket
                .read_frame(&mut self.buffer, WebSocketPayloadOrigin::Adaptive)
                .await?;
            match frame.op_code() {
                OpCode::Binary | OpCode::Text => {
                    return Ok(Some((
                        frame.op_code(),
                        Bytes::copy_from_slice(frame.payload()),
                    )));
                }
                OpCode::Close => return Ok(None),
                _ => {}
            }
        }
    }

    async fn skip(&mut self) -> Result<usize, Failure> {
        self.buffer.clear();
        let frame = self
            .websocket
            .read_frame(&mut self.buffer, WebSocketPayloadOrigin::Adaptive)
            .await?;
        Ok(frame.payload().len())
    }

    async fn feed(&mut self, (opcode, payload): Self::Message) -> Result<(), Failure> {
        // wtx masks a client's payload in place, so it wants memory of its own.
        self.buffer.clear();
        self.buffer.extend_from_copyable_slice(&payload)?;
        let mut frame = Frame::new_fin(opcode, &mut self.buffer[..]);
        Ok(self.websocket.write_frame(&mut frame).await?)
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

struct Wtx;

impl Peer for Wtx {
    async fn serve(stream: impl Io, settings: Arc<Settings>) -> Result<(), Failure> {
        let acceptor = WebSocketAcceptor::default();
        let stream = Stream(stream);
        if settings.deflate == Deflate::Off {
            let websocket = acceptor.accept::<_>(stream).await?;
            Connection::new(websocket).serve(&settings).await
        } else {
            let flate2 = Flate2::from(DeflateConfig::default());
            let websocket = acceptor.compression(flate2).accept(stream).await?;
            Connection::new(websocket).serve(&settings).await
        }
    }

    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket> {
        // Its type says which side a connection is on; here the server's.
        let rng = Xorshift64::from(simple_seed());
        (!is_client).then(|| {
            Connection::<_, _, false>::new(WebSocket::new(
                (),
                false,
                rng,
                Stream(memory),
                WebSocketBuffer::new(),
            ))
        })
    }
}

fn main() -> Result<(), Failure> {
    common::run::<Wtx>()
}
