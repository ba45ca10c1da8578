//! Memory of JavaScript's that payloads are copied into, one behind the other, and never over one another.

use std::ptr;

use napi::{Result, check_status, sys};

use crate::pool::{self, Pool};

/// A Buffer of a fixed size, kept by a reference until the next one takes its place.
pub(crate) struct Slab {
    env: sys::napi_env,
    pool: Pool<Vec<u8>>,
    size: usize,
    used: usize,
    reference: sys::napi_ref,
    memory: *mut u8,
    /// JavaScript does not know it yet.
    is_fresh: bool,
}

impl Slab {
    /// One without memory: it has no room.
    pub(crate) fn new(env: sys::napi_env, size: usize, pool: Pool<Vec<u8>>) -> Self {
        Self {
            env,
            pool,
            size,
            used: size,
            reference: ptr::null_mut(),
            memory: ptr::null_mut(),
            is_fresh: false,
        }
    }

    pub(crate) const fn has_room(&self, length: usize) -> bool {
        self.used + length <= self.size
    }

    /// Begins a batch: with new memory unless there is room for `length` bytes. Views of the old memory stay what they are.
    /// To be called within a handle scope.
    pub(crate) fn begin(&mut self, length: usize) -> Result<()> {
        if !self.has_room(length) {
            self.renew()?;
        }
        Ok(())
    }

    fn renew(&mut self) -> Result<()> {
        let pooled = self.pool.take().filter(|bytes| bytes.len() >= self.size);
        let mut bytes = pooled.unwrap_or_else(|| vec![0; self.size]);
        let mut memory = bytes.as_mut_ptr();
        let buffer = match self.pool.lend(self.env, &mut bytes)? {
            Some((buffer, loan)) => {
                loan.settle(bytes);
                buffer
            }
            None => self.make(&mut memory)?,
        };
        let mut reference = ptr::null_mut();
        // SAFETY: called on the environment's thread within a handle scope. The memory stays where it is while the
        // reference keeps the Buffer; the old reference is deleted once.
        unsafe {
            check_status!(sys::napi_create_reference(
                self.env,
                buffer,
                1,
                &raw mut reference
            ))?;
            if !self.reference.is_null() {
                check_status!(sys::napi_delete_reference(self.env, self.reference))?;
            }
        }
        self.reference = reference;
        self.memory = memory;
        self.used = 0;
        self.is_fresh = true;
        Ok(())
    }

    /// A Buffer with memory of JavaScript's own.
    fn make(&self, memory: &mut *mut u8) -> Result<sys::napi_value> {
        let mut buffer = ptr::null_mut();
        // SAFETY: called on the environment's thread within a handle scope.
        check_status!(unsafe {
            sys::napi_create_buffer(
                self.env,
                self.size,
                ptr::from_mut(memory).cast(),
                &raw mut buffer,
            )
        })?;
        Ok(buffer)
    }

    /// Adds a copy of `bytes`, for which there is room; where it begins.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> usize {
        assert!(self.has_room(bytes.len()), "the slab is used up");
        let offset = self.used;
        // SAFETY: there is room for it, and no view of what follows `used` has been handed out.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.memory.add(offset), bytes.len());
        }
        self.used += bytes.len();
        offset
    }

    /// The Buffer, if JavaScript does not know it yet.
    pub(crate) fn introduce(&mut self) -> Result<Option<sys::napi_value>> {
        if !std::mem::replace(&mut self.is_fresh, false) {
            return Ok(None);
        }
        pool::referred(self.env, self.reference).map(Some)
    }
}
