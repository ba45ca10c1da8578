//! The grammars that stand in a handshake: extensions (RFC 6455 section 9.1, RFC 7692 section 7), subprotocols, URLs
//! (RFC 6455 section 3).

use ropeway_core::deflate::{Compression, Parameters, accept, judge, offers};
use ropeway_core::handshake::{
    ClientRequest, HandshakeError, HeadLimits, HeadReader, Headers, WebSocketUrl,
    format_extensions, parse_extensions, parse_subprotocols,
};

const FIELD: &str = "Sec-WebSocket-Extensions";

fn headers(name: &str, value: &[u8]) -> Option<Headers> {
    let mut headers = Headers::new();
    headers.push_bytes(name, value).ok()?;
    Some(headers)
}

/// A list of extensions: it is written as it was read, and whatever a client offers, a server's answer is one that the
/// client takes.
pub fn extension(data: &[u8]) {
    if let Some(headers) = headers("Sec-WebSocket-Protocol", data) {
        match parse_subprotocols(&headers) {
            Ok(names) => assert!(names.iter().all(|name| !name.is_empty())),
            Err(
                HandshakeError::InvalidHeader { .. } | HandshakeError::SubprotocolOfferedTwice(_),
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let Some(field) = headers(FIELD, data) else {
        return;
    };
    let read = match parse_extensions(&field) {
        Ok(read) => read,
        Err(HandshakeError::InvalidHeader { .. }) => return,
        Err(error) => panic!("{error:?}"),
    };
    if let Some(written) = format_extensions(&read) {
        let again = headers(FIELD, written.as_bytes()).expect("what is written is a field");
        assert_eq!(parse_extensions(&again).as_ref(), Ok(&read));
    } else {
        assert!(read.is_empty());
    }
    for settings in [
        Compression::on(),
        Compression {
            server_max_window_bits: 9,
            client_max_window_bits: 9,
            ..Compression::on()
        },
    ] {
        if let Some((agreed, answer)) = accept(&read, &settings).expect("good settings") {
            check(agreed);
            assert!(agreed.server_max_window_bits <= settings.server_max_window_bits);
            // A client whose offer it was takes the answer, and takes it for the same.
            let client = Compression {
                client_max_window_bits: 15,
                client_no_context_takeover: Some(false),
                ..Compression::on()
            };
            assert_eq!(judge(&[answer], &client), Ok(Some(agreed)));
        }
        match judge(&read, &settings) {
            Ok(None) => assert!(read.is_empty()),
            Ok(Some(agreed)) => check(agreed),
            Err(
                HandshakeError::UnofferedExtension(_) | HandshakeError::InvalidExtension { .. },
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
        let own = offers(&settings).expect("good settings");
        let (agreed, answer) = accept(&own, &settings)
            .expect("good settings")
            .expect("an answer");
        assert_eq!(judge(&[answer], &settings), Ok(Some(agreed)));
    }
}

fn check(agreed: Parameters) {
    for bits in [agreed.server_max_window_bits, agreed.client_max_window_bits] {
        assert!((8..=15).contains(&bits));
    }
}

/// A URL, and behind a space a reference to be joined to it: what is taken is printed as itself and makes a request of
/// the lines that it should have.
pub fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (base, reference) = text.split_once(' ').unwrap_or((text, ""));
    for taken in [base, text] {
        if let Ok(url) = WebSocketUrl::parse(taken) {
            check_url(&url);
            if let Ok(joined) = url.join(reference) {
                check_url(&joined);
            }
        }
    }
}

fn check_url(url: &WebSocketUrl) {
    assert!(
        !url.host().is_empty()
            && !url
                .host()
                .contains(|c: char| c.is_ascii_control() || c == ' ')
    );
    if url.credentials().is_none() {
        assert_eq!(
            WebSocketUrl::parse(&url.to_string()).as_ref(),
            Ok(url),
            "{url}"
        );
    }
    assert!(url.same_origin(url));
    let mut out = Vec::new();
    ClientRequest::new(url.clone())
        .write("dGhlIHNhbXBsZSBub25jZQ==", &mut out)
        .expect("a URL can be asked for");
    let mut reader = HeadReader::new(HeadLimits {
        bytes: usize::MAX,
        headers: 7,
    });
    assert_eq!(reader.push(&out), Ok(Some(out.len())), "{url}");
    let request = reader.into_request().expect("a request");
    assert_eq!(request.target, url.request_target());
    assert_eq!(
        request.headers.get("Host"),
        Some(url.host_header().as_str())
    );
}
