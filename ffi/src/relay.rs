//! Topics of several machines from C.

use std::ffi::c_char;

use ropeway_relay::{Relay, RelayMetrics, RelayOptions};

use crate::engine::ropeway_engine;
use crate::error::Failure;
use crate::guard;
use crate::status::{ROPEWAY_OK, ropeway_status};

/// Connects the engine's topics with those of other nodes, in this process, in others and on other machines, over the
/// broker at `url`: Redis or Valkey (`redis://[USER:PASSWORD@]HOST[:PORT]/`, in TLS `rediss://`, or `redis+unix:///PATH`) or NATS
/// (`nats://[USER:PASSWORD@]HOST[:PORT]`, in TLS `tls://`). From now on what is published on the engine goes to the subscribers
/// of all nodes, and what other nodes publish is told by ROPEWAY_EVENT_RELAYED too. NULL ends that. The broker need not be there
/// yet.
///
/// A message arrives at most once, those of one engine in their order. While the broker is away up to 16 MiB wait; what is
/// dropped or lost is counted in ropeway_metrics. Two threads are started; ending the relay, and freeing the engine, waits
/// for them, up to some seconds when the broker does not answer.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8, ROPEWAY_ERROR_INVALID_URL; ROPEWAY_ERROR_IO when no thread can
/// be started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_relay(
    engine: *mut ropeway_engine,
    url: *const c_char,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let this = unsafe { guard::object(engine, "engine") }?;
        // SAFETY: the header asks for a string or NULL.
        let url = unsafe { guard::optional_text(url, "url") }?;
        this.relay.with(|relay| {
            this.engine.with(|engine| {
                engine.connections().set_forward(None);
                *relay = None;
                if let Some(url) = url {
                    let started = Relay::start(engine, url, RelayOptions::default());
                    *relay = Some(started.map_err(Failure::Relay)?);
                }
                Ok(ROPEWAY_OK)
            })
        })
    })
}

/// What the engine's relay has done; nothing without one.
pub(crate) fn metrics(engine: &ropeway_engine) -> Result<RelayMetrics, Failure> {
    (engine.relay).with(|relay| Ok(relay.as_ref().map(Relay::metrics).unwrap_or_default()))
}
