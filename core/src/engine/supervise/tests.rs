//! Back-off, final ends and held messages, under virtual time.

use super::*;
use crate::error::{Deadline, IoError, Limit, Role};
use crate::frame::{CloseCode, FrameError};
use crate::protocol::CloseFrame;
use crate::proxy_error::ProxyError;
use crate::tls_error::{CertificateProblem, TlsError};

const BEGUN: Time = Time::from_micros(1);

fn failed(cause: Error) -> Closed {
    Closed {
        cause: Some(cause),
        ..Closed::default()
    }
}

fn lost() -> Closed {
    failed(Error::ConnectionLost)
}

fn answered(status: u16, retry_after: Option<&str>) -> Closed {
    let mut response = Response {
        status,
        ..Response::default()
    };
    if let Some(value) = retry_after {
        response
            .headers
            .push("Retry-After", value)
            .expect("a field");
    }
    let error = HandshakeError::InvalidStatus(Box::new(response));
    failed(Error::Handshake(error))
}

fn closed_by_peer(code: u16) -> Closed {
    let frame = Some(CloseFrame {
        code: CloseCode::new(code),
        reason: String::new(),
    });
    Closed {
        received: frame.clone(),
        sent: frame,
        ..Closed::default()
    }
}

fn seconds(policy: Reconnect, ends: usize) -> Vec<Duration> {
    let mut supervision = Supervision::new(policy);
    (0..ends)
        .map(|_| {
            let attempt = supervision.ended(&lost(), BEGUN).expect("is not final");
            attempt.delay
        })
        .collect()
}

#[test]
fn waits_are_random_parts_of_a_ceiling_that_grows_up_to_the_cap() {
    let ceilings = [1, 2, 4, 8, 16, 32, 60, 60, 60].map(Duration::from_secs);
    let mut sums = [Duration::ZERO; 9];
    for seed in 0..1000 {
        let policy = Reconnect {
            seed: Some(seed),
            ..Reconnect::default()
        };
        let waits = seconds(policy, ceilings.len());
        assert_eq!(waits, seconds(policy, ceilings.len()), "a seed's own waits");
        for ((wait, ceiling), sum) in waits.iter().zip(ceilings).zip(&mut sums) {
            assert!(*wait < ceiling, "{wait:?} of {ceiling:?}");
            *sum += *wait;
        }
    }
    // The mean of a thousand is half the ceiling, give or take a twentieth (over five standard deviations).
    for (sum, ceiling) in sums.iter().zip(ceilings) {
        let mean = *sum / 1000;
        assert!(
            mean.abs_diff(ceiling / 2) < ceiling / 20,
            "{mean:?} of {ceiling:?}"
        );
    }
    let mut system = Jitter(None);
    let draws: Vec<_> = (0..8).map(|_| system.draw()).collect();
    assert!(draws.iter().any(|draw| *draw != draws[0]), "{draws:?}");
}

#[test]
fn no_setting_makes_a_wait_overflow() {
    let policy = Reconnect {
        base: Duration::MAX,
        cap: Duration::MAX,
        factor_percent: u32::MAX,
        seed: Some(7),
        ..Reconnect::default()
    };
    assert!(seconds(policy, 4).iter().all(|wait| *wait > Duration::ZERO));
    let policy = Reconnect {
        base: Duration::ZERO,
        factor_percent: 0,
        ..policy
    };
    assert_eq!(seconds(policy, 3), [Duration::ZERO; 3]);
}

#[test]
fn a_stable_period_begins_anew() {
    let mut supervision = Supervision::new(Reconnect {
        max_attempts: 3,
        ..Reconnect::default()
    });
    let mut number = |open_for: Option<u64>| {
        if open_for.is_some() {
            supervision.opened(BEGUN);
        }
        let now = BEGUN + Duration::from_secs(open_for.unwrap_or(1_000));
        let attempt = supervision.ended(&lost(), now);
        attempt.map(|attempt| (attempt.number, supervision.ceiling.as_secs()))
    };
    assert_eq!(number(None), Some((1, 2)));
    assert_eq!(number(Some(9)), Some((2, 4)), "open, but not for long");
    assert_eq!(number(Some(10)), Some((1, 2)), "stable");
    assert_eq!(number(None), Some((2, 4)));
    assert_eq!(number(None), Some((3, 8)));
    assert_eq!(number(None), None, "used up");
    assert_eq!(number(Some(10)), Some((1, 2)));
}

#[test]
fn which_ends_are_final() {
    let io = IoError::new("receive", &std::io::ErrorKind::ConnectionReset.into());
    let timeout = |deadline| Error::Timeout {
        deadline,
        after: Duration::from_secs(1),
        stage: None,
    };
    let by_proxy = |problem| {
        let proxy = "http://proxy:80".into();
        failed(Error::Proxy(Box::new(ProxyError { proxy, problem })))
    };
    let status = |status| ProxyProblem::Status {
        target: "h:80".into(),
        status,
        reason: "".into(),
    };
    let reply = |code| ProxyProblem::Reply {
        target: "h:80".into(),
        code,
    };
    let passing = [
        by_proxy(ProxyProblem::Closed),
        by_proxy(status(503)),
        by_proxy(reply(5)),
        lost(),
        failed(Error::Io(io)),
        failed(timeout(Deadline::Open)),
        failed(timeout(Deadline::Pong)),
        failed(timeout(Deadline::Idle)),
        failed(Error::Resolve {
            host: "h".into(),
            message: String::new(),
        }),
        failed(Error::Connect {
            host: "h".into(),
            attempts: Vec::new(),
        }),
        failed(Error::ConnectUnix {
            path: "/s".into(),
            error: io,
        }),
        failed(Error::Tls(TlsError::HandshakeCut)),
        failed(Error::Tls(TlsError::Truncated)),
        failed(Error::Handshake(HandshakeError::Incomplete { received: 0 })),
    ];
    for closed in passing {
        assert!(!Reconnect::is_final(&closed), "{closed:?}");
    }
    let finals = [
        by_proxy(ProxyProblem::CredentialsRefused),
        by_proxy(status(403)),
        by_proxy(reply(2)),
        failed(Error::Aborted),
        failed(Error::Misuse("x")),
        failed(Error::Frame(FrameError::MaskedByServer)),
        failed(Error::Tls(TlsError::Certificate {
            problem: CertificateProblem::Expired,
            detail: "x".into(),
        })),
        failed(Error::Tls(TlsError::Settings("x".into()))),
        failed(Error::Tls(TlsError::PlainHttp)),
        failed(Error::Limit {
            limit: Limit::MessageSize,
            value: 1,
            actual: 2,
            role: Role::Client,
        }),
        failed(Error::Handshake(HandshakeError::MissingHeader("Upgrade"))),
        failed(Error::Handshake(HandshakeError::TooManyRedirects {
            count: 2,
            limit: 1,
        })),
        failed(Error::Handshake(HandshakeError::InsecureRedirect(
            "x".into(),
        ))),
    ];
    for closed in finals {
        assert!(Reconnect::is_final(&closed), "{closed:?}");
    }
    for status in 200..600 {
        let passing = matches!(status, 408 | 425 | 429 | 500..);
        assert_eq!(
            Reconnect::is_final(&answered(status, None)),
            !passing,
            "{status}"
        );
    }
    for code in [1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 3000, 4999] {
        assert!(Reconnect::is_final(&closed_by_peer(code)), "{code}");
    }
    for code in [1001, 1011, 1012, 1013, 1014] {
        assert!(!Reconnect::is_final(&closed_by_peer(code)), "{code}");
    }
}

#[test]
fn the_application_may_take_every_end_for_its_own_decision() {
    let mut supervision = Supervision::new(Reconnect {
        every_end: true,
        ..Reconnect::default()
    });
    for closed in [answered(401, None), closed_by_peer(1000)] {
        assert!(supervision.ended(&closed, BEGUN).is_some(), "{closed:?}");
    }
}

#[test]
fn the_server_may_ask_for_a_longer_wait_within_the_cap() {
    let wait = |closed: Closed| {
        let mut supervision = Supervision::new(Reconnect::default());
        supervision.ended(&closed, BEGUN).expect("passes").delay
    };
    let (base, cap) = (Reconnect::default().base, Reconnect::default().cap);
    for status in [429, 503] {
        let delay = wait(answered(status, Some(" 7 ")));
        let least = Duration::from_secs(7);
        assert!(delay >= least && delay < least + base, "{delay:?}");
    }
    for long in ["3600", "99999999999999999999999999"] {
        assert_eq!(wait(answered(503, Some(long))), cap);
    }
    for other in ["", "-1", "+5", "1.5", "Fri, 31 Dec 1999 23:59:59 GMT"] {
        assert!(wait(answered(503, Some(other))) < base, "{other}");
    }
}

#[test]
fn messages_are_held_whole_in_order_and_within_the_limit() {
    let text = MessageKind::Text;
    let by = Compress::ByOptions;
    let mut none = Supervision::new(Reconnect::default());
    assert!(none.hold(text, b"x", by, u64::MAX).is_none());
    let mut supervision = Supervision::new(Reconnect {
        resend_limit: 100,
        ..Reconnect::default()
    });
    let mut hold = |payload: &[u8], send_limit| {
        let held = supervision.hold(text, payload, by, send_limit);
        held.expect("messages are held")
    };
    assert_eq!(hold(b"first", 1000), Ok(19));
    assert_eq!(hold(&[b'x'; 67], 1000), Ok(100));
    let full = SendError::HeldFull {
        held: 100,
        limit: 100,
    };
    assert_eq!(hold(b"", 1000), Err(full));
    let lower = SendError::HeldFull {
        held: 100,
        limit: 50,
    };
    assert_eq!(hold(b"", 50), Err(lower), "what could not be sent at once");
    let lengths: Vec<_> = (supervision.opened(BEGUN).iter())
        .map(|held| held.payload.len())
        .collect();
    assert_eq!(lengths, [5, 67]);
    assert!(supervision.opened(BEGUN).is_empty());
    assert_eq!(
        supervision.hold(text, b"", by, 1000).expect("is held"),
        Ok(14)
    );
}
