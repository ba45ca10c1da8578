//! Memory that goes to JavaScript without a copy, and comes back from the garbage collector for the next time: fresh pages
//! cost more than all else that is done with a large message.

use std::cell::{Cell, RefCell};
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
}

impl Memory for Gathered {
    fn capacity(&self) -> usize {
        self.capacity()
    }
}

impl Memory for Vec<u8> {
    fn capacity(&self) -> usize {
        self.capacity()
    }
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

    /// A Buffer on `bytes`, of memory that the loan is told of when nobody else needs it any more: it comes back when
    /// JavaScript has forgotten the Buffer as well. `None` where the runtime allows no Buffers on other memory than its own
    /// (Electron).
    pub(crate) fn lend(
        &self,
        env: sys::napi_env,
        bytes: &mut [u8],
    ) -> Result<Option<(sys::napi_value, Loan<M>)>> {
        let loan = Loan(Rc::new(Lent(self.clone(), Cell::new(None))));
        let (data, length) = (bytes.as_mut_ptr(), bytes.len());
        let lent = Rc::into_raw(loan.0.clone());
        let mut buffer = ptr::null_mut();
        // SAFETY: called on the environment's thread within a handle scope. The memory is the caller's, who gives it up by
        // the loan alone; then it belongs to `lent`, whose share `finalize` drops when JavaScript has forgotten the buffer.
        let status = unsafe {
            sys::napi_create_external_buffer(
                env,
                length,
                data.cast(),
                Some(finalize::<M>),
                lent.cast_mut().cast(),
                &raw mut buffer,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: made above, and nobody else's since the call has failed.
            drop(unsafe { Rc::from_raw(lent) });
        }
        if status == sys::Status::napi_no_external_buffers_allowed {
            return Ok(None);
        }
        check_status!(status)?;
        let_go(env)?;
        Ok(Some((buffer, loan)))
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

/// The Buffer that a reference keeps.
pub(crate) fn referred(env: sys::napi_env, reference: sys::napi_ref) -> Result<sys::napi_value> {
    let mut buffer = ptr::null_mut();
    // SAFETY: called on the environment's thread within a handle scope, with a reference that has not been deleted.
    check_status!(unsafe { sys::napi_get_reference_value(env, reference, &raw mut buffer) })?;
    Ok(buffer)
}

/// What a Buffer of JavaScript's stands on, once the loan is settled.
struct Lent<M: Memory>(Pool<M>, Cell<Option<M>>);

impl<M: Memory> Drop for Lent<M> {
    fn drop(&mut self) {
        if let Some(memory) = self.1.take() {
            self.0.give(memory);
        }
    }
}

/// The other end of a Buffer.
pub(crate) struct Loan<M: Memory>(Rc<Lent<M>>);

impl<M: Memory> Loan<M> {
    /// Leaves the memory of the Buffer to it.
    pub(crate) fn settle(self, memory: M) {
        self.0.1.set(Some(memory));
    }
}

unsafe extern "C" fn finalize<M: Memory>(
    _env: sys::napi_env,
    _data: *mut c_void,
    lent: *mut c_void,
) {
    // SAFETY: a share that `lend` made, for this one call; Node makes it on the environment's thread.
    drop(unsafe { Rc::from_raw(lent.cast::<Lent<M>>()) });
}
