//! Messages between Python objects and bytes.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use ropeway_core::protocol::MessageKind;

/// Whether an object is a message by itself, and not an iterable of fragments.
pub(crate) fn is_message(message: &Bound<'_, PyAny>) -> bool {
    message.is_instance_of::<PyString>()
        || message.is_instance_of::<PyBytes>()
        || message.is_instance_of::<PyByteArray>()
        || message.is_instance_of::<PyMemoryView>()
}

/// Lends a message's bytes to `use_it`. A str is text, a bytes-like object binary; `text` overrides that.
///
/// # Errors
/// `TypeError` for another type, `UnicodeEncodeError` for a str with lone surrogates.
pub(crate) fn with_bytes<R>(
    message: &Bound<'_, PyAny>,
    text: Option<bool>,
    use_it: impl FnOnce(MessageKind, &[u8]) -> R,
) -> PyResult<R> {
    let kind = |by_type| match text {
        Some(true) => MessageKind::Text,
        Some(false) => MessageKind::Binary,
        None => by_type,
    };
    if let Ok(string) = message.cast::<PyString>() {
        return Ok(use_it(kind(MessageKind::Text), string.to_str()?.as_bytes()));
    }
    let kind = kind(MessageKind::Binary);
    if let Ok(bytes) = message.cast::<PyBytes>() {
        return Ok(use_it(kind, bytes.as_bytes()));
    }
    if !is_message(message) {
        return Err(PyTypeError::new_err(format!(
            "a message is str, bytes, bytearray or memoryview, not {}",
            message.get_type().name()?
        )));
    }
    if let Ok(buffer) = PyBuffer::<u8>::get(message) {
        return Ok(use_it(kind, &buffer.to_vec(message.py())?));
    }
    let bytes = message.call_method0(intern!(message.py(), "tobytes"))?;
    Ok(use_it(kind, bytes.cast::<PyBytes>()?.as_bytes()))
}

/// A received message as a str or bytes.
pub(crate) fn to_object(py: Python<'_>, kind: MessageKind, payload: &[u8]) -> PyResult<Py<PyAny>> {
    Ok(match kind {
        MessageKind::Text => PyString::from_bytes(py, payload)?.into_any().unbind(),
        MessageKind::Binary => PyBytes::new(py, payload).into_any().unbind(),
    })
}

/// A received message as `recv(decode=)` wants it: `None` leaves it, true makes it a str, false bytes.
pub(crate) fn decoded<'py>(
    message: Bound<'py, PyAny>,
    decode: Option<bool>,
) -> PyResult<Bound<'py, PyAny>> {
    match decode {
        Some(true) if !message.is_instance_of::<PyString>() => {
            message.call_method0(intern!(message.py(), "decode"))
        }
        Some(false) if message.is_instance_of::<PyString>() => {
            message.call_method0(intern!(message.py(), "encode"))
        }
        _ => Ok(message),
    }
}
