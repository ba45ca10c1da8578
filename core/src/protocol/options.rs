//! What a connection does when nobody tells it otherwise: limits, waits, handshake fields. One set serves any
//! number of connections, shared by `Arc`.

use std::time::Duration;

use crate::deflate::Compression;
use crate::error::{Deadline, Limit, Role};
use crate::handshake::{AllowedOrigins, HeadLimits, Headers};

use super::trace::Trace;

/// Settings of a connection, client or server. The defaults suit a public network.
///
/// A [`Duration::ZERO`] turns a wait off, a limit of 0 admits nothing.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of one received message, inflated, all fragments together. Default 16 MiB. Passing it closes with 1009.
    /// With [`streaming`](Self::streaming) it does not apply, as nothing is gathered.
    pub max_message_size: u64,
    /// Bytes of one received data frame's payload as it comes, compressed or not. Default [`u64::MAX`], no limit but the
    /// message's. Passing it closes with 1009.
    pub max_frame_size: u64,
    /// Frames of one received message; 0 counts as 1. Default 65,536. Passing it closes with 1009. Not applied when
    /// streaming.
    pub max_fragments: u32,
    /// Size of the peer's handshake head and count of its fields. Default 16 KiB and 100.
    pub head_limits: HeadLimits,
    /// Bytes of a refusing response's body kept for the error (client). Default 64 KiB.
    pub max_refused_body: usize,
    /// Dialling and opening handshake together. Default 10 s.
    pub open_timeout: Duration,
    /// Closing handshake, from the first Close frame to the end of the stream. Default 10 s.
    pub close_timeout: Duration,
    /// Silence of the peer after which a ping is sent. Default 20 s.
    pub ping_interval: Duration,
    /// Wait after that ping for any byte of the peer before the connection is failed. Default 20 s. At 0 pings go on
    /// at their interval and their answers are not insisted on.
    pub pong_timeout: Duration,
    /// Answer the peer's pings. Default on. Off, the application does it (RFC 6455 section 5.5.2 wants it done).
    pub answer_pings: bool,
    /// Wait for a data message of the peer, or more of one under way, before the connection is closed with 1001.
    /// Default 0: for ever.
    pub idle_timeout: Duration,
    /// Below this many queued bytes a connection that went over the high-water mark is writable again.
    /// Default 256 KiB.
    pub send_queue_low: u64,
    /// Above this many queued bytes a send is answered by `Queued`. Default 1 MiB.
    pub send_queue_high: u64,
    /// Queued bytes that a further message may not pass; such a send is refused whole. A message that finds nothing
    /// queued is taken whatever its size. Default 64 MiB.
    pub send_queue_limit: u64,
    /// Close a subscriber that is above its high-water mark when a message is published, instead of leaving the message
    /// out for it. Default off.
    pub close_slow_subscribers: bool,
    /// Hand received messages out in pieces as they come, in constant memory. Default off: messages come whole.
    pub streaming: bool,
    /// Server: ask the application about each upgrade instead of accepting. Default off.
    pub ask_upgrade: bool,
    /// Server: hand plain HTTP requests to the application instead of answering 426. Default off.
    pub plain_http: bool,
    /// Subprotocols: a client's offers, a server's supported ones, best first. Default none.
    pub subprotocols: Vec<String>,
    /// Server: pages that may connect; others get 403, before the application is asked. Default: no check, which suits
    /// servers that do not know their users by cookies.
    pub allowed_origins: AllowedOrigins,
    /// Client: the Origin field. Default none.
    pub origin: Option<String>,
    /// Additional fields of the request (client) or of the accepting response (server). Default none.
    pub headers: Headers,
    /// permessage-deflate (RFC 7692). By default clients offer it and servers decline it.
    pub compression: Compression,
    /// Shown every frame sent and received, as on the wire but for the mask. Default none.
    pub trace: Option<Trace>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message_size: 16 << 20,
            max_frame_size: u64::MAX,
            max_fragments: 65_536,
            head_limits: HeadLimits::default(),
            max_refused_body: 64 << 10,
            open_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(20),
            answer_pings: true,
            idle_timeout: Duration::ZERO,
            send_queue_low: 256 << 10,
            send_queue_high: 1 << 20,
            send_queue_limit: 64 << 20,
            close_slow_subscribers: false,
            streaming: false,
            ask_upgrade: false,
            plain_http: false,
            subprotocols: Vec::new(),
            allowed_origins: AllowedOrigins::new(),
            origin: None,
            headers: Headers::new(),
            compression: Compression::default(),
            trace: None,
        }
    }
}

impl Options {
    /// The configured length of a wait.
    #[must_use]
    pub const fn wait(&self, deadline: Deadline) -> Duration {
        match deadline {
            Deadline::Open => self.open_timeout,
            Deadline::Pong => self.pong_timeout,
            Deadline::Idle => self.idle_timeout,
            Deadline::Close => self.close_timeout,
        }
    }

    pub(super) fn message_too_big(&self, role: Role, actual: u64) -> crate::Error {
        crate::Error::Limit {
            limit: Limit::MessageSize,
            value: self.max_message_size,
            actual,
            role,
        }
    }

    pub(super) fn frame_too_big(&self, role: Role, actual: u64) -> crate::Error {
        crate::Error::Limit {
            limit: Limit::FrameSize,
            value: self.max_frame_size,
            actual,
            role,
        }
    }

    pub(super) fn too_many_fragments(&self, role: Role, actual: u32) -> crate::Error {
        crate::Error::Limit {
            limit: Limit::Fragments,
            value: self.max_fragments.into(),
            actual: actual.into(),
            role,
        }
    }
}
