//! The awaitables of `recv` and `send`. They finish in their first step when there is nothing to wait for. They have all
//! methods of a coroutine, so that `asyncio.create_task` takes them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::connection::{Connection, Taken};
use crate::payload;
use crate::waiter::Waiter;

/// What a step of an awaitable comes to.
enum Step {
    /// The task has to wait on this.
    Wait(Py<PyAny>),
    /// The result.
    Done(Py<PyAny>),
}

/// As an iterator tells it: a wait is yielded, a result ends the iteration.
fn told(py: Python<'_>, step: PyResult<Step>) -> PyResult<Option<Py<PyAny>>> {
    match step? {
        Step::Wait(wait) => Ok(Some(wait)),
        Step::Done(value) if value.is_none(py) => Ok(None),
        Step::Done(value) => Err(PyStopIteration::new_err((value,))),
    }
}

/// As `send` tells it, where returning None would be a wait.
fn sent(py: Python<'_>, step: PyResult<Step>) -> PyResult<Py<PyAny>> {
    told(py, step)?.ok_or_else(|| PyStopIteration::new_err(()))
}

/// The exception that `throw` was given.
fn thrown(kind: &Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyErr {
    match value {
        Some(value) if value.is_instance_of::<pyo3::exceptions::PyBaseException>() => {
            PyErr::from_value(value)
        }
        Some(value) => match kind.call1((value,)) {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        },
        None => PyErr::from_value(kind.clone()),
    }
}

/// A `recv` under way. Cancelling it leaves the message for the next one.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct Recv {
    connection: Py<Connection>,
    decode: Option<bool>,
    /// The end of a good connection ends an iteration instead of raising.
    iterating: bool,
    waiter: Mutex<Option<Py<Waiter>>>,
}

impl Recv {
    pub(crate) const fn new(
        connection: Py<Connection>,
        decode: Option<bool>,
        iterating: bool,
    ) -> Self {
        Self {
            connection,
            decode,
            iterating,
            waiter: Mutex::new(None),
        }
    }

    fn waiter(&self) -> MutexGuard<'_, Option<Py<Waiter>>> {
        self.waiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, py: Python<'_>) -> PyResult<Step> {
        let own = self.waiter().take();
        if let Some(own) = own {
            self.connection.get().forget_waiter(own.bind(py));
        }
        let connection = self.connection.bind(py);
        match Connection::take(connection)? {
            Taken::Message(message) => Ok(Step::Done(
                payload::decoded(message.into_bound(py), self.decode)?.unbind(),
            )),
            Taken::Wait(waiter) => {
                let object = waiter.clone_ref(py).into_any();
                *self.waiter() = Some(waiter);
                Ok(Step::Wait(object))
            }
            Taken::Closed => {
                let error = connection.call_method0("_closed_error")?;
                if self.iterating && connection.call_method0("_closed_ok")?.is_truthy()? {
                    return Err(PyStopAsyncIteration::new_err(()));
                }
                Err(PyErr::from_value(error))
            }
        }
    }

    fn leave(&self, py: Python<'_>) {
        let own = self.waiter().take();
        if let Some(own) = own {
            self.connection.get().forget_waiter(own.bind(py));
        }
    }
}

#[pymethods]
impl Recv {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        told(py, self.step(py))
    }

    fn send(&self, py: Python<'_>, _value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        sent(py, self.step(py))
    }

    #[pyo3(signature = (kind, value=None, traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Py<PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let _ = traceback;
        self.leave(kind.py());
        Err(thrown(&kind, value))
    }

    fn close(&self, py: Python<'_>) {
        self.leave(py);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connection)
    }
}

/// A `send` under way. What the connection has taken is sent, even if the wait that follows is cancelled.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct Send {
    connection: Py<Connection>,
    message: Py<PyAny>,
    text: Option<bool>,
    state: Mutex<SendState>,
}

#[derive(Default)]
struct SendState {
    /// The message has been taken by the connection.
    taken: bool,
    /// The awaited future's iterator.
    inner: Option<Py<PyAny>>,
    ended: bool,
}

/// How the connection took a message.
pub(crate) enum Outcome {
    Sent,
    /// Taken; wait for this before more is sent.
    Queued(Py<PyAny>),
    /// Not taken; try again after this.
    Later(Py<PyAny>),
}

impl Send {
    pub(crate) fn new(connection: Py<Connection>, message: Py<PyAny>, text: Option<bool>) -> Self {
        Self {
            connection,
            message,
            text,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, SendState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, py: Python<'_>) -> PyResult<Step> {
        loop {
            let inner = {
                let state = self.state();
                if state.ended {
                    return Err(PyRuntimeError::new_err(
                        "this send has been awaited already",
                    ));
                }
                state.inner.as_ref().map(|inner| inner.clone_ref(py))
            };
            if let Some(inner) = inner {
                match inner.bind(py).call_method0("__next__") {
                    Ok(wait) => return Ok(Step::Wait(wait.unbind())),
                    Err(error) if error.is_instance_of::<PyStopIteration>(py) => {}
                    Err(error) => return self.end(Err(error)),
                }
                self.state().inner = None;
                if self.state().taken {
                    return self.end(Ok(Step::Done(py.None())));
                }
            }
            let outcome =
                Connection::try_send(self.connection.bind(py), self.message.bind(py), self.text);
            let future = match outcome {
                Ok(Outcome::Sent) => return self.end(Ok(Step::Done(py.None()))),
                Ok(Outcome::Queued(future)) => {
                    self.state().taken = true;
                    future
                }
                Ok(Outcome::Later(future)) => future,
                Err(error) => return self.end(Err(error)),
            };
            let inner = future.bind(py).call_method0("__await__")?.unbind();
            self.state().inner = Some(inner);
        }
    }

    fn end(&self, step: PyResult<Step>) -> PyResult<Step> {
        let mut state = self.state();
        state.ended = true;
        let inner = state.inner.take();
        drop(state);
        drop(inner);
        step
    }
}

#[pymethods]
impl Send {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        told(py, self.step(py))
    }

    fn send(&self, py: Python<'_>, _value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        sent(py, self.step(py))
    }

    #[pyo3(signature = (kind, value=None, traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Py<PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let _ = traceback;
        let _ = self.end(Ok(Step::Done(kind.py().None())));
        Err(thrown(&kind, value))
    }

    fn close(&self, py: Python<'_>) {
        let _ = self.end(Ok(Step::Done(py.None())));
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connection)?;
        visit.call(&self.message)
    }
}
