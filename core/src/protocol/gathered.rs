//! The buffer in which a message is gathered that does not come at once.

use crate::frame::append_masked;

/// Bytes that stand unused before the message.
///
/// A large allocation begins at a page's start, a few bytes behind it, and so do the pieces of what a socket has
/// received. Processors copy between places at nearly the same distance from a page's start at two thirds of their speed.
const LEAD: usize = 64;

/// Bytes of a message, some way into their allocation. Without any it has none.
#[derive(Debug, Default)]
pub struct Gathered(Vec<u8>);

impl Gathered {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len().saturating_sub(LEAD)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The longest message that needs no other allocation, in bytes.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.0.capacity().saturating_sub(LEAD)
    }

    /// The message.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.get(LEAD..).unwrap_or_default()
    }

    /// The message, to be written over.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes_from(0)
    }

    /// What has been gathered from `start` on.
    pub(super) fn bytes_from(&mut self, start: usize) -> &mut [u8] {
        self.0.get_mut(LEAD + start..).unwrap_or_default()
    }

    /// Forgets the message and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.truncate(0);
    }

    /// Forgets the message from `length` on.
    pub(super) fn truncate(&mut self, length: usize) {
        self.0.truncate(LEAD + length);
    }

    /// Makes the [`capacity`](Self::capacity) `size`, if it is less. Whether there was memory for it.
    pub(super) fn reserve(&mut self, size: usize) -> bool {
        let more = size.saturating_add(LEAD) - self.0.len().min(size);
        if self.0.try_reserve_exact(more).is_err() {
            return false;
        }
        self.lead();
        true
    }

    /// Adds a copy of `bytes`.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.lead();
        self.0.extend_from_slice(bytes);
    }

    /// Adds a copy of `bytes` that is masked or unmasked on the way; `offset` of the frame's payload stand before them.
    pub(super) fn extend_masked(&mut self, bytes: &[u8], key: [u8; 4], offset: usize) {
        self.lead();
        append_masked(&mut self.0, bytes, key, offset);
    }

    /// The vector that ends with the message, to append to it within its capacity.
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        self.lead();
        &mut self.0
    }

    fn lead(&mut self) {
        if self.0.is_empty() {
            self.0.resize(LEAD, 0);
        }
    }
}
