//! How a connection ended, or why it could not be made, as Python sees it.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use ropeway_core::handshake::{HandshakeError, Headers, Response, WebSocketUrl};
use ropeway_core::protocol;
use ropeway_core::{CertificateProblem, Deadline, Error, Limit, ProxyProblem, TlsError};

/// A close frame: code and reason.
type Frame = (u16, String);

/// How a connection ended.
#[pyclass(frozen, get_all, module = "ropeway._ropeway")]
pub(crate) struct Closed {
    /// The Close frame that came.
    received: Option<Frame>,
    /// The Close frame that was sent.
    sent: Option<Frame>,
    /// Whether this side's came first.
    by_us: bool,
    /// The sort of error that ended it.
    kind: Option<&'static str>,
    /// The error in words.
    message: String,
    /// What further is known of it; depends on `kind`.
    details: Py<PyAny>,
}

impl Closed {
    pub(crate) fn new(py: Python<'_>, closed: &protocol::Closed) -> PyResult<Self> {
        let frame = |frame: &Option<protocol::CloseFrame>| {
            frame
                .as_ref()
                .map(|frame| (frame.code.get(), frame.reason.clone()))
        };
        let (kind, details) = match &closed.cause {
            None => (None, py.None()),
            Some(error) => {
                let (kind, details) = describe(py, error)?;
                (Some(kind), details)
            }
        };
        Ok(Self {
            received: frame(&closed.received),
            sent: frame(&closed.sent),
            by_us: closed.by_us,
            kind,
            message: closed
                .cause
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            details,
        })
    }
}

/// The target of a request, and its header fields.
pub(crate) type Led = (String, Vec<(String, String)>);

/// Header fields as pairs; bytes beyond ASCII are taken as Latin-1, as RFC 9110 section 5.5 leaves them.
pub(crate) fn pairs(headers: &Headers) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    headers
        .iter()
        .map(|(name, value)| (name.to_owned(), text(value)))
        .collect()
}

/// The request that a redirect leads to, without what the core adds but for the Host field: target and header fields.
pub(crate) fn led_to(url: &WebSocketUrl, headers: &Headers) -> Led {
    let mut fields = pairs(headers);
    if !headers.contains("Host") {
        fields.insert(0, ("Host".to_owned(), url.host_header()));
    }
    (url.request_target(), fields)
}

/// Status, reason phrase, header fields and body.
pub(crate) fn response(py: Python<'_>, response: &Response) -> PyResult<Py<PyAny>> {
    let Response {
        status,
        reason,
        headers,
        body,
    } = response;
    let whole = (*status, reason, pairs(headers), PyBytes::new(py, body));
    Ok(whole.into_pyobject(py)?.into_any().unbind())
}

/// The sort of an error, and its details: what the Python side makes its exception from.
pub(crate) fn describe(py: Python<'_>, error: &Error) -> PyResult<(&'static str, Py<PyAny>)> {
    Ok(match error {
        Error::Frame(_) => ("protocol", py.None()),
        Error::Handshake(error) => return handshake(py, error),
        Error::Limit {
            limit: Limit::MessageSize | Limit::FrameSize,
            value,
            actual,
            ..
        } => (
            "size",
            (actual, value).into_pyobject(py)?.into_any().unbind(),
        ),
        Error::Limit {
            limit: Limit::Fragments,
            ..
        } => ("fragments", py.None()),
        Error::Limit { .. } => ("limit", py.None()),
        Error::Timeout {
            deadline: Deadline::Open,
            ..
        } => ("open_timeout", py.None()),
        Error::Timeout { .. } => ("timeout", py.None()),
        Error::ConnectionLost => ("lost", py.None()),
        Error::Aborted => ("aborted", py.None()),
        Error::Io(error) => ("os", error.os_code().into_pyobject(py)?.into_any().unbind()),
        Error::ConnectUnix { error, .. } => {
            ("os", error.os_code().into_pyobject(py)?.into_any().unbind())
        }
        Error::Connect { attempts, .. } => {
            let code = attempts.last().and_then(|(_, error)| error.os_code());
            ("os", code.into_pyobject(py)?.into_any().unbind())
        }
        Error::Resolve { .. } => ("resolve", py.None()),
        Error::Tls(error) => return tls(py, error),
        Error::Proxy(error) => return proxy(py, &error.problem),
        Error::Url(_) => ("url", py.None()),
        Error::Header(_) => ("header_value", py.None()),
        Error::Forked => ("forked", py.None()),
        _ => ("other", py.None()),
    })
}

/// Network errors are what they would be without a proxy.
fn proxy(py: Python<'_>, problem: &ProxyProblem) -> PyResult<(&'static str, Py<PyAny>)> {
    Ok(match problem {
        ProxyProblem::Resolve(_) => ("resolve", py.None()),
        ProxyProblem::Connect(attempts) => {
            let code = attempts.last().and_then(|(_, error)| error.os_code());
            ("os", code.into_pyobject(py)?.into_any().unbind())
        }
        ProxyProblem::Io(error) => ("os", error.os_code().into_pyobject(py)?.into_any().unbind()),
        ProxyProblem::Tls(error) => return tls(py, error),
        ProxyProblem::Status { status, reason, .. } => {
            let response = (*status, &**reason, PyList::empty(py), PyBytes::new(py, b""));
            (
                "proxy_status",
                response.into_pyobject(py)?.into_any().unbind(),
            )
        }
        ProxyProblem::Head(_) => ("proxy_message", py.None()),
        _ => ("proxy", py.None()),
    })
}

fn tls(py: Python<'_>, error: &TlsError) -> PyResult<(&'static str, Py<PyAny>)> {
    let TlsError::Certificate { problem, .. } = error else {
        return Ok(("tls", py.None()));
    };
    let problem = match problem {
        CertificateProblem::UnknownIssuer => "unknown_issuer",
        CertificateProblem::WrongName => "wrong_name",
        CertificateProblem::Expired => "expired",
        CertificateProblem::NotYetValid => "not_yet_valid",
        CertificateProblem::Revoked => "revoked",
        CertificateProblem::Missing => "missing",
        _ => "other",
    };
    Ok((
        "certificate",
        problem.into_pyobject(py)?.into_any().unbind(),
    ))
}

fn handshake(py: Python<'_>, error: &HandshakeError) -> PyResult<(&'static str, Py<PyAny>)> {
    let header = |name: &str, value: Option<&str>| {
        Ok::<_, PyErr>((
            "header",
            (name, value).into_pyobject(py)?.into_any().unbind(),
        ))
    };
    match error {
        HandshakeError::InvalidStatus(refused) => Ok(("status", response(py, refused)?)),
        HandshakeError::MissingHeader(name) => header(name, None),
        HandshakeError::InvalidHeader { name, value } => header(name, Some(value)),
        HandshakeError::DuplicateHeader(name) => header(name, Some("more than one")),
        HandshakeError::AcceptMismatch { received, .. } => {
            header("Sec-WebSocket-Accept", Some(received))
        }
        HandshakeError::UnofferedSubprotocol(_) | HandshakeError::UnofferedExtension(_) => {
            Ok(("negotiation", py.None()))
        }
        HandshakeError::HeadTooLarge { .. } | HandshakeError::StartLineTooLong { .. } => {
            Ok(("head_size", py.None()))
        }
        HandshakeError::TooManyRedirects { .. } | HandshakeError::InsecureRedirect(_) => {
            Ok(("security", py.None()))
        }
        HandshakeError::InvalidRedirect(problem) => header("Location", Some(&problem.to_string())),
        HandshakeError::TooManyHeaders { .. } => Ok(("head_fields", py.None())),
        HandshakeError::InvalidSubprotocol(_)
        | HandshakeError::DuplicateSubprotocol(_)
        | HandshakeError::Header(_) => Ok(("header_value", py.None())),
        _ => Ok(("message", py.None())),
    }
}
