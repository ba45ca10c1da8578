//! Masking and unmasking of payloads (RFC 6455 section 5.3).
#![forbid(unsafe_code)]

/// Masks or unmasks `data` in place; the two are the same operation. `offset` is the position of `data[0]` in its
/// frame's payload, so that a payload can be done piece by piece.
#[inline]
pub fn apply_mask(data: &mut [u8], key: [u8; 4], offset: usize) {
    for (index, byte) in data.iter_mut().enumerate() {
        *byte ^= key[offset.wrapping_add(index) & 3];
    }
}

/// Appends `data`, masked, to `out` in one pass. `offset` is the position of `data[0]` in its frame's payload.
pub fn append_masked(out: &mut Vec<u8>, data: &[u8], key: [u8; 4], offset: usize) {
    let start = out.len();
    out.extend_from_slice(data);
    apply_mask(&mut out[start..], key, offset);
}
