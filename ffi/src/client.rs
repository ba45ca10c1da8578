//! The blocking client, for the program that has one connection and time to wait.

use std::cell::UnsafeCell;
use std::ffi::{c_char, c_void};

use ropeway_core::Error;
use ropeway_core::engine::{Client, Received};
use ropeway_core::protocol::MessageKind;

use crate::event::{Lent, ropeway_event};
use crate::guard::{self, Out, Owned};
use crate::options::{self, ropeway_options};
use crate::status::{ROPEWAY_NONE, ROPEWAY_OK, ropeway_status};
use crate::tls_info::LentInfo;

/// One connection, used by one thread at a time, whose calls wait. Nothing is read while no call is under way, so call
/// ropeway_client_receive now and then, or the peer's pings stay unanswered.
#[derive(Debug)]
pub struct ropeway_client {
    pub(crate) client: Owned<Client>,
    /// Apart from the client, so that C may look at it while it calls.
    lent: UnsafeCell<Lent>,
    pub(crate) tls_info: LentInfo,
}

/// Connects to `url`, as "wss://example.com/chat", or "ws+unix:/path/to.sock:/chat" for a Unix socket, and writes the open connection to `*client`. Waits, at most
/// ROPEWAY_OPTION_OPEN_TIMEOUT, redirects included (ROPEWAY_OPTION_MAX_REDIRECTS). `options`, NULL for the defaults, are copied. The caller owns the client and frees it
/// by ropeway_client_free.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_URL, ROPEWAY_ERROR_INVALID_HEADER, and whatever keeps a
/// connection from opening: ROPEWAY_ERROR_TLS_SETTINGS, ROPEWAY_ERROR_RESOLVE, ROPEWAY_ERROR_CONNECT, those of
/// proxies (ROPEWAY_ERROR_PROXY_...), ROPEWAY_ERROR_OPEN_TIMEOUT,
/// ROPEWAY_ERROR_HTTP_STATUS and the other -2xx.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_open(
    url: *const c_char,
    options: *const ropeway_options,
    client: *mut *mut ropeway_client,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a NUL-terminated string or NULL.
        let url = unsafe { guard::text(url, "url") }?;
        let out = Out::new(client, "client")?;
        // SAFETY: the header asks for a living set or NULL.
        let settings = unsafe { options::settings(options) }?;
        let connect = settings.connect(url)?;
        let client = Client::open_with(url, &connect, settings.connection)?;
        let client = ropeway_client {
            client: Owned::new(client),
            lent: UnsafeCell::new(Lent::new()),
            tls_info: LentInfo::default(),
        };
        // SAFETY: the header asks for room for a pointer.
        unsafe { out.set(guard::give(client)) };
        Ok(ROPEWAY_OK)
    })
}

/// Frees a client, and drops its connection if it is still open. NULL is let pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_free(client: *mut ropeway_client) {
    // SAFETY: the header asks for a living client or NULL.
    unsafe { guard::free(client) };
}

/// Runs `send` with the client and the `length` bytes at `data`. Bytes of the event that is lent are copied first, as
/// sending may have to read what comes meanwhile, and then reads over them.
///
/// # Safety
/// `client` is NULL or a living client that no other thread uses; `length` bytes stand at `data`.
unsafe fn send(
    client: *mut ropeway_client,
    data: *const c_void,
    length: usize,
    send: impl FnOnce(&mut Client, &[u8]) -> Result<(), Error>,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the caller's promise.
        let (this, payload) = unsafe {
            (
                guard::object(client, "client")?,
                guard::bytes(data, length, "data")?,
            )
        };
        this.client.with(|client| {
            // SAFETY: no other call is inside the client.
            let lent = unsafe { &*this.lent.get() };
            guard::done(if lent.holds(payload) {
                send(client, &guard::copy(payload)?)
            } else {
                send(client, payload)
            })
        })
    })
}

/// Sends a whole message of the kind ROPEWAY_TEXT or ROPEWAY_BINARY: `length` bytes at `data`, which are copied. Waits
/// until the system has taken all of it; messages and pongs that come meanwhile are kept for
/// ropeway_client_receive, up to ROPEWAY_OPTION_SEND_QUEUE_LIMIT, after which the peer has to wait.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_INVALID_UTF8,
/// ROPEWAY_ERROR_FULL, ROPEWAY_ERROR_MESSAGE_IN_PROGRESS, ROPEWAY_ERROR_FORKED; what came before the end can still be
/// received.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_send(
    client: *mut ropeway_client,
    kind: i32,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    match guard::kind(kind) {
        // SAFETY: the header asks for a living client or NULL, and `length` bytes at `data`.
        Ok(kind) => unsafe {
            send(client, data, length, |client, payload| {
                client.send(kind, payload)
            })
        },
        Err(failure) => failure.record(),
    }
}

/// Sends a whole text message of `length` bytes, a NUL not among them. Otherwise as ropeway_client_send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_send_text(
    client: *mut ropeway_client,
    text: *const c_char,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_client_send.
    unsafe {
        send(client, text.cast(), length, |client, payload| {
            client.send(MessageKind::Text, payload)
        })
    }
}

/// Sends a whole binary message. Otherwise as ropeway_client_send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_send_binary(
    client: *mut ropeway_client,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_client_send.
    unsafe {
        send(client, data, length, |client, payload| {
            client.send(MessageKind::Binary, payload)
        })
    }
}

/// Sends the next fragment of a message, as ropeway_engine_send_fragment. Errors as ropeway_client_send, and
/// ROPEWAY_ERROR_KIND_CHANGED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_send_fragment(
    client: *mut ropeway_client,
    kind: i32,
    data: *const c_void,
    length: usize,
    last: i32,
) -> ropeway_status {
    match guard::kind(kind) {
        // SAFETY: the header asks for a living client or NULL, and `length` bytes at `data`.
        Ok(kind) => unsafe {
            send(client, data, length, |client, payload| {
                client.send_fragment(kind, payload, last != 0)
            })
        },
        Err(failure) => failure.record(),
    }
}

/// Sends a ping of at most 125 bytes, which are copied; `data` may be NULL for none. Its pong comes by
/// ropeway_client_receive.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED, ROPEWAY_ERROR_CONTROL_TOO_LONG.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_ping(
    client: *mut ropeway_client,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: as ropeway_client_send.
    unsafe { send(client, data, length, Client::ping) }
}

/// Waits up to `timeout` milliseconds (-1: for ever) for the next event and writes it to `*event`, lent until the next
/// call on the client, which may be one that sends it back. It is a ROPEWAY_EVENT_MESSAGE, a ROPEWAY_EVENT_PONG or
/// ROPEWAY_EVENT_CLOSED, which every further call gives again. Messages come whole: ROPEWAY_OPTION_STREAMING is not
/// for this layer. Keep-alive pings are sent, and pings answered, while a call waits.
///
/// ROPEWAY_NONE when nothing came in time: nothing is lost, call again. Errors: ROPEWAY_ERROR_NULL,
/// ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_FORKED, ROPEWAY_ERROR_IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_receive(
    client: *mut ropeway_client,
    timeout: i64,
    event: *mut *const ropeway_event,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living client or NULL.
        let this = unsafe { guard::object(client, "client") }?;
        let (timeout, out) = (guard::wait(timeout)?, Out::new(event, "event")?);
        this.client.with(|client| {
            let Some(received) = client.receive(timeout)? else {
                return Ok(ROPEWAY_NONE);
            };
            // SAFETY: no other call is inside the client, and the loan of the last event is over.
            let lent = unsafe { &mut *this.lent.get() };
            lent.begin(0, 0, 0);
            match received {
                Received::Message { kind, payload } => lent.message(kind, payload),
                Received::Pong { payload } => lent.pong(payload, None),
                Received::Closed(closed) => lent.closed(closed),
            }
            // SAFETY: the header asks for room for a pointer.
            unsafe { out.set(lent.lend()) };
            Ok(ROPEWAY_OK)
        })
    })
}

/// Closes the connection, with the codes and reasons of ropeway_engine_close, and waits for its end, at most
/// ROPEWAY_OPTION_CLOSE_TIMEOUT. Messages that still come are dropped. How it ended is written to `*event`, a
/// ROPEWAY_EVENT_CLOSED, unless that is NULL; it is lent until the next call on the client.
///
/// When the connection has ended already, that end is told. Errors: ROPEWAY_ERROR_NULL,
/// ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_INVALID_CLOSE_CODE, ROPEWAY_ERROR_CONTROL_TOO_LONG,
/// ROPEWAY_ERROR_INVALID_UTF8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_close(
    client: *mut ropeway_client,
    code: i32,
    reason: *const c_char,
    event: *mut *const ropeway_event,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living client or NULL.
        let this = unsafe { guard::object(client, "client") }?;
        let code = guard::close_code(code)?;
        // SAFETY: the header asks for a NUL-terminated string or NULL.
        let reason = unsafe { guard::optional_text(reason, "reason") }?.unwrap_or_default();
        this.client.with(|client| {
            let closed = client.close(code, reason)?;
            // SAFETY: no other call is inside the client, and the loan of the last event is over.
            let lent = unsafe { &mut *this.lent.get() };
            lent.begin(0, 0, 0).closed(closed);
            // SAFETY: the header asks for room for a pointer, or NULL.
            unsafe { guard::set_optional(event, lent.lend()) };
            Ok(ROPEWAY_OK)
        })
    })
}

/// How the connection opened: a ROPEWAY_EVENT_OPENED, with the subprotocol and the server's response, is written to
/// `*event`, lent as by ropeway_client_receive.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_opened(
    client: *mut ropeway_client,
    event: *mut *const ropeway_event,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living client or NULL.
        let this = unsafe { guard::object(client, "client") }?;
        let out = Out::new(event, "event")?;
        this.client.with(|client| {
            // SAFETY: no other call is inside the client, and the loan of the last event is over.
            let lent = unsafe { &mut *this.lent.get() };
            lent.begin(0, 0, 0).opened(client.opened());
            // SAFETY: the header asks for room for a pointer.
            unsafe { out.set(lent.lend()) };
            Ok(ROPEWAY_OK)
        })
    })
}
