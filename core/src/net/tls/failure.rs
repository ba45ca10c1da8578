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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::UnixTime;
    use rustls::{PeerIncompatible, PeerMisbehaved};

    use super::*;

    #[test]
    fn a_certificate_is_refused_by_the_name_of_its_fault() {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(1));
        for (reason, expected) in [
            (
                CertificateError::UnknownIssuer,
                CertificateProblem::UnknownIssuer,
            ),
            (
                CertificateError::NotValidForName,
                CertificateProblem::WrongName,
            ),
            (CertificateError::Expired, CertificateProblem::Expired),
            (
                CertificateError::ExpiredContext {
                    time,
                    not_after: time,
                },
                CertificateProblem::Expired,
            ),
            (
                CertificateError::NotValidYet,
                CertificateProblem::NotYetValid,
            ),
            (
                CertificateError::NotValidYetContext {
                    time,
                    not_before: time,
                },
                CertificateProblem::NotYetValid,
            ),
            (CertificateError::Revoked, CertificateProblem::Revoked),
            (CertificateError::BadEncoding, CertificateProblem::Other),
        ] {
            match of(&Error::InvalidCertificate(reason.clone())) {
                TlsError::Certificate { problem, detail } => {
                    assert_eq!(problem, expected, "{reason:?}");
                    assert_eq!(*detail, *reason.to_string());
                }
                other => panic!("{other:?}"),
            }
        }
        let missing = of(&Error::NoCertificatesPresented);
        assert!(matches!(
            missing,
            TlsError::Certificate {
                problem: CertificateProblem::Missing,
                ..
            }
        ));
    }

    #[test]
    fn other_failures_have_names_too() {
        let version = PeerIncompatible::Tls12NotOffered;
        assert_eq!(
            of(&Error::PeerIncompatible(version)),
            TlsError::Incompatible("Tls12NotOffered".into())
        );
        assert!(matches!(
            of(&Error::NoApplicationProtocol),
            TlsError::Incompatible(_)
        ));
        for what in [
            InvalidMessage::InvalidContentType,
            InvalidMessage::UnknownProtocolVersion,
        ] {
            assert_eq!(of(&Error::InvalidMessage(what)), TlsError::NotTls);
        }
        for error in [
            Error::InvalidMessage(InvalidMessage::MessageTooShort),
            Error::PeerMisbehaved(PeerMisbehaved::MissingKeyShare),
            Error::DecryptError,
        ] {
            let expected = TlsError::Protocol(error.to_string().into());
            assert_eq!(of(&error), expected);
        }
    }

    /// As RFC 8446 appendix B.2 and RFC 7301 name them; rustls spells them as one word, and one of them in British English.
    #[test]
    fn alerts_have_the_names_of_the_rfcs() {
        let mut names = 0;
        for code in 0..=u8::MAX {
            let alert = AlertDescription::from(code);
            let theirs = format!("{alert:?}").to_lowercase().replace("ised", "ized");
            match of(&Error::AlertReceived(alert)) {
                TlsError::Alert {
                    name: "of no known name",
                    ..
                } => {}
                TlsError::Alert { code: told, name } => {
                    assert_eq!((told, name.replace('_', "")), (code, theirs));
                    names += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(names, 28);
    }
}
