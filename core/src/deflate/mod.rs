//! The permessage-deflate extension (RFC 7692): what is offered and agreed ([`negotiate`](self) section 7.1), and the
//! codec of messages (section 7.2) over zlib-rs.
//!
//! A codec that keeps no history between messages ("no context takeover") serves any number of connections; one that
//! does belongs to its connection. With the default settings a compressor holds about 290 KiB, an inflater about 48 KiB.
#![forbid(unsafe_code)]

mod compress;
mod inflate;
mod negotiate;

use std::fmt;

pub(crate) use compress::{Compressor, Compressors, Config};
pub use inflate::InflateError;
pub(crate) use inflate::{INFLATER_MEMORY, Inflater, Progress};
pub use negotiate::{Parameters, accept, judge, offers};

use crate::error::Role;

/// The extension's name (RFC 7692 section 7).
pub const NAME: &str = "permessage-deflate";

/// The smallest window zlib compresses with, in bits; smaller ones can only be inflated.
const MIN_COMPRESS_BITS: u8 = 9;
const MIN_WINDOW_BITS: u8 = 8;
const MAX_WINDOW_BITS: u8 = 15;

/// Settings of permessage-deflate, for a client and a server alike. What is `None` is chosen by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Whether to offer the extension (client) or accept it (server). By role: a client does, a server does not.
    pub enabled: Option<bool>,
    /// The server forgets what it compressed after each message, so that it and the client's inflater need no memory
    /// between messages. By role: a server wants it so, a client does not.
    pub server_no_context_takeover: Option<bool>,
    /// The client forgets what it compressed after each message. By role: a server wants it so, a client does not.
    pub client_no_context_takeover: Option<bool>,
    /// Bits of the server's window, 9 to 15 on a server and 8 to 15 on a client. Default 15. A smaller one costs less
    /// memory and compresses less.
    pub server_max_window_bits: u8,
    /// Bits of the client's window, 9 to 15 on a client and 8 to 15 on a server. Default 15. A server asks for it only
    /// of clients that say they can (RFC 7692 section 7.1.2.2).
    pub client_max_window_bits: u8,
    /// Messages below so many bytes are sent as they are, and so are those above that would become no smaller, unless
    /// they are needed as history. At 0 every message is compressed, even if it grows. Default 128.
    pub threshold: usize,
    /// From 1, fast, to 9, small. Default 2: of small messages 1 makes a fifth more at twice the speed, and what 3 and
    /// up save of JSON is a twentieth at most.
    pub level: u8,
    /// Memory for gathering a block, from 1, little, to 9, much. Default 6, which makes messages of 16 KiB no larger
    /// than 8 does and is a little faster.
    pub memory_level: u8,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            enabled: None,
            server_no_context_takeover: None,
            client_no_context_takeover: None,
            server_max_window_bits: MAX_WINDOW_BITS,
            client_max_window_bits: MAX_WINDOW_BITS,
            threshold: 128,
            level: 2,
            memory_level: 6,
        }
    }
}

impl Compression {
    /// Never compressed: the extension is neither offered nor accepted.
    #[must_use]
    pub fn off() -> Self {
        Self {
            enabled: Some(false),
            ..Self::default()
        }
    }

    /// The extension is offered or accepted, whichever the role.
    #[must_use]
    pub fn on() -> Self {
        Self {
            enabled: Some(true),
            ..Self::default()
        }
    }

    /// Whether the extension is in use on this side.
    #[must_use]
    pub fn is_on(&self, role: Role) -> bool {
        self.enabled.unwrap_or(role == Role::Client)
    }

    /// Whether the settings can be used in this role. While the extension is off there, any can.
    ///
    /// # Errors
    /// [`CompressionError`] with the first one that cannot.
    pub fn check(&self, role: Role) -> Result<(), CompressionError> {
        if !self.is_on(role) {
            return Ok(());
        }
        let least = |own| {
            if role == own {
                MIN_COMPRESS_BITS
            } else {
                MIN_WINDOW_BITS
            }
        };
        let server = (self.server_max_window_bits, least(Role::Server));
        let client = (self.client_max_window_bits, least(Role::Client));
        let checks = [
            ("server_max_window_bits", server, MAX_WINDOW_BITS),
            ("client_max_window_bits", client, MAX_WINDOW_BITS),
            ("level", (self.level, 1), 9),
            ("memory_level", (self.memory_level, 1), 9),
        ];
        for (option, (value, least), most) in checks {
            if !(least..=most).contains(&value) {
                return Err(CompressionError {
                    option,
                    value,
                    least,
                    most,
                    role,
                });
            }
        }
        Ok(())
    }

    fn server_no_context_takeover(&self, role: Role) -> bool {
        self.server_no_context_takeover
            .unwrap_or(role == Role::Server)
    }

    fn client_no_context_takeover(&self, role: Role) -> bool {
        self.client_no_context_takeover
            .unwrap_or(role == Role::Server)
    }
}

/// A setting of [`Compression`] outside its range; the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressionError {
    /// The setting's name.
    pub option: &'static str,
    /// Its value.
    pub value: u8,
    /// The smallest value it may have.
    pub least: u8,
    /// The largest.
    pub most: u8,
    /// The side it was set for.
    pub role: Role,
}

impl fmt::Display for CompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            option,
            value,
            least,
            most,
            role,
        } = self;
        write!(
            f,
            "the compression setting {option} of a {role} is from {least} to {most}, not {value}"
        )
    }
}

impl std::error::Error for CompressionError {}

/// Whether one message is compressed, where the extension was agreed on; elsewhere none is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compress {
    /// From [`Compression::threshold`] on.
    #[default]
    ByOptions,
    /// Not at all: it is compressed already, or holds a secret beside what an attacker chose.
    Never,
    /// Whatever its size, and even if it grows.
    Always,
}

#[cfg(test)]
mod tests;
