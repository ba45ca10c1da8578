//! The native half of the Node.js package; the public face is written in JavaScript over it (`lib/`).
//!
//! One engine serves a JavaScript thread ([`turn::Thread`]). Its descriptor stands in the thread's own libuv loop
//! ([`watch`]); each wake-up hands a batch of events to JavaScript in one call ([`batch`]). JavaScript names a connection
//! by its place ([`seats`]). Nothing of the engine is borrowed while JavaScript runs.

#![allow(
    unsafe_code,
    unreachable_pub,
    missing_debug_implementations,
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "Node-API is a C interface; `lib/` is the only caller; napi-rs hands arguments over by value"
)]

mod apart;
mod batch;
mod detached;
mod engine;
mod metrics;
mod options;
mod pool;
mod region;
mod seats;
mod send;
mod slab;
mod streams;
mod told;
mod turn;
mod uv;
mod watch;
