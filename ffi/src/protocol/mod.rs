//! The sans-I/O layer: one connection without a socket, a clock or a thread.

pub mod send;

use std::cell::UnsafeCell;
use std::ffi::{c_char, c_void};

use ropeway_core::handshake::WebSocketUrl;
use ropeway_core::protocol::{Input, Output, Protocol, Shutdown, Time};
use ropeway_core::{Error, IoError, Role};

use crate::error::Failure;
use crate::event::{Lent, ropeway_event};
use crate::guard::{self, Out, Outcome, Owned};
use crate::options::{self, ropeway_options};
use crate::status::{ROPEWAY_NONE, ROPEWAY_OK, ropeway_status};
use crate::trace::{ROPEWAY_CLIENT, ROPEWAY_SERVER};

/// One WebSocket connection over a transport of the caller's. Bytes that came are passed to
/// ropeway_protocol_receive, events taken from ropeway_protocol_next_event, and after every call the bytes of
/// ropeway_protocol_output sent, ropeway_protocol_shutdown obeyed and ropeway_protocol_next_deadline kept.
///
/// Used by one thread at a time. `now`, where it is asked for, is the caller's monotonic clock in microseconds, 1 or
/// later.
#[derive(Debug)]
pub struct ropeway_protocol {
    connection: Owned<Connection>,
    /// Apart from the connection, so that C may look at it while it calls.
    lent: UnsafeCell<Lent>,
}

#[derive(Debug)]
struct Connection {
    protocol: Protocol,
    input: Input,
    output: Output,
}

/// Go on reading and writing.
pub const ROPEWAY_SHUTDOWN_NO: i32 = 0;
/// Once the output is sent: read on and pass it along until the stream ends or the next deadline, then close.
pub const ROPEWAY_SHUTDOWN_AWAIT_END: i32 = 1;
/// Once the output is sent: end the sending direction (shutdown with SHUT_WR), then as ROPEWAY_SHUTDOWN_AWAIT_END.
pub const ROPEWAY_SHUTDOWN_HALF_CLOSE: i32 = 2;
/// Once the output is sent: close the transport.
pub const ROPEWAY_SHUTDOWN_CLOSE: i32 = 3;
/// Close the transport at once: it is of no use any more, or there has been time enough.
pub const ROPEWAY_SHUTDOWN_DROP: i32 = 4;

/// Runs `body` on the connection.
///
/// # Safety
/// `protocol` is NULL or a living protocol that no other thread uses.
#[inline]
unsafe fn with(
    protocol: *const ropeway_protocol,
    body: impl FnOnce(&mut Connection) -> Outcome,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the caller's promise.
        unsafe { guard::object(protocol, "protocol") }?
            .connection
            .with(body)
    })
}

fn time(now: u64) -> Result<Time, Failure> {
    if now == 0 {
        return Err(Failure::Argument("the clock starts at 1"));
    }
    Ok(Time::from_micros(now))
}

fn give(protocol: Protocol, output: Output) -> *mut ropeway_protocol {
    let connection = Connection {
        protocol,
        input: Input::new(),
        output,
    };
    guard::give(ropeway_protocol {
        connection: Owned::new(connection),
        lent: UnsafeCell::new(Lent::new()),
    })
}

/// Makes the client's side of a connection that has just been made to the host of `url`, and writes it to `*protocol`;
/// its request is the first output. `options`, NULL for the defaults, are copied. The caller owns it and frees it by
/// ropeway_protocol_free. Whether the transport is TLS for wss is the caller's care.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_INVALID_URL,
/// ROPEWAY_ERROR_INVALID_HEADER, ROPEWAY_ERROR_RANDOM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_client(
    url: *const c_char,
    options: *const ropeway_options,
    now: u64,
    protocol: *mut *mut ropeway_protocol,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a NUL-terminated string or NULL.
        let url = WebSocketUrl::parse(unsafe { guard::text(url, "url") }?)?;
        let (now, out) = (time(now)?, Out::new(protocol, "protocol")?);
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { options::settings(options) }?.connection;
        let mut output = Output::new();
        let protocol = Protocol::client(&url, options, &mut output, now)?;
        // SAFETY: the header asks for room for a pointer.
        unsafe { out.set(give(protocol, output)) };
        Ok(ROPEWAY_OK)
    })
}

/// Makes the server's side of a connection that a client has just made, and writes it to `*protocol`. `options`, NULL
/// for the defaults, are copied. The caller owns it and frees it by ropeway_protocol_free.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_server(
    options: *const ropeway_options,
    now: u64,
    protocol: *mut *mut ropeway_protocol,
) -> ropeway_status {
    guard::run(|| {
        let (now, out) = (time(now)?, Out::new(protocol, "protocol")?);
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { options::settings(options) }?.connection;
        // SAFETY: the header asks for room for a pointer.
        unsafe { out.set(give(Protocol::server(options, now), Output::new())) };
        Ok(ROPEWAY_OK)
    })
}

/// Makes one side of a connection, `role` being ROPEWAY_CLIENT or ROPEWAY_SERVER, whose opening handshake was done
/// elsewhere: frames come next, and no ROPEWAY_EVENT_OPENED. Otherwise as ropeway_protocol_server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_open(
    role: i32,
    options: *const ropeway_options,
    now: u64,
    protocol: *mut *mut ropeway_protocol,
) -> ropeway_status {
    guard::run(|| {
        let role = match role {
            ROPEWAY_CLIENT => Role::Client,
            ROPEWAY_SERVER => Role::Server,
            _ => {
                return Err(Failure::Argument(
                    "a role is ROPEWAY_CLIENT or ROPEWAY_SERVER",
                ));
            }
        };
        let (now, out) = (time(now)?, Out::new(protocol, "protocol")?);
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { options::settings(options) }?.connection;
        // SAFETY: the header asks for room for a pointer.
        unsafe { out.set(give(Protocol::open(role, options, now), Output::new())) };
        Ok(ROPEWAY_OK)
    })
}

/// Frees a protocol, and with it its output and the event that is lent. NULL is let pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_free(protocol: *mut ropeway_protocol) {
    // SAFETY: the header asks for a living protocol or NULL.
    unsafe { guard::free(protocol) };
}

/// Passes on `length` bytes that came from the peer, which are copied; then take the events. Any division of the bytes
/// among calls gives the same events. Ends the loan of the last event.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_receive(
    protocol: *mut ropeway_protocol,
    data: *const c_void,
    length: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL, and `length` bytes at `data`.
    unsafe {
        with(protocol, |connection| {
            let bytes = guard::bytes(data, length, "data")?;
            connection.protocol.receive(&mut connection.input, bytes);
            Ok(ROPEWAY_OK)
        })
    }
}

/// The next event, lent until the next call of this function or of ropeway_protocol_receive on the protocol; NULL when
/// there is none: more bytes are needed. Also NULL, with ropeway_last_error, on a bad argument or after a defect.
/// Answers that the RFC demands (a pong, the other Close frame, a refusal) are put into the output on the way, so look
/// at that after it too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_next_event(
    protocol: *mut ropeway_protocol,
    now: u64,
) -> *const ropeway_event {
    guard::value(std::ptr::null(), || {
        // SAFETY: the header asks for a living protocol or NULL.
        let this = unsafe { guard::object(protocol, "protocol") }?;
        let now = time(now)?;
        this.connection.with(
            |Connection {
                 protocol,
                 input,
                 output,
             }| {
                let Some(event) = protocol.next_event(input, output, now) else {
                    return Ok(std::ptr::null());
                };
                // SAFETY: no other call is inside the protocol, and the loan of the last event is over.
                let lent = unsafe { &mut *this.lent.get() };
                lent.begin(0, 0, 0).protocol(&event);
                Ok(lent.lend())
            },
        )
    })
}

/// What is to be sent to the peer: `*length` bytes at `*data`, lent until the next call on the protocol other than
/// this; none when `*length` is 0. Say how many went by ropeway_protocol_consume.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_output(
    protocol: *const ropeway_protocol,
    data: *mut *const c_void,
    length: *mut usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL, and room for both results.
    unsafe {
        with(protocol, |connection| {
            let (data, length) = (Out::new(data, "data")?, Out::new(length, "length")?);
            let bytes = connection.output.bytes();
            data.set(bytes.as_ptr().cast());
            length.set(bytes.len());
            Ok(ROPEWAY_OK)
        })
    }
}

/// Says that the first `count` bytes of the output have been sent.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for more than there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_consume(
    protocol: *mut ropeway_protocol,
    count: usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL.
    unsafe {
        with(protocol, |connection| {
            if count > connection.output.bytes().len() {
                return Err(Failure::Argument("more was consumed than there is output"));
            }
            connection.output.consume(count);
            Ok(ROPEWAY_OK)
        })
    }
}

/// Says by 1 that the transport takes nothing at present, by 0 that it does again. In between, pings are answered at
/// most once, the newest, when the transport takes bytes again, however many come.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_RANDOM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_set_blocked(
    protocol: *mut ropeway_protocol,
    blocked: i32,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                output.set_blocked(blocked != 0);
                if blocked == 0 {
                    protocol.release_pong(output)?;
                }
                Ok(ROPEWAY_OK)
            },
        )
    }
}

/// Writes to `*deadline` when ropeway_protocol_on_deadline is to be called, on the clock of `now`.
///
/// ROPEWAY_NONE when there is no need to. Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_next_deadline(
    protocol: *const ropeway_protocol,
    deadline: *mut u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL, and room for a uint64_t.
    unsafe {
        with(protocol, |connection| {
            let out = Out::new(deadline, "deadline")?;
            let Some(deadline) = connection.protocol.next_deadline() else {
                return Ok(ROPEWAY_NONE);
            };
            out.set(deadline.as_micros());
            Ok(ROPEWAY_OK)
        })
    }
}

/// Does what the time calls for: a keep-alive ping, the end of a wait. Too early is harmless. Take the events after.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_on_deadline(
    protocol: *mut ropeway_protocol,
    now: u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                protocol.on_deadline(output, time(now)?);
                Ok(ROPEWAY_OK)
            },
        )
    }
}

/// Says that the peer has ended its direction of the stream. Take the events after.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_on_eof(
    protocol: *mut ropeway_protocol,
    now: u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL.
    unsafe {
        with(
            protocol,
            |Connection {
                 protocol, output, ..
             }| {
                protocol.on_eof(output, time(now)?);
                Ok(ROPEWAY_OK)
            },
        )
    }
}

/// Says that the transport has failed with the operating system's error `number` (errno). Take the events after.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_on_error(
    protocol: *mut ropeway_protocol,
    number: i32,
    now: u64,
) -> ropeway_status {
    // SAFETY: the header asks for a living protocol or NULL.
    unsafe {
        with(protocol, |connection| {
            let error = IoError::new("transport", &std::io::Error::from_raw_os_error(number));
            connection
                .protocol
                .on_transport_error(Error::Io(error), time(now)?);
            Ok(ROPEWAY_OK)
        })
    }
}

/// What to do with the transport once the output is sent: ROPEWAY_SHUTDOWN_...; ROPEWAY_SHUTDOWN_DROP, with
/// ropeway_last_error, when `protocol` is NULL or has failed by a defect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_protocol_shutdown(protocol: *const ropeway_protocol) -> i32 {
    guard::value(ROPEWAY_SHUTDOWN_DROP, || {
        // SAFETY: the header asks for a living protocol or NULL.
        let this = unsafe { guard::object(protocol, "protocol") }?;
        this.connection.with(|connection| {
            Ok(match connection.protocol.shutdown() {
                Shutdown::No => ROPEWAY_SHUTDOWN_NO,
                Shutdown::AwaitEnd => ROPEWAY_SHUTDOWN_AWAIT_END,
                Shutdown::HalfClose => ROPEWAY_SHUTDOWN_HALF_CLOSE,
                Shutdown::Close => ROPEWAY_SHUTDOWN_CLOSE,
                Shutdown::Drop => ROPEWAY_SHUTDOWN_DROP,
            })
        })
    })
}
