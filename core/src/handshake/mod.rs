//! The opening handshake (RFC 6455 section 4), both sides, without I/O.
//!
//! A client sends the head of an HTTP/1.1 request ([`ClientRequest`] writes it):
//!
//! ```text
//! GET /chat HTTP/1.1
//! Host: server.example.com
//! Upgrade: websocket
//! Connection: Upgrade
//! Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
//! Sec-WebSocket-Version: 13
//! Sec-WebSocket-Protocol: chat, superchat
//! ```
//!
//! and a server that agrees ([`classify`] judges the request, [`write_accept`] answers it) sends
//!
//! ```text
//! HTTP/1.1 101 Switching Protocols
//! Upgrade: websocket
//! Connection: Upgrade
//! Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
//! Sec-WebSocket-Protocol: chat
//! ```
//!
//! which the client holds against what it sent ([`verify`]). From the byte after either head's empty
//! line on, frames follow. A server that disagrees sends a [`Refusal`], an ordinary HTTP response;
//! the client reads its body with a [`BodyReader`] and reports all of it.
//!
//! Both sides gather the other's head with a [`HeadReader`], which takes bytes in any portions, looks
//! at each byte once, and enforces [`HeadLimits`].

#![forbid(unsafe_code)]

mod authorization;
mod body;
mod client;
mod error;
mod extension;
mod head;
mod headers;
mod key;
mod message;
mod origin;
mod refusal;
mod server;
mod subprotocol;
#[cfg(test)]
mod tests;
mod token;
mod uri;

pub use authorization::BasicCredentials;
pub use body::{BodyReader, DEFAULT_BODY_LIMIT};
pub use client::{ClientRequest, DEFAULT_USER_AGENT, Negotiated, check_request_headers, verify};
pub(crate) use error::shown;
pub use error::{HandshakeError, HeaderError, UrlError};
pub use extension::{Extension, format_extensions, parse_extensions};
pub use head::{HeadLimits, HeadReader};
pub use headers::Headers;
pub use key::{accept_key, generate_key, is_valid_key};
pub use message::{Request, Response};
pub use origin::AllowedOrigins;
pub use refusal::{Refusal, reason_phrase};
pub use server::{Kind, Offer, classify, write_accept};
pub use subprotocol::{parse_subprotocols, select_subprotocol, validate_subprotocols};
pub use token::{has_token, is_token, list_elements};
pub use uri::WebSocketUrl;
pub(crate) use uri::percent_decode;
