//! A connection taken over from the host, with bytes that the host has read already.

use std::io;

use super::Socket;

/// Gives the bytes handed in first, then the socket's.
#[derive(Debug)]
pub(crate) struct Adopted {
    socket: Socket,
    /// What was handed in and not yet received; `None` once the socket itself has been read.
    received: Option<Vec<u8>>,
}

impl Adopted {
    pub(super) fn new(socket: Socket, received: &[u8]) -> Self {
        Self {
            socket,
            received: Some(received.to_vec()),
        }
    }

    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.take(buffer.len()) {
            Some(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            None => self.socket.receive(buffer),
        }
    }

    pub(super) fn receive_into(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let room = (buffer.capacity() - buffer.len()).min(most);
        match self.take(room) {
            Some(bytes) => {
                buffer.extend_from_slice(&bytes);
                Ok(bytes.len())
            }
            None => self.socket.receive_into(buffer, most),
        }
    }

    /// Whether the socket has not been asked yet, so that nothing is known of it.
    pub(super) const fn has_more(&self) -> bool {
        self.received.is_some()
    }

    pub(super) const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The next bytes that were handed in, at most `most`; `None` when there are none left.
    fn take(&mut self, most: usize) -> Option<Vec<u8>> {
        let mut bytes = self.received.take().filter(|bytes| !bytes.is_empty())?;
        let rest = bytes.split_off(bytes.len().min(most));
        self.received = Some(rest);
        Some(bytes)
    }
}
