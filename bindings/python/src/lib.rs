//! `_ropeway`: the native half of the Python package. The public face, `ropeway`, is written in Python over it.
//!
//! One [`engine::Engine`] serves an event loop. The loop watches its descriptor and calls `drain`, which takes the
//! core's events and hands them to [`connection::Connection`] objects; a task that waits in `recv` is resumed from there.
//!
//! [`threads::ThreadConnection`] is the connection of `ropeway.sync`: an engine of its own, driven by the threads that wait.
//!
//! Locks: the engine's comes before a connection's, and neither is held while Python code runs.

#![allow(
    clippy::needless_pass_by_value,
    reason = "pyo3 hands arguments over by value"
)]

mod awaitable;
mod closed;
mod connection;
mod engine;
mod errors;
mod futures;
mod inbox;
mod lock;
mod metrics;
mod options;
mod payload;
mod room;
mod route;
mod sansio;
mod threads;
mod tls;
mod trace;
mod waiter;

use pyo3::prelude::*;

#[pymodule]
#[pyo3(name = "_ropeway")]
fn native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<engine::Engine>()?;
    m.add_class::<connection::Connection>()?;
    m.add_class::<options::Options>()?;
    m.add_class::<sansio::SansIo>()?;
    m.add_class::<threads::ThreadConnection>()?;
    m.add_class::<threads::Pong>()?;
    m.add_class::<closed::Closed>()?;
    m.add_class::<tls::TlsClient>()?;
    m.add_class::<tls::TlsServer>()?;
    m.add_function(wrap_pyfunction!(connection::broadcast, m)?)?;
    Ok(())
}
