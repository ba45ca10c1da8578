//! What an engine and its connections have done, for C.

use std::cell::UnsafeCell;
use std::ffi::{CString, c_char};
use std::ptr;
use std::time::Duration;

use ropeway_core::engine::{ConnectionId, ConnectionMetrics, Metrics};
use ropeway_relay::RelayMetrics;

use crate::engine::{self, ropeway_engine};
use crate::error::{Failure, c_string};
use crate::event::ropeway_connection;
use crate::guard::{self, Out, Outcome};
use crate::options::{Settings, switch};
use crate::relay;
use crate::status::{ROPEWAY_OK, ropeway_status};

/// Engine, 1: each connection is counted apart, for ropeway_engine_connection_metrics; some 90 bytes for each.
/// Default 0.
pub const ROPEWAY_OPTION_CONNECTION_METRICS: i32 = 1150;

/// An option's number; `None` when the key is no number of this file.
pub(crate) fn int(settings: &Settings, key: i32) -> Option<i64> {
    (key == ROPEWAY_OPTION_CONNECTION_METRICS).then(|| settings.engine.connection_metrics.into())
}

/// Sets an option; `false` when the key is no number of this file.
pub(crate) fn set_int(settings: &mut Settings, key: i32, value: i64) -> Result<bool, Failure> {
    if key != ROPEWAY_OPTION_CONNECTION_METRICS {
        return Ok(false);
    }
    settings.engine.connection_metrics = switch("connection_metrics", value)?;
    Ok(true)
}

/// What an engine has done since it was made; `connections` and `queued` are as they are now. The caller sets `size`;
/// later releases may add fields at the end.
#[repr(C)]
#[derive(Debug)]
pub struct ropeway_metrics {
    /// Set by the caller: sizeof of this structure. On return: how many bytes of it the library filled.
    pub size: usize,
    /// Connections there are, those being made or closed included.
    pub connections: u64,
    /// Bytes that wait in all send queues.
    pub queued: u64,
    /// Connections taken from listeners, or over from the caller.
    pub accepted: u64,
    /// Connections asked for, however often each was dialled.
    pub dialled: u64,
    /// Opening handshakes that ended well; a reconnecting connection has one each time it opens.
    pub opened: u64,
    /// Connections that ended, opened or not.
    pub closed: u64,
    /// The same by the close code that came, 1006 where no Close frame did, without the refused ones below: the codes
    /// 1000 to 1015 each, those up to 3999 together, those from 4000 on together.
    pub close_codes: [u64; 18],
    /// Turned away by a listener, because there were ROPEWAY_OPTION_MAX_CONNECTIONS.
    pub refused_connections: u64,
    /// Turned away by a listener, because their address had ROPEWAY_OPTION_MAX_PER_ADDRESS of them.
    pub refused_addresses: u64,
    /// Answered by the application with a status of 400 or more.
    pub refused_application: u64,
    /// What the peer sent as its opening handshake was wrong or unwelcome, or it refused ours.
    pub refused_handshake: u64,
    /// TLS could not be agreed on.
    pub refused_tls: u64,
    /// Not open within ROPEWAY_OPTION_OPEN_TIMEOUT.
    pub refused_timeout: u64,
    /// Messages received; one in fragments or pieces counts with its last.
    pub messages_received: u64,
    /// Messages taken to be sent, one for each receiver of a published one.
    pub messages_sent: u64,
    /// Bytes of messages received, after inflation.
    pub payload_received: u64,
    /// Bytes of messages sent, before compression.
    pub payload_sent: u64,
    /// Bytes read from sockets, handshakes and control frames included, what TLS adds not.
    pub bytes_received: u64,
    /// Bytes that the kernel took, likewise.
    pub bytes_sent: u64,
    /// Pings received.
    pub pings_received: u64,
    /// Pings sent.
    pub pings_sent: u64,
    /// Pongs that answered a keep-alive ping.
    pub round_trips: u64,
    /// The time from those pings to their pongs, all together, in microseconds.
    pub round_trip_total: u64,
    /// Published messages that a subscriber did not get, because its queue was above the high-water mark.
    pub publishes_dropped: u64,
    /// 1 when the relay (ropeway_engine_relay) gets what other nodes publish at present, otherwise 0.
    pub relay_connected: u64,
    /// Messages that the relay's broker took.
    pub relay_sent: u64,
    /// Messages of other nodes that were published here.
    pub relay_received: u64,
    /// Messages that the relay dropped: its queue was full, the connection broke before the broker's answer, or one was larger
    /// than the broker takes.
    pub relay_dropped: u64,
    /// Messages of other nodes that did not come here, as far as is known.
    pub relay_lost: u64,
    /// Bytes that wait for the broker.
    pub relay_queued: u64,
}

/// What a connection has done, all attempts of a reconnecting one together; `queued` is as it is now. The caller sets
/// `size`; later releases may add fields at the end.
#[repr(C)]
#[derive(Debug)]
pub struct ropeway_connection_metrics {
    /// Set by the caller: sizeof of this structure. On return: how many bytes of it the library filled.
    pub size: usize,
    /// Bytes that the kernel has not taken yet.
    pub queued: u64,
    /// Messages received; one in fragments or pieces counts with its last.
    pub messages_received: u64,
    /// Messages taken to be sent.
    pub messages_sent: u64,
    /// Bytes of messages received, after inflation.
    pub payload_received: u64,
    /// Bytes of messages sent, before compression.
    pub payload_sent: u64,
    /// Bytes read from the socket, handshake and control frames included, what TLS adds not.
    pub bytes_received: u64,
    /// Bytes that the kernel took, likewise.
    pub bytes_sent: u64,
    /// Pings received.
    pub pings_received: u64,
    /// Pings sent.
    pub pings_sent: u64,
    /// From the last keep-alive ping that was answered to its pong, in microseconds; -1 before the first.
    pub round_trip: i64,
}

/// The page that was lent last.
#[derive(Debug, Default)]
pub(crate) struct LentPage(UnsafeCell<CString>);

/// Writes what the engine has done to `*metrics`. It looks at every connection: some milliseconds for 100,000.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT when `size` is not set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_metrics(
    engine: *const ropeway_engine,
    metrics: *mut ropeway_metrics,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let relay = relay::metrics(unsafe { guard::object(engine, "engine") }?)?;
        // SAFETY: the header asks for a living engine, and room for `size` bytes.
        Ok(unsafe {
            engine::with(engine, |connections| {
                fill(
                    metrics,
                    &ropeway_metrics::new(&connections.metrics(), &relay),
                )
            })
        })
    })
}

/// Writes what one connection has done to `*metrics`; its last figures can be had while its ROPEWAY_EVENT_CLOSED is
/// lent.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_MISUSE without ROPEWAY_OPTION_CONNECTION_METRICS;
/// ROPEWAY_ERROR_INVALID_ARGUMENT when `size` is not set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_connection_metrics(
    engine: *const ropeway_engine,
    connection: ropeway_connection,
    metrics: *mut ropeway_connection_metrics,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and room for `size` bytes.
    unsafe {
        engine::with(engine, |connections| {
            let of = connections.connection_metrics(ConnectionId::from_bits(connection))?;
            fill(metrics, &of.into())
        })
    }
}

/// Writes what the engine has done to `*text` as Prometheus reads it (text format 0.0.4), some 4 KB with a NUL, lent
/// until the next call of this function on the engine. Answer a scrape with the media type
/// `text/plain; version=0.0.4; charset=utf-8`.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_prometheus(
    engine: *const ropeway_engine,
    text: *mut *const c_char,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let this = unsafe { guard::object(engine, "engine") }?;
        let out = Out::new(text, "text")?;
        // SAFETY: the header asks for a living engine, and room for a pointer.
        Ok(unsafe {
            engine::with(engine, |connections| {
                // The last page's loan is over, and the engine belongs to one thread at a time.
                let page = &mut *this.page.0.get();
                *page = c_string(connections.metrics().to_prometheus());
                out.set(page.as_ptr());
                Ok(ROPEWAY_OK)
            })
        })
    })
}

/// Connections taken from listeners.
pub const ROPEWAY_COUNTER_ACCEPTED: i32 = 1;
/// Connections dialled, however often each.
pub const ROPEWAY_COUNTER_DIALLED: i32 = 2;
/// Opening handshakes that ended well; a reconnecting connection has one each time it opens.
pub const ROPEWAY_COUNTER_OPENED: i32 = 3;
/// Connections that ended, opened or not.
pub const ROPEWAY_COUNTER_CLOSED: i32 = 4;
/// Messages received.
pub const ROPEWAY_COUNTER_MESSAGES_RECEIVED: i32 = 5;
/// Messages taken to be sent, one for each receiver of a published one.
pub const ROPEWAY_COUNTER_MESSAGES_SENT: i32 = 6;
/// Bytes read from sockets.
pub const ROPEWAY_COUNTER_BYTES_RECEIVED: i32 = 7;
/// Bytes that the kernel took.
pub const ROPEWAY_COUNTER_BYTES_SENT: i32 = 8;
/// Published messages that a subscriber did not get, because its queue was above the high-water mark.
pub const ROPEWAY_COUNTER_PUBLISHES_DROPPED: i32 = 9;

/// Connections that a listener refused because their address had ROPEWAY_OPTION_MAX_PER_ADDRESS of them.
pub const ROPEWAY_COUNTER_REFUSED_BY_ADDRESS: i32 = 10;

/// Writes one of the totals of ropeway_metrics (ROPEWAY_COUNTER_...) to `*value`: what was there before
/// ropeway_engine_metrics, for programs that ask so.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for a `counter` that there is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_counter(
    engine: *const ropeway_engine,
    counter: i32,
    value: *mut u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and room for a uint64_t.
    unsafe {
        engine::with(engine, |connections| {
            let out = Out::new(value, "value")?;
            let counters = connections.counters();
            out.set(match counter {
                ROPEWAY_COUNTER_ACCEPTED => counters.accepted,
                ROPEWAY_COUNTER_DIALLED => counters.dialled,
                ROPEWAY_COUNTER_OPENED => counters.opened,
                ROPEWAY_COUNTER_CLOSED => counters.closed,
                ROPEWAY_COUNTER_MESSAGES_RECEIVED => counters.received.messages,
                ROPEWAY_COUNTER_MESSAGES_SENT => counters.sent.messages,
                ROPEWAY_COUNTER_BYTES_RECEIVED => counters.received.bytes,
                ROPEWAY_COUNTER_BYTES_SENT => counters.sent.bytes,
                ROPEWAY_COUNTER_PUBLISHES_DROPPED => counters.publishes_dropped,
                ROPEWAY_COUNTER_REFUSED_BY_ADDRESS => counters.refused.addresses,
                _ => return Err(Failure::Argument("there is no counter of this number")),
            });
            Ok(ROPEWAY_OK)
        })
    }
}

/// Writes as much of `metrics`, which begins with its size as well, as the caller's structure has: that may be older and
/// shorter, or newer and longer.
///
/// # Safety
/// `out` is NULL or begins with its size in bytes, all of which can be written.
unsafe fn fill<T>(out: *mut T, metrics: &T) -> Outcome {
    if out.is_null() {
        return Err(Failure::Null("metrics"));
    }
    // SAFETY: the caller's promise; a size stands first.
    let theirs = unsafe { out.cast::<usize>().read() };
    if theirs < size_of::<usize>() {
        return Err(Failure::Argument("the structure's size is not set"));
    }
    let size = theirs.min(size_of::<T>());
    // SAFETY: both have so many bytes, and the caller's is none of ours.
    unsafe {
        ptr::copy_nonoverlapping(ptr::from_ref(metrics).cast::<u8>(), out.cast(), size);
        out.cast::<usize>().write(size);
    }
    Ok(ROPEWAY_OK)
}

impl ropeway_metrics {
    fn new(metrics: &Metrics, relay: &RelayMetrics) -> Self {
        let counters = &metrics.counters;
        let (refused, received, sent) = (&counters.refused, &counters.received, &counters.sent);
        Self {
            size: size_of::<Self>(),
            connections: metrics.connections,
            queued: metrics.queued,
            accepted: counters.accepted,
            dialled: counters.dialled,
            opened: counters.opened,
            closed: counters.closed,
            close_codes: *counters.close_codes.counts(),
            refused_connections: refused.connections,
            refused_addresses: refused.addresses,
            refused_application: refused.application,
            refused_handshake: refused.handshake,
            refused_tls: refused.tls,
            refused_timeout: refused.timeout,
            messages_received: received.messages,
            messages_sent: sent.messages,
            payload_received: received.payload,
            payload_sent: sent.payload,
            bytes_received: received.bytes,
            bytes_sent: sent.bytes,
            pings_received: received.pings,
            pings_sent: sent.pings,
            round_trips: counters.round_trips,
            round_trip_total: micros(counters.round_trip_total),
            publishes_dropped: counters.publishes_dropped,
            relay_connected: relay.connected.into(),
            relay_sent: relay.sent,
            relay_received: relay.received,
            relay_dropped: relay.dropped,
            relay_lost: relay.lost,
            relay_queued: relay.queued,
        }
    }
}

impl From<ConnectionMetrics> for ropeway_connection_metrics {
    fn from(metrics: ConnectionMetrics) -> Self {
        let (received, sent) = (&metrics.received, &metrics.sent);
        Self {
            size: size_of::<Self>(),
            queued: metrics.queued,
            messages_received: received.messages,
            messages_sent: sent.messages,
            payload_received: received.payload,
            payload_sent: sent.payload,
            bytes_received: received.bytes,
            bytes_sent: sent.bytes,
            pings_received: received.pings,
            pings_sent: sent.pings,
            round_trip: (metrics.round_trip).map_or(-1, |took| micros(took).cast_signed()),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
