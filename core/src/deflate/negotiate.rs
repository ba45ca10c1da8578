//! Offers, their acceptance, and the judgement of a response (RFC 7692 sections 5 and 7.1).

use super::{
    Compression, CompressionError, MAX_WINDOW_BITS, MIN_COMPRESS_BITS, MIN_WINDOW_BITS, NAME,
};
use crate::error::Role;
use crate::handshake::{Extension, HandshakeError};

const SERVER_NO_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// What both ends have agreed on (RFC 7692 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The server starts each message without history.
    pub server_no_context_takeover: bool,
    /// The client starts each message without history.
    pub client_no_context_takeover: bool,
    /// Bits of the server's window, 8 to 15.
    pub server_max_window_bits: u8,
    /// Bits of the client's window, 8 to 15.
    pub client_max_window_bits: u8,
}

impl Parameters {
    /// Whether what `role` sends refers to earlier messages.
    pub(crate) const fn takes_over(self, role: Role) -> bool {
        match role {
            Role::Server => !self.server_no_context_takeover,
            Role::Client => !self.client_no_context_takeover,
        }
    }

    /// The window `role` may compress with; `None` when it is too small for zlib, so that messages go as they are.
    pub(crate) fn compress_bits(self, role: Role) -> Option<u8> {
        let bits = match role {
            Role::Server => self.server_max_window_bits,
            Role::Client => self.client_max_window_bits,
        };
        (MIN_COMPRESS_BITS..=MAX_WINDOW_BITS)
            .contains(&bits)
            .then_some(bits)
    }
}

/// A parameter list as it was received, each parameter valid and at most once.
#[derive(Clone, Copy, Debug, Default)]
struct Received {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// Without a value: only an offer's.
    client_bits: Option<Option<u8>>,
}

impl Received {
    fn parse(extension: &Extension) -> Result<Self, &'static str> {
        let mut received = Self::default();
        for (name, value) in &extension.params {
            let again = match (name.as_str(), value.as_deref()) {
                (SERVER_NO_TAKEOVER, None) => {
                    std::mem::replace(&mut received.server_no_takeover, true)
                }
                (CLIENT_NO_TAKEOVER, None) => {
                    std::mem::replace(&mut received.client_no_takeover, true)
                }
                (SERVER_NO_TAKEOVER | CLIENT_NO_TAKEOVER, Some(_)) => {
                    return Err("a parameter has a value and takes none");
                }
                (SERVER_BITS, value) => received.server_bits.replace(bits(value)?).is_some(),
                (CLIENT_BITS, None) => received.client_bits.replace(None).is_some(),
                (CLIENT_BITS, value) => received.client_bits.replace(Some(bits(value)?)).is_some(),
                _ => return Err("a parameter is unknown"),
            };
            if again {
                return Err("a parameter stands twice");
            }
        }
        Ok(received)
    }
}

/// Window bits: a decimal from 8 to 15 without a leading zero (RFC 7692 section 7.1.2.1).
fn bits(value: Option<&str>) -> Result<u8, &'static str> {
    let value = value.ok_or("a window has no size")?;
    value
        .parse()
        .ok()
        .filter(|bits: &u8| (MIN_WINDOW_BITS..=MAX_WINDOW_BITS).contains(bits))
        .filter(|_| !value.starts_with(['0', '+']))
        .ok_or("a window's size is not from 8 to 15")
}

fn extension(params: &[(&str, bool, Option<u8>)]) -> Extension {
    Extension {
        name: NAME.to_owned(),
        params: params
            .iter()
            .filter(|(_, stands, _)| *stands)
            .map(|(name, _, value)| ((*name).to_owned(), value.map(|bits| bits.to_string())))
            .collect(),
    }
}

/// What a client offers, best first; nothing when the extension is off. A server that cannot limit its window has to
/// decline an offer that asks for it, so a second one does without.
///
/// # Errors
/// [`CompressionError`] for settings a client cannot use.
pub fn offers(settings: &Compression) -> Result<Vec<Extension>, CompressionError> {
    if !settings.is_on(Role::Client) {
        return Ok(Vec::new());
    }
    settings.check(Role::Client)?;
    let own = settings.client_max_window_bits;
    let servers = settings.server_max_window_bits;
    let offer = |limits_server: bool| {
        extension(&[
            (
                SERVER_NO_TAKEOVER,
                settings.server_no_context_takeover(Role::Client),
                None,
            ),
            (
                CLIENT_NO_TAKEOVER,
                settings.client_no_context_takeover(Role::Client),
                None,
            ),
            (SERVER_BITS, limits_server, Some(servers)),
            (CLIENT_BITS, true, (own < MAX_WINDOW_BITS).then_some(own)),
        ])
    };
    Ok(if servers < MAX_WINDOW_BITS {
        vec![offer(true), offer(false)]
    } else {
        vec![offer(false)]
    })
}

/// A server's choice among a client's offers: the first that can be accepted, as the parameters and as the response
/// states them; `None` where the extension is off or no offer will do, which is no error.
///
/// # Errors
/// [`CompressionError`] for settings a server cannot use.
pub fn accept(
    offers: &[Extension],
    settings: &Compression,
) -> Result<Option<(Parameters, Extension)>, CompressionError> {
    if !settings.is_on(Role::Server) {
        return Ok(None);
    }
    settings.check(Role::Server)?;
    let received = offers
        .iter()
        .filter(|offer| offer.name == NAME)
        .find_map(|offer| Received::parse(offer).ok());
    Ok(received.map(|offer| {
        let servers = offer
            .server_bits
            .unwrap_or(MAX_WINDOW_BITS)
            .min(settings.server_max_window_bits);
        // A client that does not say that it can limit its window cannot be asked to.
        let clients = offer.client_bits.map_or(MAX_WINDOW_BITS, |hint| {
            hint.unwrap_or(MAX_WINDOW_BITS)
                .min(settings.client_max_window_bits)
        });
        let parameters = Parameters {
            server_no_context_takeover: offer.server_no_takeover
                || settings.server_no_context_takeover(Role::Server),
            client_no_context_takeover: offer.client_no_takeover
                || settings.client_no_context_takeover(Role::Server),
            server_max_window_bits: servers,
            client_max_window_bits: clients,
        };
        let limited = |bits: u8| bits < MAX_WINDOW_BITS;
        let response = extension(&[
            (
                SERVER_NO_TAKEOVER,
                parameters.server_no_context_takeover,
                None,
            ),
            (
                CLIENT_NO_TAKEOVER,
                parameters.client_no_context_takeover,
                None,
            ),
            (
                SERVER_BITS,
                offer.server_bits.is_some() || limited(servers),
                Some(servers),
            ),
            (CLIENT_BITS, limited(clients), Some(clients)),
        ]);
        (parameters, response)
    }))
}

/// A client's judgement of the extensions in a server's response to its [`offers`].
///
/// # Errors
/// [`HandshakeError::UnofferedExtension`] for any other extension, or this one when it is off;
/// [`HandshakeError::InvalidExtension`] for an answer given twice, an unknown or doubled parameter, a window outside 8 to
/// 15 bits or larger than the one offered, or a value where none belongs or none where one does.
pub fn judge(
    response: &[Extension],
    settings: &Compression,
) -> Result<Option<Parameters>, HandshakeError> {
    let on = settings.is_on(Role::Client);
    let mut agreed = None;
    for extension in response {
        if !on || extension.name != NAME {
            return Err(HandshakeError::unoffered_extension(extension));
        }
        let invalid = |reason| HandshakeError::invalid_extension(extension, reason);
        if agreed.is_some() {
            return Err(invalid("it is answered twice"));
        }
        let answer = Received::parse(extension).map_err(invalid)?;
        let own = settings.client_max_window_bits;
        let clients = match answer.client_bits {
            None => own,
            Some(None) => return Err(invalid("a window has no size")),
            Some(Some(bits)) if bits > own => {
                return Err(invalid("client_max_window_bits is above what was offered"));
            }
            Some(Some(bits)) => bits,
        };
        let servers = answer.server_bits.unwrap_or(MAX_WINDOW_BITS);
        if answer
            .server_bits
            .is_some_and(|bits| bits > settings.server_max_window_bits)
        {
            return Err(invalid("server_max_window_bits is above what was offered"));
        }
        agreed = Some(Parameters {
            server_no_context_takeover: answer.server_no_takeover,
            client_no_context_takeover: answer.client_no_takeover
                || settings.client_no_context_takeover(Role::Client),
            server_max_window_bits: servers,
            client_max_window_bits: clients,
        });
    }
    Ok(agreed)
}
