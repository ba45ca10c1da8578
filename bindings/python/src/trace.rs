//! Frames for the log. The core shows them under a lock, and logging may run anything: they are told when the lock has
//! been given back.

use std::cell::RefCell;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropeway_core::protocol::{Trace, TracedFrame};

/// Bytes of a payload that are shown.
const SHOWN: usize = 96;

struct Frame {
    tell: Arc<Py<PyAny>>,
    sent: bool,
    fin: bool,
    compressed: bool,
    opcode: u8,
    length: u64,
    payload: Vec<u8>,
}

thread_local! {
    static WAITING: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// A trace that calls `tell(sent, fin, compressed, opcode, length, payload)`, the payload cut short.
pub(crate) fn by(tell: Py<PyAny>) -> Trace {
    let tell = Arc::new(tell);
    Trace::new(move |frame: &TracedFrame<'_>| {
        let shown = frame.payload.len().min(SHOWN);
        let frame = Frame {
            tell: tell.clone(),
            sent: frame.sent,
            fin: frame.header.fin,
            compressed: frame.header.rsv1,
            opcode: frame.header.opcode as u8,
            length: frame.header.length,
            payload: frame.payload[..shown].to_vec(),
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
                let payload = PyBytes::new(py, &frame.payload);
                let arguments = (
                    frame.sent,
                    frame.fin,
                    frame.compressed,
                    frame.opcode,
                    frame.length,
                    payload,
                );
                if let Err(error) = frame.tell.call1(py, arguments) {
                    error.write_unraisable(py, None);
                }
            }
        });
    }
}
