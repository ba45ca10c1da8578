//! What every exported function does before its work: no panic crosses into C, no NULL is followed, no text passes
//! unchecked, no object is entered twice.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::time::Duration;

use ropeway_core::protocol::MessageKind;

use crate::error::Failure;
use crate::status::{ROPEWAY_OK, ropeway_status};

/// What a function of this crate comes to before it is a plain number.
pub(crate) type Outcome = Result<ropeway_status, Failure>;

/// Runs `body` and gives its status; a failure or a panic becomes the thread's last error.
#[inline]
pub(crate) fn run(body: impl FnOnce() -> Outcome) -> ropeway_status {
    status(caught(body))
}

/// Runs `body` for its value; a failure or a panic becomes the thread's last error and gives `otherwise`.
#[inline]
pub(crate) fn value<T>(otherwise: T, body: impl FnOnce() -> Result<T, Failure>) -> T {
    answer(otherwise, caught(body))
}

/// The status of an outcome in which a panic has been caught already; a failure becomes the thread's last error.
#[inline]
pub(crate) fn status(outcome: Outcome) -> ropeway_status {
    outcome.unwrap_or_else(Failure::record)
}

/// As [`status`], for a value.
#[inline]
pub(crate) fn answer<T>(otherwise: T, outcome: Result<T, Failure>) -> T {
    outcome.unwrap_or_else(|failure| {
        failure.record();
        otherwise
    })
}

fn caught<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(panicked(panic)))
}

fn panicked(panic: Box<dyn Any + Send>) -> Failure {
    let message = match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic
            .downcast::<&'static str>()
            .map_or_else(|_| "a panic".to_owned(), |m| (*m).to_owned()),
    };
    Failure::Panic(message)
}

/// A pointer of the caller's for a function that is called back, on its way to whichever thread calls it.
pub(crate) struct User(*mut c_void);

// SAFETY: the header asks that what the pointer points to may be used on the threads that call back.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

impl User {
    pub(crate) const fn new(pointer: *mut c_void) -> Self {
        Self(pointer)
    }

    /// The pointer; a method so that a closure captures the whole `User`.
    pub(crate) const fn pointer(&self) -> *mut c_void {
        self.0
    }
}

/// An object that C owns: one call at a time is inside it, and none after one has panicked.
#[derive(Debug)]
pub(crate) struct Owned<T> {
    state: Cell<State>,
    inner: UnsafeCell<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Busy,
    Poisoned,
}

impl<T> Owned<T> {
    pub(crate) const fn new(inner: T) -> Self {
        Self {
            state: Cell::new(State::Idle),
            inner: UnsafeCell::new(inner),
        }
    }

    /// Runs `body` on the object. A panic in it is caught here and poisons the object.
    #[inline]
    pub(crate) fn with<R>(
        &self,
        body: impl FnOnce(&mut T) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        match self.state.replace(State::Busy) {
            State::Idle => {}
            State::Busy => return Err(Failure::Busy),
            State::Poisoned => {
                self.state.set(State::Poisoned);
                return Err(Failure::Poisoned);
            }
        }
        // SAFETY: the state was idle and is busy now, so no other call on this thread is inside; the header grants
        // the object to one thread at a time.
        let inner = unsafe { &mut *self.inner.get() };
        match catch_unwind(AssertUnwindSafe(|| body(inner))) {
            Ok(result) => {
                self.state.set(State::Idle);
                result
            }
            Err(panic) => {
                self.state.set(State::Poisoned);
                Err(panicked(panic))
            }
        }
    }
}

/// Follows a pointer of the caller's to an object of this library.
///
/// # Safety
/// `pointer` is NULL or an object handed out by this library and not freed since.
#[inline]
pub(crate) unsafe fn object<'a, T>(
    pointer: *const T,
    name: &'static str,
) -> Result<&'a T, Failure> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or(Failure::Null(name))
}

/// As [`object`], where NULL stands for "none".
///
/// # Safety
/// As for [`object`].
pub(crate) unsafe fn optional<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }
}

/// Hands an object over to C.
pub(crate) fn give<T>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// Takes an object back from C and drops it; NULL is let pass.
///
/// # Safety
/// `pointer` is NULL or from [`give`], and not used after.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if let Some(pointer) = NonNull::new(pointer) {
        value((), || {
            // SAFETY: the caller's promise.
            drop(unsafe { Box::from_raw(pointer.as_ptr()) });
            Ok(())
        });
    }
}

/// The place of a result, known not to be NULL.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// Checks that there is a place.
    pub(crate) fn new(pointer: *mut T, name: &'static str) -> Result<Self, Failure> {
        NonNull::new(pointer).map(Self).ok_or(Failure::Null(name))
    }

    /// Writes the result.
    ///
    /// # Safety
    /// The pointer is valid for writes of a `T`.
    pub(crate) unsafe fn set(self, result: T) {
        // SAFETY: the caller's promise.
        unsafe { self.0.write(result) };
    }
}

impl Out<c_char> {
    /// Writes a text and a NUL.
    ///
    /// # Safety
    /// The pointer is valid for writes of one byte more than `text` has.
    pub(crate) unsafe fn set_text(self, text: &str) {
        // SAFETY: the caller's promise.
        unsafe {
            self.0
                .copy_from_nonoverlapping(NonNull::from(text.as_bytes()).cast(), text.len());
            self.0.add(text.len()).write(0);
        }
    }
}

/// Writes a result where one is wanted.
///
/// # Safety
/// `pointer` is NULL or valid for writes of a `T`.
pub(crate) unsafe fn set_optional<T>(pointer: *mut T, result: T) {
    if let Some(pointer) = NonNull::new(pointer) {
        // SAFETY: the caller's promise.
        unsafe { pointer.write(result) };
    }
}

/// A string of the caller's.
///
/// # Safety
/// `pointer` is NULL or a NUL-terminated string that outlives the call.
pub(crate) unsafe fn text<'a>(
    pointer: *const c_char,
    name: &'static str,
) -> Result<&'a str, Failure> {
    // SAFETY: the caller's promise.
    unsafe { optional_text(pointer, name) }?.ok_or(Failure::Null(name))
}

/// A string of the caller's, or NULL.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn optional_text<'a>(
    pointer: *const c_char,
    name: &'static str,
) -> Result<Option<&'a str>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map(Some).map_err(|_| Failure::NotUtf8(name))
}

/// Bytes of the caller's. NULL is taken for no bytes.
///
/// # Safety
/// `pointer` is NULL, or `length` bytes stand there and outlive the call.
#[inline]
pub(crate) unsafe fn bytes<'a>(
    pointer: *const c_void,
    length: usize,
    name: &'static str,
) -> Result<&'a [u8], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Failure::Null(name));
    }
    if length > isize::MAX.unsigned_abs() {
        return Err(Failure::Argument(
            "a length is more than memory holds; was it negative?",
        ));
    }
    // SAFETY: not NULL, of a length that can be, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

/// A copy of bytes of the caller's, made so that want of memory is an error.
pub(crate) fn copy(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| Failure::OutOfMemory(bytes.len()))?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// ROPEWAY_TEXT or ROPEWAY_BINARY.
#[inline]
pub(crate) fn kind(kind: i32) -> Result<MessageKind, Failure> {
    match kind {
        crate::event::ROPEWAY_TEXT => Ok(MessageKind::Text),
        crate::event::ROPEWAY_BINARY => Ok(MessageKind::Binary),
        _ => Err(Failure::Argument(
            "a message is ROPEWAY_TEXT or ROPEWAY_BINARY",
        )),
    }
}

/// A close code as it came through the ABI; whether it may be sent is for the core to say.
pub(crate) fn close_code(code: i32) -> Result<ropeway_core::frame::CloseCode, Failure> {
    u16::try_from(code)
        .map(ropeway_core::frame::CloseCode::new)
        .map_err(|_| Failure::Argument("a close code is from 1000 to 4999"))
}

/// Milliseconds to wait, or -1 for ever.
pub(crate) fn wait(milliseconds: i64) -> Result<Option<Duration>, Failure> {
    match milliseconds {
        -1 => Ok(None),
        _ => u64::try_from(milliseconds)
            .map(|milliseconds| Some(Duration::from_millis(milliseconds)))
            .map_err(|_| Failure::Argument("a time-out is in milliseconds, or -1 for ever")),
    }
}

/// ROPEWAY_OK for a call without a result.
pub(crate) fn done<E: Into<Failure>>(result: Result<(), E>) -> Outcome {
    result.map(|()| ROPEWAY_OK).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status;

    #[test]
    fn a_panic_becomes_a_status_and_poisons_the_object() {
        let object = Owned::new(7);
        let panics =
            |object: &Owned<i32>| run(|| object.with(|_| -> Outcome { panic!("by {}", "design") }));
        assert_eq!(panics(&object), status::ROPEWAY_ERROR_PANIC);
        assert_eq!(
            run(|| object.with(|_| Ok(ROPEWAY_OK))),
            status::ROPEWAY_ERROR_POISONED
        );
        assert_eq!(panics(&object), status::ROPEWAY_ERROR_POISONED);
    }

    #[test]
    fn an_object_is_not_entered_twice() {
        let object = Owned::new(7);
        let inner = run(|| object.with(|_| Ok(run(|| object.with(|_| Ok(ROPEWAY_OK))))));
        assert_eq!(inner, status::ROPEWAY_ERROR_MISUSE);
        assert_eq!(run(|| object.with(|_| Ok(ROPEWAY_OK))), ROPEWAY_OK);
    }
}
