//! What the application has a sans-I/O protocol send: messages, control frames, the end, the answer to a request.

use std::ffi::{c_char, c_void};

use ropeway_core::SendError;
use ropeway_core::protocol::{Accept, MessageKind, Output, Protocol};

use super::{Connection, ropeway_protocol, time, with};
use crate::connection::refusal;
use crate::guard;
use crate::options::{self, ropeway_options};
use crate::status::ropeway_status;

/// Sends `length` bytes at `data` by `send`.
///
/// # Safety
/// As the header asks of ropeway_protocol_send.
unsafe fn send(
    protocol: *mut ropeway_protocol,
    data: *const c_void,
    length: usize,
    send: impl FnOnce(&mut Protocol, &mut Output, &[u8]) -> Result<(), SendError>,
) -> ropeway_status {
    // SAFETY: the caller's promise.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                guard::done(send(protocol, output, guard::bytes(data, length, "data")?))
            },
        )
    }
}

/// Puts a whole message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY into the output: `length` bytes at `data`, which are
/// copied.
///
/// Errors, with nothing put there: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_CLOSED,
/// ROPEWAY_ERROR_NOT_OPEN, ROPEWAY_ERROR_INVALID_UTF8, ROPEWAY_ERROR_MESSAGE_IN_PROGRESS, ROPEWAY_ERROR_RANDOM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_send(
    protocol: *mut ropeway_protocol,
    kind: i32,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL, and `length` bytes at `data`.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                guard::done(protocol.send(
                    output,
                    guard::kind(kind)?,
                    guard::bytes(data, length, "data")?,
                ))
            },
        )
    }
}

/// Puts a whole text message of `length` bytes, a NUL not among them, into the output. Otherwise as
/// ropeway_protocol_send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_send_text(
    protocol: *mut ropeway_protocol,
    text: *const c_char,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_protocol_send.
    unsafe {
        send(
            protocol,
            text.cast(),
            length,
            |protocol, output, payload| protocol.send(output, MessageKind::Text, payload),
        )
    }
}

/// Puts a whole binary message into the output. Otherwise as ropeway_protocol_send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_send_binary(
    protocol: *mut ropeway_protocol,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_protocol_send.
    unsafe {
        send(protocol, data, length, |protocol, output, payload| {
            protocol.send(output, MessageKind::Binary, payload)
        })
    }
}

/// Puts the next fragment of a message into the output, as ropeway_engine_send_fragment. Errors as
/// ropeway_protocol_send, and ROPEWAY_ERROR_KIND_CHANGED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_send_fragment(
    protocol: *mut ropeway_protocol,
    kind: i32,
    data: *const c_void,
    length: usize,
    last: i32,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL, and `length` bytes at `data`.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                let (kind, payload) = (guard::kind(kind)?, guard::bytes(data, length, "data")?);
                guard::done(protocol.send_fragment(output, kind, payload, last != 0))
            },
        )
    }
}

/// Puts a ping of at most 125 bytes into the output.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_NOT_OPEN, ROPEWAY_ERROR_CONTROL_TOO_LONG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_ping(
    protocol: *mut ropeway_protocol,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_protocol_send.
    unsafe { send(protocol, data, length, Protocol::ping) }
}

/// Puts a pong nobody asked for into the output. Otherwise as ropeway_protocol_ping.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_pong(
    protocol: *mut ropeway_protocol,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_protocol_send.
    unsafe { send(protocol, data, length, Protocol::pong) }
}

/// Begins the closing handshake, with the codes, reasons and errors of ropeway_engine_close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_close(
    protocol: *mut ropeway_protocol,
    code: i32,
    reason: *const c_char,
    now: u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL, and a NUL-terminated string or NULL.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                let code = guard::close_code(code)?;
                let reason = guard::optional_text(reason, "reason")?.unwrap_or_default();
                guard::done(protocol.close(output, code, reason, time(now)?))
            },
        )
    }
}

/// Accepts the upgrade that ROPEWAY_EVENT_UPGRADE_REQUEST told of, as ropeway_engine_accept. Take the next event
/// after it: ROPEWAY_EVENT_OPENED, even without new bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_accept(
    protocol: *mut ropeway_protocol,
    subprotocol: *const c_char,
    options: *const ropeway_options,
    now: u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol and set or NULL, and a NUL-terminated string or NULL.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                let subprotocol = guard::optional_text(subprotocol, "subprotocol")?;
                let headers = options::headers(options)?;
                guard::done(protocol.accept(
                    output,
                    &Accept {
                        subprotocol,
                        headers: Some(&headers),
                    },
                    time(now)?,
                ))
            },
        )
    }
}

/// Refuses the upgrade or answers the request, as ropeway_engine_refuse.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_refuse(
    protocol: *mut ropeway_protocol,
    status: i32,
    options: *const ropeway_options,
    body: *const c_void,
    length: usize,
    now: u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol and set or NULL, and `length` bytes at `body`.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                guard::done(protocol.refuse(
                    output,
                    &refusal(status, options, body, length)?,
                    time(now)?,
                ))
            },
        )
    }
}
