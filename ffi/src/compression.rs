//! permessage-deflate through option keys.

use ropeway_core::deflate::{Compress, Compression};

use crate::error::Failure;
use crate::options::{number, switch};

/// Compression (permessage-deflate, RFC 7692): 1 offers it (client) or accepts it (server), 0 does not. Default -1: a
/// client offers it, a server does not accept it.
pub const ROPEWAY_OPTION_COMPRESSION: i32 = 800;
/// 1: the server forgets what it compressed after each message, so that an idle connection costs no compression memory
/// on either side. 0: it keeps it, and compresses better. Default -1: a server wants 1, a client 0.
pub const ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER: i32 = 801;
/// The same of what the client compresses. Default -1: a server wants 1, a client 0.
pub const ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER: i32 = 802;
/// Bits of the server's window, 9 to 15 on a server, 8 to 15 on a client. Less costs less memory and compresses less.
/// Default 15.
pub const ROPEWAY_OPTION_SERVER_MAX_WINDOW_BITS: i32 = 803;
/// Bits of the client's window, 9 to 15 on a client, 8 to 15 on a server. Default 15.
pub const ROPEWAY_OPTION_CLIENT_MAX_WINDOW_BITS: i32 = 804;
/// Messages below so many bytes are sent as they are. Default 128.
pub const ROPEWAY_OPTION_COMPRESSION_THRESHOLD: i32 = 805;
/// From 1, fast, to 9, small. Default 2.
pub const ROPEWAY_OPTION_COMPRESSION_LEVEL: i32 = 806;
/// Memory for gathering a block, from 1, little, to 9, much. Default 6.
pub const ROPEWAY_OPTION_COMPRESSION_MEMORY_LEVEL: i32 = 807;

/// A message is compressed from ROPEWAY_OPTION_COMPRESSION_THRESHOLD on, where the peers agreed on compression.
pub const ROPEWAY_COMPRESS_BY_OPTIONS: i32 = 0;
/// A message is not compressed: it is already, or it holds a secret beside what an attacker may have chosen.
pub const ROPEWAY_COMPRESS_NEVER: i32 = 1;
/// A message is compressed whatever its size, where the peers agreed on compression.
pub const ROPEWAY_COMPRESS_ALWAYS: i32 = 2;

/// One of the ROPEWAY_COMPRESS_ numbers.
pub(crate) fn compress(number: i32) -> Result<Compress, Failure> {
    match number {
        ROPEWAY_COMPRESS_BY_OPTIONS => Ok(Compress::ByOptions),
        ROPEWAY_COMPRESS_NEVER => Ok(Compress::Never),
        ROPEWAY_COMPRESS_ALWAYS => Ok(Compress::Always),
        _ => Err(Failure::Argument(
            "whether to compress is one of the ROPEWAY_COMPRESS_ numbers",
        )),
    }
}

/// An option's number; `None` when the key is no option of this file.
pub(crate) fn int(settings: &Compression, key: i32) -> Option<i64> {
    Some(match key {
        ROPEWAY_OPTION_COMPRESSION => choice(settings.enabled),
        ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER => choice(settings.server_no_context_takeover),
        ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER => choice(settings.client_no_context_takeover),
        ROPEWAY_OPTION_SERVER_MAX_WINDOW_BITS => settings.server_max_window_bits.into(),
        ROPEWAY_OPTION_CLIENT_MAX_WINDOW_BITS => settings.client_max_window_bits.into(),
        ROPEWAY_OPTION_COMPRESSION_THRESHOLD => {
            i64::try_from(settings.threshold).unwrap_or(i64::MAX)
        }
        ROPEWAY_OPTION_COMPRESSION_LEVEL => settings.level.into(),
        ROPEWAY_OPTION_COMPRESSION_MEMORY_LEVEL => settings.memory_level.into(),
        _ => return None,
    })
}

/// Sets an option; `false` when the key is no option of this file. Ranges that depend on the role are checked by
/// listen and connect.
pub(crate) fn set_int(settings: &mut Compression, key: i32, value: i64) -> Result<bool, Failure> {
    match key {
        ROPEWAY_OPTION_COMPRESSION => settings.enabled = by_role("compression", value)?,
        ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER => {
            settings.server_no_context_takeover = by_role("server_no_context_takeover", value)?;
        }
        ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER => {
            settings.client_no_context_takeover = by_role("client_no_context_takeover", value)?;
        }
        ROPEWAY_OPTION_SERVER_MAX_WINDOW_BITS => {
            settings.server_max_window_bits = number("server_max_window_bits", value)?;
        }
        ROPEWAY_OPTION_CLIENT_MAX_WINDOW_BITS => {
            settings.client_max_window_bits = number("client_max_window_bits", value)?;
        }
        ROPEWAY_OPTION_COMPRESSION_THRESHOLD => {
            settings.threshold = number("compression_threshold", value)?;
        }
        ROPEWAY_OPTION_COMPRESSION_LEVEL => settings.level = number("compression_level", value)?,
        ROPEWAY_OPTION_COMPRESSION_MEMORY_LEVEL => {
            settings.memory_level = number("compression_memory_level", value)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn choice(choice: Option<bool>) -> i64 {
    choice.map_or(-1, i64::from)
}

fn by_role(option: &'static str, value: i64) -> Result<Option<bool>, Failure> {
    if value == -1 {
        return Ok(None);
    }
    switch(option, value).map(Some)
}
