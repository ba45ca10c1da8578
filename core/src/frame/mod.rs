//! Frames (RFC 6455 section 5).
