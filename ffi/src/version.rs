//! Which library this is.

use std::ffi::c_char;

/// The number of the binary interface, which the shared library bears in its soname: a program that was built
/// against one number runs with every library of that number. It changes only when a function or a structure does in
/// a way that breaks such programs, and has nothing to do with the version of the release.
pub const ROPEWAY_ABI_VERSION: i32 = 0;

/// The release of the library in use, as "0.1.0". A static string; any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ropeway_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The ROPEWAY_ABI_VERSION that the library in use was built with. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ropeway_abi_version() -> i32 {
    ROPEWAY_ABI_VERSION
}
