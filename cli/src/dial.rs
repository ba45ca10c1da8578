//! What all commands that dial take.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use ropeway_core::Error;
use ropeway_core::deflate::Compression;
use ropeway_core::engine::{ConnectOptions, ConnectionId, Engine, Pem, TlsClientOptions};
use ropeway_core::protocol::{Options, Trace};

use crate::Failure;

#[derive(Args)]
pub(crate) struct Dial {
    /// ws://HOST/PATH, wss://HOST/PATH or ws+unix:SOCKET:PATH
    url: String,
    /// A subprotocol to offer, best first
    #[arg(long, value_name = "NAME")]
    protocol: Vec<String>,
    /// A further field of the request
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// The Origin field
    #[arg(long)]
    origin: Option<String>,
    /// Offer no compression
    #[arg(long)]
    no_compression: bool,
    /// Authorities to trust instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Take any certificate, of anybody
    #[arg(long)]
    insecure: bool,
}

impl Dial {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The connection's options. Where frames are shown no compression is offered: nobody can read it.
    pub(crate) fn options(&self, trace: Option<Trace>) -> Result<Arc<Options>, Failure> {
        let compresses = !self.no_compression && trace.is_none();
        let mut options = Options {
            subprotocols: self.protocol.clone(),
            origin: self.origin.clone(),
            trace,
            ..Options::default()
        };
        if !compresses {
            options.compression = Compression::off();
        }
        for field in &self.header {
            let (name, value) = (field.split_once(':'))
                .ok_or_else(|| format!("a header is NAME: VALUE, not {field}"))?;
            options.headers.push(name.trim(), value.trim())?;
        }
        Ok(Arc::new(options))
    }

    /// The transport's.
    pub(crate) fn transport(&self) -> Result<ConnectOptions, Error> {
        let mut connect = ConnectOptions {
            max_redirects: 10,
            ..ConnectOptions::default()
        };
        if self.ca.is_some() || self.insecure {
            let tls = TlsClientOptions {
                system_roots: self.ca.is_none(),
                extra_roots: self.ca.iter().cloned().map(Pem::File).collect(),
                danger_accept_invalid_certificates: self.insecure,
                ..TlsClientOptions::default()
            };
            connect.tls = Some(tls.build()?);
        }
        Ok(connect)
    }

    /// Dials.
    pub(crate) fn start(
        &self,
        engine: &mut Engine,
        trace: Option<Trace>,
    ) -> Result<ConnectionId, Failure> {
        let (transport, options) = (self.transport()?, self.options(trace)?);
        let connections = engine.connections();
        Ok(connections.connect_with(&self.url, &transport, options)?)
    }
}
