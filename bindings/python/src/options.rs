//! A connection's settings.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use ropeway_core::deflate::Compression;
use ropeway_core::handshake::{HeadLimits, Headers, Refusal};
use ropeway_core::protocol;
use ropeway_core::{Error, Role};

use crate::errors::error;
use crate::trace;

/// The core's options, shared by the connections made with them. Times are in seconds, None turns a wait off; sizes
/// are in bytes.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct Options(pub(crate) Arc<protocol::Options>);

fn wait(seconds: Option<f64>) -> PyResult<Duration> {
    match seconds {
        None => Ok(Duration::ZERO),
        // A wait of nothing is over at once; to the core zero is for ever.
        Some(seconds) => Duration::try_from_secs_f64(seconds)
            .map(|wait| wait.max(Duration::from_micros(1)))
            .map_err(|error| PyValueError::new_err(format!("a time of {seconds} s: {error}"))),
    }
}

/// Header fields from pairs.
pub(crate) fn headers(fields: Vec<(String, String)>) -> PyResult<Headers> {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers
            .push(&name, &value)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
    }
    Ok(headers)
}

/// A response that opens nothing.
pub(crate) fn refusal(
    py: Python<'_>,
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
) -> PyResult<Refusal> {
    let mut refusal =
        Refusal::new(status, body).map_err(|problem| error(py, &Error::Handshake(problem)))?;
    refusal.headers = headers(fields)?;
    Ok(refusal)
}

/// The fields of `ropeway.Compression`.
#[derive(FromPyObject)]
pub(crate) struct Deflate {
    server_no_context_takeover: Option<bool>,
    client_no_context_takeover: Option<bool>,
    server_max_window_bits: i64,
    client_max_window_bits: i64,
    threshold: usize,
    level: i64,
    memory_level: i64,
}

/// The fields of `ropeway.Limits`.
#[derive(FromPyObject)]
pub(crate) struct Limits {
    max_fragments: u32,
    max_head_size: usize,
    max_head_fields: usize,
    max_refused_body: usize,
    max_send_queue: u64,
    idle_timeout: Option<f64>,
}

fn compression(settings: Deflate, server: bool) -> PyResult<Compression> {
    let small = |name, value| {
        u8::try_from(value)
            .map_err(|_| PyValueError::new_err(format!("{name} of {value} is out of range")))
    };
    let compression = Compression {
        enabled: Some(true),
        server_no_context_takeover: settings.server_no_context_takeover,
        client_no_context_takeover: settings.client_no_context_takeover,
        server_max_window_bits: small("server_max_window_bits", settings.server_max_window_bits)?,
        client_max_window_bits: small("client_max_window_bits", settings.client_max_window_bits)?,
        threshold: settings.threshold,
        level: small("level", settings.level)?,
        memory_level: small("memory_level", settings.memory_level)?,
    };
    let role = if server { Role::Server } else { Role::Client };
    compression
        .check(role)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(compression)
}

#[pymethods]
impl Options {
    #[new]
    #[pyo3(signature = (*, server, max_size, max_frame_size, open_timeout, close_timeout, ping_interval, ping_timeout, write_high, write_low, subprotocols, origin, headers, compression, limits, trace))]
    #[expect(
        clippy::too_many_arguments,
        reason = "keyword arguments, called from one place"
    )]
    fn new(
        server: bool,
        max_size: Option<u64>,
        max_frame_size: Option<u64>,
        open_timeout: Option<f64>,
        close_timeout: Option<f64>,
        ping_interval: Option<f64>,
        ping_timeout: Option<f64>,
        write_high: u64,
        write_low: u64,
        subprotocols: Vec<String>,
        origin: Option<String>,
        headers: Vec<(String, String)>,
        compression: Option<Deflate>,
        limits: Limits,
        trace: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let compression = match compression {
            Some(settings) => self::compression(settings, server)?,
            None => Compression::off(),
        };
        Ok(Self(Arc::new(protocol::Options {
            max_message_size: max_size.unwrap_or(u64::MAX),
            max_frame_size: max_frame_size.unwrap_or(u64::MAX),
            open_timeout: wait(open_timeout)?,
            close_timeout: wait(close_timeout)?,
            ping_interval: wait(ping_interval)?,
            pong_timeout: wait(ping_timeout)?,
            send_queue_high: write_high,
            send_queue_low: write_low,
            ask_upgrade: server,
            plain_http: server,
            subprotocols,
            origin,
            headers: self::headers(headers)?,
            compression,
            trace: trace.map(trace::by),
            max_fragments: limits.max_fragments,
            head_limits: HeadLimits {
                bytes: limits.max_head_size,
                headers: limits.max_head_fields,
            },
            max_refused_body: limits.max_refused_body,
            send_queue_limit: limits.max_send_queue,
            idle_timeout: wait(limits.idle_timeout)?,
            ..protocol::Options::default()
        })))
    }
}
