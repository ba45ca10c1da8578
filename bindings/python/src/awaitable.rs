//! The awaitable of `recv` and `send`. It finishes in its first step when there is nothing to wait for. It has all
//! methods of a coroutine, so that `asyncio.create_task` takes it.
//!
//! Two are made for each message of an echo, and gone at once. So the collector of cycles does not know them: while one
//! waits, the engine holds all that it holds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopAsyncIteration, PyStopIteration};
use pyo3::types::PyTuple;
use pyo3::{ffi, intern, prelude::*};

use crate::connection::{Connection, Outcome, Taken};
use crate::payload;
use crate::waiter::Waiter;

/// A call under way.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct Awaitable {
    connection: Py<Connection>,
    call: Call,
}

enum Call {
    /// Cancelling it leaves the message for the next one.
    Recv {
        wanted: Wanted,
        waiter: Mutex<Option<Py<Waiter>>>,
    },
    /// What the connection has taken is sent, even if the wait that follows is cancelled.
    Send {
        message: Py<PyAny>,
        text: Option<bool>,
        state: Mutex<Sending>,
    },
}

/// What is received.
#[derive(Clone, Copy)]
enum Wanted {
    /// A message, decoded or not.
    Message(Option<bool>),
    /// A message of an iteration, which the end of a good connection ends instead of raising.
    Next,
    /// A piece of a message.
    Piece,
}

#[derive(Default)]
struct Sending {
    /// The message has been taken by the connection.
    taken: bool,
    /// The awaited future's iterator.
    wait: Option<Py<PyAny>>,
    /// It waits no more.
    ended: bool,
}

/// What a step comes to.
enum Step {
    /// The task has to wait on this.
    Wait(Py<PyAny>),
    /// The result.
    Done(Py<PyAny>),
}

/// Raises the exception with which a step tells a result. A message goes as it is, so that no exception object has to be
/// made of it; a tuple would be taken for the exception's arguments.
#[allow(unsafe_code, reason = "pyo3 makes an object of an error first")]
fn stop(py: Python<'_>, value: Py<PyAny>) -> PyResult<()> {
    let value = value.into_bound(py);
    let value = if value.is_instance_of::<PyTuple>() {
        PyTuple::new(py, [value])?.into_any()
    } else {
        value
    };
    // SAFETY: both are objects, which the call borrows; the interpreter is attached.
    unsafe { ffi::PyErr_SetObject(ffi::PyExc_StopIteration, value.as_ptr()) };
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Awaitable {
    pub(crate) const fn recv(connection: Py<Connection>, decode: Option<bool>) -> Self {
        Self::receiving(connection, Wanted::Message(decode))
    }

    pub(crate) const fn next(connection: Py<Connection>) -> Self {
        Self::receiving(connection, Wanted::Next)
    }

    pub(crate) const fn piece(connection: Py<Connection>) -> Self {
        Self::receiving(connection, Wanted::Piece)
    }

    const fn receiving(connection: Py<Connection>, wanted: Wanted) -> Self {
        let waiter = Mutex::new(None);
        Self {
            connection,
            call: Call::Recv { wanted, waiter },
        }
    }

    pub(crate) fn send(connection: Py<Connection>, message: Py<PyAny>, text: Option<bool>) -> Self {
        let state = Mutex::default();
        Self {
            connection,
            call: Call::Send {
                message,
                text,
                state,
            },
        }
    }

    fn step(&self, py: Python<'_>) -> PyResult<Step> {
        match &self.call {
            Call::Recv { wanted, waiter } => self.receive(py, *wanted, waiter),
            Call::Send {
                message,
                text,
                state,
            } => self.transmit(py, message, *text, state),
        }
    }

    fn receive(
        &self,
        py: Python<'_>,
        wanted: Wanted,
        waiter: &Mutex<Option<Py<Waiter>>>,
    ) -> PyResult<Step> {
        self.leave();
        let connection = self.connection.bind(py);
        match Connection::take(connection, matches!(wanted, Wanted::Piece))? {
            Taken::Item(item) => Ok(Step::Done(match wanted {
                Wanted::Message(decode) => {
                    payload::decoded(item.into_object().into_bound(py), decode)?.unbind()
                }
                Wanted::Next => item.into_object(),
                Wanted::Piece => item.into_piece().into_pyobject(py)?.into_any().unbind(),
            })),
            Taken::Wait(wait) => {
                let object = wait.clone_ref(py).into_any();
                *lock(waiter) = Some(wait);
                Ok(Step::Wait(object))
            }
            Taken::Closed => {
                let error = connection.call_method0(intern!(py, "_closed_error"))?;
                if matches!(wanted, Wanted::Next)
                    && connection
                        .call_method0(intern!(py, "_closed_ok"))?
                        .is_truthy()?
                {
                    return Err(PyStopAsyncIteration::new_err(()));
                }
                Err(PyErr::from_value(error))
            }
        }
    }

    fn transmit(
        &self,
        py: Python<'_>,
        message: &Py<PyAny>,
        text: Option<bool>,
        state: &Mutex<Sending>,
    ) -> PyResult<Step> {
        let mut wait = {
            let mut state = lock(state);
            if std::mem::replace(&mut state.ended, true) {
                return Err(PyRuntimeError::new_err(
                    "this send has been awaited already",
                ));
            }
            state.wait.take()
        };
        loop {
            if let Some(wait) = wait {
                match wait.bind(py).call_method0(intern!(py, "__next__")) {
                    Ok(future) => {
                        let mut state = lock(state);
                        state.ended = false;
                        state.wait = Some(wait);
                        return Ok(Step::Wait(future.unbind()));
                    }
                    Err(error) if error.is_instance_of::<PyStopIteration>(py) => {}
                    Err(error) => return Err(error),
                }
                if lock(state).taken {
                    return Ok(Step::Done(py.None()));
                }
            }
            let future =
                match Connection::try_send(self.connection.bind(py), message.bind(py), text)? {
                    Outcome::Sent => return Ok(Step::Done(py.None())),
                    Outcome::Queued(future) => {
                        lock(state).taken = true;
                        future
                    }
                    Outcome::Later(future) => future,
                };
            let iterator = future.bind(py).call_method0(intern!(py, "__await__"))?;
            wait = Some(iterator.unbind());
        }
    }

    /// Waits no longer.
    fn leave(&self) {
        match &self.call {
            Call::Recv { waiter, .. } => {
                let own = lock(waiter).take();
                if let Some(own) = own {
                    self.connection.get().give_back(own);
                }
            }
            Call::Send { state, .. } => {
                let mut state = lock(state);
                state.ended = true;
                let wait = state.wait.take();
                drop(state);
                drop(wait);
            }
        }
    }
}

#[pymethods]
impl Awaitable {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match self.step(py)? {
            Step::Wait(wait) => Ok(Some(wait)),
            Step::Done(value) if value.is_none(py) => Ok(None),
            Step::Done(value) => stop(py, value).map(|()| None),
        }
    }

    #[pyo3(name = "send")]
    fn resume(&self, py: Python<'_>, _value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        match self.step(py)? {
            Step::Wait(wait) => Ok(wait),
            Step::Done(value) => {
                stop(py, value)?;
                Err(PyErr::fetch(py))
            }
        }
    }

    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Py<PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        self.leave();
        Err(match value {
            Some(value) if value.is_instance_of::<PyBaseException>() => PyErr::from_value(value),
            Some(value) => PyErr::from_value(kind.call1((value,))?),
            None => PyErr::from_value(kind),
        })
    }

    fn close(&self) {
        self.leave();
    }
}
