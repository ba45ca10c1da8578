//! What must hold of what the two ends of a connection are told.

use ropeway_core::handshake::HandshakeError;
use ropeway_core::{Deadline, Error};

use super::{Line, World};
use crate::host::{News, RESERVE};

impl World {
    /// What an end was told, held against what the other end said.
    pub(super) fn tell(&mut self, line: usize, side: usize, news: Vec<News>) {
        for item in news {
            if self.shown {
                match &item {
                    News::Message(kind, bytes) => {
                        self.show(
                            line,
                            side,
                            &format!("gets {} bytes of {kind:?}", bytes.len()),
                        );
                    }
                    News::Closed => {
                        let closed = format!("{:?}", self.lines[line].ends[side].closed);
                        self.show(line, side, &closed);
                    }
                    other => self.show(line, side, &format!("{other:?}")),
                }
            }
            let [client, server] = &mut self.lines[line].ends;
            let (end, other) = if side == 0 {
                (client, server)
            } else {
                (server, client)
            };
            match item {
                News::Asked => end.decides = true,
                News::Message(kind, bytes) => {
                    let expected = other.accepted.get(end.delivered).copied();
                    let expected = expected.expect("a message that nobody sent");
                    assert_eq!(expected.kind, kind, "{expected:?}");
                    assert!(
                        bytes == expected.bytes(),
                        "{expected:?} has come as something else"
                    );
                    end.delivered += 1;
                    let longest = end.protocol.options().max_message_size;
                    assert!(end.protocol.options().streaming || bytes.len() as u64 <= longest);
                }
                News::Closed => self.check_end(line, side),
                News::Opened | News::Ping | News::Pong => {}
            }
        }
        let end = &self.lines[line].ends[side];
        let most = end.limit.max(end.longest + end.longest / 16 + 100) + RESERVE + 5000;
        assert!(
            end.queue.len() <= most,
            "{} bytes queued, of {most}",
            end.queue.len()
        );
    }

    /// A connection has ended: by a closing handshake with nothing lost, or for a reason that there was.
    fn check_end(&self, line: usize, side: usize) {
        let Line {
            ends,
            pipes,
            disturbed,
        } = &self.lines[line];
        let (end, other) = (&ends[side], &ends[1 - side]);
        let closed = end.closed.as_ref().expect("it has ended");
        if closed.received.is_some() && closed.cause.is_none() {
            assert_eq!(
                end.delivered,
                other.accepted.len(),
                "messages in front of the Close frame are lost"
            );
        }
        match &closed.cause {
            None => assert!(closed.is_clean()),
            Some(Error::Aborted) => assert!(*disturbed),
            Some(Error::Io(_)) => assert!(*disturbed, "reset for no reason"),
            Some(Error::ConnectionLost | Error::Handshake(HandshakeError::Incomplete { .. })) => {
                assert!(*disturbed || other.closed.is_some(), "lost for no reason");
                assert_eq!(pipes[side].room(), 0, "its stream goes on");
            }
            Some(Error::Limit { value, actual, .. }) => assert!(actual > value),
            Some(Error::Timeout { deadline, .. }) => assert!(matches!(
                deadline,
                Deadline::Open | Deadline::Pong | Deadline::Idle | Deadline::Close
            ),),
            Some(Error::Handshake(HandshakeError::Refused(status))) => {
                assert_eq!((*status, side), (403, 1))
            }
            Some(Error::Handshake(HandshakeError::InvalidStatus(response))) => {
                assert!(
                    matches!(response.status, 403 | 408 | 503) && side == 0,
                    "{response:?}"
                );
            }
            Some(other) => panic!("an end accuses the other of what it does not do: {other:?}"),
        }
    }
}
