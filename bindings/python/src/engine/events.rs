//! The core's events on their way to Python.

use std::collections::HashMap;

use pyo3::intern;
use pyo3::prelude::*;
use ropeway_core::engine::{ConnectionId, Connections, EventKind};
use ropeway_core::handshake::{Refusal, Request, Response};
use ropeway_core::protocol::{self, MessageKind};

use super::Core;
use crate::closed::{self, Closed};
use crate::connection::{Connection, OPEN};
use crate::futures::resolve;
use crate::inbox::Item;
use crate::payload;
use crate::room;

/// An event on its way to Python, without a hold on the engine. What the garbage collector tracks is made from it
/// later: making it may run finalizers, which must not find the engine locked.
pub(super) enum Told {
    Wake(Py<Connection>),
    Listen(Py<Connection>, Py<PyAny>, PyResult<Py<PyAny>>, bool),
    Request(
        ConnectionId,
        Py<PyAny>,
        (String, String, Vec<(String, String)>),
        bool,
    ),
    Redirect(Py<Connection>, closed::Led),
    Opened(Py<Connection>, Option<String>, Option<Response>),
    Pong(Py<Connection>, Vec<u8>),
    Writable(Py<Connection>),
    Closed(Py<Connection>, Box<protocol::Closed>),
    AcceptFailed(Py<PyAny>, String),
    Relayed(Py<PyAny>, String, PyResult<Py<PyAny>>),
    Nothing,
}

impl Core {
    /// The next event. Messages that nobody has to be told of are queued on the way.
    pub(super) fn next(&mut self, py: Python<'_>) -> Option<Told> {
        let Self {
            engine,
            table,
            free,
            servers,
            on_relayed,
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
                (EventKind::Message { kind, .. }, Some(connection)) => {
                    let message = room::message(py, engine, kind);
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
                    if !connection
                        .get()
                        .put(Item::Message(message), engine.connections())
                    {
                        continue;
                    }
                    Told::Wake(connection.clone_ref(py))
                }
                (
                    EventKind::Fragment {
                        kind,
                        payload,
                        last,
                        ..
                    },
                    Some(connection),
                ) => {
                    let piece = Item::piece(py, kind, payload, last);
                    if !connection.get().put(piece, connections) {
                        continue;
                    }
                    Told::Wake(connection.clone_ref(py))
                }
                (EventKind::UpgradeRequest(request), known) => {
                    asked(py, id, known, request, connections, servers, false)
                }
                (EventKind::HttpRequest(request), known) => {
                    asked(py, id, known, request, connections, servers, true)
                }
                (EventKind::Redirect { url, headers, .. }, Some(connection)) => {
                    Told::Redirect(connection.clone_ref(py), closed::led_to(url, headers))
                }
                (EventKind::Opened(opened), Some(connection)) => {
                    connection.get().hold_back(connections);
                    connection.get().keep_addresses(connections);
                    Told::Opened(
                        connection.clone_ref(py),
                        opened.subprotocol.clone(),
                        opened.response.clone(),
                    )
                }
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
                (EventKind::Closed(closed), Some(connection)) => {
                    connection.get().inner().metrics =
                        connections.connection_metrics(id).ok().map(Box::new);
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
                (
                    EventKind::Relayed {
                        topic,
                        kind,
                        payload,
                    },
                    _,
                ) => match on_relayed {
                    Some(listener) => Told::Relayed(
                        listener.clone_ref(py),
                        topic.to_owned(),
                        payload::to_object(py, kind, payload),
                    ),
                    None => Told::Nothing,
                },
                _ => Told::Nothing,
            };
            return Some(told);
        }
    }
}

/// A request that came to a listener, or to a connection that was taken over, which is known already.
fn asked(
    py: Python<'_>,
    id: ConnectionId,
    known: Option<&Py<Connection>>,
    request: &Request,
    connections: &mut Connections,
    servers: &HashMap<u64, Py<PyAny>>,
    plain: bool,
) -> Told {
    let server = match known {
        Some(connection) => Some(connection.as_any()),
        None => connections
            .listener_of(id)
            .and_then(|listener| servers.get(&listener.bits())),
    };
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

impl Told {
    /// Hands an event to Python.
    pub(super) fn dispatch(self, py: Python<'_>) -> PyResult<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Wake(connection) => Connection::resume(connection.bind(py)),
            Self::Listen(connection, listener, message, is_text) => {
                let result =
                    message.and_then(|message| listener.call1(py, (&connection, message, is_text)));
                match result {
                    Ok(_) => Ok(()),
                    Err(error) => {
                        connection.bind(py).call_method1(
                            intern!(py, "_listener_failed"),
                            (error.into_value(py),),
                        )?;
                        Ok(())
                    }
                }
            }
            Self::Request(id, server, (method, target, headers), plain) => server
                .call_method1(
                    py,
                    intern!(py, "_on_request"),
                    (id.bits(), method, target, headers, plain),
                )
                .map(drop),
            Self::Redirect(connection, led) => connection
                .call_method1(py, intern!(py, "_on_redirect"), led)
                .map(drop),
            Self::Opened(connection, subprotocol, response) => {
                connection.get().set_phase(OPEN);
                let response = response
                    .map(|response| closed::response(py, &response))
                    .transpose()?;
                connection
                    .call_method1(py, intern!(py, "_on_opened"), (subprotocol, response))
                    .map(drop)
            }
            Self::Pong(connection, payload) => Connection::ponged(connection.bind(py), &payload),
            Self::Writable(connection) => {
                let writers = std::mem::take(&mut connection.get().inner().writers);
                resolve(py, writers)
            }
            Self::Closed(connection, closed) => {
                let closed = Py::new(py, Closed::new(py, &closed)?)?;
                Connection::ended(connection.bind(py), closed)
            }
            Self::AcceptFailed(server, error) => server
                .call_method1(py, intern!(py, "_on_accept_failed"), (error,))
                .map(drop),
            Self::Relayed(listener, topic, message) => {
                listener.call1(py, (topic, message?)).map(drop)
            }
        }
    }
}
