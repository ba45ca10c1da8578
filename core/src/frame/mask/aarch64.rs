//! Masking with NEON, which every 64-bit Arm processor has.

use std::arch::aarch64::{
    uint8x16_t, vdupq_n_u32, veorq_u8, vld1q_u8, vreinterpretq_u8_u32, vst1q_u8,
};

use super::kernel::{Key, Vector, blocks};

/// Masks 16 bytes or more by NEON.
///
/// # Safety
/// That of [`blocks`], where the vector is 16 bytes wide.
#[target_feature(enable = "neon")]
pub(super) unsafe fn neon(source: *const u8, destination: *mut u8, length: usize, key: Key) {
    // SAFETY: the contract is the caller's.
    unsafe { blocks::<uint8x16_t>(source, destination, length, key) }
}

/// NEON, 16 bytes.
impl Vector for uint8x16_t {
    #[inline(always)]
    unsafe fn repeat(key: Key) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { vreinterpretq_u8_u32(vdupq_n_u32(key.word())) }
    }

    #[inline(always)]
    unsafe fn load(source: *const u8) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { vld1q_u8(source) }
    }

    #[inline(always)]
    unsafe fn store(self, destination: *mut u8) {
        // SAFETY: the contract is the caller's.
        unsafe { vst1q_u8(destination, self) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { veorq_u8(self, other) }
    }
}
