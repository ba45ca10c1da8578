//! How a client gets to its server: TLS, proxies, redirects.

use pyo3::prelude::*;
use ropeway_core::Error;
use ropeway_core::engine::{ConnectOptions, ProxySetting, ProxyUrl};

use crate::tls::TlsClient;

/// The fields of `ropeway.client.Route`.
#[derive(FromPyObject)]
pub(crate) struct Route {
    tls: Option<Py<TlsClient>>,
    proxy: Option<Proxy>,
    proxy_tls: Option<Py<TlsClient>>,
    max_redirects: u32,
}

/// The proxy that the environment names, or the one at a URL.
#[derive(FromPyObject)]
enum Proxy {
    Environment(bool),
    Url(String),
}

impl Route {
    /// The core's settings.
    ///
    /// # Errors
    /// [`Error::ProxyUrl`].
    pub(crate) fn options(&self) -> Result<ConnectOptions, Error> {
        let tls = |tls: &Option<Py<TlsClient>>| tls.as_ref().map(|tls| tls.get().0.clone());
        Ok(ConnectOptions {
            tls: tls(&self.tls),
            proxy: match &self.proxy {
                None | Some(Proxy::Environment(false)) => ProxySetting::Off,
                Some(Proxy::Environment(true)) => ProxySetting::Environment,
                Some(Proxy::Url(url)) => ProxySetting::Url(ProxyUrl::parse(url)?),
            },
            proxy_tls: tls(&self.proxy_tls),
            max_redirects: self.max_redirects,
            ..ConnectOptions::default()
        })
    }
}
