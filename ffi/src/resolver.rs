//! Name resolution by a function of C.

use std::ffi::{CStr, CString, c_char, c_void};
use std::net::SocketAddr;

use ropeway_core::engine::NameResolver;

use crate::guard::{self, Owned, User};
use crate::options::ropeway_options;
use crate::socket;
use crate::status::ropeway_status;

/// The addresses that a ropeway_resolver has found; lent to it until it returns.
#[derive(Debug)]
pub struct ropeway_addresses(Owned<Vec<SocketAddr>>);

/// A function that resolves names: `user` as it was passed to ropeway_options_set_resolver, and the host and port of the
/// URL. It adds what it finds to `addresses` by ropeway_addresses_add, best first, and returns NULL; or it returns why
/// the name cannot be resolved, a string that is copied at once, and stands in the error of the connection.
///
/// It is called on a thread of Ropeway's, up to four at the same time for one engine, and may take its time;
/// ROPEWAY_OPTION_OPEN_TIMEOUT ends the connection, not the call.
pub type ropeway_resolver = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        host: *const c_char,
        port: u16,
        addresses: *mut ropeway_addresses,
    ) -> *const c_char,
>;

/// Lets `resolver` resolve the names of hosts for the connections made from these options, in place of the system; NULL
/// gives them back to the system. An address in a URL is not shown to it. Of what it answers at most 64 addresses are
/// tried.
///
/// `user` is passed along; it must stay valid until every call of `resolver` has returned, which can be later than the
/// end of the connection, and may be used on other threads.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_options_set_resolver(
    options: *mut ropeway_options,
    resolver: ropeway_resolver,
    user: *mut c_void,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { guard::object(options, "options") }?;
        let user = User::new(user);
        let resolver = resolver.map(|resolve| {
            NameResolver::new(move |host, port| {
                let host = CString::new(host).map_err(|error| error.to_string())?;
                let addresses = ropeway_addresses(Owned::new(Vec::new()));
                let place = (&raw const addresses).cast_mut();
                // SAFETY: a function of the caller's, with what it was promised: its pointer, a string and a list that
                // both outlive the call.
                let why = unsafe { resolve(user.pointer(), host.as_ptr(), port, place) };
                if why.is_null() {
                    return addresses
                        .0
                        .with(|found| Ok(std::mem::take(found)))
                        .map_err(|_| "the list of addresses is broken".to_owned());
                }
                // SAFETY: the header asks for a NUL-terminated string.
                Err(unsafe { CStr::from_ptr(why) }
                    .to_string_lossy()
                    .into_owned())
            })
        });
        guard::done(options.0.with(|settings| {
            settings.transport.resolver = resolver;
            Ok(())
        }))
    })
}

/// Adds an address that a ropeway_resolver has found: `192.0.2.1`, `2001:db8::1`, or with a port of its own in place of
/// the URL's, `192.0.2.1:8080`, `[2001:db8::1]:8080`. Copied.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_INVALID_ARGUMENT for a string that is no address;
/// ROPEWAY_ERROR_INVALID_UTF8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_addresses_add(
    addresses: *mut ropeway_addresses,
    address: *const c_char,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a list that is lent, or NULL.
        let addresses = unsafe { guard::object(addresses, "addresses") }?;
        // SAFETY: the header asks for a NUL-terminated string or NULL.
        let text = unsafe { guard::text(address, "address") }?;
        let address = socket::address(text)?;
        guard::done(addresses.0.with(|found| {
            found.push(address);
            Ok(())
        }))
    })
}
