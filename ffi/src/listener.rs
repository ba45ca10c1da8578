//! Listeners of an engine.

use std::ffi::{c_char, c_int, c_void};
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};

use ropeway_core::engine::{ListenOptions, ListenerId};
use ropeway_core::{Error, IoError};

use crate::engine::{self, ropeway_engine};
use crate::error::Failure;
use crate::event::{ropeway_connection, ropeway_listener};
use crate::guard::{self, Out};
use crate::options::{self, ropeway_options};
use crate::status::{ROPEWAY_OK, ropeway_status};

/// Begins to listen and writes the listener's number to `*listener`. `url` says where: `ws://127.0.0.1:8080/`,
/// `wss://[::]:8443/`, `ws://localhost:0/`; the host is an address, or localhost; port 0 takes a free one, which
/// ropeway_engine_listener_port tells; the path does not matter. wss takes a certificate
/// (ROPEWAY_OPTION_TLS_CERTIFICATE). `ws+unix:/path/to.sock` is a Unix socket: one that a server left behind is
/// replaced, and the file is removed when the listener ends. `options`, NULL for the defaults, are those of the
/// listener (the 700s and 900s) and of the connections that come from it; they are copied.
///
/// Connections are accepted, and their handshakes done, while events are taken; each is told by ROPEWAY_EVENT_OPENED.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_URL; ROPEWAY_ERROR_MISUSE for a host that is no address, or
/// wss without a certificate; ROPEWAY_ERROR_TLS_SETTINGS for a certificate or key that cannot be used;
/// ROPEWAY_ERROR_IO when the address is in use or not to be had; ROPEWAY_ERROR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_listen(
    engine: *mut ropeway_engine,
    url: *const c_char,
    options: *const ropeway_options,
    listener: *mut ropeway_listener,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let this = unsafe { guard::object(engine, "engine") }?;
        // SAFETY: the header asks for a NUL-terminated string or NULL.
        let url = unsafe { guard::text(url, "url") }?;
        let out = Out::new(listener, "listener")?;
        // SAFETY: the header asks for a living set or NULL.
        let (settings, connection) =
            unsafe { (options::settings(options)?, this.options(options)?) };
        let listen = ListenOptions {
            tls: settings.tls.listen()?,
            ..settings.listener
        };
        // SAFETY: the header asks for a living engine, and room for the number.
        Ok(unsafe {
            engine::with(engine, |connections| {
                out.set(connections.listen_url(url, &listen, connection)?.bits());
                Ok(ROPEWAY_OK)
            })
        })
    })
}

/// Takes over a socket that listens already, TCP or Unix, as socket activation hands it in, and writes the listener's
/// number to `*listener`. `options` is as for ropeway_engine_listen, of the listener's own only the 900s count: with a
/// certificate (ROPEWAY_OPTION_TLS_CERTIFICATE) it speaks TLS. `descriptor` becomes the engine's, non-blocking and
/// closed on exec, when ROPEWAY_OK is returned, and stays the caller's otherwise. A Unix socket's file is left alone.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for a negative descriptor; ROPEWAY_ERROR_IO for one that
/// is no listening stream socket; ROPEWAY_ERROR_TLS_SETTINGS; ROPEWAY_ERROR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_adopt_listener(
    engine: *mut ropeway_engine,
    descriptor: c_int,
    options: *const ropeway_options,
    listener: *mut ropeway_listener,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let this = unsafe { guard::object(engine, "engine") }?;
        let out = Out::new(listener, "listener")?;
        // SAFETY: the header asks for a living set or NULL.
        let (settings, connection) =
            unsafe { (options::settings(options)?, this.options(options)?) };
        let listen = ListenOptions {
            tls: settings.tls.listen()?,
            ..settings.listener
        };
        // SAFETY: the header asks for a living engine, a descriptor of the caller's, and room for the number.
        Ok(unsafe {
            engine::with(engine, |connections| {
                let id = take_over(descriptor, |socket| {
                    connections.adopt_listener(socket, &listen, connection)
                })?;
                out.set(id.bits());
                Ok(ROPEWAY_OK)
            })
        })
    })
}

/// Takes over a connected stream socket, TCP or Unix, as a server's connection, and writes its number to
/// `*connection`: an HTTP server hands in what it has seen an upgrade come on. `received` are the `length` bytes that
/// have been read of it already, from the first of the request on; they are copied; NULL and 0 for none. The opening
/// handshake goes on from there: ROPEWAY_EVENT_UPGRADE_REQUEST (when asked for) or ROPEWAY_EVENT_OPENED follows, with
/// no listener. `options`, NULL for the defaults, are copied. TLS is not spoken on it. `descriptor` becomes the
/// engine's, non-blocking and closed on exec, when ROPEWAY_OK is returned, and stays the caller's otherwise.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for a negative descriptor; ROPEWAY_ERROR_IO for one that
/// is no connected stream socket; ROPEWAY_ERROR_TOO_MANY_CONNECTIONS; ROPEWAY_ERROR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_adopt(
    engine: *mut ropeway_engine,
    descriptor: c_int,
    received: *const c_void,
    length: usize,
    options: *const ropeway_options,
    connection: *mut ropeway_connection,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let this = unsafe { guard::object(engine, "engine") }?;
        let out = Out::new(connection, "connection")?;
        // SAFETY: the header asks for `length` readable bytes, and a living set or NULL.
        let (received, options) = unsafe {
            (
                guard::bytes(received, length, "received")?,
                this.options(options)?,
            )
        };
        // SAFETY: the header asks for a living engine, a descriptor of the caller's, and room for the number.
        Ok(unsafe {
            engine::with(engine, |connections| {
                let id = take_over(descriptor, |socket| {
                    connections.adopt(socket, received, options)
                })?;
                out.set(id.bits());
                Ok(ROPEWAY_OK)
            })
        })
    })
}

/// Hands a descriptor of the caller's in. A duplicate goes in first, so that the caller keeps its own on an error.
///
/// # Safety
/// `descriptor` is the caller's to give, or no descriptor at all.
unsafe fn take_over<T>(
    descriptor: c_int,
    hand_in: impl FnOnce(OwnedFd) -> Result<T, Error>,
) -> Result<T, Failure> {
    if descriptor < 0 {
        return Err(Failure::Argument("a descriptor is not negative"));
    }
    // SAFETY: it is not -1, and is only duplicated; that it is not open is an error of the system's.
    let duplicate = unsafe { BorrowedFd::borrow_raw(descriptor) }
        .try_clone_to_owned()
        .map_err(|error| Error::Io(IoError::new("take over a descriptor", &error)))?;
    let taken = hand_in(duplicate)?;
    // SAFETY: the caller gives it away.
    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    Ok(taken)
}

/// Writes the port that a listener has to `*port`.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number; ROPEWAY_ERROR_MISUSE for a Unix socket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_listener_port(
    engine: *const ropeway_engine,
    listener: ropeway_listener,
    port: *mut u16,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and room for a uint16_t.
    unsafe {
        engine::with(engine, |connections| {
            let out = Out::new(port, "port")?;
            out.set(
                connections
                    .listener_address(ListenerId::from_bits(listener))?
                    .port(),
            );
            Ok(ROPEWAY_OK)
        })
    }
}

/// Writes the address and port that a listener has, as `127.0.0.1:8080` or `[::1]:8080`, NUL-terminated, to `buffer`,
/// which holds `capacity` bytes; 64 are always enough for an address, 128 for
/// the path of a Unix socket, which is written instead.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number; ROPEWAY_ERROR_BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_listener_address(
    engine: *const ropeway_engine,
    listener: ropeway_listener,
    buffer: *mut c_char,
    capacity: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and a buffer of `capacity` bytes.
    unsafe {
        engine::with(engine, |connections| {
            let listener = ListenerId::from_bits(listener);
            let text = match connections.listener_path(listener)? {
                Some(path) => path.display().to_string(),
                None => connections.listener_address(listener)?.to_string(),
            };
            write_text(&text, buffer, capacity)
        })
    }
}

/// Writes an address to a buffer of the caller's.
///
/// # Safety
/// `buffer` is NULL or has room for `capacity` bytes.
pub(crate) unsafe fn write_address(
    address: SocketAddr,
    buffer: *mut c_char,
    capacity: usize,
) -> guard::Outcome {
    // SAFETY: the caller's promise.
    unsafe { write_text(&address.to_string(), buffer, capacity) }
}

/// Writes text and its NUL to a buffer of the caller's.
///
/// # Safety
/// As for [`write_address`].
unsafe fn write_text(text: &str, buffer: *mut c_char, capacity: usize) -> guard::Outcome {
    let out = Out::new(buffer, "buffer")?;
    if text.len() >= capacity {
        return Err(Failure::BufferTooSmall {
            needed: text.len() + 1,
        });
    }
    // SAFETY: the text and its NUL fit, by the test above; the two do not overlap.
    unsafe { out.set_text(text) };
    Ok(ROPEWAY_OK)
}

/// Gives a wss listener the certificates and other TLS settings of `options`, whose files are read anew: renewed
/// certificates, without a restart. They are for connections accepted from now on; those that there are keep theirs.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number; ROPEWAY_ERROR_MISUSE for a listener that does
/// not speak TLS; ROPEWAY_ERROR_TLS_SETTINGS, after which the listener goes on with what it had.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_reload_tls(
    engine: *mut ropeway_engine,
    listener: ropeway_listener,
    options: *const ropeway_options,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL, and a living set or NULL.
    unsafe {
        engine::with(engine, |connections| {
            let set = guard::object(options, "options")?;
            let tls = set.0.with(|settings| settings.tls.build_server())?;
            guard::done(connections.set_listener_tls(ListenerId::from_bits(listener), tls))
        })
    }
}

/// Ends a listener: no more connections come from it; those that did live on. Its number is stale after.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_close_listener(
    engine: *mut ropeway_engine,
    listener: ropeway_listener,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL.
    unsafe {
        engine::with(engine, |connections| {
            guard::done(connections.close_listener(ListenerId::from_bits(listener)))
        })
    }
}
