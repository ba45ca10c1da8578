//! Pings, pongs and the end.

use std::time::Instant;

use pyo3::intern;
use pyo3::prelude::*;
use ropeway_core::SendError;
use ropeway_core::frame::CloseCode;

use super::{CLOSED, CLOSING, Connection};
use crate::closed::Closed;
use crate::errors::{raised, send_error};
use crate::futures::{create_future, resolve, set_result};

/// A ping of the application's.
pub(crate) struct Ping {
    payload: Vec<u8>,
    future: Py<PyAny>,
    sent: Instant,
}

impl Ping {
    pub(super) const fn future(&self) -> &Py<PyAny> {
        &self.future
    }
}

impl Connection {
    /// Sends a ping; the future of its round trip in seconds.
    pub(super) fn ping(slf: &Bound<'_, Self>, payload: Vec<u8>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let connection = slf.get();
        let known = |ping: &Ping| ping.payload == payload;
        let busy = connection.inner().pings.iter().any(known);
        if busy {
            return Err(raised(
                py,
                "ConcurrencyError",
                "already waiting for a pong with the same data",
            ));
        }
        let sent = connection.with(|connections, id| connections.ping(id, &payload));
        if let Err(error) = sent {
            return Err(send_error(slf.as_any(), error));
        }
        let future = create_future(py)?;
        connection.inner().pings.push_back(Ping {
            payload,
            future: future.clone_ref(py),
            sent: Instant::now(),
        });
        Ok(future)
    }

    /// Begins to close.
    pub(super) fn close(slf: &Bound<'_, Self>, code: u16, reason: &str) -> PyResult<()> {
        let connection = slf.get();
        let code = CloseCode::new(code);
        let closed = connection.with(|connections, id| connections.close(id, code, reason));
        match closed {
            Ok(()) => {
                if connection.phase() < CLOSING {
                    connection.set_phase(CLOSING);
                }
                Ok(())
            }
            Err(SendError::Closed) => Ok(()),
            Err(error) => Err(send_error(slf.as_any(), error)),
        }
    }

    /// A pong came: it answers its ping, and those before it.
    pub(crate) fn ponged(slf: &Bound<'_, Self>, payload: &[u8]) -> PyResult<()> {
        let py = slf.py();
        let answered: Vec<Ping> = {
            let mut inner = slf.get().inner();
            let Some(position) = inner.pings.iter().position(|ping| ping.payload == payload) else {
                return Ok(());
            };
            let answered: Vec<Ping> = inner.pings.drain(..=position).collect();
            if let Some(ping) = answered.last() {
                inner.latency = ping.sent.elapsed();
            }
            answered
        };
        for ping in answered {
            let latency = ping.sent.elapsed().as_secs_f64().into_pyobject(py)?;
            set_result(ping.future.bind(py), latency.into_any().unbind())?;
        }
        Ok(())
    }

    /// The end: everybody who waits is told.
    pub(crate) fn ended(slf: &Bound<'_, Self>, closed: Py<Closed>) -> PyResult<()> {
        let py = slf.py();
        let connection = slf.get();
        connection.set_phase(CLOSED);
        slf.call_method1(intern!(py, "_on_closed"), (closed,))?;
        let (futures, pings, unused) = {
            let mut inner = connection.inner();
            let mut futures = std::mem::take(&mut inner.writers);
            futures.append(&mut inner.fragmented);
            (
                futures,
                std::mem::take(&mut inner.pings),
                (inner.listener.take(), inner.spare.take()),
            )
        };
        drop(unused);
        resolve(py, futures)?;
        for ping in pings {
            let future = ping.future.bind(py);
            if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
                future.call_method1(
                    intern!(py, "set_exception"),
                    (slf.call_method0(intern!(py, "_closed_error"))?,),
                )?;
                // Nobody has to ask for it.
                future.call_method0(intern!(py, "exception"))?;
            }
        }
        Self::resume(slf)
    }
}
