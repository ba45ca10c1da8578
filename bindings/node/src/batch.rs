//! What one call into JavaScript carries: a list of records, and a slab that the payloads are copied into.
//!
//! A record is four 32-bit integers: what happened, the connection's place, and the payload's offset and length. The
//! list belongs to JavaScript and is written anew for each call. A slab is JavaScript's too, and is written once: views
//! of it may be kept, so that when it is used up another one follows, and the garbage collector frees the old one. There
//! are two, so that a small message that is kept does not hold a large slab ([`WIDE`]). With [`READ`] the payload is where it
//! was received, in the engine's own memory ([`Region`]). With [`VALUE`] it is in none of them: the offset says which of the
//! values handed along it is.

use std::ffi::c_void;
use std::ptr;

use napi::bindgen_prelude::ToNapiValue;
use napi::{Result, check_status, sys};
use ropeway_core::engine::{Engine, EventKind};
use ropeway_core::protocol::MessageKind;

use crate::pool::Pool;
use crate::region::Region;
use crate::slab::Slab;
use crate::told::{ToldClosed, ToldOpened};

/// What happened; `lib/engine.js` has the same numbers.
pub(crate) mod kind {
    pub(crate) const TEXT: i32 = 1;
    pub(crate) const BINARY: i32 = 2;
    pub(crate) const PING: i32 = 3;
    pub(crate) const PONG: i32 = 4;
    pub(crate) const REQUEST: i32 = 5;
    pub(crate) const OPENED: i32 = 6;
    pub(crate) const CLOSED: i32 = 7;
    pub(crate) const WRITABLE: i32 = 8;
    pub(crate) const ACCEPT_FAILED: i32 = 9;
    pub(crate) const RELAYED: i32 = 10;
}
/// The payload is a value of its own.
const VALUE: i32 = 0x100;
/// The payload is in the wide slab.
const WIDE: i32 = 0x200;
/// The payload is where it was read.
const READ: i32 = 0x400;

/// Records of one call.
pub(crate) const RECORDS: usize = 1024;
/// 32-bit integers of a record.
pub(crate) const RECORD: usize = 4;
/// The slab of small payloads. A view that is kept holds the whole slab, so it is not large.
const SLAB: usize = 64 << 10;
/// Payloads of this size and more stay where they were read; those that were not read at once go into the wide slab.
pub(crate) const MIDDLE: usize = 2 << 10;
const WIDE_SLAB: usize = 512 << 10;
/// A payload of this size or more gets memory of its own.
pub(crate) const LARGE: usize = 64 << 10;

/// What goes with an event.
pub(crate) enum Payload<'a> {
    None,
    Bytes(&'a [u8]),
    Value(sys::napi_value),
}

pub(crate) const fn message_kind(kind: MessageKind) -> i32 {
    match kind {
        MessageKind::Text => kind::TEXT,
        MessageKind::Binary => kind::BINARY,
    }
}

/// An event in JavaScript's terms; `None` for one that nobody has to be told of.
pub(crate) fn describe<'a>(
    env: sys::napi_env,
    event: EventKind<'a>,
) -> Result<Option<(i32, Payload<'a>)>> {
    Ok(Some(match event {
        EventKind::Message { kind, payload } => (message_kind(kind), Payload::Bytes(payload)),
        EventKind::Ping { payload } => (kind::PING, Payload::Bytes(payload)),
        EventKind::Pong {
            payload,
            round_trip: None,
        } => (kind::PONG, Payload::Bytes(payload)),
        EventKind::Opened(opened) => (kind::OPENED, value(env, ToldOpened::from(opened))?),
        EventKind::Closed(closed) => (kind::CLOSED, value(env, ToldClosed::from(closed))?),
        EventKind::Writable => (kind::WRITABLE, Payload::None),
        _ => return Ok(None),
    }))
}

pub(crate) fn value<'a>(env: sys::napi_env, told: impl ToNapiValue) -> Result<Payload<'a>> {
    // SAFETY: called on the environment's thread within a handle scope.
    unsafe { ToNapiValue::to_napi_value(env, told) }.map(Payload::Value)
}

/// A buffer with a copy of `bytes`, not zeroed before.
pub(crate) fn copy(env: sys::napi_env, bytes: &[u8]) -> Result<sys::napi_value> {
    let mut buffer = ptr::null_mut();
    // SAFETY: called on the environment's thread within a handle scope; the bytes are read at once.
    check_status!(unsafe {
        sys::napi_create_buffer_copy(
            env,
            bytes.len(),
            bytes.as_ptr().cast(),
            ptr::null_mut(),
            &raw mut buffer,
        )
    })?;
    Ok(buffer)
}

/// The list and the slabs.
pub(crate) struct Batch {
    env: sys::napi_env,
    /// The memory of JavaScript's list, `RECORDS * RECORD` integers.
    records: *mut i32,
    count: usize,
    slab: Slab,
    wide: Slab,
    /// A payload has come that the wide slab is for.
    wants_wide: bool,
    region: Region,
    /// Payloads with buffers of their own, and objects: an array of the present handle scope.
    values: sys::napi_value,
    value_count: u32,
}

/// What is handed to JavaScript.
pub(crate) struct Filled {
    pub(crate) count: usize,
    /// The slabs, where they are new ones.
    pub(crate) slab: sys::napi_value,
    pub(crate) wide: sys::napi_value,
    /// The memory that was read into, where JavaScript does not know it yet.
    pub(crate) region: sys::napi_value,
    pub(crate) values: sys::napi_value,
}

impl Batch {
    /// `records` is the memory of a list of `RECORDS * RECORD` integers that lives as long as the environment.
    pub(crate) fn new(env: sys::napi_env, records: *mut i32) -> Self {
        Self {
            env,
            records,
            count: 0,
            slab: Slab::new(env, SLAB, Pool::new()),
            wide: Slab::new(env, WIDE_SLAB, Pool::new()),
            wants_wide: false,
            region: Region::new(env),
            values: ptr::null_mut(),
            value_count: 0,
        }
    }

    /// Whether another event may be added: when not, those that there are have to be handed on.
    pub(crate) const fn has_room(&self) -> bool {
        self.count < RECORDS
            && self.slab.has_room(MIDDLE)
            && (!self.wants_wide || self.wide.has_room(LARGE))
    }

    /// Begins a batch; to be called within the handle scope that it is handed on in.
    pub(crate) fn begin(&mut self, engine: &mut Engine) -> Result<()> {
        self.count = 0;
        self.values = ptr::null_mut();
        self.value_count = 0;
        self.region.begin(engine)?;
        self.slab.begin(MIDDLE)?;
        self.wide.begin(if self.wants_wide { LARGE } else { 0 })
    }

    /// Adds the message that was told last, where it was read. False when it is small, or stands elsewhere.
    pub(crate) fn push_read(&mut self, kind: i32, place: u32, engine: &mut Engine) -> Result<bool> {
        if engine.payload().len() < MIDDLE {
            return Ok(false);
        }
        let range = self.region.keep(engine)?;
        if let Some(range) = &range {
            self.record(kind | READ, place, range.start, range.len());
        }
        Ok(range.is_some())
    }

    /// Adds an event.
    #[inline]
    pub(crate) fn push(&mut self, kind: i32, place: u32, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::None => self.record(kind, place, 0, 0),
            Payload::Bytes(bytes) if bytes.len() < MIDDLE => {
                let offset = self.slab.put(bytes);
                self.record(kind, place, offset, bytes.len());
            }
            Payload::Bytes(bytes) if bytes.len() < LARGE && self.wide.has_room(LARGE) => {
                let offset = self.wide.put(bytes);
                self.record(kind | WIDE, place, offset, bytes.len());
            }
            Payload::Bytes(bytes) => {
                self.wants_wide |= bytes.len() < LARGE;
                let buffer = copy(self.env, bytes)?;
                self.push_value(kind, place, buffer)?;
            }
            Payload::Value(value) => self.push_value(kind, place, value)?,
        }
        Ok(())
    }

    fn push_value(&mut self, kind: i32, place: u32, value: sys::napi_value) -> Result<()> {
        // SAFETY: called on the environment's thread, within the handle scope of `begin`.
        unsafe {
            if self.values.is_null() {
                check_status!(sys::napi_create_array(self.env, &raw mut self.values))?;
            }
            let index = self.value_count;
            check_status!(sys::napi_set_element(self.env, self.values, index, value))?;
        }
        self.record(kind | VALUE, place, self.value_count as usize, 0);
        self.value_count += 1;
        Ok(())
    }

    #[inline]
    fn record(&mut self, kind: i32, place: u32, offset: usize, length: usize) {
        debug_assert!(self.count < RECORDS);
        // SAFETY: `has_room` left a record's room in the list, which `new` was given.
        unsafe {
            self.records
                .add(self.count * RECORD)
                .cast::<[i32; RECORD]>()
                .write_unaligned([kind, place as i32, offset as i32, length as i32]);
        }
        self.count += 1;
    }

    /// What was gathered since [`begin`](Self::begin), if anything was.
    pub(crate) fn finish(&mut self) -> Result<Option<Filled>> {
        if self.count == 0 {
            return Ok(None);
        }
        let mut undefined = ptr::null_mut();
        // SAFETY: called on the environment's thread, within the handle scope of `begin`.
        check_status!(unsafe { sys::napi_get_undefined(self.env, &raw mut undefined) })?;
        let values = if self.values.is_null() {
            undefined
        } else {
            self.values
        };
        Ok(Some(Filled {
            count: self.count,
            slab: self.slab.introduce()?.unwrap_or(undefined),
            wide: self.wide.introduce()?.unwrap_or(undefined),
            region: self.region.introduce()?.unwrap_or(undefined),
            values,
        }))
    }
}

/// The memory of an Int32Array, if it has room for the records.
pub(crate) fn records_of(env: sys::napi_env, array: sys::napi_value) -> Result<Option<*mut i32>> {
    let (mut length, mut memory) = (0, ptr::null_mut::<c_void>());
    let mut kind = 0;
    // SAFETY: called on the environment's thread within a handle scope, with room for each answer.
    check_status!(unsafe {
        sys::napi_get_typedarray_info(
            env,
            array,
            &raw mut kind,
            &raw mut length,
            &raw mut memory,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    })?;
    let fits = kind == sys::TypedarrayType::int32_array && length == RECORDS * RECORD;
    Ok(fits.then_some(memory.cast()))
}
