//! A connected, non-blocking stream socket of any family.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// Never SIGPIPE: the process belongs to somebody else.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const SEND_FLAGS: libc::c_int = 0;

/// TCP or Unix. Its descriptor is closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Socket(socket2::Socket);

impl Socket {
    /// Takes over a connected stream socket of the host's.
    pub(crate) fn adopt(descriptor: OwnedFd) -> io::Result<Self> {
        let socket = adopt_stream_socket(descriptor)?;
        if socket.peer_addr()?.as_socket().is_some() {
            socket.set_tcp_nodelay(true)?;
        }
        Ok(Self(socket))
    }

    /// Reads at most `buffer.len()` bytes; 0 is the end of the stream.
    #[inline]
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        retry(|| io::Read::read(&mut &self.0, buffer))
    }

    /// Appends at most `most` bytes, within the capacity that `buffer` has already.
    #[allow(
        unsafe_code,
        reason = "received bytes go into memory that need not be zeroed before"
    )]
    #[inline]
    pub(crate) fn receive_into(&self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let spare = buffer.spare_capacity_mut();
        let room = spare.len().min(most);
        let count = retry(|| self.0.recv(&mut spare[..room]))?;
        let length = buffer.len() + count.min(room);
        // SAFETY: recv has initialised the first `count` bytes of the spare capacity, `count` is at most `room`, and
        // `room` is within the capacity.
        unsafe { buffer.set_len(length) };
        Ok(count)
    }

    /// Receives at most so much as fits; what has been received.
    #[allow(
        unsafe_code,
        reason = "received bytes go into memory that need not be zeroed before"
    )]
    pub(crate) fn receive_uninit<'m>(
        &self,
        memory: &'m mut [MaybeUninit<u8>],
    ) -> io::Result<&'m mut [u8]> {
        let count = retry(|| self.0.recv(memory))?.min(memory.len());
        // SAFETY: recv has initialised the first `count` bytes.
        Ok(unsafe { memory[..count].assume_init_mut() })
    }

    /// Asks the kernel not to report the socket readable before `count` bytes are there, or the stream's end. Only a hint.
    #[allow(unsafe_code, reason = "a socket option that socket2 does not have")]
    pub(crate) fn await_bytes(&self, count: usize) {
        let count = libc::c_int::try_from(count).unwrap_or(libc::c_int::MAX);
        // SAFETY: the descriptor is open, and the option's value is an int that outlives the call.
        unsafe {
            libc::setsockopt(
                self.descriptor(),
                libc::SOL_SOCKET,
                libc::SO_RCVLOWAT,
                (&raw const count).cast(),
                size_of_val(&count) as libc::socklen_t,
            );
        }
    }

    /// Bytes that wait to be received.
    #[allow(unsafe_code, reason = "a request that socket2 does not have")]
    pub(crate) fn waiting(&self) -> usize {
        let mut count: libc::c_int = 0;
        // SAFETY: the descriptor is open, and FIONREAD writes one int.
        let result = unsafe { libc::ioctl(self.descriptor(), libc::FIONREAD, &raw mut count) };
        if result == 0 {
            usize::try_from(count).unwrap_or(0)
        } else {
            0
        }
    }

    /// Sends as much as the kernel takes at once.
    #[inline]
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        retry(|| self.0.send_with_flags(bytes, SEND_FLAGS))
    }

    /// Sends as much of the pieces, in order, as the kernel takes at once.
    #[inline]
    pub(crate) fn send_pieces(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        retry(|| self.0.send_vectored_with_flags(pieces, SEND_FLAGS))
    }

    /// Ends the sending direction. That the peer has gone already is no error.
    pub(crate) fn end_sending(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }

    /// Why a connection that was being made failed; `None` when it is made.
    pub(crate) fn connect_error(&self) -> Option<io::Error> {
        self.take_error().or_else(|| self.0.peer_addr().err())
    }

    /// The error that waits to be told, if there is one.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        match self.0.take_error() {
            Ok(None) => None,
            Ok(Some(error)) | Err(error) => Some(error),
        }
    }

    #[cfg(test)]
    pub(super) const fn system(&self) -> &socket2::Socket {
        &self.0
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn apply(&self, options: &super::SocketOptions, ipv6: bool) -> io::Result<()> {
        options.apply(&self.0, ipv6)
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Another descriptor of it, closed on exec.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.0.try_clone().map(OwnedFd::from)
    }

    pub(crate) fn peer_address(&self) -> io::Result<SocketAddr> {
        internet(&self.0.peer_addr()?)
    }

    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        internet(&self.0.local_addr()?)
    }

    /// Watches it in both directions, once and for all: readiness is reported when it changes.
    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        SourceFd(&self.0.as_raw_fd()).register(registry, token, interest)
    }
}

impl From<OwnedFd> for Socket {
    /// Takes over a stream socket that is non-blocking and closed on exec.
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor.into())
    }
}

/// A stream socket that somebody else has made, non-blocking and closed on exec from now on.
pub(super) fn adopt_stream_socket(descriptor: OwnedFd) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::from(descriptor);
    if socket.r#type()? != socket2::Type::STREAM {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the socket is not a stream socket",
        ));
    }
    socket.set_nonblocking(true)?;
    socket.set_cloexec(true)?;
    Ok(socket)
}

/// A Unix socket has no address of the internet.
fn internet(address: &socket2::SockAddr) -> io::Result<SocketAddr> {
    address
        .as_socket()
        .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// Repeats a call that a signal has interrupted.
#[inline]
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
