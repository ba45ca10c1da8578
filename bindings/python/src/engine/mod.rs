//! The core's engine for one event loop.

mod apart;
mod events;
mod place;
mod turn;

use std::collections::HashMap;
use std::sync::Mutex;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyWeakrefMethods, PyWeakrefReference};
use pyo3::{PyTraverseError, PyVisit};
use ropeway_core::Error;
use ropeway_core::engine::{
    self, ConnectionId, Connections, EngineOptions, ListenOptions, ListenerId,
};
use ropeway_core::protocol::Accept;
use ropeway_relay::{Relay, RelayOptions};

use crate::connection::Connection;
use crate::errors::error;
use crate::futures::running_loop;
use crate::lock::Locked;
use crate::metrics;
use crate::options::{self, Options};
use crate::payload;
use crate::room;
use crate::tls::TlsServer;
use apart::Apart;
use place::Place;
pub(crate) use place::duplicate;

/// The engine of one event loop.
#[pyclass(frozen, weakref, module = "ropeway._ropeway")]
pub(crate) struct Engine {
    core: Mutex<Core>,
    event_loop: Py<PyWeakrefReference>,
}

/// What the lock guards.
pub(crate) struct Core {
    engine: engine::Engine,
    /// Behind the engine, which it serves until the end.
    relay: Option<Relay>,
    /// Is called for each message of another node.
    on_relayed: Option<Py<PyAny>>,
    /// By the number that the core keeps for each connection, less one.
    table: Vec<Option<Py<Connection>>>,
    free: Vec<usize>,
    servers: HashMap<u64, Py<PyAny>>,
    /// What tasks send is gathered.
    gathering: bool,
    release_scheduled: bool,
    /// Events are being drained.
    draining: bool,
    apart: Option<Apart>,
}

impl Core {
    pub(crate) fn connections(&mut self) -> &mut Connections {
        self.engine.connections()
    }

    /// From now on what tasks send is gathered. Whether somebody has to see to it that it goes out.
    pub(crate) fn gather(&mut self) -> bool {
        if self.draining {
            return false;
        }
        if !self.gathering {
            self.gathering = true;
            self.engine.connections().gather();
        }
        !std::mem::replace(&mut self.release_scheduled, true)
    }

    /// Sends what was gathered.
    pub(crate) fn release(&mut self) {
        if self.gathering {
            self.gathering = false;
            self.engine.connections().release();
        }
    }

    /// Finds a place for a connection that has an id.
    pub(crate) fn attach(&mut self, connection: &Bound<'_, Connection>) -> Result<(), Error> {
        let place = self.free.pop().unwrap_or(self.table.len());
        let id = connection.get().id();
        self.engine
            .connections()
            .set_user_data(id, place as u64 + 1)?;
        if place == self.table.len() {
            self.table.push(None);
        }
        self.table[place] = Some(connection.clone().unbind());
        Ok(())
    }
}

impl Engine {
    pub(crate) fn core(&self) -> Locked<'_, Core> {
        Locked::lock(&self.core)
    }

    /// The event loop that this engine belongs to.
    pub(crate) fn event_loop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        (self.event_loop.bind(py).upgrade())
            .ok_or_else(|| PyRuntimeError::new_err("the connection's event loop is gone"))
    }

    /// Sends what tasks have gathered.
    pub(crate) fn release(&self) {
        self.core().release();
    }

    /// Sees to it that what is gathered goes out in the loop's next round.
    pub(crate) fn release_soon(slf: &Bound<'_, Self>) -> PyResult<()> {
        let function = slf.getattr(intern!(slf.py(), "_release"))?;
        running_loop(slf.py())?.call_method1(intern!(slf.py(), "call_soon"), (function,))?;
        Ok(())
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new(event_loop: Bound<'_, PyAny>) -> PyResult<Self> {
        let py = event_loop.py();
        let options = EngineOptions {
            connection_metrics: true,
            ..EngineOptions::default()
        };
        let mut engine = engine::Engine::new(options).map_err(|problem| error(py, &problem))?;
        room::make_rooms(&mut engine);
        Ok(Self {
            core: Mutex::new(Core {
                engine,
                relay: None,
                on_relayed: None,
                table: Vec::new(),
                free: Vec::new(),
                servers: HashMap::new(),
                gathering: false,
                release_scheduled: false,
                draining: false,
                apart: None,
            }),
            event_loop: PyWeakrefReference::new(&event_loop)?.unbind(),
        })
    }

    /// The descriptor to watch for reading.
    fn fileno(&self) -> i32 {
        self.core().engine.descriptor()
    }

    /// Takes and hands on what has happened: one turn.
    fn drain(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::turn(slf, |core| {
            core.release();
            true
        })
    }

    /// The same for the connection apart.
    fn drain_apart(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::turn(slf, Core::begin_apart)
    }

    fn _release(&self) {
        let mut core = self.core();
        core.release_scheduled = false;
        core.release();
    }

    #[expect(clippy::too_many_arguments, reason = "called from one place")]
    /// Listens; `server` gets `_on_request` and `_on_accept_failed`. The listener's number.
    fn listen(
        &self,
        py: Python<'_>,
        place: Place,
        options: &Options,
        server: Py<PyAny>,
        backlog: u32,
        reuse_port: bool,
        unix_mode: Option<u32>,
        max_per_address: u32,
        tls: Option<&TlsServer>,
    ) -> PyResult<u64> {
        let listen = ListenOptions {
            backlog,
            reuse_port,
            unix_mode,
            max_per_address,
            tls: tls.map(|tls| tls.0.clone()),
            ..ListenOptions::default()
        };
        let mut core = self.core();
        let listener = place
            .listen(core.connections(), &listen, options.0.clone())
            .map_err(|problem| error(py, &problem))?;
        core.servers.insert(listener.bits(), server);
        Ok(listener.bits())
    }

    /// Where a listener listens: host and port, or a path.
    fn listener_address<'py>(&self, py: Python<'py>, listener: u64) -> PyResult<Bound<'py, PyAny>> {
        let listener = ListenerId::from_bits(listener);
        let mut core = self.core();
        let connections = core.connections();
        let path = connections
            .listener_path(listener)
            .map_err(|problem| error(py, &problem))?;
        if let Some(path) = path {
            let path = path.to_string_lossy().into_owned();
            drop(core);
            return Ok(path.into_pyobject(py)?.into_any());
        }
        let address = connections
            .listener_address(listener)
            .map_err(|problem| error(py, &problem))?;
        drop(core);
        let address = (address.ip().to_string(), address.port());
        Ok(address.into_pyobject(py)?.into_any())
    }

    /// Gives a listener that speaks TLS other settings, for connections accepted from now on.
    fn set_tls(&self, py: Python<'_>, listener: u64, tls: &TlsServer) -> PyResult<()> {
        self.core()
            .connections()
            .set_listener_tls(ListenerId::from_bits(listener), tls.0.clone())
            .map_err(|problem| error(py, &problem))
    }

    /// Stops listening.
    fn close_listener(&self, listener: u64) {
        let mut core = self.core();
        let _ = core
            .connections()
            .close_listener(ListenerId::from_bits(listener));
        let server = core.servers.remove(&listener);
        drop(core);
        drop(server);
    }

    /// Accepts an upgrade.
    fn accept(
        &self,
        py: Python<'_>,
        id: u64,
        subprotocol: Option<&str>,
        headers: Vec<(String, String)>,
    ) -> PyResult<()> {
        let headers = options::headers(headers)?;
        let accept = Accept {
            subprotocol,
            headers: Some(&headers),
        };
        let accepted = self
            .core()
            .connections()
            .accept(ConnectionId::from_bits(id), &accept);
        accepted.map_err(|problem| error(py, &problem))
    }

    /// Answers a request by a response that opens nothing.
    fn refuse(
        &self,
        py: Python<'_>,
        id: u64,
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> PyResult<()> {
        let refusal = options::refusal(py, status, headers, body)?;
        let refused = self
            .core()
            .connections()
            .refuse(ConnectionId::from_bits(id), &refusal);
        match refused {
            Ok(()) | Err(Error::UnknownId) => Ok(()),
            Err(problem) => Err(error(py, &problem)),
        }
    }

    /// Sends a message to all subscribers of a topic but one; how many they are.
    #[pyo3(signature = (topic, message, text=None, exclude=None))]
    fn publish(
        &self,
        topic: &str,
        message: Bound<'_, PyAny>,
        text: Option<bool>,
        exclude: Option<Py<Connection>>,
    ) -> PyResult<usize> {
        let except = exclude.map(|connection| connection.get().id());
        payload::with_bytes(&message, text, |kind, bytes| {
            self.core()
                .connections()
                .publish(topic, kind, bytes, except)
        })?
        .map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }

    /// How many connections have subscribed to a topic.
    fn subscribers(&self, topic: &str) -> usize {
        self.core().connections().subscribers(topic)
    }

    /// Connects topics with those of other nodes over a broker, whose messages go to `on_message` too; None ends that.
    #[pyo3(signature = (url, on_message=None))]
    fn relay(
        &self,
        py: Python<'_>,
        url: Option<&str>,
        on_message: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let mut core = self.core();
        let old = core.relay.take();
        let old_listener = std::mem::replace(&mut core.on_relayed, on_message);
        core.connections().set_forward(None);
        let started = (url)
            .map(|url| Relay::start(&mut core.engine, url, RelayOptions::default()))
            .transpose();
        let outcome = started.map(|relay| core.relay = relay);
        drop(core);
        drop(old_listener);
        // It waits for its threads.
        py.detach(|| drop(old));
        outcome.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// What the relay has done: connected, sent, received, dropped, lost, queued.
    fn relay_metrics(&self) -> Option<(bool, u64, u64, u64, u64, u64)> {
        let metrics = self.core().relay.as_ref()?.metrics();
        Some((
            metrics.connected,
            metrics.sent,
            metrics.received,
            metrics.dropped,
            metrics.lost,
            metrics.queued,
        ))
    }

    /// What its connections have done.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metrics = self.core().connections().metrics();
        metrics::of_engine(py, &metrics)
    }

    /// The same for Prometheus.
    fn prometheus(&self) -> String {
        self.core().connections().metrics().to_prometheus()
    }

    /// Connections that the engine knows, those being made or closed included.
    fn __len__(&self) -> usize {
        self.core().connections().len()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(core) = self.core.try_lock() {
            for connection in core.table.iter().flatten() {
                visit.call(connection)?;
            }
            for server in core.servers.values().chain(&core.on_relayed) {
                visit.call(server)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let Ok(mut core) = self.core.try_lock() else {
            return;
        };
        let table = std::mem::take(&mut core.table);
        let servers = std::mem::take(&mut core.servers);
        let on_relayed = core.on_relayed.take();
        drop(core);
        drop((table, servers, on_relayed));
    }
}
