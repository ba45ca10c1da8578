//! The engine's descriptor in its thread's libuv loop.

use std::ffi::c_void;
use std::rc::Rc;

use napi::{Env, Error, Result, Status, check_status, sys};

use crate::uv::{self, Uv};

/// What is woken when the descriptor is readable.
pub(crate) trait Wake {
    /// The descriptor is readable.
    fn wake(self: Rc<Self>);
}

/// A `uv_poll_t` on a descriptor. The loop keeps it, and what it wakes, until it is stopped or the environment ends; it does
/// not keep the process alive unless it is told to.
pub(crate) struct Watch {
    uv: &'static Uv,
    handle: *mut uv::Handle,
    holds: bool,
    watched: *mut c_void,
    end: unsafe extern "C" fn(sys::napi_async_cleanup_hook_handle, *mut c_void),
}

/// What libuv's handle owns.
struct Watched<W> {
    uv: &'static Uv,
    memory: Vec<u128>,
    target: Rc<W>,
    hook: sys::napi_async_cleanup_hook_handle,
    is_ending: bool,
}

impl Watch {
    pub(crate) fn start<W: Wake + 'static>(
        env: &Env,
        descriptor: i32,
        target: Rc<W>,
    ) -> Result<Self> {
        let failed = |what: &str| Error::new(Status::GenericFailure, what.to_owned());
        let uv = Uv::get().map_err(failed)?;
        let event_loop = env.get_uv_event_loop()?.cast();
        let mut watched = Box::new(Watched {
            uv,
            memory: vec![0; uv.poll_size.div_ceil(size_of::<u128>())],
            target,
            hook: std::ptr::null_mut(),
            is_ending: false,
        });
        let handle: *mut uv::Handle = watched.memory.as_mut_ptr().cast();
        // SAFETY: the loop is this thread's, the memory is as large as a uv_poll_t and aligned for anything in it.
        if unsafe { (uv.poll_init)(event_loop, handle, descriptor) } != 0 {
            return Err(failed("libuv does not watch the engine's descriptor"));
        }
        let watched = Box::into_raw(watched);
        // SAFETY: the handle has been made; what it points to lives until `closed`.
        unsafe {
            (uv.set_data)(handle, watched.cast());
            (uv.poll_start)(handle, uv::READABLE, readable::<W>);
            (uv.unhold)(handle);
        }
        // SAFETY: the hook runs on this thread, before the environment ends, and once.
        check_status!(unsafe {
            sys::napi_add_async_cleanup_hook(
                env.raw(),
                Some(end::<W>),
                watched.cast(),
                &raw mut (*watched).hook,
            )
        })?;
        Ok(Self {
            uv,
            handle,
            holds: false,
            watched: watched.cast(),
            end: end::<W>,
        })
    }

    /// Watches no more. The descriptor may be closed then.
    pub(crate) fn stop(self) {
        // SAFETY: called on the loop's thread; what `start` made lives on, since neither this nor the environment's end
        // has let go of it: nothing is woken any more after that.
        unsafe { (self.end)(std::ptr::null_mut(), self.watched) }
    }

    /// Whether the process stays alive for it.
    pub(crate) fn hold(&mut self, holds: bool) {
        if self.holds == holds {
            return;
        }
        self.holds = holds;
        let call = if holds { self.uv.hold } else { self.uv.unhold };
        // SAFETY: the handle lives as long as the environment, in which this is called.
        unsafe { call(self.handle) }
    }
}

unsafe extern "C" fn readable<W: Wake>(handle: *mut uv::Handle, _status: i32, _events: i32) {
    // SAFETY: set by `start`; libuv calls back on the loop's thread, and not after the close.
    let target = unsafe {
        let uv = Uv::get();
        let Ok(uv) = uv else { return };
        let watched: *mut Watched<W> = (uv.data)(handle).cast();
        (*watched).target.clone()
    };
    target.wake();
}

/// The environment ends, or the watch: the handle is closed, and the hook is done when libuv has let go of it.
unsafe extern "C" fn end<W: Wake>(
    _hook: sys::napi_async_cleanup_hook_handle,
    watched: *mut c_void,
) {
    let watched: *mut Watched<W> = watched.cast();
    // SAFETY: made by `start`, and freed by `closed` only.
    unsafe {
        if std::mem::replace(&mut (*watched).is_ending, true) {
            return;
        }
        let handle = (*watched).memory.as_mut_ptr().cast();
        ((*watched).uv.close)(handle, Some(closed::<W>));
    }
}

unsafe extern "C" fn closed<W: Wake>(handle: *mut uv::Handle) {
    let Ok(uv) = Uv::get() else { return };
    // SAFETY: libuv is done with the handle, so this is the last that has the pointer from `start`.
    unsafe {
        let watched: Box<Watched<W>> = Box::from_raw((uv.data)(handle).cast());
        sys::napi_remove_async_cleanup_hook(watched.hook);
    }
}
