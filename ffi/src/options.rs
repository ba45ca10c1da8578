//! Settings by key, so that a new setting adds a number and no symbol.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use ropeway_core::engine::{ConnectOptions, EngineOptions, ListenOptions};
use ropeway_core::handshake::{Headers, validate_subprotocols};
use ropeway_core::protocol::Options;

use crate::error::Failure;
use crate::guard::{self, Out, Owned};
use crate::proxy::Proxy;
use crate::reconnect::{self, Supervised};
use crate::socket;
use crate::status::{ROPEWAY_OK, ropeway_status};
use crate::tls::Tls;
use crate::{access, compression, metrics};

/// Bytes of one received message, all fragments together. Passing it closes with 1009. Not applied with
/// ROPEWAY_OPTION_STREAMING. Default 16 MiB.
pub const ROPEWAY_OPTION_MAX_MESSAGE_SIZE: i32 = 100;
/// Frames of one received message. Passing it closes with 1009. Not applied with ROPEWAY_OPTION_STREAMING.
/// Default 65,536.
pub const ROPEWAY_OPTION_MAX_FRAGMENTS: i32 = 101;
/// Bytes of the peer's handshake head. Default 16 KiB.
pub const ROPEWAY_OPTION_MAX_HEAD_SIZE: i32 = 102;
/// Header fields of the peer's handshake head. Default 100.
pub const ROPEWAY_OPTION_MAX_HEADERS: i32 = 103;
/// Client: bytes of a refusing response's body that are kept. Default 64 KiB.
pub const ROPEWAY_OPTION_MAX_REFUSED_BODY: i32 = 104;

/// Name resolution, connecting, what a proxy takes and opening handshake together, in milliseconds; 0 turns it off.
/// Default 10,000.
pub const ROPEWAY_OPTION_OPEN_TIMEOUT: i32 = 200;
/// Closing handshake up to the end of the stream, in milliseconds; 0 turns it off. Default 10,000.
pub const ROPEWAY_OPTION_CLOSE_TIMEOUT: i32 = 201;
/// Silence of the peer after which a ping is sent, in milliseconds; 0 turns it off. Default 20,000.
pub const ROPEWAY_OPTION_PING_INTERVAL: i32 = 202;
/// Wait after that ping for any byte of the peer before the connection is failed, in milliseconds; 0 turns it off.
/// Default 20,000.
pub const ROPEWAY_OPTION_PONG_TIMEOUT: i32 = 203;
/// Wait for a data message of the peer before the connection is closed with 1001, in milliseconds. Default 0: for
/// ever.
pub const ROPEWAY_OPTION_IDLE_TIMEOUT: i32 = 204;

/// Low-water mark of a connection's send queue, in bytes: falling below it gives ROPEWAY_EVENT_WRITABLE.
/// Default 256 KiB.
pub const ROPEWAY_OPTION_SEND_QUEUE_LOW: i32 = 300;
/// High-water mark, in bytes: above it a send is answered by ROPEWAY_QUEUED. Default 1 MiB.
pub const ROPEWAY_OPTION_SEND_QUEUE_HIGH: i32 = 301;
/// Bytes that a connection's send queue may hold: a message that would pass it is refused whole by
/// ROPEWAY_ERROR_FULL. Default 64 MiB.
pub const ROPEWAY_OPTION_SEND_QUEUE_LIMIT: i32 = 302;

/// 1: received messages come in pieces (ROPEWAY_EVENT_FRAGMENT) as the bytes come, in constant memory. Default 0:
/// whole.
pub const ROPEWAY_OPTION_STREAMING: i32 = 400;
/// Server, 1: each upgrade is the application's to accept or refuse (ROPEWAY_EVENT_UPGRADE_REQUEST). Default 0:
/// accepted.
pub const ROPEWAY_OPTION_ASK_UPGRADE: i32 = 401;
/// Server, 1: plain HTTP requests are the application's to answer (ROPEWAY_EVENT_HTTP_REQUEST). Default 0: they get
/// 426.
pub const ROPEWAY_OPTION_PLAIN_HTTP: i32 = 402;
/// 1: a subscriber that is above its high-water mark when a message is published is closed. Default 0: the message is
/// left out for it.
pub const ROPEWAY_OPTION_CLOSE_SLOW_SUBSCRIBERS: i32 = 403;

/// A string, set once for each subprotocol, best first: a client's offers, a server's supported ones (RFC 6455
/// section 1.9). Default none.
pub const ROPEWAY_OPTION_SUBPROTOCOL: i32 = 500;
/// A string: a client's Origin field (RFC 6455 section 10.2). Default none.
pub const ROPEWAY_OPTION_ORIGIN: i32 = 501;

/// Engine: connections at one time; one accepted beyond is answered 503. Default 1,000,000, at most 1,048,576.
pub const ROPEWAY_OPTION_MAX_CONNECTIONS: i32 = 600;
/// Engine: bytes that incomplete messages of all connections may hold together; the one that would pass it is closed
/// with 1013. Default 512 MiB.
pub const ROPEWAY_OPTION_MAX_INCOMPLETE_BYTES: i32 = 601;
/// Engine: bytes that may wait for it from its remotes. Default 64 MiB.
pub const ROPEWAY_OPTION_REMOTE_QUEUE_LIMIT: i32 = 602;

/// Listener: connections that the kernel holds until they are accepted. Default 1,024.
pub const ROPEWAY_OPTION_BACKLOG: i32 = 700;
/// Listener, 1: several engines, each with this option, may listen on one port and share its connections
/// (SO_REUSEPORT). Default 0.
pub const ROPEWAY_OPTION_REUSE_PORT: i32 = 701;
/// Listener on an IPv6 address, 0: IPv4 connections are taken too. Default 1.
pub const ROPEWAY_OPTION_IPV6_ONLY: i32 = 702;
/// Listener on a Unix socket: the permissions of its file, such as 0660; connecting takes the right to write. -1 leaves
/// them to the process's umask. Default -1.
pub const ROPEWAY_OPTION_UNIX_MODE: i32 = 703;

/// Settings of an engine, a listener, a connection. One set may serve for all: each call reads what concerns it and
/// copies it, so the set can be changed or freed right after.
///
/// Used by one thread at a time.
#[derive(Debug)]
pub struct ropeway_options(pub(crate) Owned<Settings>);

/// What the set holds. The connections' part is shared with the connections made from it until it changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) connection: Arc<Options>,
    pub(crate) engine: EngineOptions,
    pub(crate) listener: ListenOptions,
    /// Without proxy and TLS, which is built when it is needed.
    pub(crate) transport: ConnectOptions,
    pub(crate) proxy: Proxy,
    pub(crate) supervised: Supervised,
    pub(crate) tls: Tls,
}

/// A copy of what `options` holds; the defaults for NULL.
///
/// # Safety
/// `options` is NULL or a living set.
pub(crate) unsafe fn settings(options: *const ropeway_options) -> Result<Settings, Failure> {
    // SAFETY: the caller's promise.
    match unsafe { guard::optional(options) } {
        Some(options) => options.0.with(|settings| Ok(settings.clone())),
        None => Ok(Settings::default()),
    }
}

/// A copy of the header fields that `options` holds; none for NULL.
///
/// # Safety
/// As for [`settings`].
pub(crate) unsafe fn headers(options: *const ropeway_options) -> Result<Headers, Failure> {
    // SAFETY: the caller's promise.
    match unsafe { guard::optional(options) } {
        Some(options) => options
            .0
            .with(|settings| Ok(settings.connection.headers.clone())),
        None => Ok(Headers::new()),
    }
}

impl Settings {
    /// How a connection to `url` is made.
    pub(crate) fn connect(&self, url: &str) -> Result<ConnectOptions, Failure> {
        let mut connect = ConnectOptions {
            tls: self.tls.connect(url, self.transport.max_redirects > 0)?,
            ..self.transport.clone()
        };
        self.proxy.apply(&mut connect)?;
        Ok(connect)
    }

    fn int(&self, key: i32) -> Result<i64, Failure> {
        let options = &self.connection;
        if let Some(number) = compression::int(&options.compression, key) {
            return Ok(number);
        }
        let number = (self.proxy.int(key))
            .or_else(|| socket::int(self, key))
            .or_else(|| reconnect::int(self, key))
            .or_else(|| metrics::int(self, key));
        if let Some(number) = number {
            return Ok(number);
        }
        let number = match key {
            ROPEWAY_OPTION_MAX_MESSAGE_SIZE => options.max_message_size,
            ROPEWAY_OPTION_MAX_FRAGMENTS => options.max_fragments.into(),
            ROPEWAY_OPTION_MAX_HEAD_SIZE => options.head_limits.bytes as u64,
            ROPEWAY_OPTION_MAX_HEADERS => options.head_limits.headers as u64,
            ROPEWAY_OPTION_MAX_REFUSED_BODY => options.max_refused_body as u64,
            ROPEWAY_OPTION_OPEN_TIMEOUT => milliseconds(options.open_timeout),
            ROPEWAY_OPTION_CLOSE_TIMEOUT => milliseconds(options.close_timeout),
            ROPEWAY_OPTION_PING_INTERVAL => milliseconds(options.ping_interval),
            ROPEWAY_OPTION_PONG_TIMEOUT => milliseconds(options.pong_timeout),
            ROPEWAY_OPTION_IDLE_TIMEOUT => milliseconds(options.idle_timeout),
            ROPEWAY_OPTION_SEND_QUEUE_LOW => options.send_queue_low,
            ROPEWAY_OPTION_SEND_QUEUE_HIGH => options.send_queue_high,
            ROPEWAY_OPTION_SEND_QUEUE_LIMIT => options.send_queue_limit,
            ROPEWAY_OPTION_STREAMING => options.streaming.into(),
            ROPEWAY_OPTION_ASK_UPGRADE => options.ask_upgrade.into(),
            ROPEWAY_OPTION_PLAIN_HTTP => options.plain_http.into(),
            ROPEWAY_OPTION_CLOSE_SLOW_SUBSCRIBERS => options.close_slow_subscribers.into(),
            ROPEWAY_OPTION_MAX_CONNECTIONS => self.engine.max_connections.into(),
            ROPEWAY_OPTION_MAX_INCOMPLETE_BYTES => self.engine.max_incomplete_bytes,
            ROPEWAY_OPTION_REMOTE_QUEUE_LIMIT => self.engine.remote_queue_limit,
            ROPEWAY_OPTION_BACKLOG => self.listener.backlog.into(),
            ROPEWAY_OPTION_REUSE_PORT => self.listener.reuse_port.into(),
            ROPEWAY_OPTION_IPV6_ONLY => self.listener.ipv6_only.into(),
            ROPEWAY_OPTION_UNIX_MODE => {
                return Ok(self.listener.unix_mode.map_or(-1, i64::from));
            }
            ROPEWAY_OPTION_SUBPROTOCOL | ROPEWAY_OPTION_ORIGIN => {
                return Err(Failure::OptionType("a string"));
            }
            key if is_string(key) => {
                return Err(Failure::OptionType("a string"));
            }
            key => match self.tls.switch(key) {
                Some(on) => on.into(),
                None => return Err(Failure::UnknownOption(key)),
            },
        };
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn set_int(&mut self, key: i32, value: i64) -> Result<(), Failure> {
        if socket::set_int(self, key, value)?
            || reconnect::set_int(self, key, value)?
            || metrics::set_int(self, key, value)?
        {
            return Ok(());
        }
        let options = Arc::make_mut(&mut self.connection);
        if compression::set_int(&mut options.compression, key, value)?
            || self.proxy.set_int(key, value)?
        {
            return Ok(());
        }
        match key {
            ROPEWAY_OPTION_MAX_MESSAGE_SIZE => {
                options.max_message_size = number("max_message_size", value)?
            }
            ROPEWAY_OPTION_MAX_FRAGMENTS => options.max_fragments = number("max_fragments", value)?,
            ROPEWAY_OPTION_MAX_HEAD_SIZE => {
                options.head_limits.bytes = number("max_head_size", value)?
            }
            ROPEWAY_OPTION_MAX_HEADERS => {
                options.head_limits.headers = number("max_headers", value)?
            }
            ROPEWAY_OPTION_MAX_REFUSED_BODY => {
                options.max_refused_body = number("max_refused_body", value)?
            }
            ROPEWAY_OPTION_OPEN_TIMEOUT => options.open_timeout = duration("open_timeout", value)?,
            ROPEWAY_OPTION_CLOSE_TIMEOUT => {
                options.close_timeout = duration("close_timeout", value)?
            }
            ROPEWAY_OPTION_PING_INTERVAL => {
                options.ping_interval = duration("ping_interval", value)?
            }
            ROPEWAY_OPTION_PONG_TIMEOUT => options.pong_timeout = duration("pong_timeout", value)?,
            ROPEWAY_OPTION_IDLE_TIMEOUT => options.idle_timeout = duration("idle_timeout", value)?,
            ROPEWAY_OPTION_SEND_QUEUE_LOW => {
                options.send_queue_low = number("send_queue_low", value)?
            }
            ROPEWAY_OPTION_SEND_QUEUE_HIGH => {
                options.send_queue_high = number("send_queue_high", value)?
            }
            ROPEWAY_OPTION_SEND_QUEUE_LIMIT => {
                options.send_queue_limit = number("send_queue_limit", value)?
            }
            ROPEWAY_OPTION_STREAMING => options.streaming = switch("streaming", value)?,
            ROPEWAY_OPTION_ASK_UPGRADE => options.ask_upgrade = switch("ask_upgrade", value)?,
            ROPEWAY_OPTION_PLAIN_HTTP => options.plain_http = switch("plain_http", value)?,
            ROPEWAY_OPTION_CLOSE_SLOW_SUBSCRIBERS => {
                options.close_slow_subscribers = switch("close_slow_subscribers", value)?;
            }
            ROPEWAY_OPTION_MAX_CONNECTIONS => {
                self.engine.max_connections = number("max_connections", value)?
            }
            ROPEWAY_OPTION_MAX_INCOMPLETE_BYTES => {
                self.engine.max_incomplete_bytes = number("max_incomplete_bytes", value)?;
            }
            ROPEWAY_OPTION_REMOTE_QUEUE_LIMIT => {
                self.engine.remote_queue_limit = number("remote_queue_limit", value)?
            }
            ROPEWAY_OPTION_BACKLOG => self.listener.backlog = number("backlog", value)?,
            ROPEWAY_OPTION_REUSE_PORT => self.listener.reuse_port = switch("reuse_port", value)?,
            ROPEWAY_OPTION_IPV6_ONLY => self.listener.ipv6_only = switch("ipv6_only", value)?,
            ROPEWAY_OPTION_UNIX_MODE => {
                self.listener.unix_mode = match value {
                    -1 => None,
                    0..=0o7777 => Some(number("unix_mode", value)?),
                    _ => {
                        return Err(Failure::OptionValue {
                            option: "unix_mode",
                            value,
                        });
                    }
                };
            }
            ROPEWAY_OPTION_SUBPROTOCOL | ROPEWAY_OPTION_ORIGIN => {
                return Err(Failure::OptionType("a string"));
            }
            key if is_string(key) => {
                return Err(Failure::OptionType("a string"));
            }
            key => match self.tls.switch(key) {
                Some(_) => self.tls.set_switch(key, switch("the switch", value)?),
                None => return Err(Failure::UnknownOption(key)),
            },
        }
        Ok(())
    }

    fn set_string(&mut self, key: i32, value: &str) -> Result<(), Failure> {
        let options = Arc::make_mut(&mut self.connection);
        match key {
            ROPEWAY_OPTION_SUBPROTOCOL => {
                options.subprotocols.push(value.to_owned());
                if let Err(error) = validate_subprotocols(&options.subprotocols) {
                    options.subprotocols.pop();
                    return Err(error.into());
                }
            }
            ROPEWAY_OPTION_ORIGIN => {
                Headers::new().push("Origin", value)?;
                options.origin = Some(value.to_owned());
            }
            key if Tls::is_string(key) => self.tls.set_string(key, value)?,
            key if Proxy::is_string(key) => self.proxy.set_string(key, value)?,
            key if socket::is_string(key) => socket::set_string(self, key, value)?,
            key if access::is_string(key) => access::set_string(self, key, value)?,
            key => {
                self.int(key)?;
                return Err(Failure::OptionType("a number"));
            }
        }
        Ok(())
    }
}

/// Whether `key` names a string of another file.
fn is_string(key: i32) -> bool {
    Tls::is_string(key) || Proxy::is_string(key) || socket::is_string(key) || access::is_string(key)
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn duration(option: &'static str, value: i64) -> Result<Duration, Failure> {
    number(option, value).map(Duration::from_millis)
}

pub(crate) fn number<T: TryFrom<i64>>(option: &'static str, value: i64) -> Result<T, Failure> {
    T::try_from(value).map_err(|_| Failure::OptionValue { option, value })
}

pub(crate) fn switch(option: &'static str, value: i64) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Failure::OptionValue { option, value }),
    }
}

/// Makes a set that holds the defaults. The caller owns it and frees it by ropeway_options_free. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ropeway_options_new() -> *mut ropeway_options {
    guard::value(std::ptr::null_mut(), || {
        Ok(guard::give(ropeway_options(
            Owned::new(Settings::default()),
        )))
    })
}

/// Makes a copy of a set, which the caller owns; a trace is shared with the original. NULL, with
/// ropeway_last_error, when `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_options_clone(
    options: *const ropeway_options,
) -> *mut ropeway_options {
    guard::value(std::ptr::null_mut(), || {
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { guard::object(options, "options") }?;
        let settings = options.0.with(|settings| Ok(settings.clone()))?;
        Ok(guard::give(ropeway_options(Owned::new(settings))))
    })
}

/// Frees a set. What was made from it lives on. NULL is let pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_options_free(options: *mut ropeway_options) {
    // SAFETY: the header asks for a living set or NULL.
    unsafe { guard::free(options) };
}

/// Sets a number: a size in bytes, a time in milliseconds, a count, or a switch (0 or 1), as the comment of `key`
/// (ROPEWAY_OPTION_...) says.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_UNKNOWN_OPTION, ROPEWAY_ERROR_OPTION_TYPE for a key that takes a
/// string, ROPEWAY_ERROR_OPTION_VALUE for a number that it does not take.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_options_set_int(
    options: *mut ropeway_options,
    key: i32,
    value: i64,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { guard::object(options, "options") }?;
        guard::done(options.0.with(|settings| settings.set_int(key, value)))
    })
}

/// Writes the number that `key` has now, a default for instance, to `*value`.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_UNKNOWN_OPTION, ROPEWAY_ERROR_OPTION_TYPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_options_get_int(
    options: *const ropeway_options,
    key: i32,
    value: *mut i64,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { guard::object(options, "options") }?;
        let out = Out::new(value, "value")?;
        let number = options.0.with(|settings| settings.int(key))?;
        // SAFETY: the header asks for room for an int64_t.
        unsafe { out.set(number) };
        Ok(ROPEWAY_OK)
    })
}

/// Sets a string, which is copied. What can be set several times, as ROPEWAY_OPTION_SUBPROTOCOL, adds one to the list;
/// others replace what was there. A certificate or key is read where the set is used.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_UNKNOWN_OPTION, ROPEWAY_ERROR_OPTION_TYPE for a key that takes a
/// number, ROPEWAY_ERROR_INVALID_UTF8, ROPEWAY_ERROR_INVALID_SUBPROTOCOL, ROPEWAY_ERROR_INVALID_HEADER for an origin
/// with a control character or credentials that cannot be sent, ROPEWAY_ERROR_INVALID_ORIGIN for a pattern of origins,
/// ROPEWAY_ERROR_INVALID_ARGUMENT for a key without a certificate or a string that is no address, ROPEWAY_ERROR_PROXY_URL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_options_set_string(
    options: *mut ropeway_options,
    key: i32,
    value: *const c_char,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { guard::object(options, "options") }?;
        // SAFETY: the header asks for a NUL-terminated string or NULL.
        let value = unsafe { guard::text(value, "value") }?;
        guard::done(options.0.with(|settings| settings.set_string(key, value)))
    })
}

/// Adds a header field to the request (client), or to the response that accepts or refuses (server). Both strings are
/// copied. A name that is there already is sent again, not replaced.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_UTF8; ROPEWAY_ERROR_INVALID_HEADER when the name is no token or
/// the value holds CR, LF or another control character. A name that Ropeway writes by itself, such as Upgrade, is
/// refused where the set is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_options_add_header(
    options: *mut ropeway_options,
    name: *const c_char,
    value: *const c_char,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { guard::object(options, "options") }?;
        // SAFETY: the header asks for NUL-terminated strings or NULL.
        let (name, value) = unsafe { (guard::text(name, "name")?, guard::text(value, "value")?) };
        let pushed = options.0.with(|settings| {
            Ok(Arc::make_mut(&mut settings.connection)
                .headers
                .push(name, value)?)
        });
        guard::done(pushed)
    })
}
