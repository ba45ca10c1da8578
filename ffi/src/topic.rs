//! Topics of an engine: one message to many connections.

use std::ffi::{c_char, c_void};

use ropeway_core::engine::ConnectionId;

use crate::engine::{self, ropeway_engine};
use crate::event::ropeway_connection;
use crate::guard::{self, Out, Outcome};
use crate::status::{ROPEWAY_OK, ROPEWAY_UNCHANGED, ropeway_status};

fn changed<E: Into<crate::error::Failure>>(result: Result<bool, E>) -> Outcome {
    Ok(if result.map_err(Into::into)? {
        ROPEWAY_OK
    } else {
        ROPEWAY_UNCHANGED
    })
}

/// Subscribes a connection to a topic, any UTF-8 string, compared byte by byte, which is copied. The subscription ends
/// with the connection.
///
/// ROPEWAY_UNCHANGED when it was subscribed already. Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8,
/// ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_subscribe(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    topic: *const c_char,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and a NUL-terminated string or NULL.
    unsafe {
        engine::with(engine, |connections| {
            let topic = guard::text(topic, "topic")?;
            changed(connections.subscribe(ConnectionId::from_bits(connection), topic))
        })
    }
}

/// Ends a connection's subscription to a topic.
///
/// ROPEWAY_UNCHANGED when there was none. Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8,
/// ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_unsubscribe(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    topic: *const c_char,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and a NUL-terminated string or NULL.
    unsafe {
        engine::with(engine, |connections| {
            let topic = guard::text(topic, "topic")?;
            changed(connections.unsubscribe(ConnectionId::from_bits(connection), topic))
        })
    }
}

/// Sends a message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY to every subscriber of a topic but `except` (0: to all).
/// The `length` bytes at `data` are copied once, whatever the number of subscribers. One whose queue is above its
/// high-water mark, or that is in the middle of a fragmented message, does not get it. How many subscribers there are
/// besides `except` is written to `*subscribers`, unless that is NULL.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_INVALID_UTF8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_publish(
    engine: *mut ropeway_engine,
    topic: *const c_char,
    kind: i32,
    data: *const c_void,
    length: usize,
    except: ropeway_connection,
    subscribers: *mut usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, a NUL-terminated string or NULL, `length` bytes at `data`
    // and room for a size_t or NULL.
    unsafe {
        engine::with(engine, |connections| {
            let topic = guard::text(topic, "topic")?;
            let (kind, payload) = (guard::kind(kind)?, guard::bytes(data, length, "data")?);
            let except = (except != 0).then(|| ConnectionId::from_bits(except));
            guard::set_optional(
                subscribers,
                connections.publish(topic, kind, payload, except)?,
            );
            Ok(ROPEWAY_OK)
        })
    }
}

/// Writes the number of a topic's subscribers to `*count`.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_subscribers(
    engine: *const ropeway_engine,
    topic: *const c_char,
    count: *mut usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, a NUL-terminated string or NULL, and room for a size_t.
    unsafe {
        engine::with(engine, |connections| {
            let topic = guard::text(topic, "topic")?;
            let out = Out::new(count, "count")?;
            out.set(connections.subscribers(topic));
            Ok(ROPEWAY_OK)
        })
    }
}
