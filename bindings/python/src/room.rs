//! Bytes objects into which the core receives large messages.

use std::any::Any;
use std::io;
use std::mem::MaybeUninit;
use std::slice;

use pyo3::types::PyBytes;
use pyo3::{ffi, prelude::*};
use ropeway_core::engine::Engine;
use ropeway_core::protocol::{MessageKind, Receive, Room};

use crate::payload;

/// A bytes object that nobody else has seen.
#[derive(Debug)]
struct Bytes {
    object: Py<PyBytes>,
    length: usize,
    filled: usize,
}

impl Bytes {
    /// One of `length` bytes, which are not written yet; `None` without memory for it.
    #[allow(unsafe_code, reason = "pyo3 writes a bytes object's memory over first")]
    fn new(py: Python<'_>, length: usize) -> Option<Self> {
        let size = ffi::Py_ssize_t::try_from(length).ok()?;
        // SAFETY: the interpreter is attached; without a source the object is made for the caller to write to.
        let object = unsafe {
            let object = ffi::PyBytes_FromStringAndSize(std::ptr::null(), size);
            Bound::from_owned_ptr_or_err(py, object)
        };
        Some(Self {
            object: object.ok()?.cast_into::<PyBytes>().ok()?.unbind(),
            length,
            filled: 0,
        })
    }

    #[allow(
        unsafe_code,
        reason = "pyo3 lends a bytes object's memory for reading alone"
    )]
    fn start(&self) -> *mut u8 {
        // SAFETY: it is a bytes object, and alive. Where its bytes stand never changes, and asking for that needs no
        // interpreter.
        unsafe { ffi::PyBytes_AsString(self.object.as_ptr()).cast() }
    }
}

impl Room for Bytes {
    #[allow(unsafe_code, reason = "as above")]
    fn fill(&mut self, before: &[u8], receive: &mut Receive<'_>) -> io::Result<usize> {
        let start = self.start().cast::<MaybeUninit<u8>>();
        // SAFETY: the object has so many bytes, and nobody else knows of it.
        let memory = unsafe { slice::from_raw_parts_mut(start, self.length) };
        let (head, rest) = memory.split_at_mut(before.len());
        head.write_copy_of_slice(before);
        let count = receive(rest)?.len();
        self.filled = before.len() + count;
        Ok(count)
    }

    #[allow(unsafe_code, reason = "as above")]
    fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes have been written, and nobody writes to them while this is lent.
        unsafe { slice::from_raw_parts(self.start(), self.filled) }
    }

    #[allow(unsafe_code, reason = "as above")]
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes have been written, and nobody else knows of them.
        unsafe { slice::from_raw_parts_mut(self.start(), self.filled) }
    }
}

/// Has an engine, which is driven by attached threads alone, receive large messages into bytes objects.
pub(crate) fn make_rooms(engine: &mut Engine) {
    engine.make_rooms(Box::new(|length| {
        let made = Python::attach(|py| Bytes::new(py, length))?;
        Some(Box::new(made))
    }));
}

/// The message that was told last, as a str or bytes.
pub(crate) fn message(
    py: Python<'_>,
    engine: &mut Engine,
    kind: MessageKind,
) -> PyResult<Py<PyAny>> {
    if let Some(room) = engine.take_room()
        && let Ok(bytes) = (room as Box<dyn Any>).downcast::<Bytes>()
    {
        return Ok(bytes.object.into_any());
    }
    payload::to_object(py, kind, engine.payload())
}
