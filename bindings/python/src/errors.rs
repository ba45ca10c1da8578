//! The exceptions that calls raise.

use pyo3::call::PyCallArgs;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError, PyUnicodeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;
use ropeway_core::{Error, IoError, SendError};

/// An exception of `ropeway.exceptions`.
pub(crate) fn raised(py: Python<'_>, name: &str, message: &str) -> PyErr {
    raised_with(py, name, (message,))
}

fn raised_with<'py>(py: Python<'py>, name: &str, arguments: impl PyCallArgs<'py>) -> PyErr {
    let made = py
        .import("ropeway.exceptions")
        .and_then(|module| module.getattr(PyString::intern(py, name)))
        .and_then(|class| class.call1(arguments));
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// A second call is in `recv`.
pub(crate) fn busy(py: Python<'_>) -> PyErr {
    raised(
        py,
        "ConcurrencyError",
        "cannot call recv or recv_streaming while another call of one of them is under way",
    )
}

/// Why a message was not taken.
pub(crate) fn send_error(slf: &Bound<'_, PyAny>, error: SendError) -> PyErr {
    match error {
        SendError::Closed | SendError::NotOpen => {
            match slf.call_method0(intern!(slf.py(), "_closed_error")) {
                Ok(error) => PyErr::from_value(error),
                Err(error) => error,
            }
        }
        SendError::InvalidUtf8 => PyUnicodeError::new_err(error.to_string()),
        SendError::ControlTooLong(_) | SendError::InvalidCloseCode(_) => {
            raised(slf.py(), "ProtocolError", &error.to_string())
        }
        SendError::OutOfMemory(_) => PyMemoryError::new_err(error.to_string()),
        error => PyRuntimeError::new_err(error.to_string()),
    }
}

/// The exception for an error of the core's that a call answered.
pub(crate) fn error(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        Error::Io(io) => os_error(io),
        Error::Url(_) | Error::Header(_) | Error::Handshake(_) | Error::Tls(_) => {
            PyValueError::new_err(error.to_string())
        }
        Error::UnknownId => raised(py, "InvalidState", "the connection is closed"),
        error => PyRuntimeError::new_err(error.to_string()),
    }
}

/// As [`error`], of dialling `url`.
pub(crate) fn dial_error(py: Python<'_>, url: &str, problem: &Error) -> PyErr {
    match problem {
        Error::Url(problem) => raised_with(py, "InvalidURI", (url, problem.to_string())),
        Error::ProxyUrl(problem) => {
            raised_with(py, "InvalidProxy", (problem.variable, problem.problem))
        }
        problem => error(py, problem),
    }
}

fn os_error(error: &IoError) -> PyErr {
    match error.os_code() {
        Some(code) => PyOSError::new_err((code, error.to_string())),
        None => PyOSError::new_err(error.to_string()),
    }
}
