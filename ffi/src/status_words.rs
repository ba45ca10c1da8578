//! A few words for each status.

use std::ffi::{CStr, c_char};

use crate::status::*;

/// A few words for a status, in English; "unknown status" for a number that is none. A static string; any thread.
#[unsafe(no_mangle)]
pub extern "C" fn ropeway_status_string(status: ropeway_status) -> *const c_char {
    words(status).unwrap_or(c"unknown status").as_ptr()
}

const fn words(status: ropeway_status) -> Option<&'static CStr> {
    Some(match status {
        ROPEWAY_OK => c"done",
        ROPEWAY_QUEUED => c"taken; the send queue is above its high-water mark",
        ROPEWAY_NONE => c"there is none",
        ROPEWAY_UNCHANGED => c"it was so already",
        ROPEWAY_ERROR_NULL => c"a pointer must not be NULL",
        ROPEWAY_ERROR_INVALID_ARGUMENT => c"invalid argument",
        ROPEWAY_ERROR_UNKNOWN_OPTION => c"unknown option",
        ROPEWAY_ERROR_OPTION_TYPE => c"the option takes another type",
        ROPEWAY_ERROR_OPTION_VALUE => c"value outside the option's range",
        ROPEWAY_ERROR_MISUSE => c"a rule of the interface was broken",
        ROPEWAY_ERROR_CLOSED => c"closed",
        ROPEWAY_ERROR_NOT_OPEN => c"not open yet",
        ROPEWAY_ERROR_INVALID_UTF8 => c"not UTF-8",
        ROPEWAY_ERROR_MESSAGE_IN_PROGRESS => c"a fragmented message has to be finished first",
        ROPEWAY_ERROR_KIND_CHANGED => c"fragments of one message differ in kind",
        ROPEWAY_ERROR_CONTROL_TOO_LONG => c"control frame too long",
        ROPEWAY_ERROR_INVALID_CLOSE_CODE => c"this close code cannot be sent",
        ROPEWAY_ERROR_INVALID_URL => c"the URL cannot be used",
        ROPEWAY_ERROR_INVALID_HEADER => c"the header field cannot be sent",
        ROPEWAY_ERROR_INVALID_SUBPROTOCOL => c"invalid subprotocol",
        ROPEWAY_ERROR_INVALID_REFUSAL => c"invalid status for a refusal",
        ROPEWAY_ERROR_INVALID_ORIGIN => c"no origin",
        ROPEWAY_ERROR_ORIGIN => c"origin not allowed",
        ROPEWAY_ERROR_REFUSED => c"refused by the application",
        ROPEWAY_ERROR_ABORTED => c"aborted by this side",
        ROPEWAY_ERROR_FORKED => c"the engine belongs to the parent process",
        ROPEWAY_ERROR_ENGINE_GONE => c"the engine is gone",
        ROPEWAY_ERROR_BUFFER_TOO_SMALL => c"the buffer is too small",
        ROPEWAY_ERROR_RESERVED_BITS => c"reserved bits set in a frame",
        ROPEWAY_ERROR_RESERVED_OPCODE => c"reserved opcode",
        ROPEWAY_ERROR_FRAGMENTED_CONTROL => c"fragmented control frame",
        ROPEWAY_ERROR_LONG_CONTROL => c"control frame of over 125 bytes",
        ROPEWAY_ERROR_MASKED_BY_SERVER => c"masked frame from a server",
        ROPEWAY_ERROR_UNMASKED_BY_CLIENT => c"unmasked frame from a client",
        ROPEWAY_ERROR_OVERLONG_LENGTH => c"length not in its shortest form",
        ROPEWAY_ERROR_LENGTH_TOO_LARGE => c"length of 2^63 or more",
        ROPEWAY_ERROR_UNEXPECTED_CONTINUATION => c"continuation of no message",
        ROPEWAY_ERROR_EXPECTED_CONTINUATION => c"new message inside a fragmented one",
        ROPEWAY_ERROR_CLOSE_OF_ONE_BYTE => c"close frame with a payload of one byte",
        ROPEWAY_ERROR_PEER_CLOSE_CODE => c"close frame with a code that may not be sent",
        ROPEWAY_ERROR_PEER_TEXT_UTF8 => c"text message that is not UTF-8",
        ROPEWAY_ERROR_PEER_REASON_UTF8 => c"close reason that is not UTF-8",
        ROPEWAY_ERROR_COMPRESSED_CONTROL => c"compressed control frame",
        ROPEWAY_ERROR_COMPRESSED_CONTINUATION => c"compressed continuation frame",
        ROPEWAY_ERROR_FRAME => c"another framing violation",
        ROPEWAY_ERROR_MALFORMED_HEAD => c"not an HTTP/1.1 head",
        ROPEWAY_ERROR_INCOMPLETE_HEAD => c"the stream ended within the handshake",
        ROPEWAY_ERROR_TLS_ON_PLAIN_PORT => c"the peer speaks TLS",
        ROPEWAY_ERROR_HTTP_VERSION => c"not HTTP/1.1",
        ROPEWAY_ERROR_NOT_WEBSOCKET => c"the request asks for no WebSocket",
        ROPEWAY_ERROR_METHOD => c"upgrade by another method than GET",
        ROPEWAY_ERROR_MISSING_HEADER => c"a required header field is missing",
        ROPEWAY_ERROR_DUPLICATE_HEADER => c"a header field stands twice",
        ROPEWAY_ERROR_PEER_HEADER => c"a header field has an invalid value",
        ROPEWAY_ERROR_WEBSOCKET_VERSION => c"Sec-WebSocket-Version is not 13",
        ROPEWAY_ERROR_DRAFT_HANDSHAKE => c"handshake of a draft",
        ROPEWAY_ERROR_INVALID_KEY => c"invalid Sec-WebSocket-Key",
        ROPEWAY_ERROR_REQUEST_BODY => c"upgrade request with a body",
        ROPEWAY_ERROR_ACCEPT_MISMATCH => c"wrong Sec-WebSocket-Accept",
        ROPEWAY_ERROR_UNOFFERED_SUBPROTOCOL => c"subprotocol that was not offered",
        ROPEWAY_ERROR_UNOFFERED_EXTENSION => c"extension that was not offered",
        ROPEWAY_ERROR_HTTP_STATUS => c"the server refused",
        ROPEWAY_ERROR_INSECURE_REDIRECT => c"the server redirects from wss to ws",
        ROPEWAY_ERROR_INVALID_REDIRECT => c"the server's redirect cannot be followed",
        ROPEWAY_ERROR_HANDSHAKE => c"another handshake violation",
        ROPEWAY_ERROR_MESSAGE_TOO_BIG => c"max_message_size passed",
        ROPEWAY_ERROR_TOO_MANY_FRAGMENTS => c"max_fragments passed",
        ROPEWAY_ERROR_INCOMPLETE_MESSAGES => c"max_incomplete_bytes passed",
        ROPEWAY_ERROR_FULL => c"send_queue_limit would be passed",
        ROPEWAY_ERROR_TOO_MANY_CONNECTIONS => c"max_connections reached",
        ROPEWAY_ERROR_REMOTE_FULL => c"remote_queue_limit would be passed",
        ROPEWAY_ERROR_HEAD_TOO_LARGE => c"max_head_size passed",
        ROPEWAY_ERROR_START_LINE_TOO_LONG => c"max_head_size passed by the first line",
        ROPEWAY_ERROR_TOO_MANY_HEADERS => c"max_headers passed",
        ROPEWAY_ERROR_TOO_MANY_REDIRECTS => c"max_redirects passed",
        ROPEWAY_ERROR_HELD_FULL => c"resend_limit passed",
        ROPEWAY_ERROR_SLOW_SUBSCRIBER => c"a subscriber's queue was above send_queue_high",
        ROPEWAY_ERROR_COMPRESSION_OPTION => c"a compression setting is outside its range",
        ROPEWAY_ERROR_INFLATE => c"the peer's compressed message cannot be inflated",
        ROPEWAY_ERROR_INVALID_EXTENSION => c"the server's answer to an extension is invalid",
        ROPEWAY_ERROR_COMPRESS => c"the message could not be compressed",
        ROPEWAY_ERROR_LIMIT => c"another limit passed",
        ROPEWAY_ERROR_OPEN_TIMEOUT => c"open_timeout passed",
        ROPEWAY_ERROR_PONG_TIMEOUT => c"pong_timeout passed",
        ROPEWAY_ERROR_IDLE_TIMEOUT => c"idle_timeout passed",
        ROPEWAY_ERROR_CLOSE_TIMEOUT => c"close_timeout passed",
        ROPEWAY_ERROR_TIMEOUT => c"another time-out",
        ROPEWAY_ERROR_CONNECTION_LOST => c"the connection ended without a close frame",
        ROPEWAY_ERROR_IO => c"the operating system refused",
        ROPEWAY_ERROR_RESOLVE => c"the host's name cannot be resolved",
        ROPEWAY_ERROR_CONNECT => c"no address of the host took the connection",
        ROPEWAY_ERROR_TLS_SETTINGS => c"the TLS options cannot be used",
        ROPEWAY_ERROR_TLS_CERTIFICATE => c"the peer's certificate is not accepted",
        ROPEWAY_ERROR_TLS_ALERT => c"the peer ended the connection by a TLS alert",
        ROPEWAY_ERROR_TLS_INCOMPATIBLE => {
            c"no TLS version, cipher suite or application protocol in common"
        }
        ROPEWAY_ERROR_PLAIN_ON_TLS_PORT => c"the peer speaks plain HTTP",
        ROPEWAY_ERROR_NOT_TLS => c"what the peer sent is no TLS",
        ROPEWAY_ERROR_TLS_PROTOCOL => c"the peer broke a rule of TLS",
        ROPEWAY_ERROR_TLS_HANDSHAKE_CUT => c"the peer closed within the TLS handshake",
        ROPEWAY_ERROR_TLS_TRUNCATED => c"the TLS stream ended without close_notify",
        ROPEWAY_ERROR_PROXY_URL => c"the proxy's URL cannot be used",
        ROPEWAY_ERROR_PROXY_CREDENTIALS_NEEDED => c"the proxy wants a user name and password",
        ROPEWAY_ERROR_PROXY_CREDENTIALS_REFUSED => c"the proxy refuses the user name and password",
        ROPEWAY_ERROR_PROXY_REFUSED => c"the proxy made no connection to the server",
        ROPEWAY_ERROR_PROXY_AUTHENTICATION => {
            c"the proxy offers no supported way of authentication"
        }
        ROPEWAY_ERROR_PROXY_ANSWER => c"the proxy's answer is none of such a proxy's",
        ROPEWAY_ERROR_PROXY_TLS => c"TLS with the proxy failed",
        ROPEWAY_ERROR_PROXY_RESOLVE => c"the proxy's name cannot be resolved",
        ROPEWAY_ERROR_PROXY_CONNECT => c"no address of the proxy took the connection",
        ROPEWAY_ERROR_PROXY_CLOSED => c"the connection to the proxy ended before its answer",
        ROPEWAY_ERROR_PANIC => c"a defect in Ropeway",
        ROPEWAY_ERROR_RANDOM => c"no random bytes",
        ROPEWAY_ERROR_POISONED => c"an earlier call panicked",
        ROPEWAY_ERROR_OUT_OF_MEMORY => c"out of memory",
        ROPEWAY_ERROR_INTERNAL => c"another error",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_status_has_a_number_and_words_of_its_own() {
        let numbers: Vec<ropeway_status> = include_str!("status.rs")
            .lines()
            .filter(|line| line.starts_with("pub const ROPEWAY_"))
            .map(|line| line.trim_end_matches(';').rsplit(' ').next())
            .map(|number| number.and_then(|number| number.parse().ok()))
            .map(|number| number.expect("a number"))
            .collect();
        assert!(numbers.contains(&ROPEWAY_ERROR_INTERNAL));
        let mut known = HashSet::new();
        for number in numbers {
            assert!(known.insert((Some(number), None)), "{number} stands twice");
            let words = words(number);
            assert!(words.is_some(), "{number} has no words");
            assert!(known.insert((None, words)), "{words:?} stand twice");
        }
    }
}
