//! Tests of negotiation (RFC 7692 section 7.1).

use super::super::*;
use crate::fault::Fault;
use crate::handshake::{Extension, HandshakeError, Headers, format_extensions, parse_extensions};

fn parsed(value: &str) -> Vec<Extension> {
    let mut headers = Headers::new();
    headers
        .push("Sec-WebSocket-Extensions", value)
        .expect("a field");
    parse_extensions(&headers).expect("the grammar")
}

fn takeover() -> Compression {
    Compression {
        server_no_context_takeover: Some(false),
        client_no_context_takeover: Some(false),
        ..Compression::on()
    }
}

fn accepted(offer: &str, settings: &Compression) -> Option<String> {
    accept(&parsed(offer), settings)
        .expect("good settings")
        .map(|(_, response)| response.to_string())
}

fn judged(response: &str, settings: &Compression) -> Result<Option<Parameters>, HandshakeError> {
    judge(&parsed(response), settings)
}

#[test]
fn a_client_offers_and_a_server_declines_unless_told_otherwise() {
    let default = Compression::default();
    let offer = format_extensions(&offers(&default).expect("good settings"));
    let offer = offer.expect("an offer");
    assert_eq!(offer, "permessage-deflate; client_max_window_bits");
    assert_eq!(accepted(&offer, &default), None);
    assert_eq!(offers(&Compression::off()), Ok(Vec::new()));
    assert_eq!(
        accepted(&offer, &Compression::on()).as_deref(),
        Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    );
}

#[test]
fn a_limit_on_the_server_is_offered_with_a_fallback_without_it() {
    let settings = Compression {
        server_max_window_bits: 8,
        client_max_window_bits: 12,
        server_no_context_takeover: Some(true),
        ..Compression::default()
    };
    let offers = offers(&settings).expect("good settings");
    assert_eq!(
        format_extensions(&offers).as_deref(),
        Some(
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=12, \
             permessage-deflate; server_no_context_takeover; client_max_window_bits=12"
        )
    );
}

#[test]
fn a_server_takes_the_first_offer_it_can() {
    let cases = [
        ("permessage-deflate", Some("permessage-deflate")),
        ("x-other, permessage-deflate", Some("permessage-deflate")),
        ("x-other", None),
        ("", None),
        (
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            "permessage-deflate; server_max_window_bits=15",
            Some("permessage-deflate; server_max_window_bits=15"),
        ),
        // A value on client_max_window_bits is a promise, and is held to.
        (
            "permessage-deflate; client_max_window_bits=9",
            Some("permessage-deflate; client_max_window_bits=9"),
        ),
        (
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        (
            "permessage-deflate; unknown, permessage-deflate; client_max_window_bits=8",
            Some("permessage-deflate; client_max_window_bits=8"),
        ),
        (
            "permessage-deflate; server_max_window_bits=7, permessage-deflate",
            Some("permessage-deflate"),
        ),
    ];
    for (offer, response) in cases {
        assert_eq!(accepted(offer, &takeover()).as_deref(), response, "{offer}");
    }
    let small = Compression {
        server_max_window_bits: 11,
        client_max_window_bits: 10,
        ..takeover()
    };
    let cases = [
        (
            "permessage-deflate",
            "permessage-deflate; server_max_window_bits=11",
        ),
        (
            "permessage-deflate; client_max_window_bits; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
        ),
        (
            "permessage-deflate; client_max_window_bits=12; server_max_window_bits=13",
            "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10",
        ),
    ];
    for (offer, response) in cases {
        assert_eq!(
            accepted(offer, &small).as_deref(),
            Some(response),
            "{offer}"
        );
    }
}

/// Parameters that may stand neither in an offer nor in a response.
const BAD: [&str; 20] = [
    "server_max_window_bits",
    "server_max_window_bits=0",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=99",
    "server_max_window_bits=08",
    "server_max_window_bits=+9",
    "server_max_window_bits=9.5",
    "server_max_window_bits=266",
    "server_max_window_bits=99999999999999999999",
    "client_max_window_bits=0",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=010",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10",
    "mystery",
    "Server_no_context_takeover",
];

#[test]
fn a_server_declines_bad_offers() {
    for bad in BAD {
        let offer = format!("permessage-deflate; {bad}");
        assert_eq!(accepted(&offer, &takeover()), None, "{offer}");
        let offer = format!("{offer}, permessage-deflate");
        let next = accepted(&offer, &takeover());
        assert_eq!(next.as_deref(), Some("permessage-deflate"), "{offer}");
    }
}

#[test]
fn cve_2026_2229_a_client_refuses_bad_answers() {
    for bad in BAD.into_iter().chain(["client_max_window_bits"]) {
        let response = format!("permessage-deflate; {bad}");
        let error = judged(&response, &takeover()).expect_err(bad);
        assert!(
            matches!(error, HandshakeError::InvalidExtension { .. }),
            "{error}"
        );
        assert_eq!(error.fault(), Fault::Peer);
    }
    // The grammar has no empty value, quoted or not.
    for value in ["server_max_window_bits=", "server_max_window_bits=\"\""] {
        let mut headers = Headers::new();
        let value = format!("permessage-deflate; {value}");
        headers
            .push("Sec-WebSocket-Extensions", &value)
            .expect("a field");
        assert!(parse_extensions(&headers).is_err());
    }
    let error = judged("permessage-deflate; server_max_window_bits=99", &takeover());
    assert_eq!(
        error.expect_err("bad").to_string(),
        "the server's answer \"permessage-deflate; server_max_window_bits=99\" to an extension is invalid: \
         a window's size is not from 8 to 15"
    );
    for (bad, reason) in [
        (
            "server_no_context_takeover=1",
            "a parameter has a value and takes none",
        ),
        ("server_max_window_bits", "a window has no size"),
        ("mystery", "a parameter is unknown"),
        (
            "client_no_context_takeover; client_no_context_takeover",
            "a parameter stands twice",
        ),
    ] {
        let response = format!("permessage-deflate; {bad}");
        let error = judged(&response, &takeover()).expect_err(bad).to_string();
        assert!(error.ends_with(reason), "{error}");
    }
}

#[test]
fn a_client_refuses_answers_to_no_question() {
    let unoffered = |name: &str| Err(HandshakeError::UnofferedExtension(name.into()));
    assert_eq!(
        judged("permessage-deflate", &Compression::off()),
        unoffered("permessage-deflate")
    );
    assert_eq!(judged("x-other", &takeover()), unoffered("x-other"));
    assert_eq!(
        judged("permessage-deflate, x-other", &takeover()),
        unoffered("x-other")
    );
    assert!(judged("permessage-deflate, permessage-deflate", &takeover()).is_err());
    let small = Compression {
        server_max_window_bits: 10,
        client_max_window_bits: 10,
        ..takeover()
    };
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        for (bits, good) in [(8, true), (10, true), (11, false)] {
            let response = format!("permessage-deflate; {name}={bits}");
            assert_eq!(judged(&response, &small).is_ok(), good, "{response}");
        }
    }
}

#[test]
fn what_a_client_hears_is_what_a_server_meant() {
    let choices = [None, Some(false), Some(true)];
    let windows = [8, 9, 12, 15];
    let mut agreements = 0;
    for client_takeover in choices {
        for server_takeover in choices {
            for server_window in windows {
                for client_window in windows {
                    let settings = Compression {
                        server_no_context_takeover: server_takeover,
                        client_no_context_takeover: client_takeover,
                        server_max_window_bits: server_window,
                        client_max_window_bits: client_window,
                        ..Compression::on()
                    };
                    for other in [Compression::on(), takeover(), settings] {
                        for (client, server) in [(settings, other), (other, settings)] {
                            let Ok(offered) = offers(&client) else {
                                continue;
                            };
                            let Ok(Some((theirs, response))) = accept(&offered, &server) else {
                                continue;
                            };
                            let ours = judge(&[response], &client).expect("agreed").expect("on");
                            assert_eq!(
                                ours.server_no_context_takeover,
                                theirs.server_no_context_takeover
                            );
                            assert_eq!(ours.server_max_window_bits, theirs.server_max_window_bits);
                            // A client may do with less than it said.
                            assert!(
                                ours.client_no_context_takeover
                                    || !theirs.client_no_context_takeover
                            );
                            assert!(ours.client_max_window_bits <= theirs.client_max_window_bits);
                            agreements += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(agreements > 400, "{agreements}");
}

#[test]
fn settings_out_of_range_are_named() {
    type Change = fn(&mut Compression);
    let cases: [(Change, &str, [bool; 2]); 9] = [
        (
            |s| s.server_max_window_bits = 8,
            "server_max_window_bits",
            [true, false],
        ),
        (
            |s| s.client_max_window_bits = 8,
            "client_max_window_bits",
            [false, true],
        ),
        (
            |s| s.server_max_window_bits = 7,
            "server_max_window_bits",
            [false, false],
        ),
        (
            |s| s.client_max_window_bits = 16,
            "client_max_window_bits",
            [false, false],
        ),
        (|s| s.level = 0, "level", [false, false]),
        (|s| s.level = 10, "level", [false, false]),
        (|s| s.memory_level = 0, "memory_level", [false, false]),
        (|s| s.memory_level = 10, "memory_level", [false, false]),
        (|s| s.threshold = usize::MAX, "", [true, true]),
    ];
    for (change, option, good) in cases {
        let mut settings = Compression::on();
        change(&mut settings);
        for (role, good) in [Role::Client, Role::Server].into_iter().zip(good) {
            let verdict = settings.check(role);
            assert_eq!(verdict.is_ok(), good, "{settings:?}");
            assert_eq!(
                verdict.err().map_or("", |error| error.option),
                if good { "" } else { option }
            );
            let used = match role {
                Role::Client => offers(&settings).is_ok(),
                Role::Server => accept(&parsed("permessage-deflate"), &settings).is_ok(),
            };
            assert_eq!(used, good);
        }
    }
    let error = Compression {
        level: 10,
        ..Compression::on()
    }
    .check(Role::Server);
    assert_eq!(
        error.expect_err("bad").to_string(),
        "the compression setting level of a server is from 1 to 9, not 10"
    );
}
