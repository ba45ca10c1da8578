//! A look at each frame, for logs and for learning.

use std::fmt::{self, Write};
use std::sync::Arc;

use crate::error::Role;
use crate::frame::{Header, Opcode};

/// Characters of a payload that are shown.
const SHOWN: usize = 75;

/// A frame that was sent or received.
#[derive(Clone, Copy, Debug)]
pub struct TracedFrame<'a> {
    /// Which end this side is.
    pub role: Role,
    /// Whether this side sent it.
    pub sent: bool,
    /// Its header (RFC 6455 section 5.2).
    pub header: Header,
    /// Its payload, unmasked; of a received frame that is still under way, the part that is at hand.
    pub payload: &'a [u8],
}

/// A line for a log: `>` for sent and `<` for received, the opcode, some 75 characters of the payload, its length.
impl fmt::Display for TracedFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header {
            fin,
            rsv1,
            opcode,
            length,
            ..
        } = self.header;
        let arrow = if self.sent { '>' } else { '<' };
        let name = match opcode {
            Opcode::Continuation => "CONT",
            Opcode::Text => "TEXT",
            Opcode::Binary => "BINARY",
            Opcode::Close => "CLOSE",
            Opcode::Ping => "PING",
            Opcode::Pong => "PONG",
        };
        write!(f, "{arrow} {name} ")?;
        let shown = self.shown();
        if !shown.is_empty() {
            let whole = shown.chars().count() <= SHOWN && self.payload.len() as u64 == length;
            shown
                .chars()
                .take(SHOWN)
                .try_for_each(|c| f.write_char(c))?;
            f.write_str(if whole { " " } else { "… " })?;
        }
        let continued = if fin { "" } else { ", continued" };
        let compressed = if rsv1 { ", compressed" } else { "" };
        write!(f, "[{length} bytes{continued}{compressed}]")
    }
}

impl TracedFrame<'_> {
    /// The payload as a person reads it, somewhat more of it than is shown.
    fn shown(&self) -> String {
        let some = &self.payload[..self.payload.len().min(4 * SHOWN + 4)];
        match (self.header.opcode, some) {
            (_, []) => String::new(),
            (Opcode::Close, [high, low, reason @ ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                let reason = String::from_utf8_lossy(reason);
                format!("{code} {reason}").trim_end().to_owned()
            }
            (Opcode::Text, _) if !self.header.rsv1 => {
                let mut text = String::from("'");
                // It may be cut within a character.
                for c in some.utf8_chunks().flat_map(|chunk| chunk.valid().chars()) {
                    if c.is_control() {
                        text.extend(c.escape_default());
                    } else {
                        text.push(c);
                    }
                }
                text + "'"
            }
            _ => {
                let bytes: Vec<String> = some.iter().map(|byte| format!("{byte:02x}")).collect();
                bytes.join(" ")
            }
        }
    }
}

/// A function that is shown every frame, on the thread that drives the connection.
#[derive(Clone)]
pub struct Trace(Arc<dyn Fn(&TracedFrame<'_>) + Send + Sync>);

impl Trace {
    /// Shows each frame to `look`.
    pub fn new(look: impl Fn(&TracedFrame<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    /// Gives each frame to `tracing` as an event of level TRACE and target `ropeway::frame`.
    #[cfg(feature = "tracing")]
    #[must_use]
    pub fn to_tracing() -> Self {
        Self::new(|frame| {
            tracing::trace!(
                target: "ropeway::frame",
                role = %frame.role,
                sent = frame.sent,
                opcode = %frame.header.opcode,
                length = frame.header.length,
                "{frame}"
            );
        })
    }

    pub(super) fn show(&self, frame: &TracedFrame<'_>) {
        (self.0)(frame);
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}
