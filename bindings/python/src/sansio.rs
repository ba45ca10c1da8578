//! The core's sans-I/O state machine for `ropeway.protocol`: one end of a connection without its transport.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropeway_core::Error;
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::{Refusal, WebSocketUrl};
use ropeway_core::protocol::{self, Accept, Event, Input, MessageKind, Output, Shutdown, Time};

use crate::closed::{self, Closed};
use crate::errors::{dial_error, error, raised};
use crate::options::{self, Options};
use crate::payload;
use crate::trace::TellWhenDropped;

/// One end. Times are seconds of one clock of the caller's, which only goes forward.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct SansIo {
    state: Mutex<State>,
}

struct State {
    protocol: protocol::Protocol,
    input: Input,
    output: Output,
}

/// The clock's zero is the core's "never".
fn time(now: f64) -> Time {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float's cast saturates"
    )]
    let micros = (now.max(0.0) * 1e6) as u64;
    Time::from_micros(micros.saturating_add(1))
}

impl SansIo {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends by `call`.
    fn send(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&mut State) -> Result<(), ropeway_core::SendError>,
    ) -> PyResult<()> {
        let _tell = TellWhenDropped;
        let sent = call(&mut self.state());
        sent.map_err(|problem| match problem {
            ropeway_core::SendError::Closed | ropeway_core::SendError::NotOpen => {
                raised(py, "InvalidState", &problem.to_string())
            }
            problem => raised(py, "ProtocolError", &problem.to_string()),
        })
    }
}

/// An event as Python gets it: its name and what belongs to it.
fn event(py: Python<'_>, event: Event<'_>) -> PyResult<Py<PyAny>> {
    let object = match event {
        Event::UpgradeRequest(request) => (
            "request",
            &request.method,
            request.path_and_query().into_owned(),
            closed::pairs(&request.headers),
            false,
        )
            .into_pyobject(py)?,
        Event::HttpRequest(request) => (
            "request",
            &request.method,
            request.path_and_query().into_owned(),
            closed::pairs(&request.headers),
            true,
        )
            .into_pyobject(py)?,
        Event::Opened(opened) => {
            let response = opened.response.as_ref();
            let response = response.map(|one| closed::response(py, one)).transpose()?;
            return Ok(("opened", opened.subprotocol.as_deref(), response)
                .into_pyobject(py)?
                .into_any()
                .unbind());
        }
        Event::Message { kind, payload } => {
            return data(py, "message", kind, payload, true, true);
        }
        Event::Fragment {
            kind,
            payload,
            first,
            last,
        } => return data(py, "fragment", kind, payload, first, last),
        Event::Ping { payload } => return control(py, "ping", payload),
        Event::Pong { payload, .. } => return control(py, "pong", payload),
        Event::Closed(ended) => {
            return Ok(("closed", Closed::new(py, ended)?)
                .into_pyobject(py)?
                .into_any()
                .unbind());
        }
        _ => return Err(PyRuntimeError::new_err("an event without a name")),
    };
    Ok(object.into_any().unbind())
}

fn data(
    py: Python<'_>,
    name: &str,
    kind: MessageKind,
    payload: &[u8],
    first: bool,
    last: bool,
) -> PyResult<Py<PyAny>> {
    let is_text = kind == MessageKind::Text;
    let event = (name, PyBytes::new(py, payload), is_text, first, last);
    Ok(event.into_pyobject(py)?.into_any().unbind())
}

fn control(py: Python<'_>, name: &str, payload: &[u8]) -> PyResult<Py<PyAny>> {
    let event = (name, PyBytes::new(py, payload));
    Ok(event.into_pyobject(py)?.into_any().unbind())
}

#[pymethods]
impl SansIo {
    /// A client of `url`, whose request is to be sent at once; without a URL a server.
    #[new]
    fn new(py: Python<'_>, url: Option<&str>, options: &Options, now: f64) -> PyResult<Self> {
        let _tell = TellWhenDropped;
        let mut output = Output::new();
        let options = options.0.clone();
        let protocol = match url {
            None => protocol::Protocol::server(options, time(now)),
            Some(url) => WebSocketUrl::parse(url)
                .map_err(Error::from)
                .and_then(|parsed| {
                    protocol::Protocol::client(&parsed, options, &mut output, time(now))
                })
                .map_err(|problem| dial_error(py, url, &problem))?,
        };
        Ok(Self {
            state: Mutex::new(State {
                protocol,
                input: Input::new(),
                output,
            }),
        })
    }

    /// Takes bytes of the transport's.
    fn receive(&self, data: &[u8]) {
        let mut state = self.state();
        let State {
            protocol, input, ..
        } = &mut *state;
        protocol.receive(input, data);
    }

    /// The peer has ended its direction.
    fn receive_eof(&self, now: f64) {
        let _tell = TellWhenDropped;
        let mut state = self.state();
        let State {
            protocol, output, ..
        } = &mut *state;
        protocol.on_eof(output, time(now));
    }

    /// Time has come to `now`.
    fn on_deadline(&self, now: f64) {
        let _tell = TellWhenDropped;
        let mut state = self.state();
        let State {
            protocol, output, ..
        } = &mut *state;
        protocol.on_deadline(output, time(now));
    }

    /// When to call `on_deadline`, if nothing happens before.
    fn next_deadline(&self) -> Option<f64> {
        let deadline = self.state().protocol.next_deadline()?;
        #[allow(
            clippy::cast_precision_loss,
            reason = "microseconds of centuries fit a float"
        )]
        let seconds = (deadline.as_micros() - 1) as f64 / 1e6;
        Some(seconds)
    }

    /// The next thing that happened.
    fn next_event(&self, py: Python<'_>, now: f64) -> PyResult<Option<Py<PyAny>>> {
        let _tell = TellWhenDropped;
        let mut state = self.state();
        let State {
            protocol,
            input,
            output,
        } = &mut *state;
        let told = protocol.next_event(input, output, time(now));
        told.map(|told| event(py, told)).transpose()
    }

    /// Takes what is to be sent.
    fn data_to_send<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut state = self.state();
        let data = PyBytes::new(py, state.output.bytes());
        let count = data.as_bytes().len();
        state.output.consume(count);
        data
    }

    /// What has to be done with the transport, once everything is sent: "no", "await end", "half close", "close" or
    /// "drop".
    fn shutdown(&self) -> &'static str {
        match self.state().protocol.shutdown() {
            Shutdown::No => "no",
            Shutdown::AwaitEnd => "await end",
            Shutdown::HalfClose => "half close",
            Shutdown::Close => "close",
            Shutdown::Drop => "drop",
        }
    }

    /// Sends a whole message, or with `last` a fragment of one.
    #[pyo3(signature = (message, text, last=None))]
    fn send_data(
        &self,
        py: Python<'_>,
        message: &Bound<'_, PyAny>,
        text: bool,
        last: Option<bool>,
    ) -> PyResult<()> {
        payload::with_bytes(message, Some(text), |kind, bytes| {
            self.send(py, |state| match last {
                None => state.protocol.send(&mut state.output, kind, bytes),
                Some(last) => state
                    .protocol
                    .send_fragment(&mut state.output, kind, bytes, last),
            })
        })?
    }

    fn ping(&self, py: Python<'_>, payload: &[u8]) -> PyResult<()> {
        self.send(py, |state| state.protocol.ping(&mut state.output, payload))
    }

    fn pong(&self, py: Python<'_>, payload: &[u8]) -> PyResult<()> {
        self.send(py, |state| state.protocol.pong(&mut state.output, payload))
    }

    fn close(&self, py: Python<'_>, code: u16, reason: &str, now: f64) -> PyResult<()> {
        self.send(py, |state| {
            let code = CloseCode::new(code);
            state
                .protocol
                .close(&mut state.output, code, reason, time(now))
        })
    }

    /// Has the message under way, or else the next one, come in pieces.
    fn stream_message(&self) {
        self.state().protocol.stream_message();
    }

    /// Accepts the request.
    fn accept(
        &self,
        py: Python<'_>,
        subprotocol: Option<&str>,
        headers: Vec<(String, String)>,
        now: f64,
    ) -> PyResult<()> {
        let headers = options::headers(headers)?;
        let accept = Accept {
            subprotocol,
            headers: Some(&headers),
        };
        let mut state = self.state();
        let State {
            protocol, output, ..
        } = &mut *state;
        let accepted = protocol.accept(output, &accept, time(now));
        drop(state);
        accepted.map_err(|problem| error(py, &problem))
    }

    /// Answers the request by a response that opens nothing.
    fn refuse(
        &self,
        py: Python<'_>,
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        now: f64,
    ) -> PyResult<()> {
        let mut refusal =
            Refusal::new(status, body).map_err(|problem| error(py, &Error::Handshake(problem)))?;
        refusal.headers = options::headers(headers)?;
        let mut state = self.state();
        let State {
            protocol, output, ..
        } = &mut *state;
        let refused = protocol.refuse(output, &refusal, time(now));
        drop(state);
        refused.map_err(|problem| error(py, &problem))
    }
}
