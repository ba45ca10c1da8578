//! Published weaknesses of WebSocket libraries that only show from outside: in how much heap a peer can claim, in bytes
//! touched beyond a buffer, in what a whole handshake says. docs/security.md lists them all, and the tests elsewhere.

mod bounds;
mod handshake;
mod heap;
mod memory;
mod rig;
