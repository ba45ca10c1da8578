//! The statuses of the ABI: one number for each way to fail, in ranges by who has to change something. A number is
//! never given a second meaning.

/// The outcome of a call. ROPEWAY_OK is 0; a positive number is a success with something to know about it; a negative
/// one is an error, and then nothing was done and no result was written:
/// -1xx is the caller's misuse, -2xx the peer's violation, -3xx a limit passed, -4xx the network, the operating
/// system or a time-out, -5xx Ropeway itself. Later releases add numbers within these ranges.
pub type ropeway_status = i32;

/// Done.
pub const ROPEWAY_OK: ropeway_status = 0;

/// Taken, but the connection's send queue is now above its high-water mark: a polite sender stops until
/// ROPEWAY_EVENT_WRITABLE comes.
pub const ROPEWAY_QUEUED: ropeway_status = 1;

/// There is none: no event within the time-out, no header field of that name, no deadline.
pub const ROPEWAY_NONE: ropeway_status = 2;

/// It was so already: subscribed, or not.
pub const ROPEWAY_UNCHANGED: ropeway_status = 3;

/// A pointer that must not be NULL is.
pub const ROPEWAY_ERROR_NULL: ropeway_status = -100;

/// An argument is none of the values that it may have.
pub const ROPEWAY_ERROR_INVALID_ARGUMENT: ropeway_status = -101;

/// No option has this key.
pub const ROPEWAY_ERROR_UNKNOWN_OPTION: ropeway_status = -102;

/// The option takes a value of another type: a number, a string.
pub const ROPEWAY_ERROR_OPTION_TYPE: ropeway_status = -103;

/// The option does not take this number.
pub const ROPEWAY_ERROR_OPTION_VALUE: ropeway_status = -104;

/// The call breaks a rule of the interface, or comes at the wrong time; ropeway_last_error says which.
pub const ROPEWAY_ERROR_MISUSE: ropeway_status = -105;

/// The connection or listener is closing or closed, or its number names none.
pub const ROPEWAY_ERROR_CLOSED: ropeway_status = -106;

/// The connection's opening handshake has not ended.
pub const ROPEWAY_ERROR_NOT_OPEN: ropeway_status = -107;

/// Text that is to be sent, or a string argument, is not UTF-8.
pub const ROPEWAY_ERROR_INVALID_UTF8: ropeway_status = -108;

/// A message is being sent in fragments and has to be finished first.
pub const ROPEWAY_ERROR_MESSAGE_IN_PROGRESS: ropeway_status = -109;

/// The fragments of one message must be all text or all binary.
pub const ROPEWAY_ERROR_KIND_CHANGED: ropeway_status = -110;

/// A ping or pong holds 125 bytes, a close reason 123 (RFC 6455 section 5.5).
pub const ROPEWAY_ERROR_CONTROL_TOO_LONG: ropeway_status = -111;

/// The close code must not be sent (RFC 6455 section 7.4).
pub const ROPEWAY_ERROR_INVALID_CLOSE_CODE: ropeway_status = -112;

/// The URL cannot be used.
pub const ROPEWAY_ERROR_INVALID_URL: ropeway_status = -113;

/// A header field cannot be sent: its name is no token, its value holds a control character, or Ropeway writes it.
pub const ROPEWAY_ERROR_INVALID_HEADER: ropeway_status = -114;

/// A subprotocol is no token, or stands twice.
pub const ROPEWAY_ERROR_INVALID_SUBPROTOCOL: ropeway_status = -115;

/// A request is refused with a status from 200 to 599.
pub const ROPEWAY_ERROR_INVALID_REFUSAL: ropeway_status = -116;

/// What is to be allowed is no origin, or pattern of origins.
pub const ROPEWAY_ERROR_INVALID_ORIGIN: ropeway_status = -127;

/// This side's application refused the request.
pub const ROPEWAY_ERROR_REFUSED: ropeway_status = -117;

/// The connection was aborted by this side.
pub const ROPEWAY_ERROR_ABORTED: ropeway_status = -118;

/// The engine belongs to the process from which this one was forked.
pub const ROPEWAY_ERROR_FORKED: ropeway_status = -119;

/// The engine of this remote has been freed.
pub const ROPEWAY_ERROR_ENGINE_GONE: ropeway_status = -120;

/// The caller's buffer is too small.
pub const ROPEWAY_ERROR_BUFFER_TOO_SMALL: ropeway_status = -121;

/// A compression setting is outside its range for a server, or for a client.
pub const ROPEWAY_ERROR_COMPRESSION_OPTION: ropeway_status = -122;

/// A certificate, key, authority or name of the TLS options cannot be used; ropeway_last_error says which and why.
pub const ROPEWAY_ERROR_TLS_SETTINGS: ropeway_status = -123;

/// The proxy's URL, of ROPEWAY_OPTION_PROXY or of the environment, cannot be used.
pub const ROPEWAY_ERROR_PROXY_URL: ropeway_status = -124;

/// The proxy wants a user name and password, and its URL has none.
pub const ROPEWAY_ERROR_PROXY_CREDENTIALS_NEEDED: ropeway_status = -125;

/// The proxy does not take the user name and password of its URL.
pub const ROPEWAY_ERROR_PROXY_CREDENTIALS_REFUSED: ropeway_status = -126;

/// A frame with RSV bits that no extension defines.
pub const ROPEWAY_ERROR_RESERVED_BITS: ropeway_status = -200;

/// A frame with a reserved opcode.
pub const ROPEWAY_ERROR_RESERVED_OPCODE: ropeway_status = -201;

/// A control frame without FIN.
pub const ROPEWAY_ERROR_FRAGMENTED_CONTROL: ropeway_status = -202;

/// A control frame of over 125 bytes.
pub const ROPEWAY_ERROR_LONG_CONTROL: ropeway_status = -203;

/// A masked frame from a server.
pub const ROPEWAY_ERROR_MASKED_BY_SERVER: ropeway_status = -204;

/// An unmasked frame from a client.
pub const ROPEWAY_ERROR_UNMASKED_BY_CLIENT: ropeway_status = -205;

/// A frame whose length is not encoded in the fewest bytes.
pub const ROPEWAY_ERROR_OVERLONG_LENGTH: ropeway_status = -206;

/// A frame of a length of 2^63 or more.
pub const ROPEWAY_ERROR_LENGTH_TOO_LARGE: ropeway_status = -207;

/// A continuation frame while no message is under way.
pub const ROPEWAY_ERROR_UNEXPECTED_CONTINUATION: ropeway_status = -208;

/// A new message while a fragmented one is under way.
pub const ROPEWAY_ERROR_EXPECTED_CONTINUATION: ropeway_status = -209;

/// A Close frame with a payload of one byte.
pub const ROPEWAY_ERROR_CLOSE_OF_ONE_BYTE: ropeway_status = -210;

/// A Close frame with a code that may not be sent.
pub const ROPEWAY_ERROR_PEER_CLOSE_CODE: ropeway_status = -211;

/// A text message that is not UTF-8.
pub const ROPEWAY_ERROR_PEER_TEXT_UTF8: ropeway_status = -212;

/// A close reason that is not UTF-8.
pub const ROPEWAY_ERROR_PEER_REASON_UTF8: ropeway_status = -213;

/// A control frame marked as compressed (RFC 7692).
pub const ROPEWAY_ERROR_COMPRESSED_CONTROL: ropeway_status = -214;

/// A continuation frame marked as compressed (RFC 7692).
pub const ROPEWAY_ERROR_COMPRESSED_CONTINUATION: ropeway_status = -215;

/// A compressed message could not be inflated (RFC 7692 section 7.2.2); closed with 1007.
pub const ROPEWAY_ERROR_INFLATE: ropeway_status = -216;

/// Another violation in a frame, without a number in this release.
pub const ROPEWAY_ERROR_FRAME: ropeway_status = -249;

/// The peer's certificate is not accepted: it is of an unknown authority, for another name, expired, or missing;
/// ropeway_last_error or the event's error says which.
pub const ROPEWAY_ERROR_TLS_CERTIFICATE: ropeway_status = -230;

/// The peer ended the connection by a TLS alert (RFC 8446 section 6.2).
pub const ROPEWAY_ERROR_TLS_ALERT: ropeway_status = -231;

/// The two sides have no TLS version, cipher suite or application protocol in common.
pub const ROPEWAY_ERROR_TLS_INCOMPATIBLE: ropeway_status = -232;

/// The peer speaks plain HTTP where TLS was expected.
pub const ROPEWAY_ERROR_PLAIN_ON_TLS_PORT: ropeway_status = -233;

/// What the peer sent is no TLS.
pub const ROPEWAY_ERROR_NOT_TLS: ropeway_status = -234;

/// The peer broke a rule of TLS.
pub const ROPEWAY_ERROR_TLS_PROTOCOL: ropeway_status = -235;

/// What came is no HTTP/1.1 head (RFC 9112).
pub const ROPEWAY_ERROR_MALFORMED_HEAD: ropeway_status = -250;

/// The stream ended within the head.
pub const ROPEWAY_ERROR_INCOMPLETE_HEAD: ropeway_status = -251;

/// The peer speaks TLS where plain HTTP was expected: wss against ws.
pub const ROPEWAY_ERROR_TLS_ON_PLAIN_PORT: ropeway_status = -252;

/// The head is of another version of HTTP than 1.1.
pub const ROPEWAY_ERROR_HTTP_VERSION: ropeway_status = -253;

/// The request asks for no WebSocket.
pub const ROPEWAY_ERROR_NOT_WEBSOCKET: ropeway_status = -254;

/// An upgrade was asked for by another method than GET.
pub const ROPEWAY_ERROR_METHOD: ropeway_status = -255;

/// A required header field is missing.
pub const ROPEWAY_ERROR_MISSING_HEADER: ropeway_status = -256;

/// A header field that may stand once stands more often.
pub const ROPEWAY_ERROR_DUPLICATE_HEADER: ropeway_status = -257;

/// A header field has a value that it may not have.
pub const ROPEWAY_ERROR_PEER_HEADER: ropeway_status = -258;

/// Sec-WebSocket-Version is not 13.
pub const ROPEWAY_ERROR_WEBSOCKET_VERSION: ropeway_status = -259;

/// The request is a handshake of a draft before RFC 6455.
pub const ROPEWAY_ERROR_DRAFT_HANDSHAKE: ropeway_status = -260;

/// Sec-WebSocket-Key is not 16 bytes in base64.
pub const ROPEWAY_ERROR_INVALID_KEY: ropeway_status = -261;

/// An upgrade request announces a body.
pub const ROPEWAY_ERROR_REQUEST_BODY: ropeway_status = -262;

/// Sec-WebSocket-Accept does not answer the key that was sent.
pub const ROPEWAY_ERROR_ACCEPT_MISMATCH: ropeway_status = -263;

/// The server chose a subprotocol that was not offered.
pub const ROPEWAY_ERROR_UNOFFERED_SUBPROTOCOL: ropeway_status = -264;

/// The server chose an extension that was not offered.
pub const ROPEWAY_ERROR_UNOFFERED_EXTENSION: ropeway_status = -265;

/// The server refused: it answered with another status than 101. Its response is the event's head.
pub const ROPEWAY_ERROR_HTTP_STATUS: ropeway_status = -266;

/// The server's answer to an extension that was offered is none that may be given (RFC 7692 section 7.1).
pub const ROPEWAY_ERROR_INVALID_EXTENSION: ropeway_status = -267;

/// The proxy refused to connect to the server, or could not: ropeway_last_error or the event's error has the status and
/// reason of an HTTP proxy, the reply of a SOCKS proxy in words.
pub const ROPEWAY_ERROR_PROXY_REFUSED: ropeway_status = -270;

/// The proxy offers no way of authentication that is supported.
pub const ROPEWAY_ERROR_PROXY_AUTHENTICATION: ropeway_status = -271;

/// What the proxy answered is not what such a proxy answers (RFC 9112, RFC 1928), or too long.
pub const ROPEWAY_ERROR_PROXY_ANSWER: ropeway_status = -272;

/// TLS with the proxy itself failed: its certificate, for instance, is not accepted.
pub const ROPEWAY_ERROR_PROXY_TLS: ropeway_status = -273;

/// The server redirected from wss to ws, which is not followed.
pub const ROPEWAY_ERROR_INSECURE_REDIRECT: ropeway_status = -280;

/// The server redirected to what is not the URL of a WebSocket.
pub const ROPEWAY_ERROR_INVALID_REDIRECT: ropeway_status = -281;

/// The client's request comes from a page whose origin is not among ROPEWAY_OPTION_ALLOWED_ORIGIN; it got 403.
pub const ROPEWAY_ERROR_ORIGIN: ropeway_status = -285;

/// Another failure of the opening handshake, without a number in this release.
pub const ROPEWAY_ERROR_HANDSHAKE: ropeway_status = -299;

/// A received message passed ROPEWAY_OPTION_MAX_MESSAGE_SIZE; closed with 1009.
pub const ROPEWAY_ERROR_MESSAGE_TOO_BIG: ropeway_status = -300;

/// A received message passed ROPEWAY_OPTION_MAX_FRAGMENTS; closed with 1009.
pub const ROPEWAY_ERROR_TOO_MANY_FRAGMENTS: ropeway_status = -301;

/// The engine's incomplete messages passed ROPEWAY_OPTION_MAX_INCOMPLETE_BYTES; closed with 1013.
pub const ROPEWAY_ERROR_INCOMPLETE_MESSAGES: ropeway_status = -302;

/// The message would take the send queue past ROPEWAY_OPTION_SEND_QUEUE_LIMIT; nothing of it was taken.
pub const ROPEWAY_ERROR_FULL: ropeway_status = -303;

/// The engine has ROPEWAY_OPTION_MAX_CONNECTIONS.
pub const ROPEWAY_ERROR_TOO_MANY_CONNECTIONS: ropeway_status = -304;

/// More would wait for the engine than ROPEWAY_OPTION_REMOTE_QUEUE_LIMIT; nothing was taken.
pub const ROPEWAY_ERROR_REMOTE_FULL: ropeway_status = -305;

/// The peer's handshake head passed ROPEWAY_OPTION_MAX_HEAD_SIZE.
pub const ROPEWAY_ERROR_HEAD_TOO_LARGE: ropeway_status = -306;

/// The first line of the peer's head passed ROPEWAY_OPTION_MAX_HEAD_SIZE.
pub const ROPEWAY_ERROR_START_LINE_TOO_LONG: ropeway_status = -307;

/// The peer's head passed ROPEWAY_OPTION_MAX_HEADERS.
pub const ROPEWAY_ERROR_TOO_MANY_HEADERS: ropeway_status = -308;

/// With ROPEWAY_OPTION_CLOSE_SLOW_SUBSCRIBERS: a subscriber's queue was above ROPEWAY_OPTION_SEND_QUEUE_HIGH when a
/// message was published.
pub const ROPEWAY_ERROR_SLOW_SUBSCRIBER: ropeway_status = -309;

/// The server redirected more often than ROPEWAY_OPTION_MAX_REDIRECTS allows.
pub const ROPEWAY_ERROR_TOO_MANY_REDIRECTS: ropeway_status = -315;

/// ROPEWAY_OPTION_RESEND_LIMIT would be passed; the message was not taken.
pub const ROPEWAY_ERROR_HELD_FULL: ropeway_status = -316;

/// Another limit, without a number in this release.
pub const ROPEWAY_ERROR_LIMIT: ropeway_status = -399;

/// The connection did not open within ROPEWAY_OPTION_OPEN_TIMEOUT. The sentence says what was waited for: the name, which
/// addresses and what was wrong with each, the proxy, TLS, or the opening handshake.
pub const ROPEWAY_ERROR_OPEN_TIMEOUT: ropeway_status = -400;

/// Nothing came after a keep-alive ping within ROPEWAY_OPTION_PONG_TIMEOUT.
pub const ROPEWAY_ERROR_PONG_TIMEOUT: ropeway_status = -401;

/// No message came within ROPEWAY_OPTION_IDLE_TIMEOUT.
pub const ROPEWAY_ERROR_IDLE_TIMEOUT: ropeway_status = -402;

/// The closing handshake did not end within ROPEWAY_OPTION_CLOSE_TIMEOUT.
pub const ROPEWAY_ERROR_CLOSE_TIMEOUT: ropeway_status = -403;

/// Another wait ran out, without a number in this release.
pub const ROPEWAY_ERROR_TIMEOUT: ropeway_status = -404;

/// The stream ended without a Close frame.
pub const ROPEWAY_ERROR_CONNECTION_LOST: ropeway_status = -410;

/// The operating system refused; ropeway_last_error or the event's error says what.
pub const ROPEWAY_ERROR_IO: ropeway_status = -411;

/// The host's name cannot be resolved.
pub const ROPEWAY_ERROR_RESOLVE: ropeway_status = -412;

/// No address of the host took the connection.
pub const ROPEWAY_ERROR_CONNECT: ropeway_status = -413;

/// The peer closed the connection in the middle of the TLS handshake.
pub const ROPEWAY_ERROR_TLS_HANDSHAKE_CUT: ropeway_status = -414;

/// The TLS stream ended without close_notify (RFC 8446 section 6.1): it may have been cut short.
pub const ROPEWAY_ERROR_TLS_TRUNCATED: ropeway_status = -415;

/// The proxy's name cannot be resolved.
pub const ROPEWAY_ERROR_PROXY_RESOLVE: ropeway_status = -420;

/// No address of the proxy took the connection.
pub const ROPEWAY_ERROR_PROXY_CONNECT: ropeway_status = -421;

/// The connection to the proxy ended, or broke, before the proxy had answered.
pub const ROPEWAY_ERROR_PROXY_CLOSED: ropeway_status = -422;

/// A defect in Ropeway. The object it happened in takes no more calls but the one that frees it.
pub const ROPEWAY_ERROR_PANIC: ropeway_status = -500;

/// The operating system gave no random bytes for a masking key.
pub const ROPEWAY_ERROR_RANDOM: ropeway_status = -501;

/// An earlier call on this object ended in ROPEWAY_ERROR_PANIC.
pub const ROPEWAY_ERROR_POISONED: ropeway_status = -502;

/// There is no memory for the copy that the call takes.
pub const ROPEWAY_ERROR_OUT_OF_MEMORY: ropeway_status = -503;

/// zlib failed to compress a message; it was not taken.
pub const ROPEWAY_ERROR_COMPRESS: ropeway_status = -504;

/// An error without a number in this release.
pub const ROPEWAY_ERROR_INTERNAL: ropeway_status = -599;
