//! A look at each frame from C.

use std::ffi::c_void;
use std::sync::Arc;

use ropeway_core::Role;
use ropeway_core::protocol::{Trace, TracedFrame};

use crate::guard::{self, User};
use crate::options::ropeway_options;
use crate::status::ropeway_status;

/// This side is a client: it dialled, and masks its frames.
pub const ROPEWAY_CLIENT: i32 = 1;
/// This side is a server.
pub const ROPEWAY_SERVER: i32 = 2;

/// A frame's header as it is on the wire (RFC 6455 section 5.2), with its payload. Lent to a ropeway_trace for the
/// length of the call. Later releases may add fields at the end; `size` says how many there are.
#[repr(C)]
#[derive(Debug)]
pub struct ropeway_frame {
    /// Size of this structure in the library in use, in bytes.
    pub size: u32,
    /// ROPEWAY_CLIENT or ROPEWAY_SERVER: which end this side is.
    pub role: i32,
    /// 1 when this side sent the frame, 0 when it came.
    pub sent: i32,
    /// The opcode: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
    pub opcode: i32,
    /// 1 when FIN is set.
    pub fin: i32,
    /// 1 when RSV1 is set: the message is compressed.
    pub rsv1: i32,
    /// 1 when the payload is masked by `mask`.
    pub masked: i32,
    /// The masking key; zeros when there is none.
    pub mask: [u8; 4],
    /// The payload's length as the header states it, in bytes.
    pub length: u64,
    /// The payload, unmasked; of a frame that is still coming, the part that is there.
    pub payload: *const c_void,
    /// Bytes at `payload`.
    pub payload_length: usize,
}

/// A function that is shown each frame: `user` as it was passed to ropeway_options_set_trace, and the frame, lent
/// until it returns. It is called in the middle of another call, on the thread that made that, and must not call
/// any function on the same engine, client or protocol.
pub type ropeway_trace =
    Option<unsafe extern "C" fn(user: *mut c_void, frame: *const ropeway_frame)>;

/// Shows each frame sent or received on the connections made from these options to `trace`; NULL ends that for
/// connections made later. For logs and for learning: it costs time on every frame.
///
/// `user` is passed along; it must stay valid until every connection made from the options has ended, and may be used
/// on any thread that drives one of them.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_options_set_trace(
    options: *mut ropeway_options,
    trace: ropeway_trace,
    user: *mut c_void,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living set or NULL.
        let options = unsafe { guard::object(options, "options") }?;
        let user = User::new(user);
        let trace = trace.map(|show| {
            Trace::new(move |frame: &TracedFrame<'_>| {
                let frame = in_c(frame);
                // SAFETY: a function of the caller's, with what it was promised: its pointer and a frame.
                unsafe { show(user.pointer(), &raw const frame) };
            })
        });
        guard::done(options.0.with(|settings| {
            Arc::make_mut(&mut settings.connection).trace = trace;
            Ok(())
        }))
    })
}

fn in_c(frame: &TracedFrame<'_>) -> ropeway_frame {
    let header = &frame.header;
    ropeway_frame {
        size: size_of::<ropeway_frame>() as u32,
        role: role(frame.role),
        sent: frame.sent.into(),
        opcode: header.opcode.bits().into(),
        fin: header.fin.into(),
        rsv1: header.rsv1.into(),
        masked: header.mask.is_some().into(),
        mask: header.mask.unwrap_or_default(),
        length: header.length,
        payload: frame.payload.as_ptr().cast(),
        payload_length: frame.payload.len(),
    }
}

fn role(role: Role) -> i32 {
    match role {
        Role::Client => ROPEWAY_CLIENT,
        Role::Server => ROPEWAY_SERVER,
    }
}
