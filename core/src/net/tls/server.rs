//! A server's TLS settings.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::DnsName;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert,
    WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{KeyLogFile, ServerConfig};

use super::certificates::{HTTP_1_1, Pem, TlsIdentity, protocols, settings};
use super::{Session, Tls, failure};
use crate::error::Error;
use crate::net::{Socket, Stream};

/// A server's TLS settings. Make them ready with [`build`](Self::build).
///
/// TLS 1.3 and 1.2 are spoken. Sessions are resumed by tickets (RFC 8446 section 4.6.1), which cost the server no
/// memory; tickets are good for one build of the settings. `SSLKEYLOGFILE` is honoured as with
/// [`TlsClientOptions`](super::TlsClientOptions).
#[derive(Clone, Debug)]
pub struct TlsServerOptions {
    /// Certificates with their keys, at least one. A client gets the first whose names match the one it asks for (SNI,
    /// RFC 6066 section 3); one that asks for none of them gets the first of all.
    pub identities: Vec<TlsIdentity>,
    /// Authorities whose certificates are taken of clients. Default none: clients are not asked for certificates.
    pub client_roots: Vec<Pem>,
    /// With `client_roots`: clients without a certificate are served too. Default off.
    pub client_certificate_optional: bool,
    /// Application protocols taken (ALPN, RFC 7301), best first; a client that offers some, but none of these, is refused.
    /// Default `http/1.1`; none leaves the matter aside.
    pub application_protocols: Vec<String>,
}

impl Default for TlsServerOptions {
    fn default() -> Self {
        Self {
            identities: Vec::new(),
            client_roots: Vec::new(),
            client_certificate_optional: false,
            application_protocols: vec![HTTP_1_1.to_owned()],
        }
    }
}

impl TlsServerOptions {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError::Settings`](crate::TlsError::Settings) says what cannot be used.
    pub fn build(&self) -> Result<TlsServer, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let failed = |error: rustls::Error| settings(error.to_string());
        let mut identities = Vec::with_capacity(self.identities.len());
        for identity in &self.identities {
            identities.push(identity.load(&provider)?);
        }
        if identities.is_empty() {
            return Err(settings("a server needs a certificate"));
        }
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(failed)?;
        let builder = if self.client_roots.is_empty() {
            builder.with_no_client_auth()
        } else {
            let roots = Pem::roots(&self.client_roots)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            let verifier = if self.client_certificate_optional {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            let verifier = verifier
                .build()
                .map_err(|error| settings(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        };
        let mut config = builder.with_cert_resolver(Arc::new(ByName(identities)));
        config.alpn_protocols = protocols(&self.application_protocols)?;
        config.key_log = Arc::new(KeyLogFile::new());
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(failed)?;
        Ok(TlsServer(Arc::new(config)))
    }
}

/// A server's TLS settings, ready for use. Cheap to clone.
#[derive(Clone)]
pub struct TlsServer(Arc<ServerConfig>);

impl TlsServer {
    /// Puts an accepted socket into TLS.
    pub(crate) fn wrap(&self, socket: Socket) -> Result<Stream, Error> {
        let session =
            Session::server(self.0.clone()).map_err(|error| Error::Tls(failure::of(&error)))?;
        let stream = Stream::Plain(socket);
        Ok(Stream::Tls(Box::new(Tls::new(stream, session, None))))
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsServer")
    }
}

thread_local! {
    /// What the client asks for whose handshake is under way on this thread. rustls tells it to the resolver alone where
    /// a session is unbuffered.
    static ASKED: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// The name that the client of the last step of a handshake on this thread asked for, once.
pub(super) fn asked_name() -> Option<Box<str>> {
    ASKED.try_with(Cell::take).ok().flatten()
}

/// Chooses a certificate by the name that the client asks for.
#[derive(Debug)]
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let _ = ASKED.try_with(|asked| asked.set(hello.server_name().map(Box::from)));
        let name = hello
            .server_name()
            .and_then(|name| DnsName::try_from(name).ok());
        let named = name.and_then(|name| {
            let name = name.into();
            self.0.iter().find(|identity| {
                let certificate = identity.end_entity_cert().ok();
                certificate
                    .and_then(|certificate| ParsedCertificate::try_from(certificate).ok())
                    .is_some_and(|certificate| {
                        rustls::client::verify_server_name(&certificate, &name).is_ok()
                    })
            })
        });
        named.or_else(|| self.0.first()).cloned()
    }
}
