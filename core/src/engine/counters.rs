//! What an engine has done so far.

/// Totals since the engine was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections taken from listeners, or over from the host.
    pub accepted: u64,
    /// Connections that a listener refused because their address had `max_per_address` of them.
    pub refused_by_address: u64,
    /// Connections asked for with `connect` and its kin, however often each is dialled.
    pub dialled: u64,
    /// Opening handshakes that ended well; a supervised connection has one each time it opens.
    pub opened: u64,
    /// Connections that ended, opened or not.
    pub closed: u64,
    /// Whole messages received; not counted when streaming.
    pub messages_received: u64,
    /// Messages and fragments taken to be sent, one for each receiver of a published one.
    pub messages_sent: u64,
    /// Bytes read from sockets.
    pub bytes_received: u64,
    /// Bytes that the kernel took.
    pub bytes_sent: u64,
    /// Published messages that a subscriber did not get because its queue was over the high-water mark.
    pub publishes_dropped: u64,
}
