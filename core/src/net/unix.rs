//! A Unix socket's place in the file system.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

use socket2::{Domain, SockAddr, Socket, Type};

use super::ListenOptions;

/// The file of a listening socket, removed when this is dropped, unless somebody else has put another one there, or
/// this is a child of the process that made it.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// The file's device and inode; `None`: it is the host's, and stays.
    identity: Option<(u64, u64)>,
    process: u32,
}

impl SocketFile {
    /// The file of a socket that was taken over; the path is empty for an abstract one.
    pub(super) fn of_the_host(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            identity: None,
            process: process::id(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = self.identity.is_some() && self.process == process::id();
        if is_ours && identity(&self.path).ok() == self.identity {
            // Whether it goes or not, the next server replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A socket that listens at `path`.
pub(super) fn listen(path: &Path, options: &ListenOptions) -> io::Result<(Socket, SocketFile)> {
    let address = SockAddr::unix(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path, &address) => {
            fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        result => result?,
    }
    let file = SocketFile {
        path: path.to_owned(),
        identity: Some(identity(path)?),
        process: process::id(),
    };
    // Nobody can connect before `listen`, so nobody passes before the mode is set.
    if let Some(mode) = options.unix_mode {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok((socket, file))
}

/// Whether a server has left its socket behind: there is one, and nobody listens on it.
fn is_stale(path: &Path, address: &SockAddr) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    let connect = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // A full backlog is a sign of life, and not waited for.
        socket.set_nonblocking(true)?;
        socket.connect(address)
    };
    is_socket
        && connect().is_err_and(|error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let data = fs::symlink_metadata(path)?;
    Ok((data.dev(), data.ino()))
}
