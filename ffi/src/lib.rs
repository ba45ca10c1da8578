//! The C ABI of Ropeway. The reference for a C program is the header, `include/ropeway.h`, which is generated from
//! the doc comments here, in the order of the modules here; the comments are therefore written in the words of C.
//!
//! Each module wraps one part of the core. What they share: `guard` lets no panic and no bad pointer through, `error`
//! keeps a thread's last error, `mapping` gives every error of the core a number that never changes.
//!
//! Conventions, the same everywhere: constants cross as fixed-width integers and are validated; an out-pointer is
//! written only on success; a pointer that is handed out is lent until a call that its comment names.
#![allow(
    unsafe_code,
    reason = "pointers cross here; each block says why it may follow them"
)]
#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the rules on pointers stand in each comment, in the words of C"
)]

pub mod version;

pub mod status;

pub mod status_words;

mod error;

pub mod options;

pub mod tls;

pub mod proxy;

pub mod trace;

pub mod access;

pub mod socket;

pub mod resolver;

pub mod event;

pub mod head;

pub mod client;

pub mod compression;

pub mod engine;

pub mod listener;

pub mod connection;

pub mod tls_info;

pub mod reconnect;

pub mod topic;

pub mod metrics;

pub mod relay;

pub mod remote;

pub mod protocol;

mod guard;
mod mapping;

pub use error::ropeway_last_error;
