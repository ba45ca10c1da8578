//! What one call into JavaScript carries: a list of records, and a slab that the payloads are copied into.
//!
//! A record is four 32-bit integers: what happened, the connection's place, and the payload's offset and length. The
//! list belongs to JavaScript and is written anew for each call. A slab is JavaScript's too, and is written once: views
//! of it may be kept, so that when it is used up another one follows, and the garbage collector frees the old one. With
//! [`VALUE`] the payload is not in the slab: the offset says which of the values handed along it is.

use std::ffi::c_void;
use std::ptr;

use napi::bindgen_prelude::ToNapiValue;
use napi::{Result, check_status, sys};
use ropeway_core::engine::EventKind;
use ropeway_core::protocol::MessageKind;

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
}
/// The payload is a value of its own.
const VALUE: i32 = 0x100;

/// Records of one call.
pub(crate) const RECORDS: usize = 1024;
/// 32-bit integers of a record.
pub(crate) const RECORD: usize = 4;
/// A view that is kept holds the whole slab, so it is not large.
const SLAB: usize = 64 << 10;
/// A payload of this size or more gets a buffer of its own.
const LARGE: usize = 16 << 10;

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

/// The list and the slab.
pub(crate) struct Batch {
    env: sys::napi_env,
    /// The memory of JavaScript's list, `RECORDS * RECORD` integers.
    records: *mut i32,
    count: usize,
    slab: Option<Slab>,
    used: usize,
    /// JavaScript does not know the slab yet.
    fresh: bool,
    /// Payloads with buffers of their own, and objects: an array of the present handle scope.
    values: sys::napi_value,
    value_count: u32,
}

/// A buffer of JavaScript's, kept by a reference.
struct Slab {
    reference: sys::napi_ref,
    memory: *mut u8,
}

/// What is handed to JavaScript.
pub(crate) struct Filled {
    pub(crate) count: usize,
    /// The slab, if it is a new one.
    pub(crate) slab: sys::napi_value,
    pub(crate) values: sys::napi_value,
}

impl Batch {
    /// `records` is the memory of a list of `RECORDS * RECORD` integers that lives as long as the environment.
    pub(crate) const fn new(env: sys::napi_env, records: *mut i32) -> Self {
        Self {
            env,
            records,
            count: 0,
            slab: None,
            used: SLAB,
            fresh: false,
            values: ptr::null_mut(),
            value_count: 0,
        }
    }

    /// Whether another event may be added: when not, those that there are have to be handed on.
    pub(crate) const fn has_room(&self) -> bool {
        self.count < RECORDS && self.used + LARGE <= SLAB
    }

    /// Begins a batch; to be called within the handle scope that it is handed on in.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.count = 0;
        self.values = ptr::null_mut();
        self.value_count = 0;
        if self.used + LARGE <= SLAB {
            return Ok(());
        }
        let mut buffer = ptr::null_mut();
        let mut memory = ptr::null_mut();
        let mut reference = ptr::null_mut();
        // SAFETY: called on the environment's thread within a handle scope. The memory stays where it is while the
        // reference keeps the buffer.
        unsafe {
            check_status!(sys::napi_create_buffer(
                self.env,
                SLAB,
                &raw mut memory,
                &raw mut buffer
            ))?;
            check_status!(sys::napi_create_reference(
                self.env,
                buffer,
                1,
                &raw mut reference
            ))?;
        }
        let slab = Slab {
            reference,
            memory: memory.cast(),
        };
        if let Some(old) = self.slab.replace(slab) {
            // SAFETY: a reference that `begin` made, deleted once.
            check_status!(unsafe { sys::napi_delete_reference(self.env, old.reference) })?;
        }
        self.used = 0;
        self.fresh = true;
        Ok(())
    }

    /// Adds an event.
    #[inline]
    pub(crate) fn push(&mut self, kind: i32, place: u32, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::None => self.record(kind, place, 0, 0),
            Payload::Bytes(bytes) => match &self.slab {
                Some(slab) if bytes.len() < LARGE => {
                    debug_assert!(self.used + bytes.len() <= SLAB);
                    // SAFETY: `has_room` left LARGE bytes of the slab, and no view of what follows `used` has been
                    // handed out.
                    unsafe {
                        let target = slab.memory.add(self.used);
                        ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
                    }
                    self.record(kind, place, self.used as i32, bytes.len() as i32);
                    self.used += bytes.len();
                }
                _ => {
                    let buffer = copy(self.env, bytes)?;
                    self.push_value(kind, place, buffer)?;
                }
            },
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
        self.record(kind | VALUE, place, self.value_count as i32, 0);
        self.value_count += 1;
        Ok(())
    }

    #[inline]
    fn record(&mut self, kind: i32, place: u32, offset: i32, length: i32) {
        debug_assert!(self.count < RECORDS);
        // SAFETY: `has_room` left a record's room in the list, which `new` was given.
        unsafe {
            self.records
                .add(self.count * RECORD)
                .cast::<[i32; RECORD]>()
                .write_unaligned([kind, place as i32, offset, length]);
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
        let mut filled = Filled {
            count: self.count,
            slab: undefined,
            values: if self.values.is_null() {
                undefined
            } else {
                self.values
            },
        };
        if let Some(slab) = self.slab.as_ref().filter(|_| self.fresh) {
            // SAFETY: as above.
            check_status!(unsafe {
                sys::napi_get_reference_value(self.env, slab.reference, &raw mut filled.slab)
            })?;
            self.fresh = false;
        }
        Ok(Some(filled))
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
