//! The few functions of libuv that watch a descriptor. Node exports them; they are looked up when an engine is made, so
//! that a runtime without libuv gets an error instead of a module that does not load.

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::sync::OnceLock;

/// `UV_POLL` of `uv_handle_type`.
const POLL: c_int = 8;
/// `UV_READABLE` of `uv_poll_event`.
pub(crate) const READABLE: c_int = 1;
/// The major version whose ABI is spoken here; libuv keeps it within a major version.
const MAJOR: c_uint = 1;

pub(crate) type Loop = c_void;
pub(crate) type Handle = c_void;
type OnPoll = unsafe extern "C" fn(*mut Handle, status: c_int, events: c_int);
type OnClose = unsafe extern "C" fn(*mut Handle);

/// libuv, as far as it is needed.
pub(crate) struct Uv {
    pub(crate) poll_init: unsafe extern "C" fn(*mut Loop, *mut Handle, c_int) -> c_int,
    pub(crate) poll_start: unsafe extern "C" fn(*mut Handle, c_int, OnPoll) -> c_int,
    pub(crate) close: unsafe extern "C" fn(*mut Handle, Option<OnClose>),
    pub(crate) hold: unsafe extern "C" fn(*mut Handle),
    pub(crate) unhold: unsafe extern "C" fn(*mut Handle),
    pub(crate) data: unsafe extern "C" fn(*const Handle) -> *mut c_void,
    pub(crate) set_data: unsafe extern "C" fn(*mut Handle, *mut c_void),
    /// Bytes of a `uv_poll_t`.
    pub(crate) poll_size: usize,
}

impl Uv {
    /// The process's libuv.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub(crate) fn get() -> Result<&'static Self, &'static str> {
        static UV: OnceLock<Result<Uv, String>> = OnceLock::new();
        UV.get_or_init(Self::load).as_ref().map_err(String::as_str)
    }

    fn load() -> Result<Self, String> {
        // SAFETY: libuv's own signatures, of major version 1, which is checked before any other is called.
        unsafe {
            let version: unsafe extern "C" fn() -> c_uint = find(c"uv_version")?;
            let major = version() >> 16;
            if major != MAJOR {
                return Err(format!(
                    "this runtime has libuv {major}, and ropeway works with libuv {MAJOR}"
                ));
            }
            let handle_size: unsafe extern "C" fn(c_int) -> usize = find(c"uv_handle_size")?;
            Ok(Self {
                poll_init: find(c"uv_poll_init")?,
                poll_start: find(c"uv_poll_start")?,
                close: find(c"uv_close")?,
                hold: find(c"uv_ref")?,
                unhold: find(c"uv_unref")?,
                data: find(c"uv_handle_get_data")?,
                set_data: find(c"uv_handle_set_data")?,
                poll_size: handle_size(POLL),
            })
        }
    }
}

/// A function of the process by its name.
///
/// # Safety
/// `F` is the type of a pointer to it.
unsafe fn find<F: Copy>(name: &CStr) -> Result<F, String> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the name ends with NUL.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if address.is_null() {
        return Err(format!(
            "this runtime does not export {}: ropeway needs Node.js, or another runtime on libuv",
            name.to_string_lossy()
        ));
    }
    // SAFETY: an address of a function, as the caller promises, in a type of the same size.
    Ok(unsafe { std::mem::transmute_copy(&address) })
}
