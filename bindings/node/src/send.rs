//! The functions that are called for every message. They are made by hand, since napi-rs's own wrapping costs more than
//! what they do.

use std::ffi::CStr;
use std::rc::Rc;
use std::{ptr, slice};

use napi::bindgen_prelude::{FromNapiValue, Object};
use napi::{Result, check_status, sys};
use ropeway_core::deflate::Compress;
use ropeway_core::protocol::MessageKind;

use crate::seats::Part;
use crate::turn::Thread;

/// What `send` is told of a message; `lib/websocket.js` has the same numbers.
mod flag {
    pub(super) const BINARY: u32 = 1;
    /// Not to be compressed.
    pub(super) const PLAIN: u32 = 2;
    /// A fragment.
    pub(super) const FRAGMENT: u32 = 4;
    /// The message's last one.
    pub(super) const LAST: u32 = 8;
    /// The data is a string, of so many UTF-16 code units as the fourth argument says.
    pub(super) const STRING: u32 = 16;
}

/// The scratch memory beyond this is given back.
const SCRATCH_KEPT: usize = 1 << 20;

/// An object with the functions.
pub(crate) fn functions(env: sys::napi_env, thread: &Rc<Thread>) -> Result<Object<'static>> {
    let list: [(&CStr, sys::napi_callback); 3] = [
        (c"send", Some(send)),
        (c"queuedBytes", Some(queued_bytes)),
        (c"release", Some(release)),
    ];
    let mut object = ptr::null_mut();
    // SAFETY: called on the environment's thread within a handle scope. The thread's state, which the functions are
    // given a pointer to, lives as long as the environment does.
    unsafe {
        check_status!(sys::napi_create_object(env, &raw mut object))?;
        for (name, callback) in list {
            let mut function = ptr::null_mut();
            check_status!(sys::napi_create_function(
                env,
                name.as_ptr(),
                name.count_bytes() as isize,
                callback,
                Rc::as_ptr(thread).cast_mut().cast(),
                &raw mut function,
            ))?;
            check_status!(sys::napi_set_named_property(
                env,
                object,
                name.as_ptr(),
                function
            ))?;
        }
        Object::from_napi_value(env, object)
    }
}

/// The arguments of a call, and the thread's state.
///
/// # Safety
/// To be called by a callback that [`functions`] made, with its own arguments.
unsafe fn arguments<'a, const N: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> Option<([sys::napi_value; N], &'a Thread)> {
    let mut count = N;
    let mut values = [ptr::null_mut(); N];
    let mut data = ptr::null_mut();
    // SAFETY: as the caller promises; missing arguments are filled up with undefined.
    unsafe {
        let status = sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            values.as_mut_ptr(),
            ptr::null_mut(),
            &raw mut data,
        );
        (status == sys::Status::napi_ok).then(|| (values, &*data.cast::<Thread>()))
    }
}

unsafe fn number(env: sys::napi_env, value: sys::napi_value) -> u32 {
    let mut number = 0;
    // SAFETY: a value of this call; what is no number leaves 0.
    unsafe { sys::napi_get_value_uint32(env, value, &raw mut number) };
    number
}

/// `send(place, data, flags, length)`: nothing when the message is on its way and nothing has to be done, otherwise bits
/// of [`outcome`](crate::seats::outcome).
unsafe extern "C" fn send(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: Node calls with arguments of this call, on the environment's thread; buffers stay where they are while no
    // JavaScript runs.
    unsafe {
        let Some(([place, data, flags, length], thread)) = arguments::<4>(env, info) else {
            return ptr::null_mut();
        };
        let (place, flags) = (number(env, place), number(env, flags));
        let mut scratch = thread.scratch.borrow_mut();
        let payload = if flags & flag::STRING == 0 {
            let (mut bytes, mut count) = (ptr::null_mut(), 0);
            if sys::napi_get_buffer_info(env, data, &raw mut bytes, &raw mut count)
                != sys::Status::napi_ok
            {
                return throw(env, c"ERR_INVALID_ARG_TYPE", "data must be a Buffer");
            }
            if count == 0 {
                &[][..]
            } else {
                slice::from_raw_parts(bytes.cast::<u8>(), count)
            }
        } else {
            // A UTF-16 code unit makes 3 bytes at most; Node adds a NUL.
            let room = 3 * number(env, length) as usize + 1;
            scratch.clear();
            scratch.reserve(room);
            let mut count = 0;
            let status = sys::napi_get_value_string_utf8(
                env,
                data,
                scratch.as_mut_ptr().cast(),
                scratch.capacity(),
                &raw mut count,
            );
            if status != sys::Status::napi_ok {
                return throw(env, c"ERR_INVALID_ARG_TYPE", "data must be a string");
            }
            scratch.set_len(count);
            &scratch[..]
        };
        let kind = if flags & flag::BINARY == 0 {
            MessageKind::Text
        } else {
            MessageKind::Binary
        };
        let part = if flags & flag::FRAGMENT == 0 {
            Part::Whole
        } else {
            let last = flags & flag::LAST != 0;
            Part::Fragment { last }
        };
        let compress = if flags & flag::PLAIN == 0 {
            Compress::ByOptions
        } else {
            Compress::Never
        };
        let sent = (thread.seats.borrow_mut()).send(place, kind, payload, part, compress);
        if scratch.capacity() > SCRATCH_KEPT {
            *scratch = Vec::new();
        }
        match sent {
            Ok(0) => ptr::null_mut(),
            Ok(outcome) => {
                let mut value = ptr::null_mut();
                sys::napi_create_uint32(env, outcome, &raw mut value);
                value
            }
            Err(error) => throw(env, c"ROPEWAY_SEND", &error.to_string()),
        }
    }
}

/// `queuedBytes(place)`.
unsafe extern "C" fn queued_bytes(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: as in `send`.
    unsafe {
        if let Some(([place], thread)) = arguments::<1>(env, info) {
            let bytes = (thread.seats.borrow_mut()).queued_bytes(number(env, place));
            sys::napi_create_double(env, bytes as f64, &raw mut value);
        }
    }
    value
}

/// `release()`: sends what was gathered.
unsafe extern "C" fn release(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: as in `send`.
    if let Some(([], thread)) = unsafe { arguments::<0>(env, info) } {
        thread.seats.borrow_mut().release();
        thread.hold();
    }
    ptr::null_mut()
}

/// Throws an Error.
///
/// # Safety
/// On the environment's thread, within a callback.
unsafe fn throw(env: sys::napi_env, code: &CStr, message: &str) -> sys::napi_value {
    let (mut name, mut text, mut error) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: as the caller promises.
    unsafe {
        sys::napi_create_string_utf8(
            env,
            code.as_ptr(),
            code.count_bytes() as isize,
            &raw mut name,
        );
        sys::napi_create_string_utf8(
            env,
            message.as_ptr().cast(),
            message.len() as isize,
            &raw mut text,
        );
        sys::napi_create_error(env, name, text, &raw mut error);
        sys::napi_throw(env, error);
    }
    ptr::null_mut()
}
