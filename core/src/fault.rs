//! Who is at fault when something goes wrong.
#![forbid(unsafe_code)]

/// Who has to change something for the error to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The program that called Ropeway.
    Caller,
    /// The peer, which broke the protocol or refused.
    Peer,
    /// Nobody: a configured bound was reached.
    Limit,
    /// The network or the operating system.
    Network,
    /// Ropeway itself.
    Internal,
}
