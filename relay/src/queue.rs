//! What waits for the broker, within a bound.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ropeway_core::protocol::MessageKind;

/// What a message weighs besides its topic and payload, in bytes.
const MESSAGE: u64 = 64;

/// A message of this node.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) kind: MessageKind,
    pub(crate) payload: Vec<u8>,
}

/// Messages in the order in which they were published.
#[derive(Debug)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    ready: Condvar,
    limit: u64,
}

#[derive(Debug, Default)]
struct Inner {
    messages: VecDeque<Message>,
    bytes: u64,
    stopped: bool,
}

impl Queue {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            inner: Mutex::default(),
            ready: Condvar::new(),
            limit,
        }
    }

    /// Whether there is room for it.
    pub(crate) fn push(&self, topic: &str, kind: MessageKind, payload: &[u8]) -> bool {
        let weight = (topic.len() + payload.len()) as u64 + MESSAGE;
        let mut inner = self.lock();
        if inner.stopped || inner.bytes + weight > self.limit {
            return false;
        }
        inner.bytes += weight;
        inner.messages.push_back(Message {
            topic: topic.to_owned(),
            kind,
            payload: payload.to_vec(),
        });
        drop(inner);
        // Whoever sleeps waits on the same.
        self.ready.notify_all();
        true
    }

    /// All that waits; when nothing does, what has come within `patience`.
    pub(crate) fn take(&self, patience: Duration) -> Vec<Message> {
        let is_idle = |inner: &mut Inner| inner.messages.is_empty() && !inner.stopped;
        let (mut inner, _) = (self.ready)
            .wait_timeout_while(self.lock(), patience, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        inner.bytes = 0;
        inner.messages.drain(..).collect()
    }

    /// Waits so long, unless the queue is stopped.
    pub(crate) fn sleep(&self, pause: Duration) {
        drop(
            (self.ready)
                .wait_timeout_while(self.lock(), pause, |inner| !inner.stopped)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Takes no more messages, and ends all waits.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.ready.notify_all();
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
