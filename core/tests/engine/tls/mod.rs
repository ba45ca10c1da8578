//! TLS: certificates made for the occasion, engines on both sides, and rustls' own connections as peers.

mod certificates;
mod echo;
mod ends;
mod facts;
mod mismatch;
mod settings;

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use ropeway_core::engine::{
    Client, ConnectOptions, Connections, Event, ListenOptions, Pem, TlsClient, TlsClientOptions,
    TlsIdentity, TlsServer, TlsServerOptions,
};
use ropeway_core::protocol::Options;
use ropeway_core::{Error, TlsError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

use crate::rig::*;

/// Signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut params = CertificateParams::default();
        let name = format!("authority {number}");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("signs itself").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub(super) fn pem(&self) -> Pem {
        Pem::Text(self.pem.clone().into_bytes())
    }

    /// A certificate for names and addresses, good from now to then.
    pub(super) fn issue(&self, names: &[&str]) -> TlsIdentity {
        self.issue_for(names, (2000, 2100))
    }

    /// A certificate that is good from the beginning of one year to that of another.
    pub(super) fn issue_for(&self, names: &[&str], years: (i32, i32)) -> TlsIdentity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signs");
        TlsIdentity {
            certificates: Pem::Text(certificate.pem().into_bytes()),
            key: Pem::Text(key.serialize_pem().into_bytes()),
        }
    }

    /// A server that shows a certificate for 127.0.0.1.
    pub(super) fn server(&self) -> TlsServer {
        self.server_with(|_| {})
    }

    pub(super) fn server_with(&self, change: impl FnOnce(&mut TlsServerOptions)) -> TlsServer {
        let mut options = TlsServerOptions {
            identities: vec![self.issue(&["127.0.0.1", "localhost"])],
            ..Default::default()
        };
        change(&mut options);
        options.build().expect("settings")
    }

    /// A client that trusts this authority alone.
    pub(super) fn client(&self) -> ConnectOptions {
        self.client_with(|_| {})
    }

    pub(super) fn client_with(&self, change: impl FnOnce(&mut TlsClientOptions)) -> ConnectOptions {
        let mut options = TlsClientOptions {
            system_roots: false,
            extra_roots: vec![self.pem()],
            ..Default::default()
        };
        change(&mut options);
        let tls: TlsClient = options.build().expect("settings");
        ConnectOptions {
            tls: Some(tls),
            ..ConnectOptions::default()
        }
    }

    /// rustls' own client, its handshake still to come.
    pub(super) fn peer(
        &self,
        address: SocketAddr,
        protocols: &[&[u8]],
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        let der = CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("a certificate");
        roots.add(der).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::from(address.ip());
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        StreamOwned::new(session, Raw::connect(address).socket)
    }

    /// rustls' own server on an accepted socket, its handshake still to come.
    pub(super) fn peer_server(
        &self,
        socket: TcpStream,
    ) -> StreamOwned<ServerConnection, TcpStream> {
        let TlsIdentity { certificates, key } = self.issue(&["127.0.0.1"]);
        let (Pem::Text(certificate), Pem::Text(key)) = (certificates, key) else {
            unreachable!("an identity of text");
        };
        let certificate = CertificateDer::from_pem_slice(&certificate).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(&key).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("an identity");
        let session = ServerConnection::new(Arc::new(config)).expect("a session");
        StreamOwned::new(session, socket)
    }

    /// A [`peer`](Self::peer) with its WebSocket open.
    pub(super) fn open_peer(
        &self,
        address: SocketAddr,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        use std::io::{Read, Write};
        let mut peer = self.peer(address, &[]);
        peer.write_all(REQUEST.as_bytes()).expect("is taken");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            peer.read_exact(&mut byte).expect("a head's byte");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
        peer
    }
}

pub(super) fn in_tls(tls: TlsServer) -> ListenOptions {
    ListenOptions {
        tls: Some(tls),
        ..Default::default()
    }
}

pub(super) fn serve(
    tls: TlsServer,
    handler: impl FnMut(Event<'_>, &mut Connections) + Send + 'static,
) -> Served {
    let options = Options::default();
    Served::with(engine(), "127.0.0.1:0", &in_tls(tls), options, handler)
}

pub(super) fn serve_echo(tls: TlsServer) -> Served {
    serve(tls, |event, connections| echo(&event, connections))
}

pub(super) fn secure_url(address: SocketAddr) -> String {
    format!("wss://{address}/")
}

pub(super) fn open(address: SocketAddr, connect: &ConnectOptions) -> Result<Client, Error> {
    Client::open_with(&secure_url(address), connect, Arc::new(Options::default()))
}

/// How a connection to the address failed in TLS.
pub(super) fn refused(address: SocketAddr, connect: &ConnectOptions) -> TlsError {
    match open(address, connect) {
        Err(Error::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}
