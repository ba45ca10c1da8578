//! Proxies through option keys.

use std::sync::{Arc, OnceLock};

use ropeway_core::engine::{
    ConnectOptions, Pem, ProxySetting, ProxyUrl, TlsClient, TlsClientOptions,
};

use crate::error::Failure;
use crate::options::switch;
use crate::tls::pem;

/// A string, client: the proxy that every connection made from the set goes through, whatever the environment says, or
/// "" for none. "http://", "https://" (HTTP CONNECT, in plain or in TLS), "socks5://" (SOCKS 5, RFC 1928; this side
/// resolves the server's name) or "socks5h://" (the proxy resolves it); then "user:password@" if it wants credentials,
/// percent-encoded where they hold special characters; the host; and ":port", by default 80, 443 or, of SOCKS, 1080.
/// Without a scheme it is "http://". Credentials are sent when the proxy asks for them: to HTTP proxies as Digest
/// (RFC 7616; SHA-256 or MD5) rather than Basic (RFC 7617), to SOCKS proxies as RFC 1929 says. Connections to Unix
/// sockets go through none. Default: as ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT says; of the two what was set last counts.
pub const ROPEWAY_OPTION_PROXY: i32 = 1000;
/// Client, 1: connections go through the proxy that the environment names when they are dialled: for ws URLs the first
/// of ws_proxy, http_proxy and all_proxy that is set and not empty, for wss URLs of wss_proxy, https_proxy and
/// all_proxy, each in lower case or else in upper case. Hosts in no_proxy, and localhost and loopback addresses, are
/// reached without. HTTP_PROXY is not looked at where REQUEST_METHOD is set, since a web server's client chooses it
/// there. 0: no proxy. The environment must not be changed by another thread during a call that dials. Default 1.
pub const ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT: i32 = 1001;
/// A string, client, set once for each: an authority to trust, besides those of the system, in an https proxy's own
/// certificate; a path or PEM text, as of ROPEWAY_OPTION_TLS_CA. That one and the other TLS options are about the
/// server behind the proxy. Default none.
pub const ROPEWAY_OPTION_PROXY_CA: i32 = 1002;

/// What a set holds of proxies. The TLS settings that are built of it are kept until they change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxy {
    setting: ProxySetting,
    authorities: Vec<Pem>,
    built: Arc<OnceLock<TlsClient>>,
}

impl Proxy {
    /// An option's number; `None` when the key is no number of this file.
    pub(crate) fn int(&self, key: i32) -> Option<i64> {
        let from_environment = self.setting == ProxySetting::Environment;
        (key == ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT).then(|| from_environment.into())
    }

    /// Sets a number; `false` when the key is no number of this file.
    pub(crate) fn set_int(&mut self, key: i32, value: i64) -> Result<bool, Failure> {
        if key != ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT {
            return Ok(false);
        }
        self.setting = if switch("proxy_from_environment", value)? {
            ProxySetting::Environment
        } else {
            ProxySetting::Off
        };
        Ok(true)
    }

    /// Whether `key` names a string.
    pub(crate) const fn is_string(key: i32) -> bool {
        matches!(key, ROPEWAY_OPTION_PROXY | ROPEWAY_OPTION_PROXY_CA)
    }

    /// Sets the string that `key` names.
    pub(crate) fn set_string(&mut self, key: i32, value: &str) -> Result<(), Failure> {
        match key {
            ROPEWAY_OPTION_PROXY if value.is_empty() => self.setting = ProxySetting::Off,
            ROPEWAY_OPTION_PROXY => {
                let url = ProxyUrl::parse(value).map_err(ropeway_core::Error::from)?;
                self.setting = ProxySetting::Url(url);
            }
            _ => {
                self.authorities.push(pem(value));
                self.built = Arc::default();
            }
        }
        Ok(())
    }

    /// Puts the settings into those of a connection.
    pub(crate) fn apply(&self, connect: &mut ConnectOptions) -> Result<(), Failure> {
        connect.proxy = self.setting.clone();
        connect.proxy_tls = self.tls()?;
        Ok(())
    }

    fn tls(&self) -> Result<Option<TlsClient>, Failure> {
        if self.authorities.is_empty() {
            return Ok(None);
        }
        if let Some(built) = self.built.get() {
            return Ok(Some(built.clone()));
        }
        let options = TlsClientOptions {
            extra_roots: self.authorities.clone(),
            ..Default::default()
        };
        let tls = options.build()?;
        Ok(Some(self.built.get_or_init(|| tls).clone()))
    }
}
