//! Redirects and reconnecting: their options by key, and what an application may do between two attempts.

use std::time::Duration;

use ropeway_core::engine::{ConnectionId, Reconnect};

use crate::engine::{self, ropeway_engine};
use crate::error::Failure;
use crate::event::ropeway_connection;
use crate::guard;
use crate::options::{self, Settings, number, ropeway_options};
use crate::status::ropeway_status;

/// Client: redirects that are followed (HTTP status 301, 302, 303, 307 or 308, with a Location), all within one
/// ROPEWAY_OPTION_OPEN_TIMEOUT; the engine tells each by ROPEWAY_EVENT_REDIRECT. None leads from wss to ws
/// (ROPEWAY_ERROR_INSECURE_REDIRECT). One that leads to another origin (scheme, host or port; from ws to wss on one
/// host's ports 80 and 443 is none) takes no secrets along: user and password of the URL, and the header fields
/// Authorization, Cookie, Proxy-Authorization and Host, are left out from there on. Default 0: a redirecting answer
/// ends the connection by ROPEWAY_ERROR_HTTP_STATUS.
pub const ROPEWAY_OPTION_MAX_REDIRECTS: i32 = 1100;
/// ropeway_engine_connect: whether the connection is made again when it could not be made, or is lost. 0: no. 1: yes,
/// unless that was final by the rule: errors of the network, time-outs, HTTP statuses 408, 425, 429 and 5xx of
/// the server or a proxy, and the peer's close codes 1001 and 1011 to 1014 are not final, everything else is. 2: after every end, for the application to
/// decide. Default 0. The other layers do not look at it.
///
/// The connection keeps its number, user data and subscriptions all the while. Each end that is not final is
/// ROPEWAY_EVENT_RECONNECTING; ROPEWAY_EVENT_OPENED comes each time it is open again; ROPEWAY_EVENT_CLOSED comes once, at
/// the end. Between two attempts ropeway_engine_close and ropeway_engine_abort make it the end,
/// ropeway_engine_set_connection_headers gives the next attempt a fresh token, and ropeway_engine_reconnect_now ends the
/// wait. Each attempt begins with the URL of ropeway_engine_connect, and has a ROPEWAY_OPTION_OPEN_TIMEOUT of its own.
pub const ROPEWAY_OPTION_RECONNECT: i32 = 1101;
/// The wait before an attempt is a random part of a ceiling (full jitter): this for the first attempt, in milliseconds.
/// A server's Retry-After, in seconds, with status 429 or 503 is added. Default 1,000.
pub const ROPEWAY_OPTION_RECONNECT_BASE: i32 = 1102;
/// The most that a wait before an attempt lasts, in milliseconds. Default 60,000.
pub const ROPEWAY_OPTION_RECONNECT_CAP: i32 = 1103;
/// What the ceiling grows to with each further attempt, in percent; below 100 counts as 100. Default 200.
pub const ROPEWAY_OPTION_RECONNECT_FACTOR: i32 = 1104;
/// A connection that was open for so many milliseconds begins anew with its base and its count of attempts. Default
/// 10,000.
pub const ROPEWAY_OPTION_RECONNECT_STABLE_AFTER: i32 = 1105;
/// Attempts after the connection was last stable, the first one not counted; when they are used up, the last end is
/// final. Default 0: without end.
pub const ROPEWAY_OPTION_RECONNECT_MAX_ATTEMPTS: i32 = 1106;
/// Bytes of messages that are taken (ROPEWAY_QUEUED) while a reconnecting connection is not open, each counting 14 more
/// than its payload; past it a send is ROPEWAY_ERROR_HELD_FULL. They are sent once, in their order, before anything that
/// is sent after the next ROPEWAY_EVENT_OPENED, and ROPEWAY_EVENT_WRITABLE follows; at the final end those that wait are
/// dropped. A message that was taken while the connection was open is never sent a second time: when the connection is
/// lost, it may have arrived or not. At most ROPEWAY_OPTION_SEND_QUEUE_LIMIT counts. Default 0: such a send is
/// ROPEWAY_ERROR_NOT_OPEN or ROPEWAY_ERROR_CLOSED.
pub const ROPEWAY_OPTION_RESEND_LIMIT: i32 = 1107;
/// For tests: a number that makes the waits the same in every run. Default -1: from the system's random numbers.
pub const ROPEWAY_OPTION_RECONNECT_SEED: i32 = 1108;

/// Whether and how connections are made again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Supervised {
    on: bool,
    policy: Reconnect,
}

impl Supervised {
    /// `None` when they are not.
    pub(crate) fn policy(&self) -> Option<Reconnect> {
        self.on.then_some(self.policy)
    }
}

/// An option's number; `None` when the key is no option of this file.
pub(crate) fn int(settings: &Settings, key: i32) -> Option<i64> {
    let Supervised { on, policy } = &settings.supervised;
    let number = match key {
        ROPEWAY_OPTION_MAX_REDIRECTS => settings.transport.max_redirects.into(),
        ROPEWAY_OPTION_RECONNECT => u64::from(*on) + u64::from(*on && policy.every_end),
        ROPEWAY_OPTION_RECONNECT_BASE => options::milliseconds(policy.base),
        ROPEWAY_OPTION_RECONNECT_CAP => options::milliseconds(policy.cap),
        ROPEWAY_OPTION_RECONNECT_FACTOR => policy.factor_percent.into(),
        ROPEWAY_OPTION_RECONNECT_STABLE_AFTER => options::milliseconds(policy.stable_after),
        ROPEWAY_OPTION_RECONNECT_MAX_ATTEMPTS => policy.max_attempts.into(),
        ROPEWAY_OPTION_RESEND_LIMIT => policy.resend_limit,
        ROPEWAY_OPTION_RECONNECT_SEED => match policy.seed {
            Some(seed) => seed,
            None => return Some(-1),
        },
        _ => return None,
    };
    Some(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Sets an option; `false` when the key is no option of this file.
pub(crate) fn set_int(settings: &mut Settings, key: i32, value: i64) -> Result<bool, Failure> {
    let Supervised { on, policy } = &mut settings.supervised;
    let duration = |option| number(option, value).map(Duration::from_millis);
    match key {
        ROPEWAY_OPTION_MAX_REDIRECTS => {
            settings.transport.max_redirects = number("max_redirects", value)?;
        }
        ROPEWAY_OPTION_RECONNECT => {
            if !(0..=2).contains(&value) {
                let option = "reconnect";
                return Err(Failure::OptionValue { option, value });
            }
            (*on, policy.every_end) = (value > 0, value == 2);
        }
        ROPEWAY_OPTION_RECONNECT_BASE => policy.base = duration("reconnect_base")?,
        ROPEWAY_OPTION_RECONNECT_CAP => policy.cap = duration("reconnect_cap")?,
        ROPEWAY_OPTION_RECONNECT_FACTOR => {
            policy.factor_percent = number("reconnect_factor", value)?;
        }
        ROPEWAY_OPTION_RECONNECT_STABLE_AFTER => {
            policy.stable_after = duration("reconnect_stable_after")?;
        }
        ROPEWAY_OPTION_RECONNECT_MAX_ATTEMPTS => {
            policy.max_attempts = number("reconnect_max_attempts", value)?;
        }
        ROPEWAY_OPTION_RESEND_LIMIT => policy.resend_limit = number("resend_limit", value)?,
        ROPEWAY_OPTION_RECONNECT_SEED => {
            policy.seed = match value {
                -1 => None,
                _ => Some(number("reconnect_seed", value)?),
            };
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Gives the requests that a connection has still to send the header fields of `options`, none for NULL, in place of
/// those it was dialled with; nothing else of them counts. All is copied. They are for the present attempt, if its
/// request has not gone out (after ROPEWAY_EVENT_REDIRECT it has not), and for all later ones. Nothing is stripped of
/// them then; it is after a further redirect to another origin.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED; ROPEWAY_ERROR_INVALID_HEADER; ROPEWAY_ERROR_MISUSE for a connection
/// that was dialled without ROPEWAY_OPTION_RECONNECT and waits for no redirect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_set_connection_headers(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
    options: *const ropeway_options,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine and set or NULL.
    unsafe {
        engine::with(engine, |connections| {
            let headers = options::headers(options)?;
            guard::done(connections.set_headers(ConnectionId::from_bits(connection), headers))
        })
    }
}

/// Ends the wait that ROPEWAY_EVENT_RECONNECTING told of: the next attempt begins at once. Does nothing for a connection
/// that is not in such a wait.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_reconnect_now(
    engine: *mut ropeway_engine,
    connection: ropeway_connection,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL.
    unsafe {
        engine::with(engine, |connections| {
            guard::done(connections.reconnect_now(ConnectionId::from_bits(connection)))
        })
    }
}
