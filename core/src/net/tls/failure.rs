//! rustls' errors in this library's words.
#![forbid(unsafe_code)]

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use crate::tls_error::{CertificateProblem, TlsError};

pub(super) fn of(error: &Error) -> TlsError {
    match error {
        Error::InvalidCertificate(reason) => TlsError::Certificate {
            problem: problem(reason),
            detail: reason.to_string().into(),
        },
        Error::NoCertificatesPresented => TlsError::Certificate {
            problem: CertificateProblem::Missing,
            detail: "it showed none, and one is required".into(),
        },
        Error::AlertReceived(alert) => TlsError::Alert {
            code: u8::from(*alert),
            name: name(*alert),
        },
        Error::PeerIncompatible(what) => TlsError::Incompatible(format!("{what:?}").into()),
        Error::NoApplicationProtocol => TlsError::Incompatible("the application protocol".into()),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => TlsError::NotTls,
        error => TlsError::Protocol(error.to_string().into()),
    }
}

const fn problem(error: &CertificateError) -> CertificateProblem {
    match error {
        CertificateError::UnknownIssuer => CertificateProblem::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::WrongName
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotYetValid
        }
        CertificateError::Revoked => CertificateProblem::Revoked,
        _ => CertificateProblem::Other,
    }
}

/// RFC 8446 section 6, and RFC 5246 section 7.2 for older ones.
fn name(alert: AlertDescription) -> &'static str {
    match u8::from(alert) {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "of no known name",
    }
}
