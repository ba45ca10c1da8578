//! A connection for programs of threads. Each has an engine of its own, and no thread: whoever waits for something
//! reads the socket meanwhile.
//!
//! The lock is never held while a thread waits, nor while Python code runs.

mod core;
mod drive;
mod pong;
mod send;

use std::io::pipe;
use std::os::fd::RawFd;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyTimeoutError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use ropeway_core::engine::{Engine, EngineOptions};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{Accept, MessageKind};
use ropeway_core::{Error, SendError};

use crate::closed::{self, Closed};
use crate::connection::{CLOSING, OPEN};
use crate::engine;
use crate::errors::{busy, dial_error, error, raised};
use crate::inbox::{Item, Piece};
use crate::metrics;
use crate::options::{self, Options};
use crate::payload;
use crate::room;
use crate::route::Route;
use crate::tls::{self, TlsServer};
use core::Core;
use pong::Ping;
pub(crate) use pong::Pong;

/// Host and port.
type Address = (String, u16);

/// One connection. The Python classes `ClientConnection` and `ServerConnection` of `ropeway.sync` extend it.
#[pyclass(frozen, subclass, weakref, module = "ropeway._ropeway")]
pub(crate) struct ThreadConnection {
    core: Mutex<Core>,
    /// A turn has been taken.
    turned: Condvar,
}

/// When a wait of `timeout` seconds is over; a time beyond all reason is never.
fn deadline(timeout: Option<f64>) -> Option<Instant> {
    let timeout = timeout?.max(0.0);
    Instant::now().checked_add(Duration::try_from_secs_f64(timeout).ok()?)
}

#[pymethods]
impl ThreadConnection {
    /// A connection that is not open yet. `high` and `low` are messages queued at which reading pauses and goes on.
    #[new]
    #[pyo3(signature = (high, low))]
    fn new(py: Python<'_>, high: usize, low: usize) -> PyResult<Self> {
        if low >= high {
            return Err(PyValueError::new_err(
                "max_queue: the low-water mark must be below the high one",
            ));
        }
        let options = EngineOptions {
            connection_metrics: true,
            ..EngineOptions::default()
        };
        let mut engine = Engine::new(options).map_err(|problem| error(py, &problem))?;
        room::make_rooms(&mut engine);
        Ok(Self {
            core: Mutex::new(Core::new(engine, pipe()?, high, low)),
            turned: Condvar::new(),
        })
    }

    /// Dials; `_open` waits for what comes of it.
    fn _dial(
        &self,
        py: Python<'_>,
        url: &str,
        options: &Options,
        route: Route,
        socket: Option<RawFd>,
    ) -> PyResult<()> {
        let connect = (route.options()).map_err(|problem| dial_error(py, url, &problem))?;
        let mut core = self.core();
        let dialled = match core.connections() {
            Some(connections) => match socket {
                None => connections.connect_with(url, &connect, options.0.clone()),
                Some(socket) => engine::duplicate(socket).and_then(|socket| {
                    connections.connect_over(socket, url, &connect, options.0.clone())
                }),
            },
            None => Err(Error::UnknownId),
        };
        let dialled = dialled.map(|id| core.id = id);
        drop(core);
        dialled.map_err(|problem| dial_error(py, url, &problem))
    }

    /// Takes over a duplicate of a client's connected socket; `_request` comes next.
    fn _adopt(
        &self,
        py: Python<'_>,
        descriptor: RawFd,
        options: &Options,
        tls: Option<&TlsServer>,
    ) -> PyResult<()> {
        let socket = engine::duplicate(descriptor).map_err(|problem| error(py, &problem))?;
        let mut core = self.core();
        let adopted = match core.connections() {
            Some(connections) => match tls {
                Some(tls) => connections.adopt_tls(socket, &tls.0, options.0.clone()),
                None => connections.adopt(socket, b"", options.0.clone()),
            },
            None => Err(Error::UnknownId),
        };
        let adopted = adopted.map(|id| core.id = id);
        drop(core);
        adopted.map_err(|problem| error(py, &problem))
    }

    /// Waits for a client's request: method, target, fields, and whether it is plain HTTP. None when none came.
    fn _request<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let found = self.wait(py, None, |core| match core.request.take() {
            Some(request) => Some(Some(request)),
            None => core.closed.is_some().then_some(None),
        })?;
        let Some((request, plain)) = found.flatten() else {
            return Ok(None);
        };
        let fields = (
            &request.method,
            request.path_and_query().into_owned(),
            closed::pairs(&request.headers),
            plain,
        );
        fields.into_pyobject(py).map(Some)
    }

    /// Accepts the request.
    fn _accept(
        &self,
        py: Python<'_>,
        subprotocol: Option<&str>,
        headers: Vec<(String, String)>,
    ) -> PyResult<()> {
        let headers = options::headers(headers)?;
        let accept = Accept {
            subprotocol,
            headers: Some(&headers),
        };
        self.decide(py, |connections, id| connections.accept(id, &accept))
    }

    /// Answers the request by a response that opens nothing.
    fn _refuse(
        &self,
        py: Python<'_>,
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> PyResult<()> {
        let refusal = options::refusal(py, status, headers, body)?;
        self.decide(py, |connections, id| {
            match connections.refuse(id, &refusal) {
                Err(Error::UnknownId) => Ok(()),
                decided => decided,
            }
        })
    }

    /// Waits until the connection is open: subprotocol and a server's response. None when it came to nothing.
    fn _open<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let found = self.wait(py, None, |core| match core.opened.take() {
            Some(opened) => Some(Some((opened, core.led_to.take()))),
            None => core.closed.is_some().then_some(None),
        })?;
        let Some((opened, led_to)) = found.flatten() else {
            return Ok(None);
        };
        let response = opened
            .response
            .as_ref()
            .map(|response| closed::response(py, response))
            .transpose()?;
        (opened.subprotocol.as_deref(), response, led_to)
            .into_pyobject(py)
            .map(Some)
    }

    #[getter]
    fn _phase(&self) -> u8 {
        self.core().phase
    }

    #[getter]
    fn _queued_messages(&self) -> usize {
        self.core().inbox.len()
    }

    /// The round trip of the last ping that was answered, in seconds; 0 before the first.
    #[getter]
    fn latency(&self) -> f64 {
        self.core().latency.as_secs_f64()
    }

    /// How the connection ended; None before.
    fn _ending(&self, py: Python<'_>) -> PyResult<Option<Closed>> {
        let closed = self.core().closed.clone();
        closed.map(|closed| Closed::new(py, &closed)).transpose()
    }

    #[getter]
    fn _addresses(&self) -> (Option<Address>, Option<Address>) {
        let mut core = self.core();
        let id = core.id;
        let Some(connections) = core.connections() else {
            return (None, None);
        };
        let pair = |address: std::net::SocketAddr| (address.ip().to_string(), address.port());
        (
            connections.local_address(id).ok().map(pair),
            connections.peer_address(id).ok().map(pair),
        )
    }

    /// What the TLS handshake agreed on; None for a plain connection, and once it has ended.
    #[getter]
    fn _metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut core = self.core();
        let id = core.id;
        let metrics = core.metrics.as_deref().copied().or_else(|| {
            let connections = core.connections()?;
            connections.connection_metrics(id).ok()
        });
        drop(core);
        metrics::of_connection(py, &metrics.unwrap_or_default())
    }

    #[getter]
    fn _tls<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let agreed = {
            let mut core = self.core();
            let id = core.id;
            core.connections()
                .and_then(|connections| connections.tls_info(id).ok().flatten())
        };
        agreed.map(|agreed| tls::info(py, agreed)).transpose()
    }

    /// The next message, waited for `timeout` seconds at most. A time-out loses nothing.
    #[pyo3(signature = (timeout=None, decode=None))]
    fn recv(
        slf: &Bound<'_, Self>,
        timeout: Option<f64>,
        decode: Option<bool>,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let this = slf.get();
        {
            let mut core = this.core();
            if core.receiving || core.inbox.streaming {
                drop(core);
                return Err(busy(py));
            }
            core.receiving = true;
        }
        let found = this.wait(py, deadline(timeout), |core| match core.take() {
            Some(item) => Some(Some(item.into_object())),
            None => core.closed.is_some().then_some(None),
        });
        this.core().receiving = false;
        match found? {
            Some(Some(message)) => Ok(payload::decoded(message.into_bound(py), decode)?.unbind()),
            Some(None) => Err(Self::closed_error(slf)),
            None => Err(PyTimeoutError::new_err(format!(
                "timed out in {:.1}s",
                timeout.unwrap_or_default()
            ))),
        }
    }

    /// Has the next message come in pieces.
    fn _stream(&self, py: Python<'_>) -> PyResult<()> {
        let mut core = self.core();
        if core.receiving || core.inbox.streaming {
            drop(core);
            return Err(busy(py));
        }
        core.inbox.streaming = true;
        if core.inbox.is_empty() {
            let id = core.id;
            if let Some(connections) = core.connections() {
                // Its end is for `_piece` to tell.
                let _ = connections.stream_message(id);
            }
        }
        Ok(())
    }

    /// The next piece: its bytes (a whole message's str or bytes), whether it is text, and whether it is the last.
    fn _piece(slf: &Bound<'_, Self>) -> PyResult<Piece> {
        let found = slf.get().wait(slf.py(), None, |core| {
            match core.take().map(Item::into_piece) {
                Some(piece) => Some(Some(piece)),
                None => core.closed.is_some().then(|| {
                    core.inbox.streaming = false;
                    None
                }),
            }
        })?;
        found.flatten().ok_or_else(|| Self::closed_error(slf))
    }

    /// Sends a message; fragments when it is an iterable. Waits until the kernel has taken it.
    #[pyo3(signature = (message, text=None))]
    fn send(slf: &Bound<'_, Self>, message: &Bound<'_, PyAny>, text: Option<bool>) -> PyResult<()> {
        if !payload::is_message(message) {
            slf.call_method1(intern!(slf.py(), "_send_fragments"), (message, text))?;
            return Ok(());
        }
        payload::with_bytes(message, text, |kind, bytes| {
            Self::sent(
                slf,
                |connections, id| connections.send(id, kind, bytes),
                bytes.len(),
            )
        })?
    }

    /// Sends without waiting, if the connection is open. Why the message was not taken, if it was not.
    fn _post(&self, message: &Bound<'_, PyAny>, text: Option<bool>) -> PyResult<Option<String>> {
        payload::with_bytes(message, text, |kind, bytes| {
            let mut core = self.core();
            if core.phase != OPEN {
                return None;
            }
            if core.fragmenting {
                return Some("sending a fragmented message".to_owned());
            }
            let sent = core.with(|connections, id| connections.send(id, kind, bytes));
            core.rouse();
            match sent {
                Ok(_) | Err(SendError::Closed) => None,
                Err(problem) => Some(problem.to_string()),
            }
        })
    }

    /// Begins a message of fragments.
    fn _begin_fragments(&self, py: Python<'_>) -> PyResult<()> {
        let begun = std::mem::replace(&mut self.core().fragmenting, true);
        if begun {
            return Err(raised(
                py,
                "ConcurrencyError",
                "cannot call send while another thread is already running send",
            ));
        }
        Ok(())
    }

    fn _end_fragments(&self) {
        self.core().fragmenting = false;
    }

    fn _fragment(
        slf: &Bound<'_, Self>,
        message: &Bound<'_, PyAny>,
        text: bool,
        last: bool,
    ) -> PyResult<()> {
        payload::with_bytes(message, Some(text), |kind: MessageKind, bytes| {
            Self::sent(
                slf,
                |connections, id| connections.send_fragment(id, kind, bytes, last),
                bytes.len(),
            )
        })?
    }

    /// Sends a ping.
    fn _ping(slf: &Bound<'_, Self>, payload: Vec<u8>, ack_on_close: bool) -> PyResult<Pong> {
        let this = slf.get();
        let ping = Arc::new(Ping::new(payload, ack_on_close));
        {
            let mut core = this.core();
            if core.pings.iter().any(|other| other.payload == ping.payload) {
                drop(core);
                return Err(raised(
                    slf.py(),
                    "ConcurrencyError",
                    "already waiting for a pong with the same data",
                ));
            }
            core.pings.push_back(ping.clone());
        }
        let sent = Self::control(slf, |connections, id| connections.ping(id, &ping.payload));
        if let Err(error) = sent {
            let pings = &mut this.core().pings;
            pings.retain(|other| !Arc::ptr_eq(other, &ping));
            return Err(error);
        }
        Ok(Pong {
            connection: slf.clone().unbind(),
            ping,
        })
    }

    /// Sends an unsolicited pong.
    fn _pong(slf: &Bound<'_, Self>, payload: Vec<u8>) -> PyResult<()> {
        Self::control(slf, |connections, id| connections.pong(id, &payload)).map(drop)
    }

    /// Begins to close.
    fn _close(slf: &Bound<'_, Self>, code: u16, reason: &str) -> PyResult<()> {
        let this = slf.get();
        let closed = {
            let mut core = this.core();
            let closed =
                core.with(|connections, id| connections.close(id, CloseCode::new(code), reason));
            if closed.is_ok() && core.phase < CLOSING {
                core.phase = CLOSING;
            }
            core.rouse();
            closed
        };
        match closed {
            Ok(()) | Err(SendError::Closed) => Ok(()),
            Err(problem) => Err(Self::refused(slf, problem)),
        }
    }

    /// Waits until the connection is closed, and its socket too; false after `timeout` seconds.
    #[pyo3(signature = (timeout=None))]
    fn wait_closed(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let found = self.wait(py, deadline(timeout), |core| {
            core.engine.is_none().then_some(())
        })?;
        Ok(found.is_some())
    }

    /// Drops the connection without a Close frame.
    fn _abort(&self, py: Python<'_>) {
        let mut core = self.core();
        let _ = core.with(|connections, id| connections.abort(id));
        if core.driven {
            core.rouse();
        } else {
            core.turn(py);
        }
    }

    /// Does what is due while no thread waits; false when there is nothing to do any more.
    fn _tend(&self, py: Python<'_>) -> bool {
        self.tend(py)
    }
}
