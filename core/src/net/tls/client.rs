//! A client's TLS settings.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, DigitallySignedStruct, KeyLogFile, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::certificates::{HTTP_1_1, Pem, TlsIdentity, protocols, settings};
use super::{Session, Tls, failure};
use crate::error::Error;
use crate::net::Stream;

/// Sessions of servers that a client remembers, so as to resume them.
const SESSIONS: usize = 256;

/// A client's TLS settings. Make them ready with [`build`](Self::build), once, and use that for many connections: they
/// then share the authorities, and resume each other's sessions.
///
/// TLS 1.3 and 1.2 are spoken. When the environment variable `SSLKEYLOGFILE` names a file, the secrets of all
/// connections are appended to it, so that a network analyser can decrypt them.
#[derive(Clone, Debug)]
pub struct TlsClientOptions {
    /// Trust the authorities that the system trusts. Default on.
    pub system_roots: bool,
    /// Authorities to trust besides. Default none.
    pub extra_roots: Vec<Pem>,
    /// Shown to a server that asks for a client's certificate. Default none.
    pub identity: Option<TlsIdentity>,
    /// The name that is sent to the server (SNI, RFC 6066 section 3) and looked for in its certificate, a host name or
    /// an IP address, where it is not the URL's host. Default none.
    pub server_name: Option<String>,
    /// Application protocols offered (ALPN, RFC 7301), best first; none offers none. Default `http/1.1`, since a server
    /// could take the connection for HTTP/2 otherwise.
    pub application_protocols: Vec<String>,
    /// **Danger.** Take any certificate, of anybody, expired or not: whoever is on the way can then read and change
    /// everything. For tests only. Default off.
    pub danger_accept_invalid_certificates: bool,
    /// Resume sessions (RFC 8446 section 2.2): a later connection to the same server costs less. Default on.
    pub resumption: bool,
}

impl Default for TlsClientOptions {
    fn default() -> Self {
        Self {
            system_roots: true,
            extra_roots: Vec::new(),
            identity: None,
            server_name: None,
            application_protocols: vec![HTTP_1_1.to_owned()],
            danger_accept_invalid_certificates: false,
            resumption: true,
        }
    }
}

impl TlsClientOptions {
    /// Reads the files and the system's authorities, some milliseconds of work.
    ///
    /// # Errors
    /// [`TlsError::Settings`](crate::TlsError::Settings) says what cannot be used.
    pub fn build(&self) -> Result<TlsClient, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let failed = |error: rustls::Error| settings(error.to_string());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(&provider)?);
        let mut config = match &self.identity {
            Some(identity) => {
                let identity = identity.load(&provider)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols(&self.application_protocols)?;
        config.key_log = Arc::new(KeyLogFile::new());
        config.resumption = if self.resumption {
            Resumption::in_memory_sessions(SESSIONS)
        } else {
            Resumption::disabled()
        };
        let server_name = self.server_name.as_deref().map(name).transpose()?;
        Ok(TlsClient {
            config: Arc::new(config),
            server_name,
        })
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        let failed = |error: rustls::Error| settings(error.to_string());
        if self.danger_accept_invalid_certificates {
            return Ok(Arc::new(AcceptAny(provider.clone())));
        }
        if !self.system_roots {
            let roots = Pem::roots(&self.extra_roots)?;
            let builder =
                WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone());
            return Ok(builder
                .build()
                .map_err(|error| settings(error.to_string()))?);
        }
        let mut extra = Vec::new();
        for pem in &self.extra_roots {
            extra.extend(pem.certificates()?);
        }
        let verifier = if extra.is_empty() {
            Verifier::new(provider.clone())
        } else {
            Verifier::new_with_extra_roots(extra, provider.clone())
        };
        Ok(Arc::new(verifier.map_err(failed)?))
    }
}

fn name(text: &str) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(text.to_owned())
        .map_err(|_| settings(format!("{text:?} is no server name")))
}

/// A client's TLS settings, ready for use. Cheap to clone; the clones share the remembered sessions.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl TlsClient {
    /// The settings by [`TlsClientOptions::default`], which the whole process shares.
    ///
    /// # Errors
    /// As [`TlsClientOptions::build`], for instance when the system has no authorities.
    pub fn shared() -> Result<Self, Error> {
        static SHARED: Mutex<Option<TlsClient>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*shared {
            return Ok(client.clone());
        }
        let client = TlsClientOptions::default().build()?;
        Ok(shared.insert(client).clone())
    }

    /// The same settings, remembered sessions included, with another
    /// [`server_name`](TlsClientOptions::server_name).
    ///
    /// # Errors
    /// [`TlsError::Settings`](crate::TlsError::Settings) for what is no host name and no IP address.
    pub fn named(&self, server_name: &str) -> Result<Self, Error> {
        Ok(Self {
            config: self.config.clone(),
            server_name: Some(name(server_name)?),
        })
    }

    /// Puts a connected stream into TLS. `host` is the URL's.
    pub(crate) fn wrap(&self, stream: Stream, host: &str) -> Result<Stream, Error> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => name(host)?,
        };
        let asked = match &name {
            ServerName::DnsName(name) => Some(name.as_ref().into()),
            _ => None,
        };
        let session = Session::client(self.config.clone(), name)
            .map_err(|error| Error::Tls(failure::of(&error)))?;
        Ok(Stream::Tls(Box::new(Tls::new(stream, session, asked))))
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// Looks at no certificate. Signatures are verified all the same: the peer has the key of what it shows.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
