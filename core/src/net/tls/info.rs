//! What a TLS handshake agreed on.
#![forbid(unsafe_code)]

use rustls::CommonState;

/// What a TLS handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// The cipher suite's name in the RFCs, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// The application protocol (RFC 7301), or none when the peer did not take part in the choice.
    pub application_protocol: Option<String>,
    /// The name that the client asked for (SNI, RFC 6066 section 3); none when it gave an address, or nothing.
    pub server_name: Option<String>,
    /// Whether an earlier session was resumed, which saves the certificates and their verification.
    pub resumed: bool,
    /// The peer's certificate chain in DER, its own certificate first; empty for a client that showed none.
    pub peer_certificates: Vec<Vec<u8>>,
}

impl TlsInfo {
    /// What a handshake that is done agreed on.
    pub(super) fn of(common: &CommonState, server_name: Option<&str>) -> Self {
        Self {
            version: match common.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher_suite: common
                .negotiated_cipher_suite()
                .map(|suite| format!("{:?}", suite.suite()))
                .unwrap_or_default(),
            application_protocol: common
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            server_name: server_name.map(str::to_owned),
            resumed: common.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
            peer_certificates: common
                .peer_certificates()
                .unwrap_or_default()
                .iter()
                .map(|certificate| certificate.to_vec())
                .collect(),
        }
    }
}
