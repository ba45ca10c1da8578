//! Masking and unmasking of payloads (RFC 6455 section 5.3).
//!
//! Every byte is combined by XOR with one of the key's four, so there is one [`kernel`] for masking in place and from one
//! buffer to another, written over vectors of any width. Short payloads are done where the call stands, in a few words;
//! longer ones by the widest vectors that the processor is found to have when the program runs.
//!
//! Everything here is stateless and may be used from any number of threads.
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod kernel;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use kernel::Key;

/// The longest payload, in bytes, that is masked where the call stands, without a choice by processor.
const SHORT: usize = 64;

/// Masks or unmasks `data` in place; the two are the same operation. `offset` is the position of `data[0]` in its
/// frame's payload, so that a payload can be done piece by piece.
#[inline(always)]
pub fn apply_mask(data: &mut [u8], key: [u8; 4], offset: usize) {
    let pointer = data.as_mut_ptr();
    // SAFETY: `pointer` is good for reading and writing `data.len()` bytes, and source and destination are the same.
    unsafe { mask(pointer, pointer, data.len(), Key::new(key, offset)) }
}

/// Appends `data`, masked, to `out`: memory is reserved once and each byte is written once. `offset` is the position of
/// `data[0]` in its frame's payload.
#[inline(always)]
pub fn append_masked(out: &mut Vec<u8>, data: &[u8], key: [u8; 4], offset: usize) {
    out.reserve(data.len());
    // SAFETY: `reserve` made room for `data.len()` bytes behind those in use. `data` cannot overlap them, since `out` is
    // borrowed exclusively. `mask` initialises all of them before the length takes them in.
    unsafe {
        let end = out.as_mut_ptr().add(out.len());
        mask(data.as_ptr(), end, data.len(), Key::new(key, offset));
        out.set_len(out.len() + data.len());
    }
}

/// Appends `data` as it is. A short one, which a key of zeros leaves so, costs no call to memcpy.
#[inline(always)]
pub(crate) fn append_plain(out: &mut Vec<u8>, data: &[u8]) {
    if data.len() <= SHORT {
        append_masked(out, data, [0; 4], 0);
    } else {
        out.extend_from_slice(data);
    }
}

/// Masks `length` bytes from `source` to `destination`.
///
/// # Safety
/// `source` must be good for reading `length` bytes and `destination` for writing as many (they need not be initialised
/// or aligned); the two must be the same or not overlap.
#[inline(always)]
unsafe fn mask(source: *const u8, destination: *mut u8, length: usize, key: Key) {
    // SAFETY: the contract is the caller's.
    unsafe {
        if length <= SHORT {
            kernel::short(source, destination, length, key);
        } else {
            long(source, destination, length, key);
        }
    }
}

/// As [`mask`], for more than [`SHORT`] bytes.
///
/// # Safety
/// That of [`mask`].
unsafe fn long(source: *const u8, destination: *mut u8, length: usize, key: Key) {
    #[cfg(target_arch = "x86_64")]
    {
        // The macro looks at the processor once; from then on it is one load and one bit test.
        if length >= x86_64::AVX512_FROM && is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F; the rest is the caller's contract.
            return unsafe { x86_64::avx512(source, destination, length, key) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2; the rest is the caller's contract.
            return unsafe { x86_64::avx2(source, destination, length, key) };
        }
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: NEON belongs to every aarch64 target that Rust's standard library supports; the rest is the caller's.
    return unsafe { aarch64::neon(source, destination, length, key) };

    // SAFETY: the contract is the caller's.
    #[cfg(not(target_arch = "aarch64"))]
    unsafe {
        kernel::portable(source, destination, length, key);
    }
}
