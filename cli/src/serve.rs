//! `ropeway serve`: an echo server.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use ropeway_core::deflate::Compression;
use ropeway_core::engine::{
    Connections, Engine, EngineOptions, Event, EventKind, ListenOptions, PROMETHEUS_TYPE, Pem,
    TlsIdentity, TlsServerOptions,
};
use ropeway_core::handshake::Refusal;
use ropeway_core::protocol::Options;

use crate::Failure;
use crate::show;

#[derive(Args)]
pub(crate) struct Serve {
    /// The IP address to listen at
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Take the compression that clients offer
    #[arg(long)]
    deflate: bool,
    /// Show every frame
    #[arg(long)]
    trace: bool,
    /// Speak TLS: the certificate chain
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl Serve {
    /// Serves until the process is ended.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let mut engine = Engine::new(EngineOptions::default())?;
        let mut options = Options {
            plain_http: true,
            trace: self.trace.then(show::frames),
            ..Options::default()
        };
        if self.deflate {
            options.compression = Compression::on();
        }
        let mut listen = ListenOptions::default();
        let mut scheme = "ws";
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            let identity = TlsIdentity {
                certificates: Pem::File(certificate.clone()),
                key: Pem::File(key.clone()),
            };
            let tls = TlsServerOptions {
                identities: vec![identity],
                ..TlsServerOptions::default()
            };
            listen.tls = Some(tls.build()?);
            scheme = "wss";
        }
        let url = match self.host.contains(':') {
            true => format!("{scheme}://[{}]:{}/", self.host, self.port),
            false => format!("{scheme}://{}:{}/", self.host, self.port),
        };
        let connections = engine.connections();
        let listener = connections.listen_url(&url, &listen, Arc::new(options))?;
        println!(
            "listening on {scheme}://{}/",
            connections.listener_address(listener)?
        );
        loop {
            engine.poll(None)?;
            while let Some((event, connections)) = engine.next_event() {
                answer(&event, connections);
            }
        }
    }
}

fn answer(event: &Event<'_>, connections: &mut Connections) {
    match event.kind {
        EventKind::Message { kind, payload } => {
            // One that takes nothing is closed by its time-outs.
            let _ = connections.send(event.id, kind, payload);
        }
        EventKind::HttpRequest(request) => {
            let answer = match &*request.path_and_query() {
                "/metrics" => {
                    Refusal::new(200, connections.metrics().to_prometheus()).and_then(|mut page| {
                        page.headers.push("Content-Type", PROMETHEUS_TYPE)?;
                        Ok(page)
                    })
                }
                _ => Refusal::new(426, "This is a WebSocket; metrics are at /metrics.\n"),
            };
            // It may have gone meanwhile.
            if let Ok(answer) = answer {
                let _ = connections.refuse(event.id, &answer);
            }
        }
        EventKind::AcceptFailed { ref error, .. } => eprintln!("ropeway: cannot accept: {error}"),
        _ => {}
    }
}
