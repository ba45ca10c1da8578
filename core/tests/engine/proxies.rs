//! Connections through proxies, which the tests play themselves: each is a script for one or more connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ropeway_core::engine::{Client, ConnectOptions, EventKind, ProxySetting, ProxyUrl, Received};
use ropeway_core::protocol::{MessageKind, Options};
use ropeway_core::{Error, Fault, ProxyProblem, ProxyStage, TlsError};

use crate::rig::*;
use crate::tls::{Authority, serve_echo};

const OK: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
const SOCKS_OK: &[u8] = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
const BASIC: &str = "Proxy-Authenticate: Basic realm=\"x\"\r\n";
/// user:secret
const BASIC_ANSWER: &str = "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n";

/// Both directions of a connection to a proxy.
trait Duplex: Read + Write {}
impl<T: Read + Write> Duplex for T {}

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
fn splice(client: &mut dyn Duplex, plain: &TcpStream, server: SocketAddr) {
    let mut server = TcpStream::connect(server).expect("connects");
    server.set_nodelay(true).expect("no delay");
    plain
        .set_read_timeout(Some(Duration::from_millis(5)))
        .expect("a time-out");
    server
        .set_read_timeout(Some(Duration::from_millis(5)))
        .expect("a time-out");
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

fn splice_plain(client: TcpStream, server: SocketAddr) {
    let plain = client.try_clone().expect("a clone");
    splice(&mut { client }, &plain, server);
}

/// Opens a WebSocket and has messages sent back.
fn talk(url: &str, connect: &ConnectOptions) -> Client {
    let mut client = Client::open_with(url, connect, Arc::new(Options::default())).expect("opens");
    for length in [0, 100, 70_000] {
        let payload = pattern(length);
        client.send(MessageKind::Binary, &payload).expect("sends");
        match client.receive(Some(PATIENCE)).expect("receives") {
            Some(Received::Message { payload: back, .. }) => assert_eq!(back, payload),
            other => panic!("{other:?}"),
        }
    }
    client
}

/// Why no connection comes about.
fn refused(url: &str, connect: &ConnectOptions) -> (ProxyProblem, Error) {
    refused_with(url, connect, Options::default())
}

fn refused_with(url: &str, connect: &ConnectOptions, options: Options) -> (ProxyProblem, Error) {
    match Client::open_with(url, connect, Arc::new(options)) {
        Err(Error::Proxy(error)) => {
            let text = format!("{error} {error:?} {connect:?}");
            assert!(
                text.contains("127.0.0.1") && !text.contains("secret"),
                "{text}"
            );
            assert!(!text.contains("dXNlcjpzZWNyZXQ="), "{text}");
            (error.problem.clone(), Error::Proxy(error))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connect_proxy_carries_ws_and_wss() {
    let server = Served::echo(Options::default());
    let address = server.address;
    let proxy = Proxy::once(move |mut client| {
        let head = head(&mut client);
        let request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
        assert!(
            head.starts_with(&request) && !head.contains("Authorization"),
            "{head}"
        );
        say(&mut client, OK);
        splice_plain(client, address);
    });
    let mut client = talk(&url(address), &proxy.through("http", "user:secret@"));
    assert_eq!(client.tls_info(), None);
    drop(client);

    let authority = Authority::new();
    let server = serve_echo(authority.server());
    let address = server.address;
    let proxy = Proxy::once(move |mut client| {
        head(&mut client);
        say(&mut client, OK);
        splice_plain(client, address);
    });
    let connect = ConnectOptions {
        proxy: proxy.through("http", "").proxy,
        ..authority.client()
    };
    let mut client = talk(&format!("wss://{address}/"), &connect);
    assert!(client.tls_info().is_some());
}

#[test]
fn tls_to_the_proxy_and_tls_inside_it() {
    let of_proxy = Arc::new(Authority::new());
    let of_server = Authority::new();
    let plain_server = Served::echo(Options::default());
    let secure_server = serve_echo(of_server.server());
    for (scheme, address) in [("ws", plain_server.address), ("wss", secure_server.address)] {
        let authority = Arc::clone(&of_proxy);
        let proxy = Proxy::once(move |stream| {
            let plain = stream.try_clone().expect("a clone");
            let mut client = authority.peer_server(stream);
            assert!(head(&mut client).starts_with(&format!("CONNECT {address} ")));
            say(&mut client, OK);
            splice(&mut client, &plain, address);
        });
        let connect = ConnectOptions {
            proxy: proxy.through("https", "").proxy,
            proxy_tls: of_proxy.client().tls,
            ..of_server.client()
        };
        let mut client = talk(&format!("{scheme}://{address}/"), &connect);
        // It tells of the server's TLS, not of the proxy's.
        assert_eq!(client.tls_info().is_some(), scheme == "wss");
        client
            .close(ropeway_core::frame::CloseCode::NORMAL, "")
            .expect("closes");
    }
}

#[test]
fn a_proxys_certificate_has_settings_of_its_own() {
    let authority = Arc::new(Authority::new());
    let of_proxy = Arc::clone(&authority);
    let proxy = Proxy::once(move |stream| {
        let mut client = of_proxy.peer_server(stream);
        let error = client.read(&mut [0]).expect_err("no handshake");
        assert!(error.to_string().contains("UnknownCA"), "{error}");
    });
    let connect = ConnectOptions {
        proxy: proxy.through("https", "user:secret@").proxy,
        proxy_tls: Authority::new().client().tls,
        ..authority.client()
    };
    let (problem, error) = refused("wss://example.invalid/", &connect);
    assert!(
        matches!(problem, ProxyProblem::Tls(TlsError::Certificate { .. })),
        "{problem:?}"
    );
    assert_eq!(error.fault(), Fault::Peer);
    drop(proxy);

    let proxy = Proxy::once(|mut client| say(&mut client, "HTTP/1.1 400 Bad Request\r\n\r\n"));
    let connect = ConnectOptions {
        proxy: proxy.through("https", "").proxy,
        proxy_tls: authority.client().tls,
        ..Default::default()
    };
    let (problem, _) = refused("ws://example.invalid/", &connect);
    assert_eq!(problem, ProxyProblem::Tls(TlsError::PlainHttp));
}

#[test]
fn basic_credentials_are_sent_when_asked_for() {
    let server = Served::echo(Options::default());
    let address = server.address;
    // On the same connection, then on a new one.
    let kept = Proxy::once(move |mut client| {
        assert!(!head(&mut client).contains("Authorization"));
        challenge(
            &mut client,
            &format!("{BASIC}Content-Length: 5\r\n"),
            "sorry",
        );
        assert!(head(&mut client).contains(BASIC_ANSWER));
        say(&mut client, OK);
        splice_plain(client, address);
    });
    talk(&url(address), &kept.through("http", "user:secret@"));
    let closing = Proxy::start(move |listener| {
        let mut client = accept(listener);
        head(&mut client);
        challenge(
            &mut client,
            &format!("{BASIC}Connection: close\r\n"),
            "sorry",
        );
        drop(client);
        let mut client = accept(listener);
        assert!(head(&mut client).contains(BASIC_ANSWER));
        say(&mut client, OK);
        splice_plain(client, address);
    });
    talk(&url(address), &closing.through("http", "user:secret@"));
    // It says that it keeps the connection, and does not.
    let fickle = Proxy::start(move |listener| {
        let mut client = accept(listener);
        head(&mut client);
        challenge(&mut client, &format!("{BASIC}Content-Length: 0\r\n"), "");
        drop(client);
        let mut client = accept(listener);
        assert!(head(&mut client).contains(BASIC_ANSWER));
        say(&mut client, OK);
        splice_plain(client, address);
    });
    talk(&url(address), &fickle.through("http", "user:secret@"));
}

#[test]
fn a_digest_is_preferred_to_a_password_in_clear() {
    let server = Served::echo(Options::default());
    let address = server.address;
    let proxy = Proxy::once(move |mut client| {
        head(&mut client);
        let digest = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n";
        challenge(
            &mut client,
            &format!("{BASIC}{digest}Content-Length: 0\r\n"),
            "",
        );
        let head = head(&mut client);
        assert!(
            head.contains("\r\nProxy-Authorization: Digest username=\"user\", "),
            "{head}"
        );
        assert!(head.contains(&format!("uri=\"{address}\"")), "{head}");
        assert!(
            !head.contains("Basic") && !head.contains("secret"),
            "{head}"
        );
        say(&mut client, OK);
        splice_plain(client, address);
    });
    talk(&url(address), &proxy.through("http", "user:secret@"));
}

#[test]
fn refusals_of_a_connect_proxy_say_what_it_said() {
    let answer = |text: &'static str| {
        Proxy::once(move |mut client| {
            head(&mut client);
            say(&mut client, text);
            // It stays until the client has gone, which wants no more.
            assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
        })
    };
    let cases = [
        (
            "",
            "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
            ProxyProblem::CredentialsNeeded {
                offered: "Basic".into(),
            },
            Fault::Caller,
        ),
        (
            "user:secret@",
            "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n",
            ProxyProblem::AuthenticationUnsupported {
                offered: "NTLM".into(),
            },
            Fault::Peer,
        ),
        (
            "user:secret@",
            "HTTP/1.1 403 Not this way\r\nContent-Length: 0\r\n\r\n",
            ProxyProblem::Status {
                target: "example.invalid:443".into(),
                status: 403,
                reason: "Not this way".into(),
            },
            Fault::Peer,
        ),
    ];
    for (credentials, text, expected, fault) in cases {
        let proxy = answer(text);
        let connect = proxy.through("http", credentials);
        let (problem, error) = refused("wss://example.invalid/", &connect);
        assert_eq!(problem, expected);
        assert_eq!(error.fault(), fault, "{error}");
    }
    let proxy = answer("220 ready\r\n\r\n");
    let (problem, error) = refused("ws://example.invalid/", &proxy.through("http", ""));
    assert!(matches!(problem, ProxyProblem::Head(_)), "{problem:?}");
    assert_eq!(error.fault(), Fault::Peer);
    drop(proxy);

    let proxy = Proxy::once(|mut client| {
        head(&mut client);
        challenge(&mut client, &format!("{BASIC}Content-Length: 0\r\n"), "");
        head(&mut client);
        challenge(&mut client, &format!("{BASIC}Content-Length: 0\r\n"), "");
    });
    let (problem, error) = refused(
        "ws://example.invalid/",
        &proxy.through("http", "user:secret@"),
    );
    assert_eq!(problem, ProxyProblem::CredentialsRefused);
    assert_eq!(error.fault(), Fault::Caller);
    drop(proxy);

    let proxy = Proxy::once(|mut client| drop(head(&mut client)));
    let (problem, error) = refused("ws://example.invalid/", &proxy.through("http", ""));
    assert_eq!(problem, ProxyProblem::Closed);
    assert_eq!(error.fault(), Fault::Network);
}

#[test]
fn what_follows_the_proxys_answer_is_the_servers() {
    let proxy = Proxy::once(|mut client| {
        head(&mut client);
        // A server that speaks before it is spoken to.
        say(
            &mut client,
            [OK, b"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n"].concat(),
        );
        assert!(head(&mut client).starts_with("GET / HTTP/1.1\r\nHost: example.invalid\r\n"));
    });
    let connect = proxy.through("http", "");
    let options = Arc::new(Options::default());
    match Client::open_with("ws://example.invalid/", &connect, options) {
        Err(Error::Handshake(error)) => assert!(error.to_string().contains("503"), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_socks_proxy_resolves_or_has_it_resolved() {
    let server = Served::echo(Options::default());
    let address = server.address;
    let port = address.port().to_be_bytes();
    let by_name = Proxy::once(move |mut client| {
        expect(&mut client, b"\x05\x01\x00");
        say(&mut client, b"\x05\x00");
        expect(&mut client, b"\x05\x01\x00\x03\x0fexample.invalid");
        expect(&mut client, &port);
        say(&mut client, SOCKS_OK);
        splice_plain(client, address);
    });
    let url = format!("ws://example.invalid:{}/", address.port());
    talk(&url, &by_name.through("socks5h", ""));

    let by_address = Proxy::start(move |listener| {
        // localhost may be ::1 first, where the server is not.
        loop {
            let mut client = accept(listener);
            expect(&mut client, b"\x05\x02\x00\x02");
            say(&mut client, b"\x05\x02");
            expect(&mut client, b"\x01\x04user\x06secret");
            say(&mut client, b"\x01\x00");
            let mut asked = [0; 4];
            client.read_exact(&mut asked).expect("a request");
            if asked[3] == 1 {
                expect(&mut client, &[127, 0, 0, 1]);
                expect(&mut client, &port);
                say(&mut client, SOCKS_OK);
                return splice_plain(client, address);
            }
            assert_eq!(asked[3], 4);
            client.read_exact(&mut [0; 18]).expect("an address");
            say(&mut client, b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00");
        }
    });
    let url = format!("ws://localhost:{}/", address.port());
    talk(&url, &by_address.at("socks5", "user:secret@", "localhost"));
}

#[test]
fn refusals_of_a_socks_proxy_are_in_words() {
    let answers = |script: &'static [(&[u8], &[u8])]| {
        Proxy::once(move |mut client| {
            for (asked, answer) in script {
                expect(&mut client, asked);
                say(&mut client, answer);
            }
        })
    };
    let proxy = answers(&[
        (b"\x05\x01\x00", b"\x05\x00"),
        (
            b"\x05\x01\x00\x03\x0fexample.invalid\x00\x50",
            b"\x05\x05\x00\x01\0\0\0\0\0\0",
        ),
    ]);
    let (problem, error) = refused("ws://example.invalid/", &proxy.through("socks5h", ""));
    let target = "example.invalid:80".into();
    assert_eq!(problem, ProxyProblem::Reply { target, code: 5 });
    assert!(
        error
            .to_string()
            .contains("connection refused (SOCKS reply 5)"),
        "{error}"
    );
    assert_eq!(error.fault(), Fault::Peer);
    drop(proxy);

    let proxy = answers(&[
        (b"\x05\x02\x00\x02", b"\x05\x02"),
        (b"\x01\x04user\x06secret", b"\x01\x01"),
    ]);
    let (problem, _) = refused(
        "ws://example.invalid/",
        &proxy.through("socks5h", "user:secret@"),
    );
    assert_eq!(problem, ProxyProblem::CredentialsRefused);
    drop(proxy);

    let proxy = answers(&[(b"\x05\x01\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n")]);
    let (problem, _) = refused("ws://example.invalid/", &proxy.through("socks5h", ""));
    assert!(matches!(problem, ProxyProblem::NotSocks(_)), "{problem:?}");
}

#[test]
fn a_proxy_that_hangs_is_named_with_the_stage() {
    let options = || Options {
        open_timeout: Duration::from_millis(200),
        ..Default::default()
    };
    for (scheme, reply, expected) in [
        ("http", &b"HTTP/1.1 200 OK\r\n"[..], ProxyStage::Answer),
        ("socks5h", b"\x05", ProxyStage::Answer),
        ("https", b"", ProxyStage::Tls),
    ] {
        let proxy = Proxy::once(move |mut client| {
            say(&mut client, reply);
            // Until the client gives up.
            let mut all = Vec::new();
            let _ = client.read_to_end(&mut all);
        });
        let connect = ConnectOptions {
            proxy_tls: Authority::new().client().tls,
            ..proxy.through(scheme, "")
        };
        let (problem, error) = refused_with("ws://example.invalid/", &connect, options());
        let after = Duration::from_millis(200);
        assert_eq!(
            problem,
            ProxyProblem::Timeout {
                stage: expected,
                after
            }
        );
        assert!(error.to_string().contains("open_timeout, 200ms"), "{error}");
        assert_eq!(error.fault(), Fault::Network);
    }
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let connect = |url| ConnectOptions {
        proxy: ProxySetting::Url(ProxyUrl::parse(url).expect("a URL")),
        ..Default::default()
    };
    let (problem, error) = refused("ws://example.invalid/", &connect("http://127.0.0.1:1"));
    match problem {
        ProxyProblem::Connect(attempts) => {
            assert_eq!(attempts.len(), 1);
            assert_eq!(attempts[0].1.os_code(), Some(libc::ECONNREFUSED));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        error.to_string().contains("the proxy http://127.0.0.1:1"),
        "{error}"
    );
    let nowhere = connect("http://127.0.0.1.invalid:3128");
    let (problem, error) = refused("ws://example.invalid/", &nowhere);
    assert!(matches!(problem, ProxyProblem::Resolve(_)), "{problem:?}");
    assert_eq!(error.fault(), Fault::Network);
}

#[test]
fn a_reset_in_the_middle_is_the_proxys() {
    let proxy = Proxy::once(|mut client| {
        head(&mut client);
        say(&mut client, b"HTTP/1.1 200");
        let socket = socket2::SockRef::from(&client);
        socket
            .set_linger(Some(Duration::ZERO))
            .expect("lingers not");
    });
    let (problem, error) = refused("ws://example.invalid/", &proxy.through("http", ""));
    assert!(
        matches!(problem, ProxyProblem::Io(_) | ProxyProblem::Head(_)),
        "{problem:?}"
    );
    assert!(error.to_string().contains("proxy"), "{error}");
}

#[test]
fn unix_sockets_are_dialled_without() {
    let mut engine = engine();
    let connect = ConnectOptions {
        proxy: ProxySetting::Url(ProxyUrl::parse("http://127.0.0.1:1").expect("a URL")),
        ..Default::default()
    };
    let url = "ws+unix:/nonexistent/socket:/";
    let options = Arc::new(Options::default());
    let id = engine
        .connections()
        .connect_with(url, &connect, options)
        .expect("dials");
    let end = end_of(&mut engine, id);
    assert!(
        matches!(end.cause, Some(Error::ConnectUnix { .. })),
        "{end:?}"
    );
}

#[test]
fn many_connections_through_one_proxy_in_one_engine() {
    const COUNT: usize = 20;
    let server = Served::echo(Options::default());
    let address = server.address;
    let proxy = Proxy::start(move |listener| {
        std::thread::scope(|scope| {
            for _ in 0..COUNT {
                let mut client = accept(listener);
                scope.spawn(move || {
                    head(&mut client);
                    for byte in OK.chunks(1) {
                        say(&mut client, byte);
                    }
                    splice_plain(client, address);
                });
            }
        });
    });
    let mut engine = engine();
    let connect = proxy.through("http", "");
    for _ in 0..COUNT {
        let options = Arc::new(Options::default());
        (engine.connections())
            .connect_with(&url(address), &connect, options)
            .expect("dials");
    }
    let mut back = 0;
    run(&mut engine, |event, connections| {
        match event.kind {
            EventKind::Opened(_) => {
                let peer = connections.peer_address(event.id).expect("has one");
                assert_eq!(peer, proxy.address);
                connections
                    .send(event.id, MessageKind::Text, b"hello")
                    .expect("sends");
            }
            EventKind::Message { payload, .. } => {
                assert_eq!(payload, b"hello");
                back += 1;
            }
            other => panic!("{other:?}"),
        }
        back == COUNT
    });
    drop(engine);
}

#[test]
fn aborting_in_the_middle_leaves_nothing() {
    let (sender, asked) = std::sync::mpsc::channel();
    let proxy = Proxy::once(move |mut client| {
        head(&mut client);
        sender.send(()).expect("is waited for");
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
    });
    let mut engine = engine();
    let connect = proxy.through("http", "");
    let options = Arc::new(Options::default());
    let id = (engine.connections())
        .connect_with("ws://example.invalid/", &connect, options)
        .expect("dials");
    until(&mut engine, |_, _| {}, |_| asked.try_recv().is_ok());
    engine.connections().abort(id).expect("aborts");
    assert_eq!(end_of(&mut engine, id).cause, Some(Error::Aborted));
    all_gone(&mut engine);
}
