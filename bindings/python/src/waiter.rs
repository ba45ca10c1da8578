//! What a task waits on in `recv`: an object with asyncio's Future protocol, so that the task hands over the function
//! that resumes it. The engine calls that function when a message has come, without a round through the event loop.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use crate::engine::Engine;
use crate::futures::{done, run_in_context};

/// A wait for a message. When its task has gone on, it serves for the connection's next one.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct Waiter {
    engine: Py<Engine>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    blocking: bool,
    resume: Option<Resume>,
    done: bool,
    /// Set when the wait was cancelled: the message that `cancel` was given.
    cancelled: Option<Option<Py<PyAny>>>,
}

struct Resume {
    function: Py<PyAny>,
    context: Option<Py<PyAny>>,
}

impl State {
    fn waiting() -> Self {
        Self {
            blocking: true,
            ..Self::default()
        }
    }
}

impl Waiter {
    pub(crate) fn new(engine: Py<Engine>) -> Self {
        Self {
            engine,
            state: Mutex::new(State::waiting()),
        }
    }

    /// Begins another wait, which the engine alone knows of so far.
    pub(crate) fn begin(&self) {
        *self.state() = State::waiting();
    }

    /// Whether the wait goes on.
    pub(crate) fn waits(&self) -> bool {
        !self.state().done
    }

    /// Whether the wait has ended as it should, so that nobody asks for it any more once its task has gone on.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.state();
        state.done && state.cancelled.is_none()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the wait and runs the task until it waits for something again.
    ///
    /// # Errors
    /// What passes through a task: `KeyboardInterrupt`, `SystemExit`.
    pub(crate) fn resume(slf: &Bound<'_, Self>) -> PyResult<()> {
        let resume = {
            let mut state = slf.get().state();
            if state.done {
                return Ok(());
            }
            state.done = true;
            state.resume.take()
        };
        let Some(Resume { function, context }) = resume else {
            return Ok(());
        };
        let py = slf.py();
        match context {
            Some(context) => run_in_context(py, context, function, done(py)?),
            None => function.bind(py).call1((done(py)?,)).map(drop),
        }
    }
}

/// Calls `function(argument)` in the loop's next round. The loop may be closing, and not running.
fn call_soon(
    slf: &Bound<'_, Waiter>,
    function: &Bound<'_, PyAny>,
    context: Option<&Py<PyAny>>,
) -> PyResult<()> {
    let named = PyDict::new(slf.py());
    named.set_item("context", context)?;
    let event_loop = slf.get().event_loop(slf.py())?;
    event_loop.call_method(
        intern!(slf.py(), "call_soon"),
        (function, slf),
        Some(&named),
    )?;
    Ok(())
}

#[pymethods]
impl Waiter {
    #[getter(_asyncio_future_blocking)]
    fn blocking(&self) -> bool {
        self.state().blocking
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, blocking: bool) {
        self.state().blocking = blocking;
    }

    /// asyncio looks for `get_loop` first, and takes this in its place: there is no method to be made and called.
    #[getter(_loop)]
    fn event_loop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.engine.get().event_loop(py)
    }

    #[pyo3(signature = (function, *, context=None))]
    fn add_done_callback(
        slf: &Bound<'_, Self>,
        function: Py<PyAny>,
        context: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        {
            let mut state = slf.get().state();
            if !state.done {
                if state.resume.is_some() {
                    return Err(PyRuntimeError::new_err("this wait has its task already"));
                }
                state.resume = Some(Resume { function, context });
                return Ok(());
            }
        }
        call_soon(slf, function.bind(py), context.as_ref())
    }

    fn remove_done_callback(&self, _function: Py<PyAny>) -> usize {
        let removed = self.state().resume.take();
        usize::from(removed.is_some())
    }

    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        let resume = {
            let mut state = slf.get().state();
            if state.done {
                return Ok(false);
            }
            state.done = true;
            state.cancelled = Some(msg);
            state.resume.take()
        };
        if let Some(Resume { function, context }) = resume {
            call_soon(slf, function.bind(slf.py()), context.as_ref())?;
        }
        Ok(true)
    }

    fn cancelled(&self) -> bool {
        self.state().cancelled.is_some()
    }

    fn done(&self) -> bool {
        self.state().done
    }

    fn result(&self, py: Python<'_>) -> PyResult<()> {
        let message = match &self.state().cancelled {
            None => return Ok(()),
            Some(message) => message.as_ref().map(|message| message.clone_ref(py)),
        };
        let cancelled = py
            .import("asyncio")?
            .getattr(intern!(py, "CancelledError"))?;
        Err(PyErr::from_value(match message {
            Some(message) => cancelled.call1((message,))?,
            None => cancelled.call0()?,
        }))
    }

    fn exception(&self) -> PyResult<Option<Py<PyAny>>> {
        if self.cancelled() {
            return Err(PyException::new_err("cancelled"));
        }
        Ok(None)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine)?;
        if let Ok(state) = self.state.try_lock()
            && let Some(resume) = &state.resume
        {
            visit.call(&resume.function)?;
            if let Some(context) = &resume.context {
                visit.call(context)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let resume = self
            .state
            .try_lock()
            .ok()
            .and_then(|mut state| state.resume.take());
        drop(resume);
    }
}
