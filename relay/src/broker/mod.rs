//! What a relay wants of a broker: one channel on which each node publishes, and which each node hears.

mod nats;
mod redis;

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::RelayError;

/// How long a connection to a broker may take, or an answer of it.
const PATIENCE: Duration = Duration::from_secs(3);

/// A connection to the broker could not be made, or has broken. That is all there is to know.
#[derive(Debug)]
pub(crate) struct Broken;

impl<E: std::error::Error> From<E> for Broken {
    fn from(_: E) -> Self {
        Self
    }
}

/// What is told of a connection that hears the channel.
pub(crate) enum Heard<'a> {
    /// From here on nothing is missed.
    Subscribed,
    Message(&'a [u8]),
}

/// A broker, and a channel there.
pub(crate) trait Broker: fmt::Debug + Send + Sync {
    /// Connects, to publish.
    fn publisher(&self) -> Result<Box<dyn Publisher>, Broken>;

    /// Connects, and tells what is published, this node's own messages among it, until `tell` breaks off. A broker that is
    /// silent for longer than [`PATIENCE`] is taken as lost.
    fn hear(&self, tell: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>) -> Result<(), Broken>;
}

/// A connection that publishes.
pub(crate) trait Publisher {
    /// Bytes that a message may have.
    fn limit(&self) -> usize;

    /// Publishes messages in their order, and waits until the broker has said that it has them.
    fn publish(&mut self, messages: Vec<Vec<u8>>) -> Result<(), Broken>;
}

/// The broker that a URL names.
pub(crate) fn open(url: &str, channel: &str) -> Result<Box<dyn Broker>, RelayError> {
    match url.split_once("://") {
        Some(("nats" | "tls", _)) => Ok(Box::new(nats::Nats::new(url, channel)?)),
        _ => Ok(Box::new(redis::Redis::new(url, channel)?)),
    }
}
