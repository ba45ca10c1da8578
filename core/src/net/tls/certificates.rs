//! What the settings of both roles hold: certificates and keys from PEM (RFC 7468), application protocols (RFC 7301).
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::error::Error;
use crate::tls_error::TlsError;

/// Where certificates or a key stand in PEM.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// A file, which is read when the settings are built.
    File(PathBuf),
    /// The text itself.
    Text(Vec<u8>),
}

/// `Debug` shows no text, which may be a key.
impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

/// A certificate chain with its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsIdentity {
    /// The certificate, and the intermediate ones behind it.
    pub certificates: Pem,
    /// The certificate's private key, in PKCS #8, PKCS #1 or SEC 1 form, not encrypted.
    pub key: Pem,
}

impl TlsIdentity {
    /// Reads both, and sees to it that the key is the certificate's.
    pub(super) fn load(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, Error> {
        let chain = self.certificates.certificates()?;
        let key = self.key.key()?;
        CertifiedKey::from_der(chain, key, provider)
            .map(Arc::new)
            .map_err(|error| settings(format!("{}: {error}", self.certificates.name())))
    }
}

impl Pem {
    /// All certificates, at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let list: Result<Vec<_>, _> = match self {
            Self::File(path) => {
                CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect())
            }
            Self::Text(text) => CertificateDer::pem_slice_iter(text).collect(),
        };
        let list = list.map_err(|error| self.unusable(&error))?;
        if list.is_empty() {
            return Err(settings(format!("{} holds no certificate", self.name())));
        }
        Ok(list)
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        match self {
            Self::File(path) => PrivateKeyDer::from_pem_file(path),
            Self::Text(text) => PrivateKeyDer::from_pem_slice(text),
        }
        .map_err(|error| match error {
            pem::Error::NoItemsFound => {
                settings(format!("{} holds no private key in clear", self.name()))
            }
            error => self.unusable(&error),
        })
    }

    /// The certificates as authorities.
    pub(super) fn roots(list: &[Self]) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        for pem in list {
            for certificate in pem.certificates()? {
                roots
                    .add(certificate)
                    .map_err(|error| settings(format!("{}: {error}", pem.name())))?;
            }
        }
        Ok(roots)
    }

    fn unusable(&self, error: &pem::Error) -> Error {
        settings(format!("{}: {error}", self.name()))
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text(_) => "the PEM text".to_owned(),
        }
    }
}

/// What a WebSocket's handshake is (RFC 7301 section 6).
pub(super) const HTTP_1_1: &str = "http/1.1";

/// Application protocols as rustls takes them.
pub(super) fn protocols(names: &[String]) -> Result<Vec<Vec<u8>>, Error> {
    if let Some(name) = names.iter().find(|name| !(1..=255).contains(&name.len())) {
        let length = name.len();
        return Err(settings(format!(
            "an application protocol's name has 1 to 255 bytes, not {length}"
        )));
    }
    Ok(names.iter().map(|name| name.clone().into_bytes()).collect())
}

pub(super) fn settings(what: impl Into<Box<str>>) -> Error {
    Error::Tls(TlsError::Settings(what.into()))
}
