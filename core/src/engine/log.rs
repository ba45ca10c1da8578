//! Openings and ends as events for `tracing`, of level DEBUG and target `ropeway`; nothing without that feature.

use super::ConnectionId;
use crate::protocol::Closed;

pub(super) fn opened(id: ConnectionId) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "ropeway", connection = id.bits(), "opened");
    #[cfg(not(feature = "tracing"))]
    let _ = id;
}

pub(super) fn ended(id: ConnectionId, closed: &Closed) {
    #[cfg(feature = "tracing")]
    match &closed.cause {
        None => tracing::debug!(
            target: "ropeway",
            connection = id.bits(),
            code = closed.code().get(),
            reason = closed.reason(),
            "closed"
        ),
        Some(error) => {
            tracing::debug!(target: "ropeway", connection = id.bits(), %error, "failed");
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (id, closed);
}
