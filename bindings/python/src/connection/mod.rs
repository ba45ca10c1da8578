//! A connection as Python sees it: its received messages, who waits for what, and the way to the engine.

mod addresses;
mod control;
mod receive;
mod send;

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use ropeway_core::engine::{ConnectionId, ConnectionMetrics, Connections, Sent};

use crate::awaitable::Awaitable;
use crate::engine::{self, Engine};
use crate::errors::{dial_error, error, send_error};
use crate::futures::{create_future, resolve};
use crate::inbox::{Inbox, Item};
use crate::metrics;
use crate::options::Options;
use crate::payload;
use crate::route::Route;
use crate::tls;
use crate::waiter::Waiter;
use control::Ping;
pub(crate) use receive::Taken;
pub(crate) use send::{Outcome, broadcast};

/// The states, numbered as `websockets` does.
pub(crate) const CONNECTING: u8 = 0;
pub(crate) const OPEN: u8 = 1;
pub(crate) const CLOSING: u8 = 2;
pub(crate) const CLOSED: u8 = 3;

/// One connection. The Python classes `ClientConnection` and `ServerConnection` extend it.
#[pyclass(frozen, subclass, weakref, module = "ropeway._ropeway")]
pub(crate) struct Connection {
    pub(crate) engine: Py<Engine>,
    /// The core's id; 0 before there is one.
    id: AtomicU64,
    phase: AtomicU8,
    pub(crate) inner: Mutex<Inner>,
}

/// What changes.
pub(crate) struct Inner {
    pub(crate) inbox: Inbox,
    /// The task in `recv`.
    pub(crate) waiter: Option<Py<Waiter>>,
    /// What it waited on before, for the next wait.
    spare: Option<Py<Waiter>>,
    pub(crate) listener: Option<Py<PyAny>>,
    /// Futures of senders above high water.
    pub(crate) writers: Vec<Py<PyAny>>,
    /// Futures of senders that wait for the end of a fragmented message.
    fragmented: Vec<Py<PyAny>>,
    /// Pings whose pongs are waited for.
    pub(crate) pings: VecDeque<Ping>,
    pub(crate) latency: Duration,
    /// What it had done when it ended.
    pub(crate) metrics: Option<Box<ConnectionMetrics>>,
    /// Where it led when it opened.
    addresses: Option<Box<addresses::Ends>>,
}

impl Inner {
    /// Whether a task is in `recv`; one that has been cancelled there is not, even if it does not know yet.
    fn is_awaited(&self) -> bool {
        let waiter = self.waiter.as_ref();
        waiter.is_some_and(|waiter| waiter.get().waits())
    }
}

impl Connection {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> ConnectionId {
        ConnectionId::from_bits(self.id.load(Ordering::Relaxed))
    }

    pub(crate) fn set_id(&self, id: ConnectionId) {
        self.id.store(id.bits(), Ordering::Relaxed);
    }

    pub(crate) fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }

    pub(crate) fn set_phase(&self, phase: u8) {
        self.phase.store(phase, Ordering::Relaxed);
    }

    /// Does `call` on the core's connection.
    pub(crate) fn with<R>(&self, call: impl FnOnce(&mut Connections, ConnectionId) -> R) -> R {
        call(self.engine.get().core().connections(), self.id())
    }
}

#[pymethods]
impl Connection {
    /// A connection of `engine` that is not open yet. `id` is the core's, for one that was accepted.
    #[new]
    #[pyo3(signature = (engine, id, high, low))]
    fn new(engine: Py<Engine>, id: u64, high: usize, low: usize) -> PyResult<Self> {
        if low >= high {
            return Err(PyValueError::new_err(
                "max_queue: the low-water mark must be below the high one",
            ));
        }
        Ok(Self {
            engine,
            id: AtomicU64::new(id),
            phase: AtomicU8::new(CONNECTING),
            inner: Mutex::new(Inner {
                inbox: Inbox::new(high, low),
                waiter: None,
                spare: None,
                listener: None,
                writers: Vec::new(),
                fragmented: Vec::new(),
                pings: VecDeque::new(),
                latency: Duration::ZERO,
                metrics: None,
                addresses: None,
            }),
        })
    }

    /// Makes the engine know an accepted connection.
    fn _attach(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut core = slf.get().engine.get().core();
        core.attach(slf)
            .map_err(|problem| error(slf.py(), &problem))
    }

    /// Dials, or goes on over a connected socket, whose descriptor stays Python's. `_on_opened` or `_on_closed` follows.
    fn _dial(
        slf: &Bound<'_, Self>,
        url: &str,
        options: &Options,
        route: Route,
        socket: Option<RawFd>,
    ) -> PyResult<()> {
        let py = slf.py();
        let connect = (route.options()).map_err(|problem| dial_error(py, url, &problem))?;
        let mut core = slf.get().engine.get().core();
        let options = options.0.clone();
        let connections = core.connections();
        let connected = match socket {
            None => connections.connect_with(url, &connect, options),
            Some(socket) => engine::duplicate(socket)
                .and_then(|socket| connections.connect_over(socket, url, &connect, options)),
        };
        let attached = connected.and_then(|id| {
            slf.get().set_id(id);
            core.attach(slf)
        });
        drop(core);
        attached.map_err(|problem| dial_error(py, url, &problem))
    }

    /// Takes over a connected socket, whose descriptor stays Python's, as a server's connection of which `received` has
    /// been read. `_on_request` follows.
    fn _adopt(
        slf: &Bound<'_, Self>,
        socket: RawFd,
        received: &[u8],
        options: &Options,
    ) -> PyResult<()> {
        let mut core = slf.get().engine.get().core();
        let adopted = engine::duplicate(socket).and_then(|socket| {
            core.connections()
                .adopt(socket, received, options.0.clone())
        });
        let attached = adopted.and_then(|id| {
            slf.get().set_id(id);
            core.attach(slf)
        });
        drop(core);
        attached.map_err(|problem| error(slf.py(), &problem))
    }

    /// Lets messages come; until then they are held back once the connection is open.
    fn _begin(&self) {
        self.begin();
    }

    #[getter]
    fn _engine(&self, py: Python<'_>) -> Py<Engine> {
        self.engine.clone_ref(py)
    }

    #[getter]
    fn _id(&self) -> u64 {
        self.id().bits()
    }

    #[getter]
    fn _phase(&self) -> u8 {
        self.phase()
    }

    /// Messages received that nobody has taken yet.
    #[getter]
    fn _queued_messages(&self) -> usize {
        self.inner().inbox.len()
    }

    /// Bytes sent that the kernel has not taken yet.
    #[getter]
    fn _queued_bytes(&self) -> u64 {
        self.with(|connections, id| connections.queued_bytes(id).unwrap_or(0))
    }

    /// The round trip of the last ping that was answered, in seconds; 0 before the first.
    #[getter]
    fn latency(&self) -> f64 {
        self.inner().latency.as_secs_f64()
    }

    /// What the connection has done.
    #[getter]
    fn _metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let last = self.inner().metrics.as_deref().copied();
        let now = || self.with(|connections, id| connections.connection_metrics(id).ok());
        let metrics = last.or_else(now);
        metrics::of_connection(py, &metrics.unwrap_or_default())
    }

    /// What the TLS handshake agreed on.
    #[getter]
    fn _tls<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let known = self.with(|connections, id| connections.tls_info(id).ok().flatten());
        known.map(|info| tls::info(py, info)).transpose()
    }

    /// Host and port of this end and of the other; None over a Unix socket, and while there is no connection yet.
    #[getter]
    fn _addresses(&self) -> addresses::Pair {
        self.addresses()
    }

    /// Called as `on_message(connection, data, is_text)` for each message, straight from the event loop's look at the
    /// socket; `recv` gets none then. None turns it off.
    #[getter]
    fn on_message(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.inner()
            .listener
            .as_ref()
            .map(|listener| listener.clone_ref(py))
    }

    #[setter]
    fn set_on_message(&self, py: Python<'_>, listener: Option<Py<PyAny>>) -> PyResult<()> {
        if listener
            .as_ref()
            .is_some_and(|listener| !listener.bind(py).is_callable())
        {
            return Err(PyTypeError::new_err("on_message must be callable"));
        }
        let old = std::mem::replace(&mut self.inner().listener, listener);
        drop(old);
        Ok(())
    }

    /// The next message.
    #[pyo3(signature = (decode=None))]
    fn recv(slf: Py<Self>, decode: Option<bool>) -> Awaitable {
        Awaitable::recv(slf, decode)
    }

    /// Has the next message come in pieces, which `_piece` gets.
    fn _stream(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::stream(slf)
    }

    /// The next piece: its bytes, or a message that was there already as a whole; whether it is text; whether it is the
    /// last.
    fn _piece(slf: Py<Self>) -> Awaitable {
        Awaitable::piece(slf)
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Py<Self>) -> Awaitable {
        Awaitable::next(slf)
    }

    /// Sends a message; fragments when it is an iterable or an asynchronous one.
    #[pyo3(signature = (message, text=None))]
    fn send(
        slf: &Bound<'_, Self>,
        message: Bound<'_, PyAny>,
        text: Option<bool>,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        if payload::is_message(&message) {
            let send = Awaitable::send(slf.clone().unbind(), message.unbind(), text);
            return Ok(Py::new(py, send)?.into_any());
        }
        Ok(slf
            .call_method1(intern!(slf.py(), "_send_fragments"), (message, text))?
            .unbind())
    }

    /// Sends a message without waiting: true when more can follow, false above the high-water mark. For `on_message`
    /// and other code that cannot await.
    #[pyo3(signature = (message, text=None))]
    fn send_nowait(
        slf: &Bound<'_, Self>,
        message: Bound<'_, PyAny>,
        text: Option<bool>,
    ) -> PyResult<bool> {
        let connection = slf.get();
        let sent = payload::with_bytes(&message, text, |kind, bytes| {
            connection.with(|connections, id| connections.send(id, kind, bytes))
        })?;
        match sent {
            Ok(sent) => Ok(sent == Sent::Sent),
            Err(error) => Err(send_error(slf.as_any(), error)),
        }
    }

    /// Sends a fragment. A future to wait for, when above high water.
    fn _fragment(
        slf: &Bound<'_, Self>,
        message: Bound<'_, PyAny>,
        text: bool,
        last: bool,
    ) -> PyResult<Option<Py<PyAny>>> {
        let connection = slf.get();
        let sent = payload::with_bytes(&message, Some(text), |kind, bytes| {
            connection.with(|connections, id| connections.send_fragment(id, kind, bytes, last))
        })?;
        if last {
            let waiting = std::mem::take(&mut connection.inner().fragmented);
            resolve(slf.py(), waiting)?;
        }
        match Self::outcome(slf, sent)? {
            Outcome::Sent => Ok(None),
            Outcome::Queued(future) => Ok(Some(future)),
            Outcome::Later(_) => Err(PyRuntimeError::new_err("the send queue is at its limit")),
        }
    }

    /// A future that waits until no fragmented message is being sent.
    fn _after_fragments(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let future = create_future(py)?;
        self.inner().fragmented.push(future.clone_ref(py));
        Ok(future)
    }

    /// Sends a ping; the future of its round trip in seconds.
    fn _ping(slf: &Bound<'_, Self>, payload: Vec<u8>) -> PyResult<Py<PyAny>> {
        Self::ping(slf, payload)
    }

    /// Sends an unsolicited pong.
    fn _pong(slf: &Bound<'_, Self>, payload: Vec<u8>) -> PyResult<()> {
        let sent = (slf.get()).with(|connections, id| connections.pong(id, &payload));
        sent.map(drop)
            .map_err(|error| send_error(slf.as_any(), error))
    }

    /// Begins to close.
    fn _close(slf: &Bound<'_, Self>, code: u16, reason: &str) -> PyResult<()> {
        Self::close(slf, code, reason)
    }

    /// Drops the connection without a Close frame.
    fn _abort(&self) {
        let _ = self.with(Connections::abort);
    }

    /// Gets what is published to a topic from now on. Whether it did not before.
    fn subscribe(&self, py: Python<'_>, topic: &str) -> PyResult<bool> {
        let subscribed = self.with(|connections, id| connections.subscribe(id, topic));
        subscribed.map_err(|problem| error(py, &problem))
    }

    /// Gets it no more. Whether it did.
    fn unsubscribe(&self, py: Python<'_>, topic: &str) -> PyResult<bool> {
        let unsubscribed = self.with(|connections, id| connections.unsubscribe(id, topic));
        unsubscribed.map_err(|problem| error(py, &problem))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine)?;
        let Ok(inner) = self.inner.try_lock() else {
            return Ok(());
        };
        for waiter in inner.waiter.iter().chain(&inner.spare) {
            visit.call(waiter)?;
        }
        if let Some(listener) = &inner.listener {
            visit.call(listener)?;
        }
        for object in (inner.inbox.iter().map(Item::object))
            .chain(&inner.writers)
            .chain(&inner.fragmented)
        {
            visit.call(object)?;
        }
        for ping in &inner.pings {
            visit.call(ping.future())?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let Ok(mut inner) = self.inner.try_lock() else {
            return;
        };
        let waiters = (inner.waiter.take(), inner.spare.take());
        let listener = inner.listener.take();
        let futures = (
            std::mem::take(&mut inner.writers),
            std::mem::take(&mut inner.fragmented),
            std::mem::take(&mut inner.pings),
        );
        let items = inner.inbox.clear();
        drop(inner);
        drop((waiters, listener, futures, items));
    }
}
