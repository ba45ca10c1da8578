//! What has been received and not yet been taken, and the marks at which reading pauses and goes on.

use std::collections::VecDeque;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropeway_core::engine::{ConnectionId, Connections};
use ropeway_core::protocol::MessageKind;

/// A piece as Python gets it: its bytes, or a whole message; whether it is text; whether it is the last.
pub(crate) type Piece = (Py<PyAny>, bool, bool);

/// A whole message, or a piece of one that is received in pieces.
pub(crate) enum Item {
    Message(Py<PyAny>),
    Piece {
        bytes: Py<PyAny>,
        is_text: bool,
        last: bool,
    },
}

impl Item {
    pub(crate) fn piece(py: Python<'_>, kind: MessageKind, payload: &[u8], last: bool) -> Self {
        Self::Piece {
            bytes: PyBytes::new(py, payload).into_any().unbind(),
            is_text: kind == MessageKind::Text,
            last,
        }
    }

    pub(crate) fn into_piece(self) -> Piece {
        match self {
            Self::Message(message) => (message, false, true),
            Self::Piece {
                bytes,
                is_text,
                last,
            } => (bytes, is_text, last),
        }
    }

    pub(crate) fn into_object(self) -> Py<PyAny> {
        match self {
            Self::Message(object) | Self::Piece { bytes: object, .. } => object,
        }
    }

    pub(crate) const fn object(&self) -> &Py<PyAny> {
        match self {
            Self::Message(object) | Self::Piece { bytes: object, .. } => object,
        }
    }

    const fn ends_message(&self) -> bool {
        !matches!(self, Self::Piece { last: false, .. })
    }
}

/// The queue. While a message is received in pieces nothing but those stands in front of what came after it.
pub(crate) struct Inbox {
    items: VecDeque<Item>,
    /// A message is received in pieces, and its last has not been taken.
    pub(crate) streaming: bool,
    paused: bool,
    high: usize,
    low: usize,
}

impl Inbox {
    pub(crate) const fn new(high: usize, low: usize) -> Self {
        Self {
            items: VecDeque::new(),
            streaming: false,
            paused: false,
            high,
            low,
        }
    }

    pub(crate) fn push(&mut self, item: Item) {
        self.items.push_back(item);
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        if item.ends_message() {
            self.streaming = false;
        }
        Some(item)
    }

    /// Pauses reading at the high-water mark.
    pub(crate) fn pause(&mut self, connections: &mut Connections, id: ConnectionId) {
        if self.is_full() {
            self.paused = connections.pause(id).is_ok();
        }
    }

    /// Pauses reading until somebody wants something.
    pub(crate) fn hold_back(&mut self, connections: &mut Connections, id: ConnectionId) {
        self.paused = connections.pause(id).is_ok();
    }

    /// Whether reading has to go on, now that something is wanted and there is nothing.
    pub(crate) fn is_wanted(&mut self) -> bool {
        self.items.is_empty() && std::mem::take(&mut self.paused)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.high && !self.paused
    }

    /// Whether reading has to go on, after something was taken.
    pub(crate) fn goes_on(&mut self) -> bool {
        let goes_on = self.paused && self.items.len() <= self.low;
        if goes_on {
            self.paused = false;
        }
        goes_on
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    /// All there is, to be dropped by the caller.
    pub(crate) fn clear(&mut self) -> VecDeque<Item> {
        std::mem::take(&mut self.items)
    }
}
