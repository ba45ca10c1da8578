//! The masking itself (RFC 6455 section 5.3), written once over vectors of any width.
//!
//! A length that is no multiple of the vector is not finished byte by byte: the first and the last vector's worth are
//! loaded before anything is stored, and stored last. Where they overlap what lies between, both hold the same result,
//! because both were computed from bytes not yet masked. Nothing outside the given bytes is read or written.

/// A masking key turned to the place in the payload where the work begins.
#[derive(Clone, Copy)]
pub(super) struct Key(u32);

impl Key {
    /// The key as it falls on the byte at `offset` of the payload and the three behind it.
    #[inline(always)]
    pub(super) const fn new(key: [u8; 4], offset: usize) -> Self {
        Self(u32::from_le_bytes(key)).turned(offset)
    }

    /// The key as it falls on bytes that stand `by` further on.
    #[inline(always)]
    const fn turned(self, by: usize) -> Self {
        Self(self.0.rotate_right(8 * (by as u32 & 3)))
    }

    /// The key as a word whose bytes in memory are in the key's order.
    #[inline(always)]
    pub(super) const fn word(self) -> u32 {
        self.0.to_le()
    }
}

/// A machine word or register to XOR with.
pub(super) trait Vector: Copy {
    /// The key, repeated.
    ///
    /// # Safety
    /// The processor must have the vector's instructions.
    unsafe fn repeat(key: Key) -> Self;

    /// Reads a vector from any address.
    ///
    /// # Safety
    /// The processor must have the vector's instructions, and `source` be good for reading `size_of::<Self>()` bytes.
    unsafe fn load(source: *const u8) -> Self;

    /// Writes the vector to any address.
    ///
    /// # Safety
    /// The processor must have the vector's instructions, and `destination` be good for writing `size_of::<Self>()` bytes.
    unsafe fn store(self, destination: *mut u8);

    /// The two combined by XOR.
    ///
    /// # Safety
    /// The processor must have the vector's instructions.
    unsafe fn xor(self, other: Self) -> Self;
}

/// A word of any processor, as a vector.
macro_rules! word {
    ($word:ty, $repeat:expr) => {
        impl Vector for $word {
            #[inline(always)]
            unsafe fn repeat(key: Key) -> Self {
                $repeat(key.word())
            }

            #[inline(always)]
            unsafe fn load(source: *const u8) -> Self {
                // SAFETY: the contract is the caller's.
                unsafe { source.cast::<Self>().read_unaligned() }
            }

            #[inline(always)]
            unsafe fn store(self, destination: *mut u8) {
                // SAFETY: the contract is the caller's.
                unsafe { destination.cast::<Self>().write_unaligned(self) }
            }

            #[inline(always)]
            unsafe fn xor(self, other: Self) -> Self {
                self ^ other
            }
        }
    };
}

word!(u32, |word| word);
word!(u64, |word: u32| u64::from(word) << 32 | u64::from(word));
word!(u128, |word: u32| {
    let pair = u128::from(word) << 32 | u128::from(word);
    pair << 64 | pair
});

/// Masks up to 64 bytes.
///
/// # Safety
/// `length` must be at most 64, `source` good for reading and `destination` for writing `length` bytes; the two must be
/// the same or not overlap.
#[inline(always)]
pub(super) unsafe fn short(source: *const u8, destination: *mut u8, length: usize, key: Key) {
    // SAFETY: each length goes to a function whose bounds hold it; the rest is the caller's contract.
    unsafe {
        match length {
            0 => {}
            1..4 => {
                let [k0, k1, k2, _] = key.word().to_ne_bytes();
                // The first, the last and the middle byte: for one byte all the same, for two the last is the middle.
                let (middle, last) = (length / 2, length - 1);
                let middle_key = if middle == 0 { k0 } else { k1 };
                let last_key = [k0, k1, k2][last];
                let (a, b, c) = (*source, *source.add(middle), *source.add(last));
                *destination = a ^ k0;
                *destination.add(middle) = b ^ middle_key;
                *destination.add(last) = c ^ last_key;
            }
            4..8 => both_ends::<u32, 1>(source, destination, length, key),
            8..16 => both_ends::<u64, 1>(source, destination, length, key),
            16..32 => both_ends::<u128, 1>(source, destination, length, key),
            _ => both_ends::<u128, 2>(source, destination, length, key),
        }
    }
}

/// Masks `N` vectors from the front and `N` up to the end, which overlap if there are fewer bytes than that.
///
/// # Safety
/// `length` must be `N` to `2 * N` times the vector's size; otherwise as for [`blocks`].
#[inline(always)]
unsafe fn both_ends<V: Vector, const N: usize>(
    source: *const u8,
    destination: *mut u8,
    length: usize,
    key: Key,
) {
    let size = size_of::<V>();
    let tail = length - N * size;
    // SAFETY: all addresses lie within `length` bytes, since `tail` and each of `N` vectors do; the rest is the caller's.
    unsafe {
        let front_key = V::repeat(key);
        let back_key = V::repeat(key.turned(tail));
        let front: [V; N] = std::array::from_fn(|i| V::load(source.add(i * size)).xor(front_key));
        let back: [V; N] =
            std::array::from_fn(|i| V::load(source.add(tail + i * size)).xor(back_key));
        for (i, vector) in front.into_iter().enumerate() {
            vector.store(destination.add(i * size));
        }
        for (i, vector) in back.into_iter().enumerate() {
            vector.store(destination.add(tail + i * size));
        }
    }
}

/// Masks any number of bytes from one vector up; the stores between the two ends are aligned.
///
/// # Safety
/// The processor must have the vector's instructions. `length` must be at least the vector's size, `source` good for
/// reading and `destination` for writing `length` bytes (initialised or not, aligned or not); the two must be the same or
/// not overlap.
#[inline(always)]
pub(super) unsafe fn blocks<V: Vector>(
    source: *const u8,
    destination: *mut u8,
    length: usize,
    key: Key,
) {
    let size = size_of::<V>();
    let tail = length - size;
    // SAFETY: `tail` is not negative by the contract. The loops go no further than `position + 4 * size` or
    // `position + size` while that is at most `length`, so every vector lies within the bytes given. Both ends are loaded
    // before the first store.
    unsafe {
        let front = V::load(source).xor(V::repeat(key));
        let back = V::load(source.add(tail)).xor(V::repeat(key.turned(tail)));

        let mut position = destination.addr().wrapping_neg() & (size - 1);
        let middle_key = V::repeat(key.turned(position));
        while position + 4 * size <= length {
            let a = V::load(source.add(position)).xor(middle_key);
            let b = V::load(source.add(position + size)).xor(middle_key);
            let c = V::load(source.add(position + 2 * size)).xor(middle_key);
            let d = V::load(source.add(position + 3 * size)).xor(middle_key);
            a.store(destination.add(position));
            b.store(destination.add(position + size));
            c.store(destination.add(position + 2 * size));
            d.store(destination.add(position + 3 * size));
            position += 4 * size;
        }
        while position + size <= length {
            V::load(source.add(position))
                .xor(middle_key)
                .store(destination.add(position));
            position += size;
        }

        front.store(destination);
        back.store(destination.add(tail));
    }
}

/// Masks 16 bytes or more with what every processor has.
///
/// # Safety
/// That of [`blocks`], where the vector is 16 bytes wide.
#[cfg_attr(target_arch = "aarch64", cfg(test))]
pub(super) unsafe fn portable(source: *const u8, destination: *mut u8, length: usize, key: Key) {
    // SAFETY: the contract is the caller's.
    unsafe { blocks::<u128>(source, destination, length, key) }
}
