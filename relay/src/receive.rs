//! The thread that hears what all nodes publish, this one's beats among it: silence means that the connection is dead.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use ropeway_core::Error;
use ropeway_core::engine::Remote;

use crate::Shared;
use crate::broker::Heard;
use crate::envelope::Envelope;
use crate::losses::Losses;

pub(crate) fn run(shared: &Shared, remote: &Remote) {
    let mut losses = Losses::default();
    shared.keep_connected(|| {
        let ended = shared.broker.hear(&mut |heard| {
            match heard {
                Heard::Subscribed => shared.connected.store(true, Ordering::Relaxed),
                Heard::Message(bytes) => pass_on(shared, remote, &mut losses, bytes)?,
            }
            if shared.stopped() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        shared.connected.store(false, Ordering::Relaxed);
        ended
    });
}

/// Gives a message of another node to the engine; breaks off when there is no engine any more.
fn pass_on(shared: &Shared, remote: &Remote, losses: &mut Losses, bytes: &[u8]) -> ControlFlow<()> {
    let Some(envelope) = Envelope::parse(bytes).filter(|other| other.node != shared.node) else {
        return ControlFlow::Continue(());
    };
    let is_beat = envelope.kind.is_none();
    let missing = losses.missing(envelope.node, envelope.number, is_beat);
    shared.lost.fetch_add(missing, Ordering::Relaxed);
    let Some(kind) = envelope.kind else {
        return ControlFlow::Continue(());
    };
    match remote.deliver(envelope.topic, kind, envelope.payload.to_vec()) {
        Ok(()) => shared.received.fetch_add(1, Ordering::Relaxed),
        Err(Error::EngineGone | Error::Forked) => return ControlFlow::Break(()),
        Err(_) => shared.dropped.fetch_add(1, Ordering::Relaxed),
    };
    ControlFlow::Continue(())
}
