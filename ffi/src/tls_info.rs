//! What a TLS handshake agreed on, for C.

use std::cell::UnsafeCell;
use std::ffi::{CString, c_char, c_void};
use std::ptr;

use ropeway_core::engine::{ConnectionId, TlsInfo};

use crate::client::ropeway_client;
use crate::engine::{self, ropeway_engine};
use crate::error::c_string;
use crate::event::ropeway_connection;
use crate::guard::{self, Out, Outcome};
use crate::status::{ROPEWAY_NONE, ROPEWAY_OK, ropeway_status};

/// A certificate in DER (X.509, RFC 5280).
#[repr(C)]
#[derive(Debug)]
pub struct ropeway_certificate {
    /// Its bytes.
    pub data: *const c_void,
    /// How many there are.
    pub length: usize,
}

/// What a TLS handshake agreed on. Later releases may add fields at the end; `size` says how many there are.
#[repr(C)]
#[derive(Debug)]
pub struct ropeway_tls_info {
    /// Size of this structure in the library in use, in bytes.
    pub size: u32,
    /// 1 when an earlier session was resumed.
    pub resumed: i32,
    /// "TLSv1.3" or "TLSv1.2".
    pub version: *const c_char,
    /// The cipher suite's name in the RFCs, as "TLS13_AES_256_GCM_SHA384".
    pub cipher_suite: *const c_char,
    /// The application protocol (ALPN, RFC 7301); NULL when none was agreed on.
    pub application_protocol: *const c_char,
    /// The name that the client asked for (SNI, RFC 6066 section 3); NULL when it gave an address, or nothing.
    pub server_name: *const c_char,
    /// The peer's certificate chain, its own certificate first; NULL when it showed none.
    pub certificates: *const ropeway_certificate,
    /// How many certificates there are.
    pub certificate_count: usize,
}

/// The structure that was lent last, with what it points to.
#[derive(Debug, Default)]
pub(crate) struct LentInfo(UnsafeCell<Option<Box<Kept>>>);

#[derive(Debug)]
struct Kept {
    in_c: ropeway_tls_info,
    /// What it points to.
    _owned: (Vec<CString>, Vec<ropeway_certificate>, TlsInfo),
}

impl LentInfo {
    /// Lends what `info` says, in place of what was lent before.
    ///
    /// # Safety
    /// `out` has room for a pointer, and nobody looks at what was lent before.
    unsafe fn lend(&self, info: Option<TlsInfo>, out: Out<*const ropeway_tls_info>) -> Outcome {
        let Some(info) = info else {
            return Ok(ROPEWAY_NONE);
        };
        // SAFETY: the caller's promise; the cell's object belongs to one thread at a time.
        let place = unsafe { &mut *self.0.get() };
        let kept = place.insert(Box::new(Kept::new(info)));
        // SAFETY: the caller's promise.
        unsafe { out.set(&raw const kept.in_c) };
        Ok(ROPEWAY_OK)
    }
}

impl Kept {
    fn new(info: TlsInfo) -> Self {
        let mut texts = Vec::with_capacity(4);
        let mut text = |text: &str| {
            texts.push(c_string(text.to_owned()));
            // The bytes of a string stay where they are when it is moved.
            texts.last().map_or(ptr::null(), |text| text.as_ptr())
        };
        let version = text(info.version);
        let cipher_suite = text(&info.cipher_suite);
        let application_protocol =
            (info.application_protocol.as_deref()).map_or(ptr::null(), &mut text);
        let server_name = info.server_name.as_deref().map_or(ptr::null(), &mut text);
        let certificates: Vec<_> = (info.peer_certificates.iter())
            .map(|certificate| ropeway_certificate {
                data: certificate.as_ptr().cast(),
                length: certificate.len(),
            })
            .collect();
        let in_c = ropeway_tls_info {
            size: size_of::<ropeway_tls_info>() as u32,
            resumed: info.resumed.into(),
            version,
            cipher_suite,
            application_protocol,
            server_name,
            certificates: match certificates.as_slice() {
                [] => ptr::null(),
                some => some.as_ptr(),
            },
            certificate_count: certificates.len(),
        };
        Self {
            in_c,
            _owned: (texts, certificates, info),
        }
    }
}

/// Writes what the TLS handshake of a connection agreed on to `*info`, lent until the next call of this function on the
/// engine.
///
/// ROPEWAY_NONE for a connection without TLS, and before its handshake is done. Errors: ROPEWAY_ERROR_NULL,
/// ROPEWAY_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_tls_info(
    engine: *const ropeway_engine,
    connection: ropeway_connection,
    info: *mut *const ropeway_tls_info,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let this = unsafe { guard::object(engine, "engine") }?;
        let out = Out::new(info, "info")?;
        // SAFETY: the header asks for a living engine, and room for a pointer.
        Ok(unsafe {
            engine::with(engine, |connections| {
                let info = connections.tls_info(ConnectionId::from_bits(connection))?;
                this.tls_info.lend(info, out)
            })
        })
    })
}

/// Writes what the TLS handshake of a client agreed on to `*info`, lent until the next call of this function on the
/// client.
///
/// ROPEWAY_NONE for a connection without TLS, and once it has ended. Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_client_tls_info(
    client: *mut ropeway_client,
    info: *mut *const ropeway_tls_info,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living client or NULL.
        let this = unsafe { guard::object(client, "client") }?;
        let out = Out::new(info, "info")?;
        let info = this.client.with(|client| Ok(client.tls_info()))?;
        // SAFETY: the header asks for room for a pointer, and ends the last loan here.
        unsafe { this.tls_info.lend(info, out) }
    })
}
