//! Connections through proxies, which the tests play themselves: each is a script for one or more connections.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ropeway_core::engine::{
    Client, ConnectOptions, EventKind, NameResolver, ProxySetting, ProxyUrl, Received, Reconnect,
};
use ropeway_core::protocol::{MessageKind, Options};
use ropeway_core::{Error, Fault, ProxyProblem, TlsError};

use crate::rig::*;
use crate::tls::{Authority, serve_echo};

const OK: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
const SOCKS_OK: &[u8] = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
const BASIC: &str = "Proxy-Authenticate: Basic realm=\"x\"\r\n";
/// user:secret
const BASIC_ANSWER: &str = "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n";

mod connect;
mod ends;
mod socks;

/// A proxy on a thread of its own, which ends when its script does.
struct Proxy {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    fn start(script: impl FnOnce(&TcpListener) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let address = listener.local_addr().expect("has one");
        let thread = std::thread::spawn(move || script(&listener));
        Self {
            address,
            thread: Some(thread),
        }
    }

    /// A proxy for one connection.
    fn once(script: impl FnOnce(TcpStream) + Send + 'static) -> Self {
        Self::start(move |listener| script(accept(listener)))
    }

    fn through(&self, scheme: &str, credentials: &str) -> ConnectOptions {
        self.at(scheme, credentials, "127.0.0.1")
    }

    fn at(&self, scheme: &str, credentials: &str, host: &str) -> ConnectOptions {
        let port = self.address.port();
        let url = ProxyUrl::parse(&format!("{scheme}://{credentials}{host}:{port}"));
        ConnectOptions {
            proxy: ProxySetting::Url(url.expect("a proxy's URL")),
            ..Default::default()
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let result = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(
                matches!(result, Some(Ok(()))),
                "the proxy's thread panicked"
            );
        }
    }
}

fn accept(listener: &TcpListener) -> TcpStream {
    let stream = listener.accept().expect("accepts").0;
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// An HTTP head, without a byte of what follows it.
fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head's byte");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head of text")
}

fn expect(stream: &mut impl Read, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).expect("bytes");
    assert_eq!(got, bytes);
}

fn say(stream: &mut impl Write, bytes: impl AsRef<[u8]>) {
    stream.write_all(bytes.as_ref()).expect("is taken");
}

/// A 407 with these fields, and a body where they announce one.
fn challenge(stream: &mut impl Write, fields: &str, body: &str) {
    say(
        stream,
        format!("HTTP/1.1 407 Authenticate\r\n{fields}\r\n{body}"),
    );
}

/// Carries bytes both ways until the client goes.
fn splice_plain(client: TcpStream, server: SocketAddr) {
    let server = TcpStream::connect(server).expect("connects");
    let carry = |mut from: &TcpStream, mut to: &TcpStream| {
        // Either end may have gone, at any moment.
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| carry(&server, &client));
        carry(&client, &server);
    });
}

/// The same for a client in TLS, which one thread has to serve; `plain` is its socket.
fn splice_tls(mut client: impl Read + Write, plain: &TcpStream, server: SocketAddr) {
    let mut server = TcpStream::connect(server).expect("connects");
    for socket in [plain, &server] {
        let moment = Some(Duration::from_millis(1));
        socket.set_read_timeout(moment).expect("a time-out");
    }
    let mut buffer = vec![0; 64 << 10];
    let quiet = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => server.write_all(&buffer[..count]).expect("is taken"),
            Err(error) if quiet(&error) => {}
            Err(_) => return,
        }
        match server.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => client.write_all(&buffer[..count]).expect("is taken"),
            Err(error) if quiet(&error) => {}
            Err(_) => return,
        }
    }
}

/// Opens a WebSocket and has messages sent back.
fn talk(url: &str, connect: &ConnectOptions) -> Client {
    let mut client = Client::open_with(url, connect, Arc::new(Options::default())).expect("opens");
    for length in [0, 100, 200_000] {
        let payload = pattern(length);
        client.send(MessageKind::Binary, &payload).expect("sends");
        match client.receive(Some(PATIENCE)).expect("receives") {
            Some(Received::Message { payload: back, .. }) => assert_eq!(back, payload),
            other => panic!("{other:?}"),
        }
    }
    client
}

/// Why no connection comes about; no credentials in it.
fn failure(url: &str, connect: &ConnectOptions, options: Options) -> Error {
    match Client::open_with(url, connect, Arc::new(options)) {
        Err(error) => {
            let text = format!("{error} {error:?} {connect:?}");
            assert!(!text.contains("secret"), "{text}");
            assert!(!text.contains("dXNlcjpzZWNyZXQ="), "{text}");
            error
        }
        Ok(client) => panic!("{client:?}"),
    }
}

/// The same, where it is the proxy's part.
fn refused(url: &str, connect: &ConnectOptions) -> (ProxyProblem, Error) {
    let error = failure(url, connect, Options::default());
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    match &error {
        Error::Proxy(of_proxy) => (of_proxy.problem.clone(), error),
        _ => panic!("{error:?}"),
    }
}
