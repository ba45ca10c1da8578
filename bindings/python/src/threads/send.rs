//! Sending, and what a call that cannot send is told.

use pyo3::intern;
use pyo3::prelude::*;
use ropeway_core::engine::{ConnectionId, Connections, Sent};
use ropeway_core::{Error, SendError};

use super::ThreadConnection;
use crate::errors::{error, raised, send_error};

/// From this size on others may run while a message is copied to the kernel.
const LARGE: usize = 64 << 10;

impl ThreadConnection {
    pub(super) fn closed_error(slf: &Bound<'_, Self>) -> PyErr {
        match slf.call_method0(intern!(slf.py(), "_closed_error")) {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
    }

    /// Sends, and waits until the kernel has taken all of it.
    pub(super) fn sent(
        slf: &Bound<'_, Self>,
        call: impl FnOnce(&mut Connections, ConnectionId) -> Result<Sent, SendError> + Send,
        length: usize,
    ) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let send = || {
            let mut core = this.core();
            let sent = core.with(call)?;
            let left = core.has_left(sent);
            if !left {
                core.rouse();
            }
            Ok(left)
        };
        let sent = if length < LARGE {
            send()
        } else {
            py.detach(send)
        };
        match sent {
            Ok(true) => Ok(()),
            Ok(false) => this
                .wait(py, None, |core| core.is_flushed().then_some(()))
                .map(drop),
            Err(problem) => Err(Self::refused(slf, problem)),
        }
    }

    /// The exception for what was not sent.
    pub(super) fn refused(slf: &Bound<'_, Self>, problem: SendError) -> PyErr {
        match problem {
            SendError::Closed | SendError::NotOpen => {
                // It is closing; how it ended will be known soon.
                let this = slf.get();
                let end = this.wait(slf.py(), None, |core| core.closed.is_some().then_some(()));
                match end {
                    Ok(_) => Self::closed_error(slf),
                    Err(error) => error,
                }
            }
            SendError::MessageInProgress => raised(
                slf.py(),
                "ConcurrencyError",
                "cannot call send while another thread is already running send",
            ),
            problem => send_error(slf.as_any(), problem),
        }
    }

    /// Sends a control frame.
    pub(super) fn control<R>(
        slf: &Bound<'_, Self>,
        call: impl FnOnce(&mut Connections, ConnectionId) -> Result<R, SendError>,
    ) -> PyResult<R> {
        let this = slf.get();
        let result = {
            let mut core = this.core();
            let result = core.with(call);
            if !core.is_flushed() {
                core.rouse();
            }
            result
        };
        result.map_err(|problem| Self::refused(slf, problem))
    }

    pub(super) fn decide(
        &self,
        py: Python<'_>,
        decision: impl FnOnce(&mut Connections, ConnectionId) -> Result<(), Error>,
    ) -> PyResult<()> {
        let mut core = self.core();
        let id = core.id;
        let decided = match core.connections() {
            Some(connections) => decision(connections, id),
            None => Err(Error::UnknownId),
        };
        drop(core);
        decided.map_err(|problem| error(py, &problem))
    }
}
