//! Redirects of an opening handshake, which RFC 6455 section 4.1 lets a client follow: where one leads (RFC 9110
//! sections 10.2.2 and 15.4), and what of the request may go there.

use std::sync::Arc;

use crate::handshake::{HandshakeError, Response, WebSocketUrl};
use crate::protocol::Options;

/// Header fields that are meant for one origin alone.
const BOUND: [&str; 4] = ["Authorization", "Cookie", "Proxy-Authorization", "Host"];

/// Where a handshake's request goes, and what it says.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: WebSocketUrl,
    pub(super) options: Arc<Options>,
}

impl Target {
    /// Where `response` sends this request; `None` when it does not redirect.
    ///
    /// # Errors
    /// [`HandshakeError::InvalidRedirect`], [`HandshakeError::InsecureRedirect`], or
    /// [`HandshakeError::DuplicateHeader`] for two locations.
    pub(super) fn redirected(&self, response: &Response) -> Result<Option<Self>, HandshakeError> {
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let mut locations = response.headers.get_all("Location");
        let Some(location) = locations.next() else {
            return Ok(None);
        };
        if locations.next().is_some() {
            return Err(HandshakeError::DuplicateHeader("Location"));
        }
        let location = std::str::from_utf8(location)
            .map_err(|_| HandshakeError::invalid_header("Location", location))?;
        let url = self
            .url
            .join(location)
            .map_err(HandshakeError::InvalidRedirect)?;
        if self.url.secure() && !url.secure() {
            return Err(HandshakeError::InsecureRedirect(url.to_string().into()));
        }
        if keeps_secrets(&self.url, &url) {
            return Ok(Some(Self {
                url: url.or_credentials_of(&self.url),
                options: Arc::clone(&self.options),
            }));
        }
        let mut options = Arc::clone(&self.options);
        if BOUND.iter().any(|name| options.headers.contains(name)) {
            let options = Arc::make_mut(&mut options);
            for name in BOUND {
                options.headers.remove(name);
            }
        }
        Ok(Some(Self { url, options }))
    }
}

/// Whether what is secret between a client and `from` may be told to `to`: the same origin, or the same host's ports 80
/// and 443 when the redirect leads from ws to wss, so that "always use TLS" does not cost the login.
fn keeps_secrets(from: &WebSocketUrl, to: &WebSocketUrl) -> bool {
    let place = |url: &WebSocketUrl| (url.secure(), url.port(), url.socket_path().is_none());
    from.same_origin(to)
        || from.host() == to.host()
            && place(from) == (false, 80, true)
            && place(to) == (true, 443, true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::handshake::UrlError;

    const SECRETS: [(&str, &str); 4] = [
        ("Authorization", "Bearer x"),
        ("COOKIE", "a=b"),
        ("Proxy-Authorization", "Basic x"),
        ("host", "virtual"),
    ];

    fn target(url: &str) -> Target {
        let mut options = Options::default();
        for (name, value) in SECRETS {
            options.headers.push(name, value).expect("a field");
        }
        options.headers.push("X-Kept", "1").expect("a field");
        Target {
            url: WebSocketUrl::parse(url).expect(url),
            options: Arc::new(options),
        }
    }

    fn response(status: u16, location: &str) -> Response {
        let mut response = Response {
            status,
            ..Response::default()
        };
        response
            .headers
            .push("Location", location)
            .expect("a field");
        response
    }

    fn follow(url: &str, location: &str) -> Result<Target, HandshakeError> {
        let target = target(url).redirected(&response(302, location))?;
        Ok(target.expect("it is a redirect"))
    }

    #[test]
    fn five_statuses_with_a_location_redirect() {
        for status in 200..=599 {
            let redirects = matches!(status, 301 | 302 | 303 | 307 | 308);
            let led = target("ws://h/").redirected(&response(status, "/x"));
            assert_eq!(led.expect("valid").is_some(), redirects, "{status}");
        }
        let nowhere = Response {
            status: 302,
            ..Response::default()
        };
        let led = target("ws://h/").redirected(&nowhere).expect("valid");
        assert!(led.is_none(), "{led:?}");
    }

    #[test]
    fn locations_are_relative_absolute_or_of_http() {
        for (url, location, led) in [
            ("ws://h/a/b?q", "c", "ws://h/a/c"),
            ("ws://h/a/b?q", "/c?d", "ws://h/c?d"),
            ("ws://h/a/b?q", "?d", "ws://h/a/b?d"),
            ("ws://h:81/a", "//other/b", "ws://other/b"),
            ("wss://h/a", "//other:444/b", "wss://other:444/b"),
            ("ws://h/", "http://h/b", "ws://h/b"),
            ("ws://h/", "https://h/b", "wss://h/b"),
            ("wss://h/", "wss://other/", "wss://other/"),
            ("ws+unix:/s:/a", "/b", "ws+unix:/s:/b"),
        ] {
            let target = follow(url, location).expect("valid");
            assert_eq!(target.url.to_string(), led, "{url} {location}");
        }
    }

    /// websockets before 16.1 sent Authorization and Cookie to whomever it was redirected to.
    #[test]
    fn websockets_16_1_no_secret_goes_to_another_origin() {
        for (url, location) in [
            ("ws://h/", "ws://other/"),
            ("ws://h/", "//h.other/"),
            ("ws://h/", "ws://h:81/"),
            ("ws://h/", "\\\\other/"),
            ("ws://h/", "/\\other/"),
            ("wss://h/", "https://h:444/"),
            ("wss://h:444/", "https://h/"),
            ("ws://h:81/", "wss://h/"),
            ("ws://h/", "wss://h:444/"),
            ("ws+unix:/s:/", "ws://other/"),
            ("ws+unix:/s:/", "wss://localhost/"),
        ] {
            let url = url.replace("//h", "//user:secret@h");
            let led = follow(&url, location).expect("valid");
            for (name, _) in SECRETS {
                assert!(!led.options.headers.contains(name), "{url} {location}");
            }
            assert_eq!(led.url.credentials(), None, "{url} {location}");
            assert_eq!(led.options.headers.get("X-Kept"), Some("1"));
        }
    }

    #[test]
    fn secrets_stay_within_an_origin_and_on_its_way_to_tls() {
        for (url, location) in [
            ("ws://user:secret@h/a", "/b"),
            ("ws://user:secret@h/a", "b"),
            ("ws://user:secret@h/a", "http://H:80/b"),
            ("wss://user:secret@h/a", "https://h/b"),
            ("ws://user:secret@h/a", "https://h/b"),
            ("ws://user:secret@h/a", "wss://h:443/b"),
        ] {
            let led = follow(url, location).expect("valid");
            for (name, value) in SECRETS {
                assert_eq!(led.options.headers.get(name), Some(value), "{location}");
            }
            let credentials = Some(("user".into(), "secret".into()));
            assert_eq!(led.url.credentials(), credentials, "{location}");
        }
        let own = follow("ws://user:secret@h/a", "ws://guest@h/b").expect("valid");
        assert_eq!(
            own.url.credentials(),
            Some(("guest".into(), String::new())),
            "a location with a user of its own"
        );
    }

    #[test]
    fn what_was_stripped_does_not_come_back() {
        let away = follow("ws://user:secret@h/", "ws://other/").expect("valid");
        let back = away.redirected(&response(307, "ws://h/")).expect("valid");
        let back = back.expect("a redirect");
        assert_eq!(back.url.credentials(), None);
        assert!(!back.options.headers.contains("Cookie"));
    }

    #[test]
    fn tls_is_never_left() {
        for location in ["ws://h/", "http://h/", "http://user:secret@h/x"] {
            match follow("wss://h/", location) {
                Err(HandshakeError::InsecureRedirect(url)) => {
                    assert!(url.starts_with("ws://") && !url.contains("secret"), "{url}");
                }
                other => panic!("{location}: {other:?}"),
            }
        }
    }

    /// A redirect's query added lines to autobahn's request.
    #[test]
    fn pysec_2020_25_a_location_adds_no_line_to_the_request() {
        assert_eq!(
            follow("ws://h/", "/?\tx").expect_err("refused"),
            HandshakeError::InvalidRedirect(UrlError::ControlCharacter { position: 2 })
        );
        let led = follow("ws://h/", "/?a=%0d%0aX-Injected:%20y z").expect("valid");
        assert_eq!(led.url.request_target(), "/?a=%0d%0aX-Injected:%20y%20z");
    }

    #[test]
    fn locations_that_lead_nowhere_have_a_name() {
        for (location, error) in [
            ("ftp://h/", UrlError::Scheme("ftp".into())),
            ("ws+unix:/s", UrlError::Scheme("ws+unix".into())),
            ("javascript:0", UrlError::Scheme("javascript".into())),
            ("/#login", UrlError::Fragment),
        ] {
            let error = HandshakeError::InvalidRedirect(error);
            assert_eq!(follow("ws://h/", location).expect_err(location), error);
        }
        let mut twice = response(302, "/a");
        twice.headers.push("location", "/b").expect("a field");
        assert_eq!(
            target("ws://h/").redirected(&twice).expect_err("which?"),
            HandshakeError::DuplicateHeader("Location")
        );
        let mut bytes = response(302, "/a");
        bytes.headers.remove("Location");
        bytes
            .headers
            .push_bytes("Location", b"/\xff")
            .expect("a field");
        assert!(matches!(
            target("ws://h/").redirected(&bytes),
            Err(HandshakeError::InvalidHeader { .. })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(9110), ..ProptestConfig::default() })]

        #[test]
        fn no_location_gets_a_secret_out_or_a_line_in(
            url in "wss?://user:secret@(h|h:81)/a",
            location in "(wss?|https?|ftp|ws\\+unix|)(:|)[/\\\\]{0,3}(h|H|other|user@other|\\[::1\\]|)(:80|:81|:443|:|)[ -~]{0,12}",
        ) {
            let from = target(&url);
            let Ok(Some(led)) = from.redirected(&response(302, &location)) else {
                return Ok(());
            };
            prop_assert!(!from.url.secure() || led.url.secure());
            let line = led.url.request_target();
            prop_assert!(line.starts_with('/') && line.bytes().all(|byte| byte.is_ascii_graphic()));
            let port = |url: &WebSocketUrl| (url.secure(), url.port());
            let same = led.url.host() == "h"
                && (port(&from.url) == port(&led.url)
                    || (port(&from.url), port(&led.url)) == ((false, 80), (true, 443)));
            for (name, _) in SECRETS {
                prop_assert_eq!(led.options.headers.contains(name), same);
            }
            let password = led.url.credentials().map(|(_, password)| password);
            prop_assert!(same || password.as_deref() != Some("secret"));
        }
    }
}
