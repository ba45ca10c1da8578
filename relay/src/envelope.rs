//! What stands in front of a message at the broker: who sent it, its number there, and its kind.

use ropeway_core::protocol::MessageKind;

/// Bytes in front of the payload.
pub(crate) const HEADER: usize = 17;

/// A message as another node has sent it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) node: u64,
    /// Counts from 1. Of a beat: the last that was sent before it.
    pub(crate) number: u64,
    /// `None`: a beat, which has no payload.
    pub(crate) kind: Option<MessageKind>,
    pub(crate) payload: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let kind = match self.kind {
            None => 0,
            Some(MessageKind::Text) => 1,
            Some(MessageKind::Binary) => 2,
        };
        let mut bytes = Vec::with_capacity(HEADER + self.payload.len());
        bytes.extend_from_slice(&self.node.to_be_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(self.payload);
        bytes
    }

    /// `None` for what no relay has sent.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (node, rest) = bytes.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (kind, payload) = rest.split_first()?;
        let kind = match kind {
            0 => None,
            1 => Some(MessageKind::Text),
            2 => Some(MessageKind::Binary),
            _ => return None,
        };
        Some(Self {
            node: u64::from_be_bytes(*node),
            number: u64::from_be_bytes(*number),
            kind,
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_read_and_nothing_else_is() {
        for kind in [None, Some(MessageKind::Text), Some(MessageKind::Binary)] {
            let envelope = Envelope {
                node: u64::MAX,
                number: 7,
                kind,
                payload: b"payload",
            };
            let bytes = envelope.bytes();
            assert_eq!(Envelope::parse(&bytes), Some(envelope));
            for cut in 0..HEADER {
                assert_eq!(Envelope::parse(&bytes[..cut]), None);
            }
        }
        let mut unknown = [0; HEADER];
        unknown[HEADER - 1] = 3;
        assert_eq!(Envelope::parse(&unknown), None);
    }
}
