//! Messages on their way to the engine.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use ropeway_core::SendError;
use ropeway_core::engine::Sent;

use super::{Connection, OPEN};
use crate::engine::Engine;
use crate::errors::send_error;
use crate::futures::create_future;
use crate::payload;

/// How the connection took a message.
pub(crate) enum Outcome {
    Sent,
    /// Taken; wait for this before more is sent.
    Queued(Py<PyAny>),
    /// Not taken; try again after this.
    Later(Py<PyAny>),
}

impl Connection {
    /// Sends a message, or says what to wait for.
    pub(crate) fn try_send(
        slf: &Bound<'_, Self>,
        message: &Bound<'_, PyAny>,
        text: Option<bool>,
    ) -> PyResult<Outcome> {
        let py = slf.py();
        let connection = slf.get();
        let id = connection.id();
        // With more messages waiting in the queue more answers are likely: they leave together.
        let more = !connection.inner().inbox.is_empty();
        let result = payload::with_bytes(message, text, |kind, bytes| {
            let mut core = connection.engine.get().core();
            let starts = more && core.gather();
            let sent = core.connections().send(id, kind, bytes);
            if !more {
                core.release();
            }
            (sent, starts)
        })?;
        if result.1 {
            Engine::release_soon(connection.engine.bind(py))?;
        }
        Self::outcome(slf, result.0)
    }

    pub(super) fn outcome(
        slf: &Bound<'_, Self>,
        sent: Result<Sent, SendError>,
    ) -> PyResult<Outcome> {
        let py = slf.py();
        let connection = slf.get();
        match sent {
            Ok(Sent::Sent) => Ok(Outcome::Sent),
            Ok(Sent::Queued(_)) => {
                let future = create_future(py)?;
                connection.inner().writers.push(future.clone_ref(py));
                Ok(Outcome::Queued(future))
            }
            Err(SendError::Full { .. }) => {
                let future = create_future(py)?;
                connection.inner().writers.push(future.clone_ref(py));
                Ok(Outcome::Later(future))
            }
            Err(SendError::MessageInProgress) => {
                let future = create_future(py)?;
                connection.inner().fragmented.push(future.clone_ref(py));
                Ok(Outcome::Later(future))
            }
            Err(error) => Err(send_error(slf.as_any(), error)),
        }
    }
}

/// Sends a message to many connections without waiting. Those that are not open are left out; what another one does
/// not take is logged, or with `raise_exceptions` gathered in an ExceptionGroup.
#[pyfunction]
#[pyo3(name = "_broadcast", signature = (connections, message, text))]
pub(crate) fn broadcast(
    connections: Vec<Bound<'_, Connection>>,
    message: Bound<'_, PyAny>,
    text: Option<bool>,
) -> PyResult<Vec<(Py<Connection>, String)>> {
    if !payload::is_message(&message) {
        return Err(PyTypeError::new_err("data must be str or bytes"));
    }
    let mut failed = Vec::new();
    payload::with_bytes(&message, text, |kind, bytes| {
        for connection in connections {
            let this = connection.get();
            if this.phase() != OPEN {
                continue;
            }
            let sent = this.with(|connections, id| connections.send(id, kind, bytes));
            if let Err(error) = sent
                && error != SendError::Closed
            {
                failed.push((connection.unbind(), error.to_string()));
            }
        }
    })?;
    Ok(failed)
}
