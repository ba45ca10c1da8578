//! How many connections each address has, for the listeners that limit them.

use std::collections::HashMap;
use std::net::IpAddr;

use super::id::ListenerId;

/// Who an address is: an IPv4 address by itself, of an IPv6 address the first 64 bits, since a host has all of such a
/// network (RFC 4291 section 2.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.into()),
            IpAddr::V6(address) => Self::V6((u128::from(address) >> 64) as u64),
        }
    }
}

/// The counts. They hold an entry for each connection of a listener with a limit, and nothing for others.
#[derive(Debug, Default)]
pub(super) struct Peers {
    counts: HashMap<(ListenerId, Peer), u32>,
    /// Whose the connection at a place is.
    places: HashMap<u32, (ListenerId, Peer)>,
}

impl Peers {
    /// Connections that a listener has of a peer.
    pub(super) fn count(&self, listener: ListenerId, peer: Peer) -> u32 {
        self.counts.get(&(listener, peer)).copied().unwrap_or(0)
    }

    /// A connection has been made.
    pub(super) fn add(&mut self, place: u32, listener: ListenerId, peer: Peer) {
        *self.counts.entry((listener, peer)).or_default() += 1;
        self.places.insert(place, (listener, peer));
    }

    /// A place is free again.
    pub(super) fn remove(&mut self, place: u32) {
        if self.places.is_empty() {
            return;
        }
        let Some(whose) = self.places.remove(&place) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&whose) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Peer {
        text.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_peer() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8:0:0:ffff::2"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
        assert_ne!(peer("0.0.0.1"), peer("::1"));
    }

    #[test]
    fn counts_fall_when_connections_go_and_nothing_is_left() {
        let (one, two) = (ListenerId::from_bits(1), ListenerId::from_bits(2));
        let mut peers = Peers::default();
        for place in 0..100 {
            peers.add(place, one, peer("192.0.2.1"));
            peers.add(100 + place, two, peer("192.0.2.1"));
        }
        assert_eq!(peers.count(one, peer("192.0.2.1")), 100);
        assert_eq!(peers.count(one, peer("192.0.2.2")), 0);
        for place in 0..150 {
            peers.remove(place);
        }
        // One that nobody counted.
        peers.remove(1_000);
        assert_eq!(peers.count(one, peer("192.0.2.1")), 0);
        assert_eq!(peers.count(two, peer("192.0.2.1")), 50);
        for place in 150..200 {
            peers.remove(place);
        }
        assert!(peers.counts.is_empty() && peers.places.is_empty());
    }
}
