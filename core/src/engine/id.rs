//! Names of connections and listeners: values, not pointers.

use crate::error::Error;

/// Bits of an id that say where the record stands; the others are a number that is never given twice.
const INDEX_BITS: u32 = 20;
const LISTENER: u64 = 1 << 63;

/// The poller's tokens of what is neither a connection nor a listener.
pub(super) const WAKER: mio::Token = mio::Token(usize::MAX);
pub(super) const ALARM: mio::Token = mio::Token(usize::MAX - 1);

/// The most connections one engine can have.
pub(super) const MAX_CONNECTIONS: u32 = 1 << INDEX_BITS;

/// What there is to say after 2^43 ids.
pub(super) const NONE_LEFT: Error = Error::Misuse("this engine has no ids left");

/// A connection of an engine. It is never used again: when the connection is gone, every call that names it answers
/// "closed", from any thread and for as long as the engine lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// A listener of an engine, likewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(u64);

macro_rules! bits {
    ($($id:ident),*) => {$(
        impl $id {
            /// Names nothing.
            pub const NONE: Self = Self(0);

            /// The id as a number, for other languages.
            #[must_use]
            pub const fn bits(self) -> u64 {
                self.0
            }

            /// The id with this number; any number may be given, as every use checks it.
            #[must_use]
            pub const fn from_bits(bits: u64) -> Self {
                Self(bits)
            }

            pub(super) const fn index(self) -> u32 {
                self.0 as u32 & (MAX_CONNECTIONS - 1)
            }
        }
    )*};
}
bits!(ConnectionId, ListenerId);

impl ConnectionId {
    pub(super) const fn token(self) -> mio::Token {
        mio::Token(self.0 as usize)
    }
}

impl ListenerId {
    pub(super) const fn token(self) -> mio::Token {
        mio::Token(self.0 as usize)
    }
}

/// Makes ids that have never been there before.
#[derive(Debug, Default)]
pub(super) struct Ids(u64);

impl Ids {
    fn next(&mut self) -> Option<u64> {
        self.0 += 1;
        (self.0 < LISTENER >> INDEX_BITS).then_some(self.0 << INDEX_BITS)
    }

    /// `None` after 2^43 ids.
    pub(super) fn connection(&mut self, index: u32) -> Option<ConnectionId> {
        Some(ConnectionId(self.next()? | u64::from(index)))
    }

    /// `None` after 2^43 ids.
    pub(super) fn listener(&mut self, index: u32) -> Option<ListenerId> {
        Some(ListenerId(LISTENER | self.next()? | u64::from(index)))
    }
}

/// The place that a poller's token names.
pub(super) const fn index(token: mio::Token) -> u32 {
    token.0 as u32 & (MAX_CONNECTIONS - 1)
}

/// Whether a poller's token is that of a listener.
pub(super) fn is_listener(token: mio::Token) -> bool {
    token.0 as u64 & LISTENER != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_never_has_the_same_id() {
        let mut ids = Ids::default();
        let first = ids.connection(7).expect("there are ids");
        let second = ids.connection(7).expect("there are ids");
        assert_ne!(first, second);
        assert_eq!((first.index(), second.index()), (7, 7));
        assert_ne!(first, ConnectionId::NONE);
        assert!(is_listener(ids.listener(7).expect("there are ids").token()));
        assert!(!is_listener(second.token()));
    }

    #[test]
    fn ids_run_out_rather_than_come_again() {
        let mut ids = Ids((1 << 43) - 2);
        assert!(ids.connection(0).is_some());
        assert_eq!(ids.connection(0), None);
        assert_eq!(ids.listener(0), None);
    }
}
