//! What the ends say of permessage-deflate in their heads (RFC 7692 sections 5 and 7.1), as another implementation may
//! put it.

use super::deflate::{agreed, on, with_takeover};
use super::*;
use crate::deflate::{Compression, Parameters};
use crate::fault::Fault;

const FIELD: &str = "Sec-WebSocket-Extensions";

/// What a server with `options` answers to fields with these offers: the values of its own fields.
fn answers(options: Options, offers: &[&str]) -> Vec<String> {
    let mut server = Peer::server(options);
    let mut request =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            .to_owned();
    for offer in offers {
        request.push_str(&format!("{FIELD}: {offer}\r\n"));
    }
    request.push_str("\r\n");
    server.receive(request.as_bytes(), at(0));
    let response = server.sent_text();
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    fields_of(&response)
}

fn fields_of(head: &str) -> Vec<String> {
    let field = format!("{FIELD}: ");
    head.lines()
        .filter_map(|line| line.strip_prefix(&field).map(str::to_owned))
        .collect()
}

/// A client with `options` that has got these answers to its offer.
fn answered(options: Options, answers: &[&str]) -> Peer {
    let mut client = Peer::client(options);
    let mut server = Peer::server(Options::default());
    server.receive(&client.sent(), at(0));
    let mut response = server.sent_text();
    assert_eq!(fields_of(&response), [""; 0]);
    for answer in answers {
        response.insert_str(response.len() - 2, &format!("{FIELD}: {answer}\r\n"));
    }
    client.receive(response.as_bytes(), at(0));
    client
}

#[track_caller]
fn refuses(options: Options, answers: &[&str]) {
    let client = answered(options, answers);
    let cause = client.closed().cause.as_ref().expect("a cause");
    assert!(
        matches!(
            cause,
            Error::Handshake(
                HandshakeError::InvalidExtension { .. }
                    | HandshakeError::UnofferedExtension(_)
                    | HandshakeError::InvalidHeader { .. }
            )
        ),
        "{answers:?}: {cause:?}"
    );
    assert_eq!(cause.fault(), Fault::Peer, "{answers:?}");
}

#[test]
fn libwebsockets_b0073c7_an_extension_offered_twice_is_answered_once() {
    for offers in [
        &["permessage-deflate, permessage-deflate"][..],
        &["permessage-deflate", "permessage-deflate"],
        &["permessage-deflate; server_max_window_bits=10, permessage-deflate"; 3],
    ] {
        let answers = answers(with_takeover(), offers);
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers[0].matches("permessage-deflate").count(), 1);
    }
}

#[test]
fn libwebsockets_b0073c7_an_extension_answered_twice_fails_the_handshake() {
    for answers in [
        &["permessage-deflate, permessage-deflate"][..],
        &["permessage-deflate", "permessage-deflate"],
        &[
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate",
        ],
    ] {
        refuses(on(), answers);
    }
}

#[test]
fn a_value_on_client_max_window_bits_in_an_offer_is_kept_to() {
    for (offer, answer) in [
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate",
        ),
        (
            "permessage-deflate; client_max_window_bits=15",
            "permessage-deflate",
        ),
        (
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=8",
        ),
        (
            "permessage-deflate; client_max_window_bits=\"10\"",
            "permessage-deflate; client_max_window_bits=10",
        ),
    ] {
        assert_eq!(answers(with_takeover(), &[offer]), [answer], "{offer}");
    }
}

#[test]
fn cve_2026_2229_window_bits_out_of_range_fail_the_handshake() {
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        for value in [
            "=0", "=7", "=16", "=99", "=\"\"", "=", "=08", "=\"08\"", "=-9", "=9x", "=٩",
        ] {
            refuses(on(), &[&format!("permessage-deflate; {name}{value}")]);
        }
        // Only an offer's client_max_window_bits has no value.
        refuses(on(), &[&format!("permessage-deflate; {name}")]);
    }
}

#[test]
fn an_offer_out_of_range_is_passed_over_for_the_next() {
    for value in ["=0", "=7", "=16", "=99", "=08", "=\"08\""] {
        let bad = format!("permessage-deflate; server_max_window_bits{value}");
        assert_eq!(answers(with_takeover(), &[&bad]), [""; 0], "{bad}");
        let offers = [&*bad, "permessage-deflate; server_max_window_bits=9"];
        assert_eq!(
            answers(with_takeover(), &offers),
            ["permessage-deflate; server_max_window_bits=9"]
        );
    }
}

#[test]
fn an_unasked_parameter_in_a_response_fails_the_handshake() {
    for parameter in [
        "mystery",
        "server_no_context_takeover=1",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits=10; mystery=9",
    ] {
        refuses(on(), &[&format!("permessage-deflate; {parameter}")]);
    }
    let small = Options {
        compression: Compression {
            server_max_window_bits: 10,
            client_max_window_bits: 10,
            ..Compression::on()
        },
        ..Options::default()
    };
    refuses(
        small.clone(),
        &["permessage-deflate; server_max_window_bits=11"],
    );
    refuses(small, &["permessage-deflate; client_max_window_bits=11"]);
    // Nothing was asked at all.
    let off = Options {
        compression: Compression::off(),
        ..Options::default()
    };
    refuses(off, &["permessage-deflate"]);
    // What a server may say unasked (sections 7.1.1 and 7.1.2.1).
    for parameter in [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=9",
        "client_max_window_bits=9",
    ] {
        let mut client = answered(on(), &[&format!("permessage-deflate; {parameter}")]);
        assert!(
            matches!(&client.events()[..], [Told::Opened(_)]),
            "{parameter}"
        );
    }
}

#[test]
fn no_field_is_ever_empty() {
    let off = Options {
        compression: Compression::off(),
        ..Options::default()
    };
    let mut client = Peer::client(off.clone());
    assert_eq!(fields_of(&client.sent_text()), [""; 0]);
    for options in [off, on()] {
        for offer in [
            "x-other",
            ",",
            "permessage-deflate; server_max_window_bits=7",
        ] {
            assert_eq!(answers(options.clone(), &[offer]), [""; 0], "{offer}");
        }
    }
    // An empty list is one without elements, whoever sends it.
    let mut client = answered(on(), &[""]);
    assert!(matches!(&client.events()[..], [Told::Opened(opened)] if opened.extensions.is_empty()));
}

#[test]
fn every_parameter_is_agreed_on_between_our_own_ends() {
    for server_bits in 9..=15 {
        for client_bits in 9..=15 {
            for takes_over in [false, true] {
                let options = Options {
                    compression: Compression {
                        server_max_window_bits: server_bits,
                        client_max_window_bits: client_bits,
                        server_no_context_takeover: Some(!takes_over),
                        client_no_context_takeover: Some(!takes_over),
                        ..Compression::on()
                    },
                    ..Options::default()
                };
                let mut pair = pair::Pair::new(options.clone(), options, Duration::ZERO);
                pair.run(Duration::ZERO);
                let expected = Parameters {
                    server_max_window_bits: server_bits,
                    client_max_window_bits: client_bits,
                    ..agreed(takes_over)
                };
                assert_eq!(pair.client.protocol.deflate, Some(expected));
                assert_eq!(pair.server.protocol.deflate, Some(expected));
            }
        }
    }
}
