//! TLS settings by key.

use std::sync::{Arc, OnceLock};

use ropeway_core::engine::{
    Pem, TlsClient, TlsClientOptions, TlsIdentity, TlsServer, TlsServerOptions,
};

use crate::error::Failure;

/// A string, for a server's wss listener at least once: a certificate in PEM, with the intermediate ones behind it. It is
/// the path of a file, or the text itself, which then begins with -----BEGIN. Set ROPEWAY_OPTION_TLS_KEY right after it.
/// A server takes several: a client gets the first whose names match the one it asks for, or else the first of all. A
/// client shows the first one to a server that asks for a client's certificate. Default none.
pub const ROPEWAY_OPTION_TLS_CERTIFICATE: i32 = 900;
/// A string: the private key, not encrypted, of the certificate that was set last; a path or PEM text as there.
pub const ROPEWAY_OPTION_TLS_KEY: i32 = 901;
/// A string, client, set once for each: an authority to trust besides those of the system; a path or PEM text.
/// Default none.
pub const ROPEWAY_OPTION_TLS_CA: i32 = 902;
/// Client, 0: the authorities that the system trusts are not trusted, only those of ROPEWAY_OPTION_TLS_CA. Default 1.
pub const ROPEWAY_OPTION_TLS_SYSTEM_CA: i32 = 903;
/// A string, client: the name that is sent to the server and looked for in its certificate, where it is not the URL's
/// host. Default none.
pub const ROPEWAY_OPTION_TLS_SERVER_NAME: i32 = 904;
/// Client, 0: sessions are not resumed. Default 1: later connections made from the same set, unchanged, cost less.
pub const ROPEWAY_OPTION_TLS_RESUMPTION: i32 = 905;
/// A string, server, set once for each: an authority whose certificates are asked of clients; a path or PEM text.
/// Default none: clients are not asked for certificates.
pub const ROPEWAY_OPTION_TLS_CLIENT_CA: i32 = 906;
/// Server with ROPEWAY_OPTION_TLS_CLIENT_CA, 1: clients without a certificate are served too. Default 0.
pub const ROPEWAY_OPTION_TLS_CLIENT_CERTIFICATE_OPTIONAL: i32 = 907;
/// A string, client and server: the application protocols offered or taken (ALPN, RFC 7301), best first, with commas
/// between; "" for none. A client that offers a server some, but none of its own, is refused. Default "http/1.1".
pub const ROPEWAY_OPTION_TLS_APPLICATION_PROTOCOLS: i32 = 908;
/// DANGER. Client, 1: any certificate is taken, of anybody, expired or not, so that whoever is on the way can read and
/// change everything. For tests only. Default 0.
pub const ROPEWAY_OPTION_DANGER_TLS_ACCEPT_INVALID_CERTIFICATES: i32 = 999;

/// What a set holds of TLS. What is built of it is kept until it changes, so that connections share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    identities: Vec<TlsIdentity>,
    /// The certificate whose key is still to be set.
    lonely: Option<Pem>,
    client: TlsClientOptions,
    server: TlsServerOptions,
    built_client: Arc<OnceLock<TlsClient>>,
    built_server: Arc<OnceLock<TlsServer>>,
}

impl Tls {
    /// The switch that `key` names.
    pub(crate) const fn switch(&self, key: i32) -> Option<bool> {
        Some(match key {
            ROPEWAY_OPTION_TLS_SYSTEM_CA => self.client.system_roots,
            ROPEWAY_OPTION_TLS_RESUMPTION => self.client.resumption,
            ROPEWAY_OPTION_TLS_CLIENT_CERTIFICATE_OPTIONAL => {
                self.server.client_certificate_optional
            }
            ROPEWAY_OPTION_DANGER_TLS_ACCEPT_INVALID_CERTIFICATES => {
                self.client.danger_accept_invalid_certificates
            }
            _ => return None,
        })
    }

    /// Sets the switch that `key` names.
    pub(crate) fn set_switch(&mut self, key: i32, on: bool) {
        match key {
            ROPEWAY_OPTION_TLS_SYSTEM_CA => self.client.system_roots = on,
            ROPEWAY_OPTION_TLS_RESUMPTION => self.client.resumption = on,
            ROPEWAY_OPTION_TLS_CLIENT_CERTIFICATE_OPTIONAL => {
                self.server.client_certificate_optional = on;
            }
            _ => self.client.danger_accept_invalid_certificates = on,
        }
        self.changed();
    }

    fn changed(&mut self) {
        self.built_client = Arc::default();
        self.built_server = Arc::default();
    }

    /// Whether `key` names a string.
    pub(crate) const fn is_string(key: i32) -> bool {
        matches!(
            key,
            ROPEWAY_OPTION_TLS_CERTIFICATE
                | ROPEWAY_OPTION_TLS_KEY
                | ROPEWAY_OPTION_TLS_CA
                | ROPEWAY_OPTION_TLS_SERVER_NAME
                | ROPEWAY_OPTION_TLS_CLIENT_CA
                | ROPEWAY_OPTION_TLS_APPLICATION_PROTOCOLS
        )
    }

    /// Sets the string that `key` names.
    pub(crate) fn set_string(&mut self, key: i32, value: &str) -> Result<(), Failure> {
        match key {
            ROPEWAY_OPTION_TLS_CERTIFICATE => self.lonely = Some(pem(value)),
            ROPEWAY_OPTION_TLS_KEY => {
                let certificates = self.lonely.take().ok_or(Failure::Argument(
                    "set ROPEWAY_OPTION_TLS_CERTIFICATE before its key",
                ))?;
                let key = pem(value);
                self.identities.push(TlsIdentity { certificates, key });
            }
            ROPEWAY_OPTION_TLS_CA => self.client.extra_roots.push(pem(value)),
            ROPEWAY_OPTION_TLS_APPLICATION_PROTOCOLS => {
                let names = value.split(',').filter(|name| !name.is_empty());
                let names: Vec<String> = names.map(str::to_owned).collect();
                self.client.application_protocols.clone_from(&names);
                self.server.application_protocols = names;
            }
            ROPEWAY_OPTION_TLS_SERVER_NAME => self.client.server_name = Some(value.to_owned()),
            _ => self.server.client_roots.push(pem(value)),
        }
        self.changed();
        Ok(())
    }

    fn check(&self) -> Result<(), Failure> {
        match self.lonely {
            Some(_) => Err(Failure::Argument(
                "ROPEWAY_OPTION_TLS_CERTIFICATE was set without ROPEWAY_OPTION_TLS_KEY",
            )),
            None => Ok(()),
        }
    }

    /// The settings of a connection to `url`, if it is wss, or may be redirected to such a one.
    pub(crate) fn connect(
        &self,
        url: &str,
        may_be_redirected: bool,
    ) -> Result<Option<TlsClient>, Failure> {
        let secure = ["wss:", "https:"].iter().any(|scheme| {
            url.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        if !secure && !may_be_redirected {
            return Ok(None);
        }
        self.check()?;
        if let Some(built) = self.built_client.get() {
            return Ok(Some(built.clone()));
        }
        let client = TlsClientOptions {
            identity: self.identities.first().cloned(),
            ..self.client.clone()
        };
        let tls = client.build()?;
        Ok(Some(self.built_client.get_or_init(|| tls).clone()))
    }

    /// The settings of a listener, if there is a certificate.
    pub(crate) fn listen(&self) -> Result<Option<TlsServer>, Failure> {
        self.check()?;
        if self.identities.is_empty() {
            return Ok(None);
        }
        if let Some(built) = self.built_server.get() {
            return Ok(Some(built.clone()));
        }
        self.build_server().map(|tls| {
            let tls = self.built_server.get_or_init(|| tls);
            Some(tls.clone())
        })
    }

    /// Reads the files anew.
    pub(crate) fn build_server(&self) -> Result<TlsServer, Failure> {
        self.check()?;
        let server = TlsServerOptions {
            identities: self.identities.clone(),
            ..self.server.clone()
        };
        Ok(server.build()?)
    }
}

/// A path, or the text itself.
pub(crate) fn pem(value: &str) -> Pem {
    if value.trim_start().starts_with("-----BEGIN") {
        Pem::Text(value.as_bytes().to_vec())
    } else {
        Pem::File(value.into())
    }
}
