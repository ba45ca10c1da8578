//! What errors say to people: each names what is wrong, with its figures.

use std::fmt::Display;
use std::time::Duration;

use ropeway_core::handshake::{HandshakeError, HeaderError, UrlError};
use ropeway_core::{Deadline, Error, Fault, IoError, Limit, Role, SendError, TlsError};

#[track_caller]
fn says(error: &dyn Display, text: &str) {
    assert_eq!(error.to_string(), text);
}

#[test]
fn limits_name_their_options() {
    let limit = |limit, value, actual| Error::Limit {
        limit,
        value,
        actual,
        role: Role::Server,
    };
    for (error, text) in [
        (
            limit(Limit::SendQueue, 1024, 2048),
            "2 KiB queued would pass send_queue_limit, 1 KiB",
        ),
        (
            limit(Limit::RemoteQueue, 1024, 2048),
            "2 KiB queued would pass remote_queue_limit, 1 KiB",
        ),
        (
            limit(Limit::SlowSubscriber, 1024, 2048),
            "a subscriber with 2 KiB queued is above send_queue_high, 1 KiB",
        ),
        (
            limit(Limit::Connections, 2, 3),
            "3 connections pass max_connections, 2",
        ),
    ] {
        says(&error, text);
        assert_eq!(error.fault(), Fault::Limit);
    }
}

#[test]
fn ends_and_misuse_say_what_to_do() {
    let refused = std::io::Error::from_raw_os_error(111);
    for (error, start) in [
        (
            Error::ConnectUnix {
                path: "/tmp/s".into(),
                error: IoError::new("connect", &refused),
            },
            "cannot connect to the socket /tmp/s: ",
        ),
        (
            Error::Timeout {
                deadline: Deadline::Open,
                after: Duration::from_secs(10),
                stage: None,
            },
            "the connection did not open within open_timeout, 10s",
        ),
        (
            Error::Forked,
            "the engine belongs to the process that was forked",
        ),
        (
            SendError::Forked.into(),
            "the engine belongs to the process",
        ),
    ] {
        let text = error.to_string();
        assert!(text.starts_with(start), "{text}");
    }
}

#[test]
fn refused_sends_name_the_rule() {
    for (error, text) in [
        (
            SendError::Forked,
            "the engine belongs to the process that was forked; make a new one in the child",
        ),
        (
            SendError::Full {
                queued: 1024,
                limit: 512,
            },
            "the send queue holds 1 KiB and its send_queue_limit is 512 bytes",
        ),
        (
            SendError::HeldFull {
                held: 1024,
                limit: 512,
            },
            "1 KiB wait for the connection to open again, and its resend_limit is 512 bytes",
        ),
        (
            SendError::MessageInProgress,
            "a fragmented message is being sent; send its last fragment first",
        ),
        (
            SendError::KindChanged,
            "the fragments of one message must be all text or all binary",
        ),
        (
            SendError::ControlTooLong(126),
            "a control frame holds 125 bytes of payload (123 of close reason), not 126",
        ),
        (
            SendError::InvalidCloseCode(1005),
            "close code 1005 cannot be sent; 1000-1003, 1007-1014 and 3000-4999 can",
        ),
        (
            SendError::Compression,
            "the message could not be compressed",
        ),
        (
            SendError::OutOfMemory(16 << 20),
            "there is no memory for 16 MiB that are to be sent",
        ),
    ] {
        says(&error, text);
    }
    assert_eq!(SendError::Compression.fault(), Fault::Internal);
    assert_eq!(SendError::OutOfMemory(1).fault(), Fault::Internal);
}

#[test]
fn handshakes_that_fail_say_which_part() {
    for (error, text) in [
        (
            HandshakeError::StartLineTooLong { limit: 9 },
            "the first line of the handshake passes the limit of 9 bytes for the whole head",
        ),
        (
            HandshakeError::AcceptMismatch {
                expected: "a".into(),
                received: "b".into(),
            },
            "Sec-WebSocket-Accept should be \"a\", the server sent \"b\"",
        ),
        (
            HandshakeError::UnofferedSubprotocol("x".into()),
            "the server chose the subprotocol \"x\", which was not offered",
        ),
        (
            HandshakeError::UnofferedExtension("x".into()),
            "the server accepted the extension \"x\", which was not offered",
        ),
        (
            HandshakeError::InvalidOrigin("x".into()),
            "an origin is scheme://host[:port], scheme://*.domain[:port], null or empty, not \"x\"",
        ),
        (
            HandshakeError::InsecureRedirect("ws://h/".into()),
            "the server redirected from wss to ws, which is not followed: ws://h/",
        ),
        (
            HandshakeError::DuplicateSubprotocol("x".into()),
            "the subprotocol \"x\" stands twice in one offer",
        ),
        (
            HandshakeError::Header(HeaderError::Duplicate("Host")),
            "the header field Host may be set once",
        ),
        (
            UrlError::Fragment.into(),
            "the URL of a WebSocket cannot have a fragment (#…)",
        ),
    ] {
        says(&error, text);
    }
}

#[test]
fn fields_urls_and_tls_say_which_rule() {
    says(
        &HeaderError::InvalidValue {
            name: "A".into(),
            position: 3,
        },
        "the value of the header field A has a control character at byte 3",
    );
    says(
        &HeaderError::Reserved("Upgrade".into()),
        "the header field Upgrade is written by the handshake itself and cannot be set",
    );
    says(
        &HeaderError::TooLarge,
        "the header fields together pass 4 GiB",
    );
    let credentials = UrlError::Credentials.to_string();
    assert!(credentials.starts_with("the URL's user name or password cannot be sent: "));
    let path = UrlError::SocketPath.to_string();
    assert!(path.starts_with("the URL is not of the form ws+unix:/path/to.sock:/request/path"));
    says(&TlsError::NotTls, "what the peer sent is no TLS");
    says(
        &TlsError::Incompatible("no version".into()),
        "the two sides of TLS have nothing in common: no version",
    );
    says(
        &TlsError::Protocol("x".into()),
        "the peer broke a rule of TLS: x",
    );
    says(
        &TlsError::HandshakeCut,
        "the peer closed the connection in the middle of the TLS handshake",
    );
    assert!(
        TlsError::Truncated
            .to_string()
            .contains("without close_notify")
    );
}
