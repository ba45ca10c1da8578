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
