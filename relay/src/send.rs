//! The thread that gives this node's messages to the broker, many in one go.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::Shared;
use crate::broker::{Broken, Publisher};
use crate::envelope::Envelope;
use crate::queue::Message;

/// How often a node says how far it is, when it has nothing else to say.
const BEAT: Duration = Duration::from_millis(500);

pub(crate) fn run(shared: &Shared) {
    let mut number = 0;
    shared.keep_connected(|| {
        let mut publisher = shared.broker.publisher()?;
        loop {
            let messages = shared.queue.take(BEAT);
            let count = messages.len() as u64;
            let sent = give(shared, &mut *publisher, &mut number, &messages);
            let taken = *sent.as_ref().unwrap_or(&0);
            shared.sent.fetch_add(taken, Ordering::Relaxed);
            shared.dropped.fetch_add(count - taken, Ordering::Relaxed);
            sent?;
            // What came before the stop has gone with the last take, and the beat has ended the other thread's wait.
            if shared.stopped() {
                return Ok(());
            }
        }
    });
    // Nobody sends what is left.
    let left = shared.queue.take(Duration::ZERO).len() as u64;
    shared.dropped.fetch_add(left, Ordering::Relaxed);
}

/// Publishes the messages, or says that there are none. How many the broker has taken.
fn give(
    shared: &Shared,
    publisher: &mut dyn Publisher,
    number: &mut u64,
    messages: &[Message],
) -> Result<u64, Broken> {
    let mut envelopes = Vec::with_capacity(messages.len() + 1);
    for message in messages {
        // One that is too large has a number all the same, so that it is missed.
        *number += 1;
        let envelope = Envelope {
            node: shared.node,
            number: *number,
            kind: Some(message.kind),
            topic: &message.topic,
            payload: &message.payload,
        };
        let bytes = envelope.bytes();
        if bytes.len() <= publisher.limit() {
            envelopes.push(bytes);
        }
    }
    let taken = envelopes.len() as u64;
    if messages.is_empty() || shared.stopped() {
        let beat = Envelope {
            node: shared.node,
            number: *number,
            kind: None,
            topic: "",
            payload: &[],
        };
        envelopes.push(beat.bytes());
    }
    publisher.publish(envelopes)?;
    Ok(taken)
}
