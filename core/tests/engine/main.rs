//! The engine over real sockets: engines on threads of their own or several in one, and plain sockets as peers that
//! misbehave.

mod adopted;
mod client;
mod closing;
mod compression;
mod corking;
mod dialling;
mod direct;
mod echo;
mod embedded;
mod keepalive;
mod many;
mod names;
mod opening;
mod pausing;
mod pressure;
mod process;
mod proxies;
mod reconnecting;
mod redirects;
mod remote;
mod rig;
mod sockets;
mod tls;
mod topics;
mod unix;
