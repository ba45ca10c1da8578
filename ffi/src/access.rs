//! Who may connect, and who does: origins and credentials through option keys.

use std::sync::Arc;

use crate::error::Failure;
use crate::options::Settings;

/// A string, server, set once for each: an origin whose pages may connect (RFC 6455 section 10.2), as browsers write it:
/// `https://example.com`, `http://localhost:3000`, `https://*.example.com` for the hosts below a domain, `null` for
/// files and sandboxed pages, "" for requests without Origin, which programs make. Others get 403 before
/// ROPEWAY_EVENT_UPGRADE_REQUEST. Default none: no check.
pub const ROPEWAY_OPTION_ALLOWED_ORIGIN: i32 = 1060;
/// A string, client: "user:password", sent as Authorization (Basic, RFC 7617) in place of what that was. The password
/// begins behind the first colon. Default none: those in the URL, if there are any.
pub const ROPEWAY_OPTION_BASIC_AUTH: i32 = 1061;
/// A string, client: a token, sent as Authorization (Bearer, RFC 6750) in place of what that was. Default none.
pub const ROPEWAY_OPTION_BEARER_AUTH: i32 = 1062;

/// Whether `key` is an option of this file; all are strings.
pub(crate) const fn is_string(key: i32) -> bool {
    matches!(
        key,
        ROPEWAY_OPTION_ALLOWED_ORIGIN | ROPEWAY_OPTION_BASIC_AUTH | ROPEWAY_OPTION_BEARER_AUTH
    )
}

/// Sets the string that `key` names.
pub(crate) fn set_string(settings: &mut Settings, key: i32, value: &str) -> Result<(), Failure> {
    let options = Arc::make_mut(&mut settings.connection);
    match key {
        ROPEWAY_OPTION_ALLOWED_ORIGIN => options.allowed_origins.add(value)?,
        ROPEWAY_OPTION_BASIC_AUTH => {
            let (user, password) = value.split_once(':').ok_or(Failure::Argument(
                "basic authorization is of the form user:password",
            ))?;
            options.headers.basic_auth(user, password)?;
        }
        _ => options.headers.bearer_auth(value)?,
    }
    Ok(())
}
