//! A look at each frame, for logs and for learning.

use std::fmt;
use std::sync::Arc;

use crate::error::Role;
use crate::frame::Header;

/// A frame that was sent or received.
#[derive(Clone, Copy, Debug)]
pub struct TracedFrame<'a> {
    /// Which end this side is.
    pub role: Role,
    /// Whether this side sent it.
    pub sent: bool,
    /// Its header (RFC 6455 section 5.2).
    pub header: Header,
    /// Its payload, unmasked; of a received frame that is still under way, the part that is at hand.
    pub payload: &'a [u8],
}

/// A function that is shown every frame, on the thread that drives the connection.
#[derive(Clone)]
pub struct Trace(Arc<dyn Fn(&TracedFrame<'_>) + Send + Sync>);

impl Trace {
    /// Shows each frame to `look`.
    pub fn new(look: impl Fn(&TracedFrame<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    pub(super) fn show(&self, frame: &TracedFrame<'_>) {
        (self.0)(frame);
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}
