//! Masking with the wide vectors of x86-64: AVX2 and AVX-512F.

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_storeu_si256, _mm256_xor_si256,
    _mm512_loadu_si512, _mm512_set1_epi32, _mm512_storeu_si512, _mm512_xor_si512,
};

use super::kernel::{Key, Vector, blocks};

/// The shortest payload, in bytes, for which AVX-512 is chosen: two turns of its loop, four vectors each. An estimate, not
/// measured.
pub(super) const AVX512_FROM: usize = 512;

/// Masks 32 bytes or more by AVX2.
///
/// # Safety
/// The processor must have AVX2; otherwise that of [`blocks`], where the vector is 32 bytes wide.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn avx2(source: *const u8, destination: *mut u8, length: usize, key: Key) {
    // SAFETY: the contract is the caller's.
    unsafe { blocks::<__m256i>(source, destination, length, key) }
}

/// Masks 64 bytes or more by AVX-512.
///
/// # Safety
/// The processor must have AVX-512F; otherwise that of [`blocks`], where the vector is 64 bytes wide.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn avx512(source: *const u8, destination: *mut u8, length: usize, key: Key) {
    // SAFETY: the contract is the caller's.
    unsafe { blocks::<__m512i>(source, destination, length, key) }
}

/// AVX2, 32 bytes.
impl Vector for __m256i {
    #[inline(always)]
    unsafe fn repeat(key: Key) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { _mm256_set1_epi32(key.word().cast_signed()) }
    }

    #[inline(always)]
    unsafe fn load(source: *const u8) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { _mm256_loadu_si256(source.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, destination: *mut u8) {
        // SAFETY: the contract is the caller's.
        unsafe { _mm256_storeu_si256(destination.cast(), self) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { _mm256_xor_si256(self, other) }
    }
}

/// AVX-512F, 64 bytes.
impl Vector for __m512i {
    #[inline(always)]
    unsafe fn repeat(key: Key) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { _mm512_set1_epi32(key.word().cast_signed()) }
    }

    #[inline(always)]
    unsafe fn load(source: *const u8) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { _mm512_loadu_si512(source.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, destination: *mut u8) {
        // SAFETY: the contract is the caller's.
        unsafe { _mm512_storeu_si512(destination.cast(), self) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the contract is the caller's.
        unsafe { _mm512_xor_si512(self, other) }
    }
}
