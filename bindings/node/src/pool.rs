//! Memory that goes to JavaScript without a copy, and comes back from the garbage collector for the next time: fresh pages
//! cost more than all else that is done with a large message.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

use napi::{Result, check_status, sys};
use ropeway_core::protocol::Gathered;

/// Bytes of a pool that are kept while nobody uses them: at most so many are in use before V8 collects.
const KEPT: usize = 64 << 20;

/// What a Buffer can stand on.
pub(crate) trait Memory {
    fn capacity(&self) -> usize;
    fn bytes_mut(&mut self) -> &mut [u8];
}

impl Memory for Gathered {
    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes_mut()
    }
}

impl Memory for Vec<u8> {
    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// What came of lending.
pub(crate) enum Lending<M> {
    Buffer(sys::napi_value),
    /// The runtime allows no Buffers on other memory than its own (Electron).
    Refused(M),
}

/// Memory that has come back, and its bytes.
pub(crate) struct Pool<M>(Rc<RefCell<(Vec<M>, usize)>>);

impl<M> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Memory> Pool<M> {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new((Vec::new(), 0))))
    }

    /// What came back last.
    pub(crate) fn take(&self) -> Option<M> {
        let (list, bytes) = &mut *self.0.borrow_mut();
        let memory = list.pop()?;
        *bytes -= memory.capacity();
        Some(memory)
    }

    pub(crate) fn give(&self, memory: M) {
        let (list, bytes) = &mut *self.0.borrow_mut();
        if *bytes + memory.capacity() <= KEPT {
            *bytes += memory.capacity();
            list.push(memory);
        }
    }

    /// A Buffer on `memory`, which comes back when JavaScript has forgotten it.
    pub(crate) fn lend(&self, env: sys::napi_env, memory: M) -> Result<Lending<M>> {
        let mut lent = Box::new(Lent(self.clone(), memory));
        let bytes = lent.1.bytes_mut();
        let (data, length) = (bytes.as_mut_ptr(), bytes.len());
        let lent = Box::into_raw(lent);
        let mut buffer = ptr::null_mut();
        // SAFETY: called on the environment's thread within a handle scope. The memory belongs to `lent`, which
        // `finalize` frees when JavaScript has forgotten the buffer.
        let status = unsafe {
            sys::napi_create_external_buffer(
                env,
                length,
                data.cast(),
                Some(finalize::<M>),
                lent.cast(),
                &raw mut buffer,
            )
        };
        if status == sys::Status::napi_no_external_buffers_allowed {
            // SAFETY: made above, and nobody else's since the call has failed.
            let Lent(_, memory) = *unsafe { Box::from_raw(lent) };
            return Ok(Lending::Refused(memory));
        }
        check_status!(status)?;
        let_go(env)?;
        Ok(Lending::Buffer(buffer))
    }
}

/// Lets V8 see whether memory like this has died young. It looks when it makes an ArrayBuffer itself: with 32 MiB of them
/// it collects the young generation then, in a fraction of a millisecond. Otherwise, at 64 MiB, it would collect all.
fn let_go(env: sys::napi_env) -> Result<()> {
    let mut smallest = ptr::null_mut();
    // SAFETY: called on the environment's thread within a handle scope.
    check_status!(unsafe {
        sys::napi_create_arraybuffer(env, 1, ptr::null_mut(), &raw mut smallest)
    })
}

/// What a Buffer of JavaScript's stands on.
struct Lent<M>(Pool<M>, M);

unsafe extern "C" fn finalize<M: Memory>(
    _env: sys::napi_env,
    _data: *mut c_void,
    lent: *mut c_void,
) {
    // SAFETY: made by `lend`, for this one call; Node makes it on the environment's thread.
    let Lent(pool, memory) = *unsafe { Box::from_raw(lent.cast::<Lent<M>>()) };
    pool.give(memory);
}
