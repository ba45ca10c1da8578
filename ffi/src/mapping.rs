//! Which status stands for which error of the core.

use ropeway_core::frame::FrameError;
use ropeway_core::handshake::HandshakeError;
use ropeway_core::{Deadline, Error, Fault, Limit, ProxyProblem, SendError, TlsError};

use crate::status::*;

/// The number of a core's error.
pub(crate) fn of_error(error: &Error) -> ropeway_status {
    match error {
        Error::Frame(error) => of_frame(error),
        Error::Handshake(error) => of_handshake(error),
        Error::Inflate(_) => ROPEWAY_ERROR_INFLATE,
        Error::Compression(_) => ROPEWAY_ERROR_COMPRESSION_OPTION,
        Error::Limit { limit, .. } => match limit {
            Limit::MessageSize => ROPEWAY_ERROR_MESSAGE_TOO_BIG,
            Limit::Fragments => ROPEWAY_ERROR_TOO_MANY_FRAGMENTS,
            Limit::IncompleteMessages => ROPEWAY_ERROR_INCOMPLETE_MESSAGES,
            Limit::SendQueue => ROPEWAY_ERROR_FULL,
            Limit::Connections => ROPEWAY_ERROR_TOO_MANY_CONNECTIONS,
            Limit::RemoteQueue => ROPEWAY_ERROR_REMOTE_FULL,
            Limit::SlowSubscriber => ROPEWAY_ERROR_SLOW_SUBSCRIBER,
            _ => ROPEWAY_ERROR_LIMIT,
        },
        Error::Timeout { deadline, .. } => match deadline {
            Deadline::Open => ROPEWAY_ERROR_OPEN_TIMEOUT,
            Deadline::Pong => ROPEWAY_ERROR_PONG_TIMEOUT,
            Deadline::Idle => ROPEWAY_ERROR_IDLE_TIMEOUT,
            Deadline::Close => ROPEWAY_ERROR_CLOSE_TIMEOUT,
            _ => ROPEWAY_ERROR_TIMEOUT,
        },
        Error::ConnectionLost => ROPEWAY_ERROR_CONNECTION_LOST,
        Error::Aborted => ROPEWAY_ERROR_ABORTED,
        Error::Io(_) => ROPEWAY_ERROR_IO,
        Error::Resolve { .. } => ROPEWAY_ERROR_RESOLVE,
        Error::Connect { .. } | Error::ConnectUnix { .. } => ROPEWAY_ERROR_CONNECT,
        Error::Tls(error) => of_tls(error),
        Error::Proxy(error) => of_proxy(&error.problem),
        Error::ProxyUrl(_) => ROPEWAY_ERROR_PROXY_URL,
        Error::Url(_) => ROPEWAY_ERROR_INVALID_URL,
        Error::Header(_) => ROPEWAY_ERROR_INVALID_HEADER,
        Error::Send(error) => of_send(error),
        Error::Misuse(_) => ROPEWAY_ERROR_MISUSE,
        Error::UnknownId => ROPEWAY_ERROR_CLOSED,
        Error::Forked => ROPEWAY_ERROR_FORKED,
        Error::EngineGone => ROPEWAY_ERROR_ENGINE_GONE,
        _ => ROPEWAY_ERROR_INTERNAL,
    }
}

fn of_send(error: &SendError) -> ropeway_status {
    match error {
        SendError::Closed => ROPEWAY_ERROR_CLOSED,
        SendError::NotOpen => ROPEWAY_ERROR_NOT_OPEN,
        SendError::Full { .. } => ROPEWAY_ERROR_FULL,
        SendError::HeldFull { .. } => ROPEWAY_ERROR_HELD_FULL,
        SendError::InvalidUtf8 => ROPEWAY_ERROR_INVALID_UTF8,
        SendError::MessageInProgress => ROPEWAY_ERROR_MESSAGE_IN_PROGRESS,
        SendError::KindChanged => ROPEWAY_ERROR_KIND_CHANGED,
        SendError::ControlTooLong(_) => ROPEWAY_ERROR_CONTROL_TOO_LONG,
        SendError::InvalidCloseCode(_) => ROPEWAY_ERROR_INVALID_CLOSE_CODE,
        SendError::Random(_) => ROPEWAY_ERROR_RANDOM,
        SendError::Compression => ROPEWAY_ERROR_COMPRESS,
        SendError::OutOfMemory(_) => ROPEWAY_ERROR_OUT_OF_MEMORY,
        SendError::Forked => ROPEWAY_ERROR_FORKED,
        _ => ROPEWAY_ERROR_INTERNAL,
    }
}

fn of_tls(error: &TlsError) -> ropeway_status {
    match error {
        TlsError::Certificate { .. } => ROPEWAY_ERROR_TLS_CERTIFICATE,
        TlsError::Alert { .. } => ROPEWAY_ERROR_TLS_ALERT,
        TlsError::Incompatible(_) => ROPEWAY_ERROR_TLS_INCOMPATIBLE,
        TlsError::PlainHttp => ROPEWAY_ERROR_PLAIN_ON_TLS_PORT,
        TlsError::NotTls => ROPEWAY_ERROR_NOT_TLS,
        TlsError::HandshakeCut => ROPEWAY_ERROR_TLS_HANDSHAKE_CUT,
        TlsError::Truncated => ROPEWAY_ERROR_TLS_TRUNCATED,
        TlsError::Settings(_) => ROPEWAY_ERROR_TLS_SETTINGS,
        _ => ROPEWAY_ERROR_TLS_PROTOCOL,
    }
}

fn of_proxy(problem: &ProxyProblem) -> ropeway_status {
    match problem {
        ProxyProblem::Resolve(_) => ROPEWAY_ERROR_PROXY_RESOLVE,
        ProxyProblem::Connect(_) => ROPEWAY_ERROR_PROXY_CONNECT,
        ProxyProblem::Closed | ProxyProblem::Io(_) => ROPEWAY_ERROR_PROXY_CLOSED,
        ProxyProblem::Tls(error) => match error.fault() {
            Fault::Network => ROPEWAY_ERROR_PROXY_CLOSED,
            Fault::Caller => ROPEWAY_ERROR_TLS_SETTINGS,
            _ => ROPEWAY_ERROR_PROXY_TLS,
        },
        ProxyProblem::CredentialsNeeded { .. } => ROPEWAY_ERROR_PROXY_CREDENTIALS_NEEDED,
        ProxyProblem::CredentialsRefused => ROPEWAY_ERROR_PROXY_CREDENTIALS_REFUSED,
        ProxyProblem::AuthenticationUnsupported { .. } => ROPEWAY_ERROR_PROXY_AUTHENTICATION,
        ProxyProblem::Status { .. } | ProxyProblem::Reply { .. } => ROPEWAY_ERROR_PROXY_REFUSED,
        ProxyProblem::NameTooLong(_) => ROPEWAY_ERROR_INVALID_URL,
        ProxyProblem::Random => ROPEWAY_ERROR_RANDOM,
        _ => ROPEWAY_ERROR_PROXY_ANSWER,
    }
}

fn of_frame(error: &FrameError) -> ropeway_status {
    match error {
        FrameError::ReservedBits(_) => ROPEWAY_ERROR_RESERVED_BITS,
        FrameError::ReservedOpcode(_) => ROPEWAY_ERROR_RESERVED_OPCODE,
        FrameError::FragmentedControl(_) => ROPEWAY_ERROR_FRAGMENTED_CONTROL,
        FrameError::ControlTooLong { .. } => ROPEWAY_ERROR_LONG_CONTROL,
        FrameError::MaskedByServer => ROPEWAY_ERROR_MASKED_BY_SERVER,
        FrameError::UnmaskedByClient => ROPEWAY_ERROR_UNMASKED_BY_CLIENT,
        FrameError::OverlongLength { .. } => ROPEWAY_ERROR_OVERLONG_LENGTH,
        FrameError::LengthTooLarge(_) => ROPEWAY_ERROR_LENGTH_TOO_LARGE,
        FrameError::UnexpectedContinuation => ROPEWAY_ERROR_UNEXPECTED_CONTINUATION,
        FrameError::ExpectedContinuation(_) => ROPEWAY_ERROR_EXPECTED_CONTINUATION,
        FrameError::ClosePayloadOfOneByte => ROPEWAY_ERROR_CLOSE_OF_ONE_BYTE,
        FrameError::InvalidCloseCode(_) => ROPEWAY_ERROR_PEER_CLOSE_CODE,
        FrameError::InvalidUtf8InText => ROPEWAY_ERROR_PEER_TEXT_UTF8,
        FrameError::InvalidUtf8InCloseReason => ROPEWAY_ERROR_PEER_REASON_UTF8,
        FrameError::CompressedControl(_) => ROPEWAY_ERROR_COMPRESSED_CONTROL,
        FrameError::CompressedContinuation => ROPEWAY_ERROR_COMPRESSED_CONTINUATION,
        _ => ROPEWAY_ERROR_FRAME,
    }
}

fn of_handshake(error: &HandshakeError) -> ropeway_status {
    match error {
        HandshakeError::HeadTooLarge { .. } => ROPEWAY_ERROR_HEAD_TOO_LARGE,
        HandshakeError::StartLineTooLong { .. } => ROPEWAY_ERROR_START_LINE_TOO_LONG,
        HandshakeError::TooManyHeaders { .. } => ROPEWAY_ERROR_TOO_MANY_HEADERS,
        HandshakeError::Malformed(_) => ROPEWAY_ERROR_MALFORMED_HEAD,
        HandshakeError::Incomplete { .. } => ROPEWAY_ERROR_INCOMPLETE_HEAD,
        HandshakeError::TlsOnPlainPort => ROPEWAY_ERROR_TLS_ON_PLAIN_PORT,
        HandshakeError::UnsupportedHttpVersion(_) => ROPEWAY_ERROR_HTTP_VERSION,
        HandshakeError::NotWebSocket => ROPEWAY_ERROR_NOT_WEBSOCKET,
        HandshakeError::MethodNotAllowed(_) => ROPEWAY_ERROR_METHOD,
        HandshakeError::MissingHeader(_) => ROPEWAY_ERROR_MISSING_HEADER,
        HandshakeError::DuplicateHeader(_) => ROPEWAY_ERROR_DUPLICATE_HEADER,
        HandshakeError::InvalidHeader { .. } => ROPEWAY_ERROR_PEER_HEADER,
        HandshakeError::UnsupportedVersion(_) => ROPEWAY_ERROR_WEBSOCKET_VERSION,
        HandshakeError::DraftHandshake => ROPEWAY_ERROR_DRAFT_HANDSHAKE,
        HandshakeError::InvalidKey(_) => ROPEWAY_ERROR_INVALID_KEY,
        HandshakeError::RequestBody => ROPEWAY_ERROR_REQUEST_BODY,
        HandshakeError::AcceptMismatch { .. } => ROPEWAY_ERROR_ACCEPT_MISMATCH,
        HandshakeError::UnofferedSubprotocol(_) => ROPEWAY_ERROR_UNOFFERED_SUBPROTOCOL,
        HandshakeError::UnofferedExtension(_) => ROPEWAY_ERROR_UNOFFERED_EXTENSION,
        HandshakeError::InvalidExtension { .. } => ROPEWAY_ERROR_INVALID_EXTENSION,
        HandshakeError::OriginNotAllowed(_) => ROPEWAY_ERROR_ORIGIN,
        HandshakeError::InvalidOrigin(_) => ROPEWAY_ERROR_INVALID_ORIGIN,
        HandshakeError::InvalidStatus(_) => ROPEWAY_ERROR_HTTP_STATUS,
        HandshakeError::TooManyRedirects { .. } => ROPEWAY_ERROR_TOO_MANY_REDIRECTS,
        HandshakeError::InsecureRedirect(_) => ROPEWAY_ERROR_INSECURE_REDIRECT,
        HandshakeError::InvalidRedirect(_) => ROPEWAY_ERROR_INVALID_REDIRECT,
        HandshakeError::Refused(_) => ROPEWAY_ERROR_REFUSED,
        HandshakeError::InvalidRefusalStatus(_) => ROPEWAY_ERROR_INVALID_REFUSAL,
        HandshakeError::InvalidSubprotocol(_) | HandshakeError::DuplicateSubprotocol(_) => {
            ROPEWAY_ERROR_INVALID_SUBPROTOCOL
        }
        HandshakeError::Header(_) => ROPEWAY_ERROR_INVALID_HEADER,
        HandshakeError::Url(_) => ROPEWAY_ERROR_INVALID_URL,
        HandshakeError::Random(_) => ROPEWAY_ERROR_RANDOM,
        _ => ROPEWAY_ERROR_HANDSHAKE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stands_in_the_range_of_its_fault() {
        use ropeway_core::handshake::UrlError;
        use ropeway_core::{ProxyError, ProxyUrlError};
        let proxy = |problem| {
            let proxy = "http://proxy:3128".into();
            Error::Proxy(Box::new(ProxyError { proxy, problem }))
        };
        let cases = [
            Error::ProxyUrl(ProxyUrlError {
                variable: None,
                problem: "x",
            }),
            proxy(ProxyProblem::Resolve("x".into())),
            proxy(ProxyProblem::Connect(Vec::new())),
            proxy(ProxyProblem::Closed),
            proxy(ProxyProblem::Tls(TlsError::NotTls)),
            proxy(ProxyProblem::Tls(TlsError::HandshakeCut)),
            proxy(ProxyProblem::Tls(TlsError::Settings("x".into()))),
            proxy(ProxyProblem::CredentialsNeeded { offered: "".into() }),
            proxy(ProxyProblem::CredentialsRefused),
            proxy(ProxyProblem::AuthenticationUnsupported { offered: "".into() }),
            proxy(ProxyProblem::Reply {
                target: "x".into(),
                code: 1,
            }),
            proxy(ProxyProblem::NameTooLong(256)),
            proxy(ProxyProblem::NotSocks("x")),
            proxy(ProxyProblem::Random),
            Error::Frame(FrameError::UnmaskedByClient),
            Error::Handshake(HandshakeError::NotWebSocket),
            Error::Limit {
                limit: Limit::Fragments,
                value: 1,
                actual: 2,
                role: ropeway_core::Role::Server,
            },
            Error::Timeout {
                deadline: Deadline::Idle,
                after: std::time::Duration::ZERO,
                stage: None,
            },
            Error::ConnectionLost,
            Error::Aborted,
            Error::UnknownId,
            Error::Send(SendError::Closed),
            Error::Send(SendError::Full {
                queued: 1,
                limit: 1,
            }),
            Error::Forked,
            Error::Send(SendError::HeldFull { held: 1, limit: 1 }),
            Error::Handshake(HandshakeError::TooManyRedirects { count: 2, limit: 1 }),
            Error::Handshake(HandshakeError::InsecureRedirect("x".into())),
            Error::Handshake(HandshakeError::InvalidRedirect(UrlError::Fragment)),
            Error::Tls(TlsError::Truncated),
            Error::Tls(TlsError::HandshakeCut),
            Error::Tls(TlsError::NotTls),
            Error::Tls(TlsError::Settings("x".into())),
        ];
        for error in cases {
            assert_in_range(&error);
        }
    }

    fn assert_in_range(error: &Error) {
        let range = match error.fault() {
            Fault::Caller => 1,
            Fault::Peer => 2,
            Fault::Limit => 3,
            Fault::Network => 4,
            Fault::Internal => 5,
        };
        assert_eq!(of_error(error) / -100, range, "{error}");
    }

    /// Each in the range of its fault, and no two of one number.
    #[track_caller]
    fn assert_distinct(errors: impl IntoIterator<Item = Error>) {
        let mut seen = std::collections::HashMap::new();
        for error in errors {
            assert_in_range(&error);
            let status = of_error(&error);
            if let Some(other) = seen.insert(status, error.clone()) {
                panic!("{status} is both {other:?} and {error:?}");
            }
        }
    }

    #[test]
    fn every_violation_of_framing_has_a_number() {
        use ropeway_core::frame::Opcode::Ping;
        let errors = [
            FrameError::ReservedBits(0x40),
            FrameError::ReservedOpcode(3),
            FrameError::FragmentedControl(Ping),
            FrameError::ControlTooLong {
                opcode: Ping,
                length: 126,
            },
            FrameError::MaskedByServer,
            FrameError::UnmaskedByClient,
            FrameError::OverlongLength {
                length: 1,
                encoded_in: 2,
            },
            FrameError::LengthTooLarge(1 << 63),
            FrameError::UnexpectedContinuation,
            FrameError::ExpectedContinuation(Ping),
            FrameError::ClosePayloadOfOneByte,
            FrameError::InvalidCloseCode(1005),
            FrameError::InvalidUtf8InText,
            FrameError::InvalidUtf8InCloseReason,
            FrameError::CompressedControl(Ping),
            FrameError::CompressedContinuation,
        ];
        assert_distinct(errors.map(Error::Frame));
    }

    #[test]
    fn every_failure_of_a_handshake_has_a_number() {
        use ropeway_core::handshake::UrlError;
        let errors = [
            HandshakeError::HeadTooLarge { limit: 1 },
            HandshakeError::StartLineTooLong { limit: 1 },
            HandshakeError::TooManyHeaders { limit: 1 },
            HandshakeError::Malformed("x"),
            HandshakeError::Incomplete { received: 1 },
            HandshakeError::TlsOnPlainPort,
            HandshakeError::UnsupportedHttpVersion("1.0".into()),
            HandshakeError::NotWebSocket,
            HandshakeError::MethodNotAllowed("PUT".into()),
            HandshakeError::MissingHeader("Host"),
            HandshakeError::DuplicateHeader("Host"),
            HandshakeError::InvalidHeader {
                name: "Host",
                value: "".into(),
            },
            HandshakeError::UnsupportedVersion("8".into()),
            HandshakeError::DraftHandshake,
            HandshakeError::InvalidKey("".into()),
            HandshakeError::RequestBody,
            HandshakeError::AcceptMismatch {
                expected: "x".into(),
                received: "y".into(),
            },
            HandshakeError::UnofferedSubprotocol("x".into()),
            HandshakeError::UnofferedExtension("x".into()),
            HandshakeError::InvalidExtension {
                answer: "x".into(),
                reason: "y",
            },
            HandshakeError::OriginNotAllowed(None),
            HandshakeError::InvalidOrigin("x".into()),
            HandshakeError::TooManyRedirects { count: 2, limit: 1 },
            HandshakeError::InsecureRedirect("x".into()),
            HandshakeError::InvalidRedirect(UrlError::Fragment),
            HandshakeError::Refused(403),
            HandshakeError::InvalidRefusalStatus(101),
            HandshakeError::InvalidSubprotocol("".into()),
            HandshakeError::Url(UrlError::Fragment),
        ];
        assert_distinct(errors.map(Error::Handshake));
        let twice = HandshakeError::DuplicateSubprotocol("x".into());
        assert_eq!(
            of_error(&Error::Handshake(twice)),
            ROPEWAY_ERROR_INVALID_SUBPROTOCOL
        );
    }

    #[test]
    fn every_refusal_limit_wait_and_tls_failure_has_a_number() {
        let sends = [
            SendError::Closed,
            SendError::NotOpen,
            SendError::Full {
                queued: 1,
                limit: 1,
            },
            SendError::HeldFull { held: 1, limit: 1 },
            SendError::InvalidUtf8,
            SendError::MessageInProgress,
            SendError::KindChanged,
            SendError::ControlTooLong(126),
            SendError::InvalidCloseCode(1005),
            SendError::Compression,
            SendError::OutOfMemory(1),
            SendError::Forked,
        ];
        assert_distinct(sends.map(Error::Send));
        let limits = [
            Limit::MessageSize,
            Limit::Fragments,
            Limit::IncompleteMessages,
            Limit::SendQueue,
            Limit::Connections,
            Limit::RemoteQueue,
            Limit::SlowSubscriber,
        ];
        assert_distinct(limits.map(|limit| Error::Limit {
            limit,
            value: 1,
            actual: 2,
            role: ropeway_core::Role::Server,
        }));
        let deadlines = [
            Deadline::Open,
            Deadline::Pong,
            Deadline::Idle,
            Deadline::Close,
        ];
        assert_distinct(deadlines.map(|deadline| Error::Timeout {
            deadline,
            after: std::time::Duration::ZERO,
            stage: None,
        }));
        let tls = [
            TlsError::Certificate {
                problem: ropeway_core::CertificateProblem::Expired,
                detail: "".into(),
            },
            TlsError::Alert { code: 40, name: "" },
            TlsError::Incompatible("".into()),
            TlsError::PlainHttp,
            TlsError::NotTls,
            TlsError::HandshakeCut,
            TlsError::Truncated,
            TlsError::Settings("".into()),
            TlsError::Protocol("".into()),
        ];
        assert_distinct(tls.map(Error::Tls));
    }

    #[test]
    fn every_other_error_has_a_number() {
        use ropeway_core::IoError;
        use ropeway_core::handshake::UrlError;
        let io = || IoError::new("read", &std::io::Error::from_raw_os_error(111));
        assert_distinct([
            Error::ConnectionLost,
            Error::Aborted,
            Error::Io(io()),
            Error::Resolve {
                host: String::new(),
                message: String::new(),
            },
            Error::ConnectUnix {
                path: "".into(),
                error: io(),
            },
            Error::Url(UrlError::Fragment),
            Error::Misuse("x"),
            Error::UnknownId,
            Error::Forked,
            Error::EngineGone,
        ]);
    }
}
