//! The thread that gives this node's messages to the broker, many in one go.

use std::sync::atomic::Ordering;

use redis::{Connection, RedisResult};

use crate::envelope::Envelope;
use crate::queue::Message;
use crate::{BEAT, Shared};

pub(crate) fn run(shared: &Shared) {
    let mut number = 0;
    shared.keep_connected(|mut connection| {
        loop {
            let messages = shared.queue.take(BEAT);
            let count = messages.len() as u64;
            if let Err(error) = give(shared, &mut connection, &mut number, &messages) {
                shared.dropped.fetch_add(count, Ordering::Relaxed);
                return Err(error);
            }
            shared.sent.fetch_add(count, Ordering::Relaxed);
            // What came before the stop has gone with the last take, and the beat has ended the other thread's wait.
            if shared.stopped() {
                return Ok(());
            }
        }
    });
    // Nobody sends what is left.
    let left = shared.queue.take(std::time::Duration::ZERO).len() as u64;
    shared.dropped.fetch_add(left, Ordering::Relaxed);
}

/// Publishes the messages, or says that there are none.
fn give(
    shared: &Shared,
    connection: &mut Connection,
    number: &mut u64,
    messages: &[Message],
) -> RedisResult<()> {
    let mut pipeline = redis::pipe();
    let mut publish = |topic: &str, envelope: &Envelope<'_>| {
        let channel = format!("{}{topic}", shared.prefix);
        (pipeline.cmd("PUBLISH").arg(channel).arg(envelope.bytes())).ignore();
    };
    for message in messages {
        *number += 1;
        let envelope = Envelope {
            node: shared.node,
            number: *number,
            kind: Some(message.kind),
            payload: &message.payload,
        };
        publish(&message.topic, &envelope);
    }
    let beat = Envelope {
        node: shared.node,
        number: *number,
        kind: None,
        payload: &[],
    };
    if messages.is_empty() || shared.stopped() {
        publish("", &beat);
    }
    pipeline.query(connection)
}
