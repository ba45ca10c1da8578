//! Commands on their way from other threads: a bounded queue, whose owner is woken when it is no longer empty. What locks it is
//! `sync`'s, so that a test can try every order in which threads may come (core/tests/mailbox.rs).

use std::sync::PoisonError;

use super::sync::{Mutex, MutexGuard};

/// What a command weighs besides its payload, in bytes.
const COMMAND: u64 = 64;

#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    queue: Mutex<Queue<T>>,
    limit: u64,
}

#[derive(Debug)]
struct Queue<T> {
    commands: Vec<T>,
    bytes: u64,
    gone: bool,
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// With it so many bytes would wait.
    Full(u64),
    /// Nobody carries out commands any more.
    Gone,
}

impl<T> Mailbox<T> {
    /// An empty one, for commands of `limit` bytes together.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            queue: Mutex::new(Queue {
                commands: Vec::new(),
                bytes: 0,
                gone: false,
            }),
            limit,
        }
    }

    /// Puts a command behind the others. `wake` is called when it is the first.
    pub(crate) fn push(
        &self,
        command: T,
        payload: usize,
        wake: impl FnOnce(),
    ) -> Result<(), Refused> {
        let mut queue = self.lock();
        if queue.gone {
            return Err(Refused::Gone);
        }
        let bytes = queue.bytes + payload as u64 + COMMAND;
        if bytes > self.limit {
            return Err(Refused::Full(bytes));
        }
        let first = queue.commands.is_empty();
        queue.bytes = bytes;
        queue.commands.push(command);
        drop(queue);
        if first {
            wake();
        }
        Ok(())
    }

    /// All that wait, in the order in which they came.
    pub(crate) fn take(&self) -> Vec<T> {
        let mut queue = self.lock();
        queue.bytes = 0;
        std::mem::take(&mut queue.commands)
    }

    /// Nobody carries out commands any more.
    pub(crate) fn retire(&self) {
        let mut queue = self.lock();
        queue.gone = true;
        queue.commands = Vec::new();
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
