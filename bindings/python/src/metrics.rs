//! Metrics for Python, as dictionaries that its dataclasses are made of.

use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};
use ropeway_core::engine::{ConnectionMetrics, Metrics, Traffic};

/// What an engine has done.
pub(crate) fn of_engine<'py>(py: Python<'py>, metrics: &Metrics) -> PyResult<Bound<'py, PyDict>> {
    let counters = &metrics.counters;
    let counts = [
        ("connections", metrics.connections),
        ("queued", metrics.queued),
        ("accepted", counters.accepted),
        ("dialled", counters.dialled),
        ("opened", counters.opened),
        ("closed", counters.closed),
        ("round_trips", counters.round_trips),
        ("publishes_dropped", counters.publishes_dropped),
    ]
    .into_py_dict(py)?;
    let codes = counters.close_codes.named().filter(|(_, count)| *count > 0);
    counts.set_item("close_codes", codes.into_py_dict(py)?)?;
    counts.set_item("refused", counters.refused.named().into_py_dict(py)?)?;
    counts.set_item("received", traffic(&counters.received))?;
    counts.set_item("sent", traffic(&counters.sent))?;
    counts.set_item("round_trip_total", counters.round_trip_total.as_secs_f64())?;
    Ok(counts)
}

/// What a connection has done.
pub(crate) fn of_connection<'py>(
    py: Python<'py>,
    metrics: &ConnectionMetrics,
) -> PyResult<Bound<'py, PyDict>> {
    let counts = [("queued", metrics.queued)].into_py_dict(py)?;
    counts.set_item("received", traffic(&metrics.received))?;
    counts.set_item("sent", traffic(&metrics.sent))?;
    let round_trip = metrics.round_trip.map(|took| took.as_secs_f64());
    counts.set_item("round_trip", round_trip)?;
    Ok(counts)
}

/// In the order of the dataclass's fields.
fn traffic(traffic: &Traffic) -> (u64, u64, u64, u64) {
    (
        traffic.messages,
        traffic.payload,
        traffic.bytes,
        traffic.pings,
    )
}
