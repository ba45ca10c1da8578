//! Settings of sockets through option keys.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ropeway_core::engine::SocketOptions;

use crate::error::Failure;
use crate::options::{Settings, number, switch};

/// Listener: connections of one address at one time; those of an IPv6 network of 64 bits count together. One accepted
/// beyond is answered 503, in TLS closed, and counted as `refused_addresses`. Connections by Unix sockets are not
/// counted. Default 0: as many as come.
pub const ROPEWAY_OPTION_MAX_PER_ADDRESS: i32 = 705;

/// TCP, dialled and accepted, 1: what is sent leaves at once (TCP_NODELAY). Default 1.
pub const ROPEWAY_OPTION_TCP_NODELAY: i32 = 1050;
/// TCP, dialled and accepted: silence after which TCP asks whether the peer is there (SO_KEEPALIVE), in milliseconds,
/// rounded up to whole seconds. Default 0: never; ROPEWAY_OPTION_PING_INTERVAL does more.
pub const ROPEWAY_OPTION_TCP_KEEPALIVE: i32 = 1051;
/// TCP, dialled and accepted: the differentiated services code point of what is sent (RFC 2474), 0 to 63. Default -1:
/// the system's.
pub const ROPEWAY_OPTION_DSCP: i32 = 1052;
/// TCP, dialled and accepted: bytes the kernel holds of what is sent (SO_SNDBUF), within the system's bounds; Linux
/// doubles the number. Default 0: as the system finds right.
pub const ROPEWAY_OPTION_SEND_BUFFER: i32 = 1053;
/// TCP, dialled and accepted: bytes the kernel holds of what has come (SO_RCVBUF), likewise. Default 0.
pub const ROPEWAY_OPTION_RECEIVE_BUFFER: i32 = 1054;
/// A string, client: the address to connect from, one of this machine's, as `192.0.2.1` or, with a port,
/// `192.0.2.1:5000` and `[2001:db8::1]:5000`. Addresses of the other family then cannot be connected to. Default: the
/// system chooses.
pub const ROPEWAY_OPTION_LOCAL_ADDRESS: i32 = 1055;
/// A string, TCP, dialled and accepted: the only network interface to use, by its name (SO_BINDTODEVICE). Linux alone;
/// elsewhere the connection or listener fails. Default: any.
pub const ROPEWAY_OPTION_INTERFACE: i32 = 1056;

/// Whether `key` names a string.
pub(crate) const fn is_string(key: i32) -> bool {
    matches!(key, ROPEWAY_OPTION_LOCAL_ADDRESS | ROPEWAY_OPTION_INTERFACE)
}

/// An option's number; `None` when the key is no number of this file.
pub(crate) fn int(settings: &Settings, key: i32) -> Option<i64> {
    let socket = &settings.transport.socket;
    Some(match key {
        ROPEWAY_OPTION_MAX_PER_ADDRESS => settings.listener.max_per_address.into(),
        ROPEWAY_OPTION_TCP_NODELAY => socket.nodelay.into(),
        ROPEWAY_OPTION_TCP_KEEPALIVE => {
            i64::try_from(socket.keepalive.as_millis()).unwrap_or(i64::MAX)
        }
        ROPEWAY_OPTION_DSCP => socket.dscp.map_or(-1, i64::from),
        ROPEWAY_OPTION_SEND_BUFFER => socket.send_buffer.unwrap_or(0).into(),
        ROPEWAY_OPTION_RECEIVE_BUFFER => socket.receive_buffer.unwrap_or(0).into(),
        _ => return None,
    })
}

/// Sets an option; `false` when the key is no number of this file.
pub(crate) fn set_int(settings: &mut Settings, key: i32, value: i64) -> Result<bool, Failure> {
    if key == ROPEWAY_OPTION_MAX_PER_ADDRESS {
        settings.listener.max_per_address = number("max_per_address", value)?;
        return Ok(true);
    }
    let mut socket = settings.transport.socket.clone();
    match key {
        ROPEWAY_OPTION_TCP_NODELAY => socket.nodelay = switch("tcp_nodelay", value)?,
        ROPEWAY_OPTION_TCP_KEEPALIVE => {
            socket.keepalive = number("tcp_keepalive", value).map(Duration::from_millis)?;
        }
        ROPEWAY_OPTION_DSCP => {
            socket.dscp = match value {
                -1 => None,
                0..64 => Some(number("dscp", value)?),
                _ => {
                    let option = "dscp";
                    return Err(Failure::OptionValue { option, value });
                }
            };
        }
        ROPEWAY_OPTION_SEND_BUFFER => socket.send_buffer = size("send_buffer", value)?,
        ROPEWAY_OPTION_RECEIVE_BUFFER => socket.receive_buffer = size("receive_buffer", value)?,
        _ => return Ok(false),
    }
    share(settings, socket);
    Ok(true)
}

/// Sets the string that `key` names.
pub(crate) fn set_string(settings: &mut Settings, key: i32, value: &str) -> Result<(), Failure> {
    if key == ROPEWAY_OPTION_LOCAL_ADDRESS {
        settings.transport.local_address = Some(address(value)?);
        return Ok(());
    }
    let interface = Some(value.to_owned());
    let socket = SocketOptions {
        interface,
        ..settings.transport.socket.clone()
    };
    share(settings, socket);
    Ok(())
}

/// One set of settings for dialled and accepted connections.
fn share(settings: &mut Settings, socket: SocketOptions) {
    settings.listener.socket = socket.clone();
    settings.transport.socket = socket;
}

fn size(option: &'static str, value: i64) -> Result<Option<u32>, Failure> {
    match value {
        0 => Ok(None),
        _ => number(option, value).map(Some),
    }
}

/// An address, with port 0 where the text has none.
pub(crate) fn address(text: &str) -> Result<SocketAddr, Failure> {
    text.parse::<SocketAddr>()
        .or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0)))
        .map_err(|_| Failure::Argument("an address is 192.0.2.1, 2001:db8::1, or one with a port"))
}
