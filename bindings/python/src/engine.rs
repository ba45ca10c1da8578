//! The core's engine for one event loop, and the way of its events to Python.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use pyo3::{PyTraverseError, PyVisit};
use ropeway_core::engine::{
    ConnectionId, Connections, EngineOptions, EventKind, ListenOptions, ListenerId,
};
use ropeway_core::handshake::{Refusal, Request, Response};
use ropeway_core::protocol::{self, Accept, MessageKind};
use ropeway_core::{Error, IoError, engine};

use crate::closed::{self, Closed};
use crate::connection::{self, Connection, OPEN};
use crate::options::{self, Options};
use crate::payload;
use crate::tls::TlsServer;

/// The engine of one event loop.
#[pyclass(frozen, weakref, module = "ropeway._ropeway")]
pub(crate) struct Engine {
    core: Mutex<Core>,
    event_loop: Py<PyWeakrefReference>,
}

/// What the lock guards.
pub(crate) struct Core {
    engine: engine::Engine,
    /// By the number that the core keeps for each connection, less one.
    table: Vec<Option<Py<Connection>>>,
    free: Vec<usize>,
    servers: HashMap<u64, Py<PyAny>>,
    /// What tasks send is gathered.
    gathering: bool,
    release_scheduled: bool,
    /// Events are being drained.
    draining: bool,
}

/// An event on its way to Python, without a hold on the engine. What the garbage collector tracks is made from it
/// later: making it may run finalizers, which must not find the engine locked.
enum Told {
    Wake(Py<Connection>),
    Listen(Py<Connection>, Py<PyAny>, PyResult<Py<PyAny>>, bool),
    Request(
        ConnectionId,
        Py<PyAny>,
        (String, String, Vec<(String, String)>),
        bool,
    ),
    Opened(Py<Connection>, Option<String>, Option<Response>),
    Pong(Py<Connection>, Vec<u8>),
    Writable(Py<Connection>),
    Closed(Py<Connection>, Box<protocol::Closed>),
    AcceptFailed(Py<PyAny>, String),
    Nothing,
}

/// The running event loop.
pub(crate) fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FUNCTION.import(py, "asyncio", "get_running_loop")?.call0()
}

/// A new future of the running loop.
pub(crate) fn create_future(py: Python<'_>) -> PyResult<Py<PyAny>> {
    Ok(running_loop(py)?
        .call_method0(intern!(py, "create_future"))?
        .unbind())
}

/// The exception for an error of the core's that a call answered.
pub(crate) fn error(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        Error::Io(io) => os_error(io),
        Error::Url(_) | Error::Header(_) | Error::Handshake(_) | Error::Tls(_) => {
            PyValueError::new_err(error.to_string())
        }
        Error::UnknownId => connection::raised(py, "InvalidState", "the connection is closed"),
        error => PyRuntimeError::new_err(error.to_string()),
    }
}

fn os_error(error: &IoError) -> PyErr {
    match error.os_code() {
        Some(code) => PyOSError::new_err((code, error.to_string())),
        None => PyOSError::new_err(error.to_string()),
    }
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

    /// The next event. Messages that nobody has to be told of are queued on the way.
    fn next(&mut self, py: Python<'_>) -> Option<Told> {
        let Self {
            engine,
            table,
            free,
            servers,
            ..
        } = self;
        loop {
            let (event, connections) = engine.next_event()?;
            let id = event.id;
            let place = connections.user_data(id).unwrap_or(0) as usize;
            let known = place
                .checked_sub(1)
                .and_then(|place| table.get(place))
                .and_then(Option::as_ref);
            let told = match (event.kind, known) {
                (EventKind::Message { kind, payload }, Some(connection)) => {
                    let message = payload::to_object(py, kind, payload);
                    let inner = connection.get().inner();
                    if let Some(listener) = &inner.listener {
                        let listener = listener.clone_ref(py);
                        let is_text = kind == MessageKind::Text;
                        return Some(Told::Listen(
                            connection.clone_ref(py),
                            listener,
                            message,
                            is_text,
                        ));
                    }
                    drop(inner);
                    let Ok(message) = message else { continue };
                    if !connection.get().put(message, connections) {
                        continue;
                    }
                    Told::Wake(connection.clone_ref(py))
                }
                (EventKind::UpgradeRequest(request), _) => {
                    asked(py, id, request, connections, servers, false)
                }
                (EventKind::HttpRequest(request), _) => {
                    asked(py, id, request, connections, servers, true)
                }
                (EventKind::Opened(opened), Some(connection)) => Told::Opened(
                    connection.clone_ref(py),
                    opened.subprotocol.clone(),
                    opened.response.clone(),
                ),
                (
                    EventKind::Pong {
                        payload,
                        round_trip,
                    },
                    Some(connection),
                ) => {
                    if let Some(round_trip) = round_trip {
                        connection.get().inner().latency = round_trip;
                        continue;
                    }
                    Told::Pong(connection.clone_ref(py), payload.to_vec())
                }
                (EventKind::Writable, Some(connection)) => Told::Writable(connection.clone_ref(py)),
                (EventKind::Closed(closed), Some(_)) => {
                    let closed = Box::new(closed.clone());
                    free.push(place - 1);
                    match table[place - 1].take() {
                        Some(connection) => Told::Closed(connection, closed),
                        None => Told::Nothing,
                    }
                }
                (EventKind::AcceptFailed { listener, error }, _) => {
                    match servers.get(&listener.bits()) {
                        Some(server) => Told::AcceptFailed(server.clone_ref(py), error.to_string()),
                        None => Told::Nothing,
                    }
                }
                _ => Told::Nothing,
            };
            return Some(told);
        }
    }
}

/// A request that came to a listener.
fn asked(
    py: Python<'_>,
    id: ConnectionId,
    request: &Request,
    connections: &mut Connections,
    servers: &HashMap<u64, Py<PyAny>>,
    plain: bool,
) -> Told {
    let server = connections
        .listener_of(id)
        .and_then(|listener| servers.get(&listener.bits()));
    if let Some(server) = server {
        let head = (
            request.method.clone(),
            request.path_and_query().into_owned(),
            closed::pairs(&request.headers),
        );
        return Told::Request(id, server.clone_ref(py), head, plain);
    }
    // The server has been closed meanwhile.
    if let Ok(refusal) = Refusal::new(503, "The server is shutting down.\n") {
        let _ = connections.refuse(id, &refusal);
    }
    Told::Nothing
}

impl Engine {
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Hands an event to Python.
    fn dispatch(py: Python<'_>, told: Told) -> PyResult<()> {
        match told {
            Told::Nothing => Ok(()),
            Told::Wake(connection) => Connection::resume(connection.bind(py)),
            Told::Listen(connection, listener, message, is_text) => {
                let result =
                    message.and_then(|message| listener.call1(py, (&connection, message, is_text)));
                match result {
                    Ok(_) => Ok(()),
                    Err(error) => {
                        connection
                            .bind(py)
                            .call_method1("_listener_failed", (error.into_value(py),))?;
                        Ok(())
                    }
                }
            }
            Told::Request(id, server, (method, target, headers), plain) => server
                .call_method1(
                    py,
                    "_on_request",
                    (id.bits(), method, target, headers, plain),
                )
                .map(drop),
            Told::Opened(connection, subprotocol, response) => {
                connection.get().set_phase(OPEN);
                let response = response
                    .map(|response| closed::response(py, &response))
                    .transpose()?;
                connection
                    .call_method1(py, "_on_opened", (subprotocol, response))
                    .map(drop)
            }
            Told::Pong(connection, payload) => Connection::ponged(connection.bind(py), &payload),
            Told::Writable(connection) => {
                let writers = std::mem::take(&mut connection.get().inner().writers);
                connection::resolve(py, writers)
            }
            Told::Closed(connection, closed) => {
                let closed = Py::new(py, Closed::new(py, &closed)?)?;
                Connection::ended(connection.bind(py), closed)
            }
            Told::AcceptFailed(server, error) => server
                .call_method1(py, "_on_accept_failed", (error,))
                .map(drop),
        }
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new(event_loop: Bound<'_, PyAny>) -> PyResult<Self> {
        let py = event_loop.py();
        let engine =
            engine::Engine::new(EngineOptions::default()).map_err(|problem| error(py, &problem))?;
        Ok(Self {
            core: Mutex::new(Core {
                engine,
                table: Vec::new(),
                free: Vec::new(),
                servers: HashMap::new(),
                gathering: false,
                release_scheduled: false,
                draining: false,
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
        let py = slf.py();
        let this = slf.get();
        {
            let mut core = this.core();
            if core.draining {
                return Ok(());
            }
            core.release();
            core.draining = true;
        }
        let mut result = Ok(());
        let mut keep = |outcome: PyResult<()>| {
            if let Err(error) = outcome {
                result = Err(error);
            }
        };
        // A connection's first message of a turn resumes its task at once; what else was read with it is taken in one
        // go afterwards, since each resumption costs more than a message.
        let mut first: Option<Py<Connection>> = None;
        let mut pending = false;
        loop {
            let told = {
                let mut core = this.core();
                let told = core.next(py);
                core.draining = told.is_some();
                told
            };
            let again = match (&told, &first) {
                (Some(Told::Wake(connection)), Some(first)) => connection.is(first),
                _ => false,
            };
            if again {
                pending = true;
                continue;
            }
            if std::mem::take(&mut pending)
                && let Some(connection) = &first
            {
                keep(Connection::resume(connection.bind(py)));
            }
            let Some(told) = told else {
                break;
            };
            if let Told::Wake(connection) = &told {
                first = Some(connection.clone_ref(py));
            }
            keep(Self::dispatch(py, told));
        }
        result
    }

    fn _release(&self) {
        let mut core = self.core();
        core.release_scheduled = false;
        core.release();
    }

    #[expect(clippy::too_many_arguments, reason = "called from one place")]
    /// Listens at an IP address; `server` gets `_on_request` and `_on_accept_failed`. The listener's number.
    fn listen(
        &self,
        py: Python<'_>,
        host: &str,
        port: u16,
        options: &Options,
        server: Py<PyAny>,
        backlog: u32,
        reuse_port: bool,
        tls: Option<&TlsServer>,
    ) -> PyResult<u64> {
        let ip = host
            .parse()
            .map_err(|_| PyValueError::new_err(format!("{host} is no IP address")))?;
        let listen = ListenOptions {
            backlog,
            reuse_port,
            tls: tls.map(|tls| tls.0.clone()),
            ..ListenOptions::default()
        };
        let mut core = self.core();
        let listener = core
            .connections()
            .listen(SocketAddr::new(ip, port), &listen, options.0.clone())
            .map_err(|problem| error(py, &problem))?;
        core.servers.insert(listener.bits(), server);
        Ok(listener.bits())
    }

    /// Where a listener listens.
    fn listener_address(&self, py: Python<'_>, listener: u64) -> PyResult<(String, u16)> {
        let address = self
            .core()
            .connections()
            .listener_address(ListenerId::from_bits(listener))
            .map_err(|problem| error(py, &problem))?;
        Ok((address.ip().to_string(), address.port()))
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
        let mut refusal =
            Refusal::new(status, body).map_err(|problem| error(py, &Error::Handshake(problem)))?;
        refusal.headers = options::headers(headers)?;
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

    /// Connections that the engine knows, those being made or closed included.
    fn __len__(&self) -> usize {
        self.core().connections().len()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(core) = self.core.try_lock() {
            for connection in core.table.iter().flatten() {
                visit.call(connection)?;
            }
            for server in core.servers.values() {
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
        drop(core);
        drop((table, servers));
    }
}
