//! Listeners of an engine.

use std::ffi::c_char;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ropeway_core::engine::ListenerId;
use ropeway_core::handshake::WebSocketUrl;

use crate::engine::{self, ropeway_engine};
use crate::error::Failure;
use crate::event::ropeway_listener;
use crate::guard::{self, Out};
use crate::options::{self, ropeway_options};
use crate::status::{ROPEWAY_OK, ropeway_status};

/// Begins to listen and writes the listener's number to `*listener`. `url` says where: "ws://127.0.0.1:8080/",
/// "ws://[::]:8080/" (IPv4 too, unless ROPEWAY_OPTION_IPV6_ONLY), "ws://localhost:0/"; the host is an address, or
/// localhost for 127.0.0.1; port 0 takes a free one, which ropeway_engine_listener_port tells. `options`, NULL for
/// the defaults, are those of the listener (the 700s) and of the connections that come from it; they are copied.
///
/// Connections are accepted, and their handshakes done, by ropeway_engine_poll; each is told by ROPEWAY_EVENT_OPENED.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_URL; ROPEWAY_ERROR_INVALID_ARGUMENT for a host that is no
/// address, a path, or wss; ROPEWAY_ERROR_IO when the address is in use or not to be had.
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
        let address = address(unsafe { guard::text(url, "url") }?)?;
        let out = Out::new(listener, "listener")?;
        // SAFETY: the header asks for a living set or NULL.
        let (settings, connection) = unsafe { (options::settings(options)?, this.options(options)?) };
        // SAFETY: the header asks for a living engine, and room for the number.
        Ok(unsafe {
            engine::with(engine, |connections| {
                out.set(connections.listen(address, &settings.listener, connection)?.bits());
                Ok(ROPEWAY_OK)
            })
        })
    })
}

/// Where a URL says to listen.
fn address(url: &str) -> Result<SocketAddr, Failure> {
    let url = WebSocketUrl::parse(url)?;
    if url.secure() {
        return Err(Failure::Argument("a listener speaks ws; wss is not there yet"));
    }
    if url.request_target() != "/" {
        return Err(Failure::Argument("a listener's URL has no path: it takes requests for every path"));
    }
    let host = match url.host() {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().map_err(|_| Failure::Argument("a listener's host is an address, or localhost"))?,
    };
    Ok(SocketAddr::new(host, url.port()))
}

/// Writes the port that a listener has to `*port`.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_CLOSED for a stale number.
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
            out.set(connections.local_address(ListenerId::from_bits(listener))?.port());
            Ok(ROPEWAY_OK)
        })
    }
}

/// Writes the address and port that a listener has, as "127.0.0.1:8080" or "[::1]:8080", NUL-terminated, to `buffer`,
/// which holds `capacity` bytes; 64 are always enough.
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
            write_address(connections.local_address(ListenerId::from_bits(listener))?, buffer, capacity)
        })
    }
}

/// Writes an address to a buffer of the caller's.
///
/// # Safety
/// `buffer` is NULL or has room for `capacity` bytes.
pub(crate) unsafe fn write_address(address: SocketAddr, buffer: *mut c_char, capacity: usize) -> guard::Outcome {
    let out = Out::new(buffer, "buffer")?;
    let text = address.to_string();
    if text.len() >= capacity {
        return Err(Failure::BufferTooSmall { needed: text.len() + 1 });
    }
    // SAFETY: the text and its NUL fit, by the test above; the two do not overlap.
    unsafe { out.set_text(&text) };
    Ok(ROPEWAY_OK)
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
        engine::with(engine, |connections| guard::done(connections.close_listener(ListenerId::from_bits(listener))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status;

    #[test]
    fn a_listeners_url_is_an_address_and_a_port() {
        for (url, expected) in [
            ("ws://127.0.0.1:9000/", "127.0.0.1:9000"),
            ("ws://127.0.0.1", "127.0.0.1:80"),
            ("ws://localhost:0/", "127.0.0.1:0"),
            ("ws://[::1]:80/", "[::1]:80"),
        ] {
            assert_eq!(address(url).map(|address| address.to_string()).ok().as_deref(), Some(expected));
        }
        for url in ["wss://127.0.0.1/", "ws://127.0.0.1/chat", "ws://example.com/", "ws://127.0.0.1/?a"] {
            let status = address(url).map_err(|failure| failure.status());
            assert_eq!(status, Err(status::ROPEWAY_ERROR_INVALID_ARGUMENT), "{url}");
        }
        let status = address("127.0.0.1:80").map_err(|failure| failure.status());
        assert_eq!(status, Err(status::ROPEWAY_ERROR_INVALID_URL));
    }
}
