//! Masking keys (RFC 6455 section 5.3): a fresh one for every frame, unpredictable, straight from the operating
//! system's generator and fetched many at a time, since a system call per frame would cost more than the frame.
#![forbid(unsafe_code)]

use std::fmt;

/// Keys fetched from the system at once: 4 KiB.
const POOL: usize = 1024;

/// A supply of masking keys. Costs no memory beyond the struct until the first key is asked for, then 4 KiB.
///
/// Each key is handed out once and then erased from the pool. A process that forks must not use one supply on both
/// sides: the child's copy would hand out the parent's keys again.
pub struct MaskingKeys {
    pool: Option<Box<[[u8; 4]; POOL]>>,
    /// The next key's place in the pool; the pool's size when none is left.
    position: usize,
}

impl MaskingKeys {
    /// An empty supply, which fills itself when the first key is asked for.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            pool: None,
            position: POOL,
        }
    }

    /// The next key.
    ///
    /// # Errors
    /// [`RandomError`] if the pool was empty and the operating system could not fill it; the next call tries again.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "not an iterator: it never ends, and it can fail"
    )]
    pub fn next(&mut self) -> Result<[u8; 4], RandomError> {
        if let Some(pool) = &mut self.pool
            && let Some(key) = pool.get_mut(self.position)
        {
            self.position += 1;
            return Ok(std::mem::take(key));
        }
        self.refill()
    }

    /// Fills the pool and takes its first key.
    #[cold]
    fn refill(&mut self) -> Result<[u8; 4], RandomError> {
        let pool = self.pool.get_or_insert_with(|| Box::new([[0; 4]; POOL]));
        getrandom::fill(pool.as_flattened_mut()).map_err(RandomError)?;
        self.position = 1;
        Ok(std::mem::take(&mut pool[0]))
    }
}

impl Default for MaskingKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MaskingKeys {
    /// Says how many keys are left, never which.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskingKeys")
            .field("left", &(POOL - self.position))
            .finish_non_exhaustive()
    }
}

/// The operating system's random number generator failed, so no masking key can be had and nothing may be sent by a
/// client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomError(pub(crate) getrandom::Error);

impl fmt::Display for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the system's random number generator failed: {}", self.0)
    }
}

impl std::error::Error for RandomError {}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn cve_2025_10148_every_frame_gets_a_key_of_its_own() {
        const KEYS: usize = 100_000;
        let mut keys = MaskingKeys::new();
        let mut uses: HashMap<[u8; 4], u32> = HashMap::new();
        let mut bits_set = 0;
        for _ in 0..KEYS {
            let key = keys.next().expect("the system gives random bytes");
            *uses.entry(key).or_default() += 1;
            bits_set += u64::from(u32::from_ne_bytes(key).count_ones());
        }
        // By chance about 1.2 pairs of 100,000 keys coincide, and three of a kind once in 100,000 runs; 20 pairs never.
        assert!(KEYS - uses.len() < 20, "{} repeats", KEYS - uses.len());
        // Half of all 3.2 million bits, give or take 15 standard deviations.
        assert!(
            bits_set.abs_diff(KEYS as u64 * 16) < 15 * 895,
            "{bits_set} bits set"
        );
    }

    #[test]
    fn a_key_handed_out_is_erased_from_the_pool() {
        let mut keys = MaskingKeys::new();
        for _ in 0..10 {
            keys.next().expect("the system gives random bytes");
        }
        let pool = keys.pool.as_ref().expect("filled");
        assert_eq!(pool[..10], [[0; 4]; 10]);
        assert_ne!(pool[10..20], [[0; 4]; 10]);
    }

    #[test]
    fn debug_shows_no_key() {
        let mut keys = MaskingKeys::new();
        assert_eq!(format!("{keys:?}"), "MaskingKeys { left: 0, .. }");
        keys.next().expect("the system gives random bytes");
        assert_eq!(format!("{keys:?}"), "MaskingKeys { left: 1023, .. }");
    }
}
