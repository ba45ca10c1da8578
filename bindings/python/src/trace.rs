//! Frames for the log. The core shows them under a lock, and logging may run anything: they are told when the lock has
//! been given back.

use std::cell::RefCell;
use std::sync::Arc;

use pyo3::prelude::*;
use ropeway_core::protocol::{Trace, TracedFrame};

struct Frame {
    tell: Arc<Py<PyAny>>,
    line: String,
}

thread_local! {
    static WAITING: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// A trace that calls `tell` with a line for each frame.
pub(crate) fn by(tell: Py<PyAny>) -> Trace {
    let tell = Arc::new(tell);
    Trace::new(move |frame: &TracedFrame<'_>| {
        let frame = Frame {
            tell: tell.clone(),
            line: frame.to_string(),
        };
        WAITING.with_borrow_mut(|waiting| waiting.push(frame));
    })
}

/// Tells the frames that wait when it is dropped: the last field of a lock's guard.
pub(crate) struct TellWhenDropped;

impl Drop for TellWhenDropped {
    fn drop(&mut self) {
        if WAITING.with_borrow(Vec::is_empty) {
            return;
        }
        let frames = WAITING.take();
        Python::attach(|py| {
            for frame in frames {
                if let Err(error) = frame.tell.call1(py, (frame.line,)) {
                    error.write_unraisable(py, None);
                }
            }
        });
    }
}
