//! HTTP CONNECT, in plain and in TLS, and the ways to authenticate.

use super::*;

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
            splice_tls(client, &plain, address);
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
