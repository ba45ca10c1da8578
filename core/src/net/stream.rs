//! A connected, non-blocking byte stream, plain or in TLS, straight or through a proxy.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use super::Socket;
use super::adopted::Adopted;
use super::tls::{Tls, TlsInfo};

/// A connection. Its descriptor is closed when it is dropped.
///
/// A plain stream's calls are the socket's. With TLS the same calls carry the application's bytes, and the handshake
/// goes on inside them; two things are different then, which [`has_more`](Self::has_more) and
/// [`unsent`](Self::unsent) tell.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Socket),
    Tls(Box<Tls>),
    Adopted(Box<Adopted>),
}

impl Stream {
    /// Takes over a connected socket of the host's, of which `received` has been read already.
    pub(crate) fn adopt(descriptor: OwnedFd, received: &[u8]) -> io::Result<Self> {
        let stream = Self::Plain(Socket::adopt(descriptor)?);
        if received.is_empty() {
            return Ok(stream);
        }
        Ok(stream.behind(received))
    }

    /// This stream as the far end of a tunnel sees it: `received` has been read of that already, and what TLS there is
    /// so far is a proxy's.
    pub(super) fn tunnel(self, received: &[u8]) -> Self {
        match self {
            Self::Plain(_) if received.is_empty() => self,
            _ => self.behind(received),
        }
    }

    fn behind(self, received: &[u8]) -> Self {
        Self::Adopted(Box::new(Adopted::new(self, received)))
    }

    /// Reads at most `buffer.len()` bytes; 0 is the end of the stream.
    #[inline]
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.receive(buffer),
            Self::Tls(tls) => tls.receive(buffer),
            Self::Adopted(adopted) => adopted.receive(buffer),
        }
    }

    /// Appends at most `most` bytes, within the capacity that `buffer` has already.
    #[inline]
    pub(crate) fn receive_into(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.receive_into(buffer, most),
            Self::Tls(tls) => tls.receive_into(buffer, most),
            Self::Adopted(adopted) => adopted.receive_into(buffer, most),
        }
    }

    /// The same into memory that need not have been written before; what has been received.
    pub(crate) fn receive_uninit<'m>(
        &mut self,
        memory: &'m mut [MaybeUninit<u8>],
    ) -> io::Result<&'m mut [u8]> {
        match self {
            Self::Plain(socket) => socket.receive_uninit(memory),
            _ => {
                let mut bytes = Vec::with_capacity(memory.len());
                self.receive_into(&mut bytes, memory.len())?;
                Ok(memory[..bytes.len()].write_copy_of_slice(&bytes))
            }
        }
    }

    /// Asks not to be told of bytes to receive before there are `count`, or the end. Only a hint, which a plain stream
    /// takes: a call to receive gives what there is all the same.
    pub(crate) fn await_bytes(&self, count: usize) {
        if let Self::Plain(socket) = self {
            socket.await_bytes(count);
        }
    }

    /// Bytes that wait to be received, of a stream that takes that hint; 0 of others.
    pub(crate) fn waiting(&self) -> usize {
        match self {
            Self::Plain(socket) => socket.waiting(),
            _ => 0,
        }
    }

    /// Whether there may be bytes, or the end, to receive without the socket becoming readable anew, although the last
    /// call did not fill its buffer.
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.has_more(),
            Self::Adopted(adopted) => adopted.has_more(),
        }
    }

    /// Sends as much as is taken at once.
    #[inline]
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.send(bytes),
            Self::Tls(tls) => tls.send(&[IoSlice::new(bytes)]),
            Self::Adopted(adopted) => adopted.stream.send(bytes),
        }
    }

    /// Sends as much of the pieces, in order, as is taken at once.
    #[inline]
    pub(crate) fn send_pieces(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.send_pieces(pieces),
            Self::Tls(tls) => tls.send(pieces),
            Self::Adopted(adopted) => adopted.stream.send_pieces(pieces),
        }
    }

    /// Bytes that a send has taken but the kernel has not: they wait for [`flush`](Self::flush). When this is not 0,
    /// a send takes nothing.
    #[inline]
    pub(crate) fn unsent(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Tls(tls) => tls.unsent(),
            Self::Adopted(adopted) => adopted.stream.unsent(),
        }
    }

    /// Sends what [`unsent`](Self::unsent) counts, as far as the kernel takes it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush().map(|_| ()),
            Self::Adopted(adopted) => adopted.stream.flush(),
        }
    }

    /// What has broken the connection, if something has; told once.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        self.socket().take_error()
    }

    /// Ends the sending direction. That the peer has gone already is no error.
    pub(crate) fn end_sending(&mut self) {
        match self {
            Self::Plain(socket) => socket.end_sending(),
            Self::Tls(tls) => tls.end_sending(),
            Self::Adopted(adopted) => adopted.stream.end_sending(),
        }
    }

    /// Says the last word of a stream that is about to be closed in good order: TLS has its close_notify.
    pub(crate) fn take_leave(&mut self) {
        match self {
            Self::Plain(_) => {}
            Self::Tls(tls) => tls.end_sending(),
            Self::Adopted(adopted) => adopted.stream.take_leave(),
        }
    }

    /// Whether the TLS handshake has not ended.
    pub(crate) fn is_securing(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Adopted(_) => false,
            Self::Tls(tls) => !tls.is_ready(),
        }
    }

    /// What the TLS handshake agreed on; `None` for a plain stream, and before the handshake is done.
    pub(crate) fn tls_info(&self) -> Option<TlsInfo> {
        match self {
            Self::Plain(_) | Self::Adopted(_) => None,
            Self::Tls(tls) => tls.info(),
        }
    }

    pub(crate) fn peer_address(&self) -> io::Result<SocketAddr> {
        self.socket().peer_address()
    }

    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket().local_address()
    }

    /// Watches it in both directions, once and for all: readiness is reported when it changes.
    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket().register(registry, token)
    }

    /// Watches it for this alone from now on; what it is ready for already is reported.
    pub(crate) fn watch_for(
        &self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.descriptor()).reregister(registry, token, interest)
    }

    /// Another descriptor of the same socket, closed on exec.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.socket().duplicate()
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.socket().descriptor()
    }

    pub(super) fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls.socket(),
            Self::Adopted(adopted) => adopted.stream.socket(),
        }
    }
}
