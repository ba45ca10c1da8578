//! Proxies that are not there, hang or break; and what goes past them.

use super::*;

#[test]
fn a_proxy_that_hangs_is_named_with_the_stage() {
    let options = || Options {
        open_timeout: Duration::from_millis(500),
        ..Default::default()
    };
    for (scheme, reply, expected) in [
        ("http", &b"HTTP/1.1 200 OK\r\n"[..], "made no connection"),
        ("socks5h", b"\x05", "made no connection"),
        ("https", b"", "did not get set up"),
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
        let error = failure("ws://example.invalid/", &connect, options());
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        let text = error.to_string();
        let named = format!("the proxy {scheme}://{} {expected}", proxy.address);
        assert!(
            text.contains("open_timeout, 500ms") && text.contains(&named),
            "{text}"
        );
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

#[test]
fn a_proxy_that_never_stops_talking_does_not_keep_the_engine_from_others() {
    let proxy = Proxy::once(|mut client| {
        head(&mut client);
        // Until the client has had enough.
        while client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {}
    });
    let server = Served::echo(Options::default());
    let mut engine = engine();
    let connect = proxy.through("http", "");
    let flooded = (engine.connections())
        .connect_with(
            "ws://example.invalid/",
            &connect,
            Arc::new(Options::default()),
        )
        .expect("dials");
    let other = dial(&mut engine, server.address, Options::default());
    run(&mut engine, |event, _| {
        matches!(event.kind, EventKind::Opened(_)) && event.id == other
    });
    engine.connections().abort(flooded).expect("aborts");
    assert_eq!(end_of(&mut engine, flooded).cause, Some(Error::Aborted));
}

#[test]
fn attempts_and_redirects_go_through_the_proxy_too() {
    let server = Served::echo(Options::default());
    let address = server.address;
    let proxy = Proxy::start(move |listener| {
        let mut client = accept(listener);
        assert!(head(&mut client).starts_with("CONNECT one.invalid:80 "));
        say(&mut client, b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
        drop(client);
        let mut client = accept(listener);
        assert!(head(&mut client).starts_with("CONNECT one.invalid:80 "));
        say(&mut client, OK);
        assert!(head(&mut client).starts_with("GET / "));
        let redirect = "HTTP/1.1 307 There\r\nLocation: ws://two.invalid:81/\r\n\r\n";
        say(&mut client, redirect);
        drop(client);
        let mut client = accept(listener);
        assert!(head(&mut client).starts_with("CONNECT two.invalid:81 "));
        say(&mut client, OK);
        splice_plain(client, address);
    });
    let mut engine = engine();
    let connect = ConnectOptions {
        max_redirects: 1,
        ..proxy.through("http", "")
    };
    let policy = Reconnect {
        base: Duration::ZERO,
        ..Reconnect::default()
    };
    let options = Arc::new(Options::default());
    let id = (engine.connections())
        .connect_supervised("ws://one.invalid/", &connect, options, policy)
        .expect("dials");
    run(&mut engine, |event, _| {
        event.id == id && matches!(event.kind, EventKind::Opened(_))
    });
    drop(engine);
}
