//! How messages and frames are shown.

use std::time::Instant;

use ropeway_core::frame::Opcode;
use ropeway_core::protocol::{MessageKind, Trace, TracedFrame};

/// Bytes of a binary message in a line.
const LINE: usize = 16;

/// A message as lines: text as it is, binary as hexadecimal digits.
pub(crate) fn message(kind: MessageKind, payload: &[u8]) -> String {
    match kind {
        MessageKind::Text => String::from_utf8_lossy(payload).into_owned(),
        MessageKind::Binary => {
            let lines: Vec<String> = payload.chunks(LINE).map(hexadecimal).collect();
            lines.join("\n")
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

/// Shows each frame on the standard output: the seconds since the beginning, a line, and a payload that is JSON laid out
/// below it.
pub(crate) fn frames() -> Trace {
    let began = Instant::now();
    Trace::new(move |frame| {
        println!("{:10.6} {frame}", began.elapsed().as_secs_f64());
        if let Some(json) = json(frame) {
            for line in json.lines() {
                println!("           {line}");
            }
        }
    })
}

/// A frame's payload laid out, if it is a whole message of JSON, and more than a single value.
fn json(frame: &TracedFrame<'_>) -> Option<String> {
    let header = &frame.header;
    let is_whole = header.fin && frame.payload.len() as u64 == header.length;
    if header.opcode != Opcode::Text || header.rsv1 || !is_whole {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(frame.payload).ok()?;
    if !value.is_object() && !value.is_array() {
        return None;
    }
    serde_json::to_string_pretty(&value).ok()
}
