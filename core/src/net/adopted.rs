//! A stream taken over in its midst, from the host or from a proxy's handshake, with bytes that have been read already.

use std::io;

use super::Stream;

/// Gives the bytes handed in first, then the stream's.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(super) stream: Stream,
    /// What was handed in and not yet received; `None` once the stream itself has been read.
    received: Option<Vec<u8>>,
}

impl Adopted {
    pub(super) fn new(stream: Stream, received: &[u8]) -> Self {
        Self {
            stream,
            received: Some(received.to_vec()),
        }
    }

    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.take(buffer.len()) {
            Some(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            None => self.stream.receive(buffer),
        }
    }

    pub(super) fn receive_into(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let room = (buffer.capacity() - buffer.len()).min(most);
        match self.take(room) {
            Some(bytes) => {
                buffer.extend_from_slice(&bytes);
                Ok(bytes.len())
            }
            None => self.stream.receive_into(buffer, most),
        }
    }

    /// Whether the stream has not been asked yet, so that nothing is known of it, or has more itself.
    pub(super) fn has_more(&self) -> bool {
        self.received.is_some() || self.stream.has_more()
    }

    /// The next bytes that were handed in, at most `most`; `None` when there are none left.
    fn take(&mut self, most: usize) -> Option<Vec<u8>> {
        let mut bytes = self.received.take().filter(|bytes| !bytes.is_empty())?;
        let rest = bytes.split_off(bytes.len().min(most));
        self.received = Some(rest);
        Some(bytes)
    }
}
