//! Where a connection leads, which is told after its end too.

use std::net::SocketAddr;

use ropeway_core::engine::{ConnectionId, Connections};

use super::Connection;

/// Host and port of this end, and of the other.
pub(super) type Pair = (Option<(String, u16)>, Option<(String, u16)>);

/// The same, to keep.
pub(super) struct Ends(Option<SocketAddr>, Option<SocketAddr>);

impl Ends {
    fn of(connections: &Connections, id: ConnectionId) -> Self {
        let (local, peer) = (connections.local_address(id), connections.peer_address(id));
        Self(local.ok(), peer.ok())
    }

    fn pair(&self) -> Pair {
        let told = |end: SocketAddr| (end.ip().to_string(), end.port());
        (self.0.map(told), self.1.map(told))
    }
}

impl Connection {
    pub(super) fn addresses(&self) -> Pair {
        if let Some(ends) = &self.inner().addresses {
            return ends.pair();
        }
        self.with(|connections, id| Ends::of(connections, id))
            .pair()
    }

    /// The connection is open.
    pub(crate) fn keep_addresses(&self, connections: &Connections) {
        let ends = Ends::of(connections, self.id());
        self.inner().addresses = Some(Box::new(ends));
    }
}
