//! The thread that hears what all nodes publish, this one's beats among it: silence means that the connection is dead.

use std::sync::atomic::Ordering;

use redis::{Connection, RedisResult};
use ropeway_core::Error;
use ropeway_core::engine::Remote;

use crate::Shared;
use crate::envelope::Envelope;
use crate::losses::Losses;

pub(crate) fn run(shared: &Shared, remote: &Remote) {
    let mut losses = Losses::default();
    shared.keep_connected(|connection| {
        let ended = hear(shared, remote, &mut losses, connection);
        shared.connected.store(false, Ordering::Relaxed);
        ended
    });
}

fn hear(
    shared: &Shared,
    remote: &Remote,
    losses: &mut Losses,
    mut connection: Connection,
) -> RedisResult<()> {
    let mut subscription = connection.as_pubsub();
    subscription.psubscribe(format!("{}*", escaped(&shared.prefix)))?;
    shared.connected.store(true, Ordering::Relaxed);
    while !shared.stopped() {
        let message = subscription.get_message()?;
        let channel = message.get_channel_name();
        let Some(topic) = channel.strip_prefix(&shared.prefix) else {
            continue;
        };
        let Some(envelope) = Envelope::parse(message.get_payload_bytes()) else {
            continue;
        };
        if envelope.node == shared.node {
            continue;
        }
        let is_beat = envelope.kind.is_none();
        let missing = losses.missing(envelope.node, envelope.number, is_beat);
        shared.lost.fetch_add(missing, Ordering::Relaxed);
        let Some(kind) = envelope.kind else {
            continue;
        };
        match remote.deliver(topic, kind, envelope.payload.to_vec()) {
            Ok(()) => shared.received.fetch_add(1, Ordering::Relaxed),
            Err(Error::EngineGone | Error::Forked) => return Ok(()),
            Err(_) => shared.dropped.fetch_add(1, Ordering::Relaxed),
        };
    }
    Ok(())
}

/// A pattern that stands for exactly this text.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
