//! Where to listen, and whom to dial over, as Python says it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use ropeway_core::engine::{Connections, ListenOptions, ListenerId};
use ropeway_core::protocol::Options;
use ropeway_core::{Error, IoError};

/// Where to listen.
#[derive(FromPyObject)]
pub(super) enum Place {
    /// A socket that listens already, by its descriptor, which stays Python's.
    Socket(RawFd),
    /// An IP address and a port.
    Tcp((String, u16)),
    /// A Unix socket's path.
    Unix(PathBuf),
}

impl Place {
    pub(super) fn listen(
        self,
        connections: &mut Connections,
        listen: &ListenOptions,
        options: Arc<Options>,
    ) -> Result<ListenerId, Error> {
        match self {
            Self::Socket(descriptor) => {
                connections.adopt_listener(duplicate(descriptor)?, listen, options)
            }
            Self::Tcp((host, port)) => {
                let ip = host
                    .parse()
                    .map_err(|_| Error::Misuse("to listen, the host must be an IP address"))?;
                connections.listen(SocketAddr::new(ip, port), listen, options)
            }
            Self::Unix(path) => connections.listen_unix(path, listen, options),
        }
    }
}

/// A duplicate of a descriptor of Python's, closed on exec.
#[allow(unsafe_code, reason = "Python hands descriptors over as numbers")]
pub(crate) fn duplicate(descriptor: RawFd) -> Result<OwnedFd, Error> {
    let failed = |error: io::Error| Error::Io(IoError::new("take over a socket", &error));
    if descriptor < 0 {
        return Err(failed(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the socket is closed",
        )));
    }
    // SAFETY: the number is that of a socket object which the caller holds open; it is borrowed for this call only.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    borrowed.try_clone_to_owned().map_err(failed)
}
