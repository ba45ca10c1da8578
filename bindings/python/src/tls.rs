//! TLS settings of the core's, made ready for use; the Python side's `ClientTLS` and `ServerTLS` hold one each.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropeway_core::engine::{self, Pem, TlsClientOptions, TlsIdentity, TlsInfo, TlsServerOptions};

use crate::errors::error;

/// PEM: bytes are the text itself, anything else is a file's path.
#[derive(FromPyObject)]
pub(crate) enum Source<'py> {
    Text(Bound<'py, PyBytes>),
    File(PathBuf),
}

impl From<Source<'_>> for Pem {
    fn from(source: Source<'_>) -> Self {
        match source {
            Source::Text(text) => Self::Text(text.as_bytes().to_vec()),
            Source::File(path) => Self::File(path),
        }
    }
}

/// Certificate chain and key.
type Identity<'py> = (Source<'py>, Source<'py>);

fn identity((certificates, key): Identity<'_>) -> TlsIdentity {
    TlsIdentity {
        certificates: certificates.into(),
        key: key.into(),
    }
}

fn pems(sources: Vec<Source<'_>>) -> Vec<Pem> {
    sources.into_iter().map(Pem::from).collect()
}

/// A client's settings. Connections made with the same ones resume each other's sessions.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct TlsClient(pub(crate) engine::TlsClient);

#[pymethods]
impl TlsClient {
    /// Reads the files and the system's authorities. ValueError says what cannot be used.
    #[new]
    #[pyo3(signature = (*, system_roots, roots, identity, application_protocols, danger_accept_invalid_certificates, resumption))]
    fn new(
        py: Python<'_>,
        system_roots: bool,
        roots: Vec<Source<'_>>,
        identity: Option<Identity<'_>>,
        application_protocols: Vec<String>,
        danger_accept_invalid_certificates: bool,
        resumption: bool,
    ) -> PyResult<Self> {
        let options = TlsClientOptions {
            system_roots,
            extra_roots: pems(roots),
            identity: identity.map(self::identity),
            application_protocols,
            danger_accept_invalid_certificates,
            resumption,
            ..TlsClientOptions::default()
        };
        py.detach(|| options.build())
            .map(Self)
            .map_err(|problem| error(py, &problem))
    }

    /// The same settings for a server that is asked for by another name than the URI's.
    fn named(&self, py: Python<'_>, server_name: &str) -> PyResult<Self> {
        self.0
            .named(server_name)
            .map(Self)
            .map_err(|problem| error(py, &problem))
    }
}

/// A server's settings.
#[pyclass(frozen, module = "ropeway._ropeway")]
pub(crate) struct TlsServer(pub(crate) engine::TlsServer);

#[pymethods]
impl TlsServer {
    /// Reads the files. ValueError says what cannot be used.
    #[new]
    #[pyo3(signature = (*, identities, client_roots, client_certificate_optional, application_protocols))]
    fn new(
        py: Python<'_>,
        identities: Vec<Identity<'_>>,
        client_roots: Vec<Source<'_>>,
        client_certificate_optional: bool,
        application_protocols: Vec<String>,
    ) -> PyResult<Self> {
        let options = TlsServerOptions {
            identities: identities.into_iter().map(identity).collect(),
            client_roots: pems(client_roots),
            client_certificate_optional,
            application_protocols,
        };
        py.detach(|| options.build())
            .map(Self)
            .map_err(|problem| error(py, &problem))
    }
}

/// Version, cipher suite, application protocol, whether resumed, and the peer's certificates in DER.
pub(crate) fn info(py: Python<'_>, info: TlsInfo) -> PyResult<Bound<'_, PyAny>> {
    let certificates: Vec<_> = (info.peer_certificates.iter())
        .map(|certificate| PyBytes::new(py, certificate))
        .collect();
    let whole = (
        info.version,
        info.cipher_suite,
        info.application_protocol,
        info.resumed,
        certificates,
    );
    Ok(whole.into_pyobject(py)?.into_any())
}
