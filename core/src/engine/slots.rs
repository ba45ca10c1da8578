//! The records of an engine's connections. Records stay where they are: the table grows by chunks.

use std::ops::BitOr;

use super::id::{ConnectionId, ListenerId};
use super::outgoing::Outgoing;
use super::queue::Queue;
use super::topics::Subscriptions;
use crate::net::{Dial, Stream};
use crate::protocol::{Protocol, Time};

const CHUNK: usize = 128;

/// A connection. What is rare is boxed.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: ConnectionId,
    /// `None` while dialling, and between two attempts of a supervised connection.
    pub(super) protocol: Option<Protocol>,
    pub(super) transport: Transport,
    pub(super) queue: Option<Box<Queue>>,
    pub(super) topics: Option<Box<Subscriptions>>,
    /// While it may have to be dialled again.
    pub(super) outgoing: Option<Box<Outgoing>>,
    pub(super) user_data: u64,
    /// [`ListenerId::NONE`] for a dialled connection.
    pub(super) listener: ListenerId,
    pub(super) flags: Flags,
}

#[derive(Debug)]
pub(super) enum Transport {
    None,
    Dial(Box<Dial>),
    Stream(Stream),
}

impl Transport {
    /// Bytes that are sent as far as the queue is concerned, but that the kernel has not taken.
    pub(super) fn unsent(&self) -> u64 {
        match self {
            Self::Stream(stream) => stream.unsent() as u64,
            _ => 0,
        }
    }
}

/// What the driver knows of a connection's transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u16);

impl Flags {
    /// Stands in the list of those to be attended to.
    pub(super) const LISTED: Self = Self(1);
    /// The socket may have bytes to read, or its end.
    pub(super) const READABLE: Self = Self(2);
    /// The socket may take bytes again.
    pub(super) const WRITABLE: Self = Self(4);
    /// The peer has ended its direction, or the socket failed: reading goes on until that shows.
    pub(super) const HANGUP: Self = Self(8);
    /// What was told of the socket's receiving side, once.
    pub(super) const INCOMING: Self = Self(Self::READABLE.0 | Self::HANGUP.0);
    /// The protocol has something to tell without new bytes.
    pub(super) const STEP: Self = Self(16);
    /// Our direction of the stream has been ended.
    pub(super) const SENDING_ENDED: Self = Self(32);
    /// The kernel refuses what is sent.
    pub(super) const SENDING_FAILED: Self = Self(64);
    /// The application knows that it is closed: its id names nothing any more.
    pub(super) const TOLD: Self = Self(128);

    /// The application reads no more for now, whichever attempt's protocol there is.
    pub(super) const PAUSED: Self = Self(256);
    /// The socket reports itself when it holds much of a large message, not at its next byte.
    pub(super) const AWAITING: Self = Self(1024);
    /// The host watches its socket for reading.
    pub(super) const APART: Self = Self(512);
    /// What stays when another attempt's transport takes the place of the last.
    pub(super) const LASTING: Self = Self(Self::LISTED.0 | Self::PAUSED.0);

    pub(super) const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(super) const fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }

    /// Takes all other flags away.
    pub(super) const fn keep(&mut self, flags: Self) {
        self.0 &= flags.0;
    }

    /// Takes the flag away and says whether it was there.
    pub(super) const fn take(&mut self, flag: Self) -> bool {
        let had = self.has(flag);
        self.0 &= !flag.0;
        had
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Slot {
    const fn empty() -> Self {
        Self {
            id: ConnectionId::NONE,
            protocol: None,
            transport: Transport::None,
            queue: None,
            topics: None,
            outgoing: None,
            user_data: 0,
            listener: ListenerId::NONE,
            flags: Flags(0),
        }
    }

    pub(super) fn queued(&self) -> u64 {
        self.queue.as_ref().map_or(0, |queue| queue.bytes())
    }

    /// When a supervised connection's next attempt begins, if it is waited for.
    pub(super) fn again_at(&self) -> Option<Time> {
        self.outgoing.as_ref()?.again_at()
    }

    fn is_named(&self, id: ConnectionId) -> bool {
        self.id == id && id != ConnectionId::NONE && !self.flags.has(Flags::TOLD)
    }

    /// The connection has been told closed, or is about to be.
    pub(super) fn is_ended(&self) -> bool {
        self.protocol.as_ref().is_some_and(Protocol::is_ended)
    }
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Slots {
    chunks: Vec<Box<[Slot]>>,
    free: Vec<u32>,
    used: usize,
}

impl Slots {
    /// Places taken.
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// A free place, whose record is empty.
    pub(super) fn reserve(&mut self) -> u32 {
        if self.free.is_empty() {
            let first = (self.chunks.len() * CHUNK) as u32;
            self.chunks
                .push((0..CHUNK).map(|_| Slot::empty()).collect());
            self.free.extend((first..first + CHUNK as u32).rev());
        }
        self.used += 1;
        // A chunk of free places has just been added if there was none.
        self.free.pop().unwrap_or_default()
    }

    /// Empties a place, which closes its socket.
    pub(super) fn release(&mut self, index: u32) -> Slot {
        self.free.push(index);
        self.used -= 1;
        std::mem::replace(self.at(index), Slot::empty())
    }

    /// The record at a place that the engine knows to be taken.
    #[inline(always)]
    pub(super) fn at(&mut self, index: u32) -> &mut Slot {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Slot> {
        let index = id.index() as usize;
        let slot = self.chunks.get(index / CHUNK)?.get(index % CHUNK)?;
        slot.is_named(id).then_some(slot)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Slot> {
        let index = id.index() as usize;
        let slot = self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)?;
        slot.is_named(id).then_some(slot)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.chunks
            .iter_mut()
            .flatten()
            .filter(|slot| slot.id != ConnectionId::NONE)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.chunks
            .iter()
            .flatten()
            .filter(|slot| slot.id != ConnectionId::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the timer's entry of 16 bytes: what an idle connection costs besides the kernel's part.
    #[test]
    fn a_record_is_compact() {
        assert!(size_of::<Slot>() + 16 <= 256, "{} bytes", size_of::<Slot>());
    }

    #[test]
    fn a_stale_id_finds_nothing() {
        let mut ids = super::super::id::Ids::default();
        let mut slots = Slots::default();
        let index = slots.reserve();
        let old = ids.connection(index).expect("there are ids");
        slots.at(index).id = old;
        assert!(slots.get(old).is_some());
        slots.release(index);
        assert!(slots.get(old).is_none());
        let again = slots.reserve();
        assert_eq!(again, index);
        slots.at(again).id = ids.connection(again).expect("there are ids");
        assert!(slots.get(old).is_none());
        assert!(slots.get(ConnectionId::NONE).is_none());
        assert!(slots.get(ConnectionId::from_bits(u64::MAX)).is_none());
        assert_eq!(slots.iter().count(), 1);
    }
}
