//! The answer to a ping, as a thread waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::{ThreadConnection, deadline};

/// There is no answer yet, or none that will come.
const WAITING: u64 = u64::MAX;
const CLOSED: u64 = u64::MAX - 1;

/// A ping of the application's.
pub(super) struct Ping {
    pub(super) payload: Vec<u8>,
    sent: Instant,
    ends_at_close: bool,
    /// The round trip in nanoseconds.
    latency: AtomicU64,
}

impl Ping {
    pub(super) fn new(payload: Vec<u8>, ends_at_close: bool) -> Self {
        Self {
            payload,
            sent: Instant::now(),
            ends_at_close,
            latency: AtomicU64::new(WAITING),
        }
    }

    /// Its pong, or a later one, has come. The round trip.
    pub(super) fn answered(&self) -> Duration {
        let latency = self.sent.elapsed();
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(CLOSED - 1);
        self.latency.store(nanos, Ordering::Relaxed);
        latency
    }

    pub(super) fn closed(&self) {
        if self.ends_at_close {
            self.latency.store(CLOSED, Ordering::Relaxed);
        }
    }

    fn is_over(&self) -> bool {
        self.latency.load(Ordering::Relaxed) != WAITING
    }
}

/// What `ping` returns: set when the pong has come, with the methods of `threading.Event` that look at one.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct Pong {
    pub(super) connection: Py<ThreadConnection>,
    pub(super) ping: Arc<Ping>,
}

#[pymethods]
impl Pong {
    /// Whether the pong has come, or, with `ack_on_close`, the connection is closed.
    fn is_set(&self) -> bool {
        self.ping.is_over()
    }

    /// Waits for that, reading the connection meanwhile; false after `timeout` seconds, or when it cannot come any more.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let until = deadline(timeout);
        self.connection.get().wait(py, until, |core| {
            (self.ping.is_over() || core.closed.is_some()).then_some(())
        })?;
        Ok(self.is_set())
    }

    /// The round trip in seconds; None before the pong.
    #[getter]
    fn latency(&self) -> Option<f64> {
        match self.ping.latency.load(Ordering::Relaxed) {
            WAITING | CLOSED => None,
            nanos => Some(Duration::from_nanos(nanos).as_secs_f64()),
        }
    }
}
