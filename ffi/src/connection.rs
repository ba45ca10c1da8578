//! Connections of an engine: dialling, deciding, sending, closing.

use std::ffi::{c_char, c_void};

use ropeway_core::SendError;
use ropeway_core::engine::{ConnectOptions, ConnectionId, Connections, Sent};
use ropeway_core::handshake::Refusal;
use ropeway_core::protocol::{Accept, MessageKind};

use crate::compression;
use crate::engine::{self, ropeway_engine};
use crate::error::Failure;
use crate::event::ropeway_connection;
use crate::guard::{self, Out, Outcome};
use crate::listener::write_address;
use crate::options::{self, ropeway_options};
use crate::status::{ROPEWAY_OK, ROPEWAY_QUEUED, ropeway_status};

/// Begins to connect to `url`, as "wss://example.com/chat?room=1", or "ws+unix:/path/to.sock:/chat" for a Unix socket,
/// and writes the connection's number to `*connection`. `options`, NULL for the defaults, are copied. Does not wait: ROPEWAY_EVENT_OPENED tells of success,
/// ROPEWAY_EVENT_CLOSED of failure, name resolution included; with ROPEWAY_OPTION_RECONNECT it is tried again.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_URL, ROPEWAY_ERROR_PROXY_URL for one of the environment's,
/// ROPEWAY_ERROR_TLS_SETTINGS for wss, ROPEWAY_ERROR_TOO_MANY_CONNECTIONS, ROPEWAY_ERROR_IO when no thread for the name's resolution can be had,
/// ROPEWAY_ERROR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_connect(
    engine: *mut ropeway_engine,
    url: *const c_char,
    options: *const ropeway_options,
    connection: *mut ropeway_connection,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let this = unsafe { guard::object(engine, "engine") }?;
        // SAFETY: the header asks for a NUL-terminated string or NULL.
        let url = unsafe { guard::text(url, "url") }?;
        let out = Out::new(connection, "connection")?;
        // SAFETY: the header asks for a living set or NULL.
        let ((connect, reconnect), options) = unsafe {
            let connect = match guard::optional(options) {
                Some(set) => set
                    .0
                    .with(|settings| Ok((settings.connect(url)?, settings.supervised.policy())))?,
                None => (ConnectOptions::default(), None),
            };
            (connect, this.options(options)?)
        };
        // SAFETY: the header asks for a living engine, and room for the number.
        Ok(unsafe {
            engine::with(engine, |connections| {
                let id = match reconnect {
                    Some(policy) => connections.connect_supervised(url, &connect, options, policy),
                    None => connections.connect_with(url, &connect, options),
                }?;
                out.set(id.bits());
                Ok(ROPEWAY_OK)
            })
        })
    })
}

/// Accepts the upgrade that ROPEWAY_EVENT_UPGRADE_REQUEST told of; ROPEWAY_EVENT_OPENED follows. `subprotocol` is one
/// of those that the client offered, or NULL for none. The header fields of `options`, which may be NULL, are added
/// to the response; nothing else of them counts. All is copied.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_MISUSE when the connection does not wait for
/// a decision or the subprotocol was not offered; ROPEWAY_ERROR_INVALID_HEADER. The decision is still open then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_accept(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    subprotocol: *const c_char,
    options: *const ropeway_options,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine and set or NULL, and a NUL-terminated string or NULL.
    unsafe {
        engine::with(engine, |connections| {
            let subprotocol = guard::optional_text(subprotocol, "subprotocol")?;
            let headers = options::headers(options)?;
            let accept = Accept {
                subprotocol,
                headers: Some(&headers),
            };
            guard::done(connections.accept(ConnectionId::from_bits(connection), &accept))
        })
    }
}

/// Refuses the upgrade that ROPEWAY_EVENT_UPGRADE_REQUEST told of, or answers the request of
/// ROPEWAY_EVENT_HTTP_REQUEST: with an HTTP `status` from 200 to 599, the header fields of `options`, which may be
/// NULL, and the `length` bytes at `body`. All is copied. The connection ends; ROPEWAY_EVENT_CLOSED follows.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_MISUSE when the connection does not wait for
/// a decision; ROPEWAY_ERROR_INVALID_REFUSAL; ROPEWAY_ERROR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_refuse(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    status: i32,
    options: *const ropeway_options,
    body: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine and set or NULL, and `length` bytes at `body`.
    unsafe {
        engine::with(engine, |connections| {
            let refusal = refusal(status, options, body, length)?;
            guard::done(connections.refuse(ConnectionId::from_bits(connection), &refusal))
        })
    }
}

/// A refusal from what C passes.
///
/// # Safety
/// `options` is NULL or a living set; `length` bytes stand at `body`.
pub(crate) unsafe fn refusal(
    status: i32,
    options: *const ropeway_options,
    body: *const c_void,
    length: usize,
) -> Result<Refusal, Failure> {
    // SAFETY: the caller's promise.
    let (headers, body) = unsafe {
        (
            options::headers(options)?,
            guard::bytes(body, length, "body")?,
        )
    };
    let status = u16::try_from(status)
        .map_err(|_| Failure::Argument("an HTTP status is from 200 to 599"))?;
    let mut refusal = Refusal::new(status, guard::copy(body)?)?;
    refusal.headers = headers;
    Ok(refusal)
}

#[inline]
fn sent(result: Result<Sent, SendError>) -> Outcome {
    match result? {
        Sent::Sent => Ok(ROPEWAY_OK),
        _ => Ok(ROPEWAY_QUEUED),
    }
}

/// Sends `length` bytes at `data` by `send`.
///
/// # Safety
/// As the header asks of ropeway_engine_send.
#[inline]
unsafe fn send(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    data: *const c_void,
    length: usize,
    send: impl FnOnce(&mut Connections, ConnectionId, &[u8]) -> Result<Sent, SendError>,
) -> ropeway_status {
    // SAFETY: the caller's promise.
    unsafe {
        engine::with(engine, |connections| {
            let payload = guard::bytes(data, length, "data")?;
            sent(send(
                connections,
                ConnectionId::from_bits(connection),
                payload,
            ))
        })
    }
}

/// Sends a whole message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY: `length` bytes at `data` (NULL when there are
/// none), which are copied or on their way when the call returns, so their memory is the caller's again.
///
/// ROPEWAY_QUEUED when it was taken and the connection's queue is above its high-water mark now, or when it waits for a
/// reconnecting connection to open (ROPEWAY_OPTION_RESEND_LIMIT). Errors, with nothing taken: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_NOT_OPEN,
/// ROPEWAY_ERROR_FULL, ROPEWAY_ERROR_HELD_FULL, ROPEWAY_ERROR_INVALID_UTF8 for text that is not UTF-8, ROPEWAY_ERROR_MESSAGE_IN_PROGRESS,
/// ROPEWAY_ERROR_RANDOM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_send(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    kind: i32,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and `length` bytes at `data`.
    unsafe {
        engine::with(engine, |connections| {
            let (kind, payload) = (guard::kind(kind)?, guard::bytes(data, length, "data")?);
            sent(connections.send(ConnectionId::from_bits(connection), kind, payload))
        })
    }
}

/// As ropeway_engine_send, with a word on compression for this message alone: `compress` is one of
/// ROPEWAY_COMPRESS_BY_OPTIONS, ROPEWAY_COMPRESS_NEVER and ROPEWAY_COMPRESS_ALWAYS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_send_compressed(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    kind: i32,
    compress: i32,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_engine_send.
    unsafe {
        engine::with(engine, |connections| {
            let (kind, payload) = (guard::kind(kind)?, guard::bytes(data, length, "data")?);
            let (id, compress) = (
                ConnectionId::from_bits(connection),
                compression::compress(compress)?,
            );
            sent(connections.send_with(id, kind, payload, compress))
        })
    }
}

/// Sends a whole text message of `length` bytes, a NUL not among them. Otherwise as ropeway_engine_send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_send_text(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    text: *const c_char,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_engine_send.
    unsafe {
        send(
            engine,
            connection,
            text.cast(),
            length,
            |connections, id, payload| connections.send(id, MessageKind::Text, payload),
        )
    }
}

/// Sends a whole binary message. Otherwise as ropeway_engine_send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_send_binary(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_engine_send.
    unsafe {
        send(
            engine,
            connection,
            data,
            length,
            |connections, id, payload| connections.send(id, MessageKind::Binary, payload),
        )
    }
}

/// Sends the next fragment of a message (RFC 6455 section 5.4), so that one of any length passes in little memory:
/// the first call begins the message, all name the same `kind`, and `last`, 1 instead of 0, ends it. A fragment of
/// text must not end inside a character. In between, pings, pongs and a close may be sent, other messages not.
///
/// As ropeway_engine_send, and ROPEWAY_ERROR_KIND_CHANGED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_send_fragment(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    kind: i32,
    data: *const c_void,
    length: usize,
    last: i32,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and `length` bytes at `data`.
    unsafe {
        engine::with(engine, |connections| {
            let (kind, payload) = (guard::kind(kind)?, guard::bytes(data, length, "data")?);
            sent(connections.send_fragment(
                ConnectionId::from_bits(connection),
                kind,
                payload,
                last != 0,
            ))
        })
    }
}

/// Sends a ping of at most 125 bytes (RFC 6455 section 5.5.2), which are copied; `data` may be NULL for none. Its pong
/// comes as ROPEWAY_EVENT_PONG. Keep-alive pings are sent without being asked for: ROPEWAY_OPTION_PING_INTERVAL.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_NOT_OPEN, ROPEWAY_ERROR_CONTROL_TOO_LONG,
/// ROPEWAY_ERROR_FULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_ping(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_engine_send.
    unsafe {
        send(
            engine,
            connection,
            data,
            length,
            |connections, id, payload| connections.ping(id, payload),
        )
    }
}

/// Sends a pong nobody asked for (RFC 6455 section 5.5.3), of at most 125 bytes. Pings are answered without it.
/// Otherwise as ropeway_engine_ping.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_pong(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_engine_send.
    unsafe {
        send(
            engine,
            connection,
            data,
            length,
            |connections, id, payload| connections.pong(id, payload),
        )
    }
}

/// Begins the closing handshake (RFC 6455 section 7.1.2) with a code of 1000 to 1003, 1007 to 1014 or 3000 to 4999, or
/// 1005 to send none, and a reason of at most 123 bytes of UTF-8, NULL for none. Messages of the peer still come until
/// its Close frame does; ROPEWAY_EVENT_CLOSED follows, within ROPEWAY_OPTION_CLOSE_TIMEOUT. During the opening
/// handshake, and between two attempts of a reconnecting connection, it is dropped instead.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED, also when a close is under way already,
/// ROPEWAY_ERROR_INVALID_CLOSE_CODE, ROPEWAY_ERROR_CONTROL_TOO_LONG, ROPEWAY_ERROR_INVALID_UTF8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_close(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    code: i32,
    reason: *const c_char,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and a NUL-terminated string or NULL.
    unsafe {
        engine::with(engine, |connections| {
            let code = guard::close_code(code)?;
            let reason = guard::optional_text(reason, "reason")?.unwrap_or_default();
            guard::done(connections.close(ConnectionId::from_bits(connection), code, reason))
        })
    }
}

/// Ends a connection at once, without a Close frame. ROPEWAY_EVENT_CLOSED follows.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_abort(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL.
    unsafe {
        engine::with(engine, |connections| {
            guard::done(connections.abort(ConnectionId::from_bits(connection)))
        })
    }
}

/// Stops to read from a connection until ropeway_engine_resume, so that its peer has to wait once the kernel's buffers
/// are full. Messages that have been read already are held back too, and the keep-alive rests. Sending goes on; close
/// and abort end the pause. Before ROPEWAY_EVENT_OPENED it holds from there on. When the peer ends its direction in
/// order, that waits too; when the connection breaks, ROPEWAY_EVENT_CLOSED comes, and what was not read is lost.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_pause(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL.
    unsafe {
        engine::with(engine, |connections| {
            guard::done(connections.pause(ConnectionId::from_bits(connection)))
        })
    }
}

/// Reads again from a connection that was paused.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_resume(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL.
    unsafe {
        engine::with(engine, |connections| {
            guard::done(connections.resume(ConnectionId::from_bits(connection)))
        })
    }
}

/// Writes to `*bytes` how many bytes wait to be sent on a connection.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_queued_bytes(
    engine: *const ropeway_engine,
    connection: ropeway_connection,
    bytes: *mut u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and room for a uint64_t.
    unsafe {
        engine::with(engine, |connections| {
            let out = Out::new(bytes, "bytes")?;
            out.set(connections.queued_bytes(ConnectionId::from_bits(connection))?);
            Ok(ROPEWAY_OK)
        })
    }
}

/// Writes the peer's address and port, as `127.0.0.1:49152` or `[::1]:49152`, NUL-terminated, to `buffer`, which holds
/// `capacity` bytes; 64 are always enough.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_IO while it is being dialled, and when the peer is
/// gone; ROPEWAY_ERROR_BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_peer_address(
    engine: *const ropeway_engine,
    connection: ropeway_connection,
    buffer: *mut c_char,
    capacity: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and a buffer of `capacity` bytes.
    unsafe {
        engine::with(engine, |connections| {
            write_address(
                connections.peer_address(ConnectionId::from_bits(connection))?,
                buffer,
                capacity,
            )
        })
    }
}

/// Keeps a pointer of the application's with a connection; each event of the connection brings it, and Ropeway never
/// follows it. NULL at first.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_set_user_data(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    user_data: *mut c_void,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL.
    unsafe {
        engine::with(engine, |connections| {
            let bits = user_data.expose_provenance() as u64;
            guard::done(connections.set_user_data(ConnectionId::from_bits(connection), bits))
        })
    }
}

/// Writes what ropeway_engine_set_user_data set to `*user_data`.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_user_data(
    engine: *const ropeway_engine,
    connection: ropeway_connection,
    user_data: *mut *mut c_void,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and room for a pointer.
    unsafe {
        engine::with(engine, |connections| {
            let out = Out::new(user_data, "user_data")?;
            let bits = connections.user_data(ConnectionId::from_bits(connection))?;
            out.set(std::ptr::with_exposed_provenance_mut(bits as usize));
            Ok(ROPEWAY_OK)
        })
    }
}
