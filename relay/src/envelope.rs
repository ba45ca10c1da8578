//! A message as it stands at the broker: who sent it, its number there, its kind, and its topic in front of the payload.

use ropeway_core::protocol::MessageKind;

/// Bytes in front of the topic.
const HEADER: usize = 21;

/// A message as another node has sent it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) node: u64,
    /// Counts from 1. Of a beat: the last that was sent before it.
    pub(crate) number: u64,
    /// `None`: a beat, which has neither topic nor payload.
    pub(crate) kind: Option<MessageKind>,
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let kind = match self.kind {
            None => 0,
            Some(MessageKind::Text) => 1,
            Some(MessageKind::Binary) => 2,
        };
        let mut bytes = Vec::with_capacity(HEADER + self.topic.len() + self.payload.len());
        bytes.extend_from_slice(&self.node.to_be_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&(self.topic.len() as u32).to_be_bytes());
        bytes.extend_from_slice(self.topic.as_bytes());
        bytes.extend_from_slice(self.payload);
        bytes
    }

    /// `None` for what no relay has sent.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (node, rest) = bytes.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (topic, payload) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
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
            topic: str::from_utf8(topic).ok()?,
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
                topic: "cat s",
                payload: b"payload",
            };
            let bytes = envelope.bytes();
            assert_eq!(Envelope::parse(&bytes), Some(envelope));
            for cut in 0..HEADER + "cat s".len() {
                assert_eq!(Envelope::parse(&bytes[..cut]), None);
            }
        }
        let mut unknown = [0; HEADER];
        unknown[16] = 3;
        assert_eq!(Envelope::parse(&unknown), None);
        let mut no_text = [0; HEADER + 1];
        (no_text[HEADER - 1], no_text[HEADER]) = (1, 0xff);
        assert_eq!(Envelope::parse(&no_text), None);
    }
}
