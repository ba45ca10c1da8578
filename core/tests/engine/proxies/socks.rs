//! SOCKS 5.

use super::*;

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
fn the_users_resolver_is_asked_for_the_proxy_and_the_server() {
    let server = Served::echo(Options::default());
    let address = server.address;
    let proxy = Proxy::start(move |listener| {
        let mut client = accept(listener);
        expect(&mut client, b"\x05\x01\x00");
        say(&mut client, b"\x05\x00");
        expect(
            &mut client,
            b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x07",
        );
        // Without the rest of the reply, as some do.
        say(&mut client, b"\x05\x04");
        drop(client);
        let mut client = accept(listener);
        expect(&mut client, b"\x05\x01\x00");
        say(&mut client, b"\x05\x00");
        expect(&mut client, b"\x05\x01\x00\x01\x7f\x00\x00\x01");
        expect(&mut client, &address.port().to_be_bytes());
        say(&mut client, SOCKS_OK);
        splice_plain(client, address);
    });
    let of_proxy = proxy.address;
    let resolver = NameResolver::new(move |host, _| match host {
        "server.test" => Ok(vec![
            "[2001:db8::1]:7".parse().expect("an address"),
            address,
        ]),
        // The first takes no connection, and the next is tried.
        "proxy.test" => Ok(vec!["127.0.0.1:1".parse().expect("an address"), of_proxy]),
        _ => Err("unknown".to_owned()),
    });
    let connect = |name| ConnectOptions {
        resolver: Some(resolver.clone()),
        ..proxy.at("socks5", "", name)
    };
    let failed = failure(
        "ws://other.test/",
        &connect("proxy.test"),
        Options::default(),
    );
    assert!(
        matches!(&failed, Error::Resolve { host, .. } if host == "other.test"),
        "{failed:?}"
    );
    let failed = failure(
        "ws://server.test/",
        &connect("other.test"),
        Options::default(),
    );
    assert!(
        failed
            .to_string()
            .contains("cannot resolve the proxy socks5://other.test"),
        "{failed}"
    );
    talk("ws://server.test/", &connect("proxy.test"));
}
