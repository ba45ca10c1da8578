//! The C ABI under arbitrary calls: stale and invented ids, NULL in any place, objects freed while others still name
//! what was theirs. Every call gives a status that there is, never that of a panic, and writes results on success alone.
#![allow(
    unsafe_code,
    reason = "the functions are C's; each pointer is NULL, or made here and alive"
)]

mod connections;
mod handles;
mod listeners;
mod protocol;

use std::ffi::{CStr, CString, c_void};
use std::ptr::{null, null_mut};

use arbitrary::{Arbitrary, Unstructured};
use ropeway::engine::*;
use ropeway::event::ropeway_event;
use ropeway::head::*;
use ropeway::options::*;
use ropeway::protocol::{ropeway_protocol, ropeway_protocol_free};
use ropeway::remote::*;
use ropeway::ropeway_last_error;
use ropeway::status::*;
use ropeway::status_words::ropeway_status_string;

use connections::Connections;
use handles::Handles;
use listeners::Listeners;
use protocol::Sans;

/// Which pointers of a call are NULL instead of what they should be.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Nulls(u8);

impl Nulls {
    /// The pointer, but NULL where the bit `place` and the one above say so: seldom.
    fn keep<T>(self, place: u32, pointer: *const T) -> *const T {
        let hidden = self.0 >= 0xe0 && self.0 >> place & 1 == 1;
        if hidden { null() } else { pointer }
    }

    fn keep_mut<T>(self, place: u32, pointer: *mut T) -> *mut T {
        self.keep(place, pointer).cast_mut()
    }
}

#[derive(Arbitrary, Debug)]
enum Op<'a> {
    Handles(Handles<'a>),
    Listeners(Listeners<'a>),
    Connections(Connections<'a>),
    Protocol(Sans<'a>),
}

/// Objects of one run. They are freed at its end, the engine first: its remotes outlive it.
struct Objects {
    options: *mut ropeway_options,
    engine: *mut ropeway_engine,
    remotes: Vec<*mut ropeway_remote>,
    protocol: *mut ropeway_protocol,
    /// Numbers that there were or never have been.
    ids: Vec<u64>,
    ports: Vec<u16>,
}

/// Calls of the C ABI in any order.
pub fn abi(data: &[u8]) {
    let mut source = Unstructured::new(data);
    let mut objects = Objects {
        // SAFETY: takes nothing.
        options: ropeway_options_new(),
        engine: null_mut(),
        remotes: Vec::new(),
        protocol: null_mut(),
        ids: vec![0, 1, u64::MAX, 1 << 20, 1 << 43],
        ports: Vec::new(),
    };
    objects.engine();
    for _ in 0..100 {
        if source.is_empty() {
            break;
        }
        let (Ok(nulls), Ok(op)) = (Nulls::arbitrary(&mut source), Op::arbitrary(&mut source))
        else {
            break;
        };
        // SAFETY: the objects are alive or NULL.
        unsafe { objects.apply(&op, nulls) };
    }
}

/// A status that there is, with a sentence where it is an error; success or not.
fn known(status: ropeway_status) -> bool {
    assert!(
        ![
            ROPEWAY_ERROR_PANIC,
            ROPEWAY_ERROR_POISONED,
            ROPEWAY_ERROR_INTERNAL
        ]
        .contains(&status),
        "{}",
        last_error()
    );
    // SAFETY: a static string.
    let words = unsafe { CStr::from_ptr(ropeway_status_string(status)) };
    assert_ne!(words.to_bytes(), b"unknown status", "{status}");
    assert!(status >= 0 || !last_error().is_empty());
    status >= 0
}

fn last_error() -> String {
    // SAFETY: a string that is lent until the next failure on this thread.
    let text = unsafe { CStr::from_ptr(ropeway_last_error()) };
    text.to_string_lossy().into_owned()
}

/// A string of C, which ends at the first NUL.
fn string(bytes: &[u8]) -> CString {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    CString::new(&bytes[..end]).expect("no NUL is left")
}

fn address(bytes: &[u8]) -> *const c_void {
    bytes.as_ptr().cast()
}

impl Objects {
    fn engine(&mut self) {
        // SAFETY: NULL stands for the defaults, and there is room for a pointer.
        let status = unsafe { ropeway_engine_new(null(), &raw mut self.engine) };
        assert_eq!(status, ROPEWAY_OK);
    }

    fn id(&self, number: u8) -> u64 {
        // The newest ones are the likeliest.
        let from_end = usize::from(number) % self.ids.len();
        self.ids[self.ids.len() - 1 - from_end]
    }

    /// A call that writes a number: only when it succeeds.
    fn written<T: Copy + PartialEq + std::fmt::Debug>(
        before: T,
        call: impl FnOnce(*mut T) -> ropeway_status,
    ) -> Option<T> {
        let mut place = before;
        let good = known(call(&raw mut place));
        assert!(good || place == before, "written to in spite of an error");
        good.then_some(place)
    }

    unsafe fn apply(&mut self, op: &Op<'_>, nulls: Nulls) {
        // SAFETY: as the caller says, the objects are alive or NULL.
        unsafe {
            match op {
                Op::Handles(op) => self.handles(op, nulls),
                Op::Listeners(op) => self.listeners(op, nulls),
                Op::Connections(op) => self.connections(op, nulls),
                Op::Protocol(op) => self.protocol(op, nulls),
            }
        }
    }
}

/// Reads all that an event points to.
///
/// # Safety
/// The event is still lent.
unsafe fn look(event: &ropeway_event) {
    // SAFETY: as the header says of each field.
    unsafe {
        assert_eq!(event.size as usize, size_of::<ropeway_event>());
        if event.length > 0 {
            let data = std::slice::from_raw_parts(event.data.cast::<u8>(), event.length);
            assert_ne!(
                data.iter().map(|&byte| u64::from(byte)).sum::<u64>(),
                u64::MAX
            );
        }
        for text in [event.error, event.subprotocol, event.url] {
            if !text.is_null() {
                assert!(CStr::from_ptr(text).count_bytes() < 1 << 20);
            }
        }
        if !event.head.is_null() {
            let (mut name, mut name_length, mut value, mut length) = (null(), 0, null(), 0);
            for at in 0..=ropeway_head_count(event.head) {
                let status = ropeway_head_at(
                    event.head,
                    at,
                    &raw mut name,
                    &raw mut name_length,
                    &raw mut value,
                    &raw mut length,
                );
                assert_eq!(status == ROPEWAY_OK, at < ropeway_head_count(event.head));
                let _ = known(status);
            }
        }
        assert_eq!(event.error.is_null(), event.status == ROPEWAY_OK);
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // SAFETY: each is alive or NULL, and freed once.
        unsafe {
            ropeway_engine_free(self.engine);
            for &remote in &self.remotes {
                assert!(std::thread::panicking() || !known(ropeway_remote_wake(remote)));
                ropeway_remote_free(remote);
            }
            ropeway_protocol_free(self.protocol);
            ropeway_options_free(self.options);
        }
    }
}
