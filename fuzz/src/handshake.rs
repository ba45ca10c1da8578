//! Requests before a server and responses before a client (RFC 6455 section 4).

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use ropeway_core::deflate::{Compression, judge};
use ropeway_core::handshake::{
    BodyReader, HandshakeError, HeadLimits, HeadReader, Response, accept_key, verify,
};
use ropeway_core::protocol::{Event, Input, Options, Output, Protocol, Time};
use ropeway_core::{Error, Fault};

const LIMITS: HeadLimits = HeadLimits {
    bytes: 1000,
    headers: 12,
};

#[derive(Arbitrary)]
struct Divided<'a> {
    compression: bool,
    sizes: [u8; 4],
    bytes: &'a [u8],
}

/// What a server made of a request.
#[derive(Debug, PartialEq)]
struct Outcome {
    opened: Option<String>,
    cause: Option<Error>,
    sent: Vec<u8>,
}

/// A request, divided in any way: the same verdict, which is 101 or a refusal with the status for it.
pub fn request(data: &[u8]) {
    let Ok(input) = Divided::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let options = Arc::new(Options {
        head_limits: LIMITS,
        subprotocols: vec!["chat".to_owned(), "b".to_owned()],
        compression: if input.compression {
            Compression::on()
        } else {
            Compression::off()
        },
        ..Options::default()
    });
    let whole = served(&options, [input.bytes].into_iter());
    let divided = served(&options, crate::pieces(input.bytes, &input.sizes));
    assert_eq!(divided, whole);
    let sent = std::str::from_utf8(&whole.sent).unwrap_or_default();
    match (&whole.opened, &whole.cause) {
        (Some(_), _) => assert!(sent.starts_with("HTTP/1.1 101 ")),
        (None, Some(Error::Handshake(error))) => {
            let status = error.status();
            assert!(
                (400..=505).contains(&status) && error.fault() != Fault::Caller,
                "{error:?}"
            );
            assert!(sent.starts_with(&format!("HTTP/1.1 {status} ")), "{sent}");
        }
        (None, Some(other)) => panic!("{other:?}"),
        (None, None) => assert!(sent.is_empty() && input.bytes.len() <= LIMITS.bytes),
    }
    if !whole.sent.is_empty() {
        let mut reader = HeadReader::new(HeadLimits::default());
        assert!(matches!(reader.push(&whole.sent), Ok(Some(_))), "{sent}");
        let response = reader.into_response().expect("a response");
        assert_eq!(response.status == 101, whole.opened.is_some());
    }
}

fn served<'a>(options: &Arc<Options>, reads: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let now = Time::from_micros(1);
    let mut protocol = Protocol::server(Arc::clone(options), now);
    let (mut input, mut output) = (Input::new(), Output::new());
    let mut outcome = Outcome {
        opened: None,
        cause: None,
        sent: Vec::new(),
    };
    for read in reads {
        input.extend(read);
        while let Some(event) = protocol.next_event(&mut input, &mut output, now) {
            match event {
                Event::Opened(opened) => outcome.opened = Some(format!("{opened:?}")),
                Event::Closed(closed) => outcome.cause.clone_from(&closed.cause),
                _ => {}
            }
        }
        assert!(input.is_empty());
    }
    // What comes behind the head is for the other targets.
    let head = output.bytes();
    let end = head.windows(4).position(|end| end == b"\r\n\r\n");
    outcome.sent = match (&outcome.opened, end) {
        (Some(_), Some(end)) => head[..end + 4].to_vec(),
        _ => head.to_vec(),
    };
    if outcome.opened.is_some() {
        outcome.cause = None;
    }
    outcome
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A response, divided in any way: read to the same head and body, and judged by a name.
pub fn response(data: &[u8]) {
    let Ok(input) = Divided::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let whole = received([input.bytes].into_iter());
    assert_eq!(received(crate::pieces(input.bytes, &input.sizes)), whole);
    let Ok(Some(response)) = whole else {
        return;
    };
    match verify(&response, KEY, &["chat".to_owned(), "b".to_owned()]) {
        Ok(negotiated) => {
            assert_eq!(response.status, 101);
            let accept = accept_key(KEY);
            assert_eq!(
                response.headers.get("Sec-WebSocket-Accept"),
                Some(accept.as_str())
            );
            let settings = if input.compression {
                Compression::on()
            } else {
                Compression::off()
            };
            if let Err(error) = judge(&negotiated.extensions, &settings) {
                assert_eq!(error.fault(), Fault::Peer, "{error:?}");
            }
        }
        Err(error) => assert_eq!(error.fault(), Fault::Peer, "{error:?}"),
    }
}

/// The head, interim ones passed over, with up to 100 bytes of its body.
fn received<'a>(reads: impl Iterator<Item = &'a [u8]>) -> Result<Option<Response>, HandshakeError> {
    let mut reader = Some(HeadReader::new(LIMITS));
    let mut body: Option<(Response, BodyReader)> = None;
    for mut read in reads {
        while let Some(mut head) = reader.take() {
            let Some(count) = head.push(read)? else {
                assert!(head.received() <= LIMITS.bytes);
                reader = Some(head);
                break;
            };
            read = &read[count..];
            let response = head.into_response()?;
            if response.is_interim() {
                reader = Some(HeadReader::new(LIMITS));
            } else {
                let bytes = BodyReader::new(&response, 100);
                body = Some((response, bytes));
            }
        }
        if let Some((_, bytes)) = &mut body {
            bytes.push(read);
        }
    }
    if let Some(head) = reader {
        assert!(
            matches!(
                head.eof(),
                HandshakeError::Incomplete { .. } | HandshakeError::TlsOnPlainPort
            ),
            "{:?}",
            head.eof()
        );
        return Ok(None);
    }
    Ok(body.map(|(mut response, mut bytes)| {
        bytes.eof();
        response.body = bytes.into_body();
        assert!(response.body.len() <= 100);
        response
    }))
}
