//! A peer's connection, and what a server does with it.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::Failure;

/// Messages that are answered in one write, when as many are at hand.
const BATCH: usize = 32;

/// A connection past its handshake.
pub trait Socket: Send {
    /// A text or binary message.
    type Message: Clone + Send + 'static;

    /// Whether `next` sends what was fed, so that a batch has to be taken as a whole before it is fed.
    const NEXT_FLUSHES: bool = false;

    /// A message to send.
    fn message(is_text: bool, payload: Bytes) -> Self::Message;

    /// A message's payload.
    fn payload(message: Self::Message) -> Bytes;

    /// The next text or binary message; nothing at the end. May be dropped while it waits.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Message>, Failure>> + Send;

    /// Takes the next message and forgets it; the bytes of its payload, 0 at the end.
    fn skip(&mut self) -> impl Future<Output = Result<usize, Failure>> + Send {
        async {
            Ok(self
                .next()
                .await?
                .map_or(0, |message| Self::payload(message).len()))
        }
    }

    /// Takes a message to send, which may wait for `flush`.
    fn feed(&mut self, message: Self::Message) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Sends what was taken.
    fn flush(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The messages of a peer whose connection is a stream and a sink of them.
pub trait Messages: 'static {
    /// A message of any kind.
    type Message: Clone + Send + 'static;

    /// As of `Socket`.
    const NEXT_FLUSHES: bool = false;

    /// A text or binary message to send.
    fn message(is_text: bool, payload: Bytes) -> Self::Message;

    /// Whether it is text or binary.
    fn is_data(message: &Self::Message) -> bool;

    /// Its payload.
    fn payload(message: Self::Message) -> Bytes;
}

/// Such a connection.
pub struct Duplex<W, M>(W, PhantomData<fn() -> M>);

impl<W, M> Duplex<W, M> {
    pub fn new(websocket: W) -> Self {
        Duplex(websocket, PhantomData)
    }
}

impl<W, M, E> Socket for Duplex<W, M>
where
    M: Messages,
    E: Into<Failure>,
    W: Sink<M::Message, Error = E> + Stream<Item = Result<M::Message, E>> + Unpin + Send,
{
    type Message = M::Message;

    const NEXT_FLUSHES: bool = M::NEXT_FLUSHES;

    fn message(is_text: bool, payload: Bytes) -> M::Message {
        M::message(is_text, payload)
    }

    fn payload(message: M::Message) -> Bytes {
        M::payload(message)
    }

    async fn next(&mut self) -> Result<Option<M::Message>, Failure> {
        while let Some(message) = self.0.next().await.transpose().map_err(Into::into)? {
            if M::is_data(&message) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    async fn feed(&mut self, message: M::Message) -> Result<(), Failure> {
        self.0.feed(message).await.map_err(Into::into)
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush().await.map_err(Into::into)
    }
}

/// What one connection says to all others: who said it, and the payload.
#[derive(Clone)]
pub struct Hub(broadcast::Sender<(u64, Bytes)>);

impl Hub {
    pub(crate) fn new() -> Self {
        Hub(broadcast::Sender::new(1024))
    }
}

/// Serves a connection until it ends.
pub async fn serve<S: Socket>(socket: S, hub: Option<&Hub>) -> Result<(), Failure> {
    match hub {
        Some(hub) => hand_on(socket, hub).await,
        None => echo(socket).await,
    }
}

async fn echo<S: Socket>(mut socket: S) -> Result<(), Failure> {
    while let Some(message) = socket.next().await? {
        let mut taken = Vec::new();
        let mut next = Some(message);
        for _ in 0..BATCH {
            match next.take() {
                Some(message) if S::NEXT_FLUSHES => taken.push(message),
                Some(message) => socket.feed(message).await?,
                None => break,
            }
            next = socket.next().now_or_never().transpose()?.flatten();
        }
        for message in taken.into_iter().chain(next) {
            socket.feed(message).await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

async fn hand_on<S: Socket>(mut socket: S, hub: &Hub) -> Result<(), Failure> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let own = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut said = hub.0.subscribe();
    loop {
        tokio::select! {
            message = socket.next() => match message? {
                Some(message) => drop(hub.0.send((own, S::payload(message)))),
                None => return Ok(()),
            },
            message = said.recv() => match message {
                Ok((sender, _)) if sender == own => {}
                Ok((_, payload)) => {
                    socket.feed(S::message(false, payload)).await?;
                    socket.flush().await?;
                }
                Err(RecvError::Lagged(_)) => return Err("a subscriber is too slow".into()),
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}
