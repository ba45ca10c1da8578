//! Pongs and the end, as the engine tells them.

use pyo3::prelude::*;

use super::{CLOSED, Connection, Ping};
use crate::closed::Closed;
use crate::futures::{resolve, set_result};

impl Connection {
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
        slf.call_method1("_on_closed", (closed,))?;
        let (futures, pings, listener) = {
            let mut inner = connection.inner();
            let mut futures = std::mem::take(&mut inner.writers);
            futures.append(&mut inner.fragmented);
            (
                futures,
                std::mem::take(&mut inner.pings),
                inner.listener.take(),
            )
        };
        drop(listener);
        resolve(py, futures)?;
        for ping in pings {
            let future = ping.future.bind(py);
            if !future.call_method0("done")?.is_truthy()? {
                future.call_method1("set_exception", (slf.call_method0("_closed_error")?,))?;
                // Nobody has to ask for it.
                future.call_method0("exception")?;
            }
        }
        Self::resume(slf)
    }
}
