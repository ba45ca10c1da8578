//! The peer's part of the opening handshake, to be read by C: a request's or response's head.

use std::ffi::{CString, c_char, c_void};
use std::ptr;

use ropeway_core::handshake::{BasicCredentials, Headers, Request, Response};

use crate::error::c_string;
use crate::guard::{self, Out};
use crate::status::{ROPEWAY_NONE, ROPEWAY_OK, ropeway_status};

/// The head of an HTTP request or response (RFC 9112), lent as long as the event that it came with, and usable by the
/// thread that may use the event.
#[derive(Debug)]
pub struct ropeway_head {
    /// Where the fields live; valid as long as the event.
    headers: *const Headers,
    body: *const [u8],
    method: Option<CString>,
    target: Option<CString>,
    status: i32,
}

impl ropeway_head {
    pub(crate) fn request(request: &Request) -> Self {
        Self {
            headers: &raw const request.headers,
            body: &[],
            method: Some(c_string(request.method.clone())),
            target: Some(c_string(request.target.clone())),
            status: 0,
        }
    }

    pub(crate) fn response(response: &Response) -> Self {
        Self {
            headers: &raw const response.headers,
            body: &raw const *response.body,
            method: None,
            target: None,
            status: response.status.into(),
        }
    }

    /// # Safety
    /// The event that the head belongs to is still lent.
    unsafe fn headers(&self) -> &Headers {
        // SAFETY: the caller's promise.
        unsafe { &*self.headers }
    }
}

/// A request's method, as "GET"; NULL for a response, or when `head` is NULL. Lent as long as the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_head_method(head: *const ropeway_head) -> *const c_char {
    // SAFETY: the header asks for a lent head or NULL.
    let method = unsafe { guard::optional(head) }.and_then(|head| head.method.as_ref());
    method.map_or(ptr::null(), |method| method.as_ptr())
}

/// A request's target as it was sent, as "/chat?room=1"; NULL for a response, or when `head` is NULL. Lent as long as
/// the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_head_target(head: *const ropeway_head) -> *const c_char {
    // SAFETY: the header asks for a lent head or NULL.
    let target = unsafe { guard::optional(head) }.and_then(|head| head.target.as_ref());
    target.map_or(ptr::null(), |target| target.as_ptr())
}

/// A response's status, as 101 or 403; 0 for a request, or when `head` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_head_status(head: *const ropeway_head) -> i32 {
    // SAFETY: the header asks for a lent head or NULL.
    unsafe { guard::optional(head) }.map_or(0, |head| head.status)
}

/// The number of header fields; 0 when `head` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_head_count(head: *const ropeway_head) -> usize {
    guard::value(0, || {
        // SAFETY: the header asks for a lent head or NULL.
        Ok(unsafe { guard::optional(head).map_or(0, |head| head.headers().len()) })
    })
}

/// The value of the first header field called `name`, compared without regard to case: `*value` and `*length`. It is
/// not NUL-terminated, holds no control character but TAB, need not be UTF-8, and is lent as long as the head.
///
/// ROPEWAY_NONE when there is no such field. Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8 for `name`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_head_field(
    head: *const ropeway_head,
    name: *const c_char,
    value: *mut *const c_char,
    length: *mut usize,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a lent head or NULL.
        let head = unsafe { guard::object(head, "head") }?;
        // SAFETY: the header asks for a NUL-terminated string or NULL.
        let name = unsafe { guard::text(name, "name") }?;
        let (value, length) = (Out::new(value, "value")?, Out::new(length, "length")?);
        // SAFETY: a lent head's event is lent.
        let Some(field) = unsafe { head.headers() }.get_bytes(name) else {
            return Ok(ROPEWAY_NONE);
        };
        // SAFETY: the header asks for room for both.
        unsafe {
            value.set(field.as_ptr().cast());
            length.set(field.len());
        }
        Ok(ROPEWAY_OK)
    })
}

/// The header field at `index`, in the order they were sent: its name and value, neither NUL-terminated, both lent as
/// long as the head.
///
/// ROPEWAY_NONE past the last one. Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_head_at(
    head: *const ropeway_head,
    index: usize,
    name: *mut *const c_char,
    name_length: *mut usize,
    value: *mut *const c_char,
    value_length: *mut usize,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a lent head or NULL.
        let head = unsafe { guard::object(head, "head") }?;
        let (name, name_length) = (
            Out::new(name, "name")?,
            Out::new(name_length, "name_length")?,
        );
        let (value, value_length) = (
            Out::new(value, "value")?,
            Out::new(value_length, "value_length")?,
        );
        // SAFETY: a lent head's event is lent.
        let Some((field, content)) = unsafe { head.headers() }.iter().nth(index) else {
            return Ok(ROPEWAY_NONE);
        };
        // SAFETY: the header asks for room for each.
        unsafe {
            name.set(field.as_ptr().cast());
            name_length.set(field.len());
            value.set(content.as_ptr().cast());
            value_length.set(content.len());
        }
        Ok(ROPEWAY_OK)
    })
}

/// The body of a response that refused, as far as ROPEWAY_OPTION_MAX_REFUSED_BODY had it kept; empty otherwise. Lent
/// as long as the head.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_head_body(
    head: *const ropeway_head,
    data: *mut *const c_void,
    length: *mut usize,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a lent head or NULL.
        let head = unsafe { guard::object(head, "head") }?;
        let (data, length) = (Out::new(data, "data")?, Out::new(length, "length")?);
        // SAFETY: the header asks for room for both.
        unsafe {
            data.set(head.body.cast());
            length.set(head.body.len());
        }
        Ok(ROPEWAY_OK)
    })
}

/// Whether the request brings this user name and password (Basic, RFC 7617): ROPEWAY_OK when it does, ROPEWAY_NONE when
/// it brings others or none. The time that it takes tells nothing of where they differ; it may tell a length.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_UTF8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_head_basic_auth(
    head: *const ropeway_head,
    user: *const c_char,
    password: *const c_char,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a lent head or NULL.
        let head = unsafe { guard::object(head, "head") }?;
        // SAFETY: the header asks for NUL-terminated strings or NULL.
        let (user, password) = unsafe {
            (
                guard::text(user, "user")?,
                guard::text(password, "password")?,
            )
        };
        // SAFETY: a lent head's event is lent.
        let brought = BasicCredentials::of(unsafe { head.headers() });
        match brought.is_some_and(|brought| brought.matches(user, password)) {
            true => Ok(ROPEWAY_OK),
            false => Ok(ROPEWAY_NONE),
        }
    })
}
