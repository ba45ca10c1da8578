//! How a peer's server is to serve.

use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::{Failure, Hub};

/// permessage-deflate (RFC 7692): off, each message by itself, or with what was said before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Deflate {
    Off,
    Alone,
    Takeover,
}

pub struct Settings {
    pub deflate: Deflate,
    pub tls: Option<TlsAcceptor>,
    /// Given, a message goes to all other connections instead of back.
    pub hub: Option<Hub>,
}

impl Settings {
    pub(crate) fn of(words: &[String]) -> Result<Self, Failure> {
        let mut settings = Settings {
            deflate: Deflate::Off,
            tls: None,
            hub: None,
        };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut next = || words.next().ok_or("a word is missing");
            match word {
                "--tls" => settings.tls = Some(acceptor(next()?, next()?)?),
                "--deflate" if next()? == "takeover" => settings.deflate = Deflate::Takeover,
                "--deflate" => settings.deflate = Deflate::Alone,
                "--fan-out" => settings.hub = Some(Hub::new()),
                other => return Err(format!("{other}?").into()),
            }
        }
        Ok(settings)
    }
}

fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor, Failure> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
