//! An engine from other threads.

use std::ffi::{c_char, c_void};

use ropeway_core::engine::{ConnectionId, Remote};

use crate::event::ropeway_connection;
use crate::guard::{self, Out, Outcome};
use crate::status::{ROPEWAY_OK, ropeway_status};

/// A handle on an engine for any thread, several at once. Its commands are carried out by the engine's next
/// ropeway_engine_poll, which they bring about, in the order in which one thread gave them. It may outlive the engine:
/// then every call gives ROPEWAY_ERROR_ENGINE_GONE.
#[derive(Debug)]
pub struct ropeway_remote(pub(crate) Remote);

/// Runs `body` on the remote.
///
/// # Safety
/// `remote` is NULL or a living remote.
unsafe fn with(
    remote: *const ropeway_remote,
    body: impl FnOnce(&Remote) -> Outcome,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the caller's promise.
        body(&unsafe { guard::object(remote, "remote") }?.0)
    })
}

/// Makes another handle on the same engine and writes it to `*copy`; the caller owns it. Any thread.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_remote_clone(
    remote: *const ropeway_remote,
    copy: *mut *mut ropeway_remote,
) -> ropeway_status {
    // SAFETY: the header asks for a living remote or NULL, and room for a pointer.
    unsafe {
        with(remote, |remote| {
            let out = Out::new(copy, "copy")?;
            out.set(guard::give(ropeway_remote(remote.clone())));
            Ok(ROPEWAY_OK)
        })
    }
}

/// Frees a remote; what it was asked to do is still done. NULL is let pass. Any thread, when no other uses this handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_remote_free(remote: *mut ropeway_remote) {
    // SAFETY: the header asks for a living remote or NULL.
    unsafe { guard::free(remote) };
}

/// Sends a message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY on a connection: `length` bytes at `data`, which are
/// copied. Whether the connection takes it is seen later: when it does not, the engine tells
/// ROPEWAY_EVENT_UNDELIVERED; when it is gone, nothing. Any thread.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_REMOTE_FULL, ROPEWAY_ERROR_ENGINE_GONE,
/// ROPEWAY_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_remote_send(
    remote: *const ropeway_remote,
    connection: ropeway_connection,
    kind: i32,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living remote or NULL, and `length` bytes at `data`.
    unsafe {
        with(remote, |remote| {
            let (kind, payload) = (
                guard::kind(kind)?,
                guard::copy(guard::bytes(data, length, "data")?)?,
            );
            guard::done(remote.send(ConnectionId::from_bits(connection), kind, payload))
        })
    }
}

/// Publishes a message to a topic's subscribers, as ropeway_engine_publish. Any thread.
///
/// Errors: as ropeway_remote_send, and ROPEWAY_ERROR_INVALID_UTF8 for the topic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_remote_publish(
    remote: *const ropeway_remote,
    topic: *const c_char,
    kind: i32,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living remote or NULL, a NUL-terminated string, and `length` bytes at `data`.
    unsafe {
        with(remote, |remote| {
            let topic = guard::text(topic, "topic")?;
            let (kind, payload) = (
                guard::kind(kind)?,
                guard::copy(guard::bytes(data, length, "data")?)?,
            );
            guard::done(remote.publish(topic, kind, payload))
        })
    }
}

/// Begins the closing handshake of a connection, as ropeway_engine_close. A code or reason that cannot be sent closes
/// with 1011 instead. Any thread.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_INVALID_UTF8, ROPEWAY_ERROR_REMOTE_FULL,
/// ROPEWAY_ERROR_ENGINE_GONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_remote_close(
    remote: *const ropeway_remote,
    connection: ropeway_connection,
    code: i32,
    reason: *const c_char,
) -> ropeway_status {
    // SAFETY: the header asks for a living remote or NULL, and a NUL-terminated string or NULL.
    unsafe {
        with(remote, |remote| {
            let code = guard::close_code(code)?;
            let reason = guard::optional_text(reason, "reason")?.unwrap_or_default();
            guard::done(remote.close(ConnectionId::from_bits(connection), code, reason))
        })
    }
}

/// Ends a connection at once, as ropeway_engine_abort. Any thread.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_REMOTE_FULL, ROPEWAY_ERROR_ENGINE_GONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_remote_abort(
    remote: *const ropeway_remote,
    connection: ropeway_connection,
) -> ropeway_status {
    // SAFETY: the header asks for a living remote or NULL.
    unsafe {
        with(remote, |remote| {
            guard::done(remote.abort(ConnectionId::from_bits(connection)))
        })
    }
}

/// Makes a waiting ropeway_engine_poll return, and the engine's descriptor readable. Any thread; while the engine is
/// there, a signal handler too (it may change errno).
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_ENGINE_GONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_remote_wake(remote: *const ropeway_remote) -> ropeway_status {
    // SAFETY: the header asks for a living remote or NULL.
    unsafe { with(remote, |remote| guard::done(remote.wake())) }
}
