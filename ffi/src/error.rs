//! What fails in this crate, and each thread's last error.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::fmt;

use ropeway_core::frame::RandomError;
use ropeway_core::handshake::{HandshakeError, HeaderError, UrlError};
use ropeway_core::{Error, SendError};
use ropeway_relay::RelayError;

use crate::mapping;
use crate::status::{self, ropeway_status};

/// Why a call failed: what the core says, or what can go wrong only at this border.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A pointer that must not be NULL is.
    Null(&'static str),
    /// An argument is none of the values it may have.
    Argument(&'static str),
    /// A string is not UTF-8.
    NotUtf8(&'static str),
    /// No option has this key.
    UnknownOption(i32),
    /// The option takes a value of another type.
    OptionType(&'static str),
    /// The option does not take this number.
    OptionValue { option: &'static str, value: i64 },
    /// The caller's buffer is too small.
    BufferTooSmall { needed: usize },
    /// The object is in the middle of another call.
    Busy,
    /// An earlier call on the object panicked.
    Poisoned,
    /// This call panicked.
    Panic(String),
    /// Memory for a copy could not be had.
    OutOfMemory(usize),
    /// A relay cannot be started.
    Relay(RelayError),
    /// The core's own.
    Core(Error),
}

impl Failure {
    pub(crate) fn status(&self) -> ropeway_status {
        match self {
            Self::Null(_) => status::ROPEWAY_ERROR_NULL,
            Self::Argument(_) => status::ROPEWAY_ERROR_INVALID_ARGUMENT,
            Self::NotUtf8(_) => status::ROPEWAY_ERROR_INVALID_UTF8,
            Self::UnknownOption(_) => status::ROPEWAY_ERROR_UNKNOWN_OPTION,
            Self::OptionType(_) => status::ROPEWAY_ERROR_OPTION_TYPE,
            Self::OptionValue { .. } => status::ROPEWAY_ERROR_OPTION_VALUE,
            Self::BufferTooSmall { .. } => status::ROPEWAY_ERROR_BUFFER_TOO_SMALL,
            Self::Busy => status::ROPEWAY_ERROR_MISUSE,
            Self::Poisoned => status::ROPEWAY_ERROR_POISONED,
            Self::Panic(_) => status::ROPEWAY_ERROR_PANIC,
            Self::OutOfMemory(_) => status::ROPEWAY_ERROR_OUT_OF_MEMORY,
            Self::Relay(RelayError::Url(_)) => status::ROPEWAY_ERROR_INVALID_URL,
            Self::Relay(_) => status::ROPEWAY_ERROR_IO,
            Self::Core(error) => mapping::of_error(error),
        }
    }

    /// Keeps the failure as this thread's last error and gives its status.
    pub(crate) fn record(self) -> ropeway_status {
        let status = self.status();
        // A thread that is ending has no last error any more.
        let _ = LAST.try_with(|last| {
            if let Ok(mut last) = last.try_borrow_mut() {
                *last = Last {
                    failure: Some(self),
                    sentence: None,
                };
            }
        });
        status
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(name) => write!(f, "the argument {name} must not be NULL"),
            Self::Argument(what) => f.write_str(what),
            Self::NotUtf8(name) => write!(f, "the argument {name} is not UTF-8"),
            Self::UnknownOption(key) => write!(f, "there is no option {key}"),
            Self::OptionType(takes) => write!(f, "the option takes {takes}"),
            Self::OptionValue { option, value } => write!(f, "{option} cannot be {value}"),
            Self::BufferTooSmall { needed } => write!(f, "the buffer must hold {needed}"),
            Self::Busy => f.write_str(
                "the object is in the middle of another call: a callback, or a second thread",
            ),
            Self::Poisoned => f.write_str(
                "an earlier call on this object panicked; all that is left is to free it",
            ),
            Self::Panic(message) => write!(f, "a defect in Ropeway: {message}"),
            Self::OutOfMemory(bytes) => write!(f, "no memory for a copy of {bytes} bytes"),
            Self::Relay(error) => error.fmt(f),
            Self::Core(error) => error.fmt(f),
        }
    }
}

macro_rules! from {
    ($($source:ty),* $(,)?) => {
        $(impl From<$source> for Failure {
            fn from(error: $source) -> Self {
                Self::Core(error.into())
            }
        })*
    };
}
from!(Error, SendError, HandshakeError, HeaderError, UrlError);

impl From<RandomError> for Failure {
    fn from(error: RandomError) -> Self {
        Self::Core(SendError::Random(error).into())
    }
}

/// A thread's last failure; its sentence is written when somebody asks for it.
struct Last {
    failure: Option<Failure>,
    sentence: Option<CString>,
}

thread_local! {
    static LAST: RefCell<Last> = const { RefCell::new(Last { failure: None, sentence: None }) };
}

/// `text` as a C string; what follows a NUL in it is left out.
pub(crate) fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let end = error.nul_position();
        let mut bytes = error.into_vec();
        bytes.truncate(end);
        CString::new(bytes).unwrap_or_default()
    })
}

/// The last error of the calling thread as a full sentence in English, with the figures in it; an empty string when
/// no call has failed yet. For people: a program goes by the status.
///
/// Calls that succeed leave it alone. The text is lent until the next call that fails on the same thread, or the
/// thread's end. Any thread; each has its own.
#[unsafe(no_mangle)]
pub extern "C" fn ropeway_last_error() -> *const c_char {
    LAST.try_with(|last| {
        let mut last = last.try_borrow_mut().ok()?;
        let Last { failure, sentence } = &mut *last;
        let failure = failure.as_ref()?;
        Some(
            sentence
                .get_or_insert_with(|| c_string(failure.to_string()))
                .as_ptr(),
        )
    })
    .ok()
    .flatten()
    .unwrap_or(c"".as_ptr())
}
