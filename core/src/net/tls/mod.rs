//! TLS 1.3 and 1.2 (RFC 8446 and RFC 5246) over a socket, or over another stream (a tunnel through a proxy), by rustls.
//!
//! An idle connection holds its keys and nothing else: records are received and made in memory that all connections of
//! a thread share. Only the rest of an incomplete record, decrypted bytes that did not fit where they were asked for,
//! and records that the kernel did not take yet are kept with the connection.
#![forbid(unsafe_code)]

mod certificates;
mod chunks;
mod client;
mod failure;
mod info;
mod server;
mod session;

use std::cell::Cell;
use std::fmt;
use std::io::{self, IoSlice};

use super::{Socket, Stream};
use crate::tls_error::TlsError;
pub use certificates::{Pem, TlsIdentity};
use chunks::Chunks;
pub use client::{TlsClient, TlsClientOptions};
pub use info::TlsInfo;
pub use server::{TlsServer, TlsServerOptions};
use session::{Records, Run, Session, Standing, Wish};

/// Bytes asked of the socket at once, at most and at least.
const MOST_READ: usize = 64 << 10;
const LEAST_READ: usize = 4 << 10;
/// The most that is kept of unfinished records: handshake messages of 64 KiB in small records.
const MOST_KEPT: usize = 128 << 10;
/// Reads that bring no application data before others get their turn.
const FRUITLESS_READS: usize = 8;

const PLAIN_ANSWER: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
    Content-Length: 47\r\n\r\nThis port speaks TLS: use wss:// or https://.\r\n";

/// A stream in TLS.
pub(crate) struct Tls {
    stream: Stream,
    session: Session,
    /// The name that the client asks for.
    server_name: Option<Box<str>>,
    /// The beginning of a record whose end has not come yet.
    incoming: Vec<u8>,
    /// Decrypted bytes that nobody had room for, from `given` on.
    plain: Vec<u8>,
    given: usize,
    /// What is to be sent when the handshake is done.
    early: Vec<u8>,
    /// Records that the kernel has not taken, from `sent` on.
    outgoing: Vec<u8>,
    sent: usize,
    failed: Option<TlsError>,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes have come.
    begun: bool,
    /// The handshake is done.
    ready: bool,
    /// The stream below had no more bytes when it was last read.
    drained: bool,
    /// The peer has sent close_notify.
    peer_closed: bool,
    /// The sending direction ends once `outgoing` is sent.
    ending: bool,
}

/// Memory that connections of one thread use in turn.
#[derive(Default)]
struct Scratch {
    input: Vec<u8>,
    data: Vec<u8>,
    records: Records,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    // While a thread ends its own memory is gone already.
    let kept = SCRATCH.try_with(Cell::take).ok().flatten();
    let mut scratch = kept.unwrap_or_default();
    scratch.records.clear();
    let result = work(&mut scratch);
    let _ = SCRATCH.try_with(|place| place.set(Some(scratch)));
    result
}

impl Tls {
    fn new(stream: Stream, session: Session, server_name: Option<Box<str>>) -> Self {
        Self {
            stream,
            session,
            server_name,
            incoming: Vec::new(),
            plain: Vec::new(),
            given: 0,
            early: Vec::new(),
            outgoing: Vec::new(),
            sent: 0,
            failed: None,
            state: State::default(),
        }
    }

    pub(crate) fn socket(&self) -> &Socket {
        self.stream.socket()
    }

    /// Whether the handshake is done.
    pub(crate) const fn is_ready(&self) -> bool {
        self.state.ready
    }

    pub(crate) fn info(&self) -> Option<TlsInfo> {
        self.state
            .ready
            .then(|| TlsInfo::of(self.session.common(), self.server_name.as_deref()))
    }

    /// As [`Stream::receive`](super::Stream::receive); before the handshake is done it goes on with that.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        let mut filled = 0;
        self.receive_by(room, &mut |bytes| {
            buffer[filled..filled + bytes.len()].copy_from_slice(bytes);
            filled += bytes.len();
        })
    }

    pub(crate) fn receive_into(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let room = most.min(buffer.capacity() - buffer.len());
        self.receive_by(room, &mut |bytes| buffer.extend_from_slice(bytes))
    }

    /// Gives `put` at most `room` bytes.
    fn receive_by(&mut self, room: usize, put: &mut dyn FnMut(&[u8])) -> io::Result<usize> {
        if !self.plain.is_empty() {
            let count = room.min(self.plain.len() - self.given);
            put(&self.plain[self.given..self.given + count]);
            self.given += count;
            if self.given == self.plain.len() {
                self.plain = Vec::new();
                self.given = 0;
            }
            return Ok(count);
        }
        if room == 0 {
            return Ok(0);
        }
        with_scratch(|scratch| {
            for _ in 0..FRUITLESS_READS {
                if let Some(error) = &self.failed {
                    return Err(io::Error::other(error.clone()));
                }
                if self.state.peer_closed {
                    return Ok(0);
                }
                let filled = self.read(room, scratch)?;
                let count = self.decrypt(filled, room, put, scratch);
                if count > 0 {
                    return Ok(count);
                }
            }
            Err(io::ErrorKind::WouldBlock.into())
        })
    }

    /// Reads from the stream below once, behind what is left of the last read.
    fn read(&mut self, room: usize, scratch: &mut Scratch) -> io::Result<usize> {
        let kept = self.incoming.len();
        let most = room.saturating_sub(kept).clamp(LEAST_READ, MOST_READ);
        if scratch.input.len() < kept + most {
            scratch.input.resize(kept + most, 0);
        }
        let result = self.stream.receive(&mut scratch.input[kept..kept + most]);
        self.state.drained = !matches!(result, Ok(count) if count == most);
        let count = result?;
        if count == 0 {
            let error = if self.state.ready {
                TlsError::Truncated
            } else {
                TlsError::HandshakeCut
            };
            return Err(io::Error::other(self.failed.insert(error).clone()));
        }
        scratch.input[..kept].copy_from_slice(&self.incoming);
        Ok(kept + count)
    }

    /// Processes what was read; how much of it `put` has got.
    fn decrypt(
        &mut self,
        filled: usize,
        room: usize,
        put: &mut dyn FnMut(&[u8]),
        scratch: &mut Scratch,
    ) -> usize {
        let input = &mut scratch.input[..filled];
        if !std::mem::replace(&mut self.state.begun, true)
            && let Some(error) = self.refuse_plain(input)
        {
            self.failed = Some(error);
            return 0;
        }
        let mut count = 0;
        let plain = &mut self.plain;
        let mut take = |bytes: &[u8]| {
            let now = bytes.len().min(room - count);
            put(&bytes[..now]);
            count += now;
            plain.extend_from_slice(&bytes[now..]);
        };
        let wish = if self.early.is_empty() {
            Wish::Nothing
        } else {
            Wish::Encrypt(&self.early)
        };
        let run = self
            .session
            .run(input, &mut scratch.records, &mut take, wish);
        if run.wished {
            self.early = Vec::new();
        }
        let rest = &input[run.used..];
        if rest.is_empty() {
            self.incoming = Vec::new();
        } else {
            self.incoming.clear();
            self.incoming.extend_from_slice(rest);
        }
        self.ran(&run, &mut scratch.records);
        count
    }

    /// Takes note of what a run has changed, and sends what it made.
    fn ran(&mut self, run: &Run, records: &mut Records) {
        if let Some(name) = server::asked_name() {
            self.server_name = Some(name);
        }
        self.state.peer_closed |= run.peer_closed;
        match &run.result {
            Ok(standing) => self.state.ready |= *standing == Standing::Ready,
            Err(error) => {
                self.failed = Some(failure::of(error));
            }
        }
        if self.incoming.len() > MOST_KEPT {
            self.failed = Some(TlsError::Protocol(
                format!("{} bytes hold no whole record", self.incoming.len()).into(),
            ));
        }
        // If the stream below is broken, the next call that reads or writes it says so.
        let _ = self.transmit(records);
    }

    /// Sends records, or keeps them for later.
    fn transmit(&mut self, records: &mut Records) -> io::Result<()> {
        let bytes = records.bytes();
        let mut sent = 0;
        let mut result = Ok(());
        if self.outgoing.is_empty() && !bytes.is_empty() {
            match self.stream.send(bytes) {
                Ok(count) => sent = count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    sent = bytes.len();
                    result = Err(error);
                }
            }
        }
        self.outgoing.extend_from_slice(&bytes[sent..]);
        records.clear();
        result
    }

    /// A peer that speaks plain HTTP learns of its mistake in a language that it knows.
    fn refuse_plain(&mut self, first: &[u8]) -> Option<TlsError> {
        // RFC 8446 section 5.1: the types of the records that a handshake begins with, handshake and alert.
        if matches!(first.first(), Some(21 | 22)) {
            return None;
        }
        match self.session {
            Session::Client(_) if first.starts_with(b"HTTP/") => Some(TlsError::PlainHttp),
            Session::Server(_) if first.first().is_some_and(u8::is_ascii_uppercase) => {
                let _ = self.stream.send(PLAIN_ANSWER);
                Some(TlsError::PlainHttp)
            }
            _ => Some(TlsError::NotTls),
        }
    }

    pub(crate) fn has_more(&self) -> bool {
        !self.state.drained
            || !self.plain.is_empty()
            || self.state.peer_closed
            || self.failed.is_some()
            || self.stream.has_more()
    }

    /// As [`Stream::send_pieces`](super::Stream::send_pieces). What is sent before the handshake is done, a client's
    /// request, is kept until then.
    pub(crate) fn send(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if let Some(error) = &self.failed {
            return Err(io::Error::other(error.clone()));
        }
        if !self.state.ready {
            return self.send_early(pieces);
        }
        if !self.flush()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        with_scratch(|scratch| self.encrypt(pieces, scratch))
    }

    fn send_early(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let begins = self.early.is_empty() && !self.state.begun;
        pieces
            .iter()
            .for_each(|piece| self.early.extend_from_slice(piece));
        if begins {
            with_scratch(|scratch| {
                let records = &mut scratch.records;
                let run = (self.session).run(&mut [], records, &mut |_| {}, Wish::Nothing);
                self.ran(&run, records);
            });
        }
        Ok(pieces.iter().map(|piece| piece.len()).sum())
    }

    fn encrypt(&mut self, pieces: &[IoSlice<'_>], scratch: &mut Scratch) -> io::Result<usize> {
        let mut taken = 0;
        let mut chunks = Chunks::new(pieces);
        while let Some(chunk) = chunks.next(&mut scratch.data) {
            self.run_idle(Wish::Encrypt(chunk), &mut scratch.records)?;
            taken += chunk.len();
            self.transmit(&mut scratch.records)?;
            if !self.outgoing.is_empty() {
                break;
            }
        }
        Ok(taken)
    }

    /// Lets the session send something, without new bytes from the peer.
    fn run_idle(&mut self, wish: Wish<'_>, records: &mut Records) -> io::Result<()> {
        let plain = &mut self.plain;
        let run = self.session.run(
            &mut self.incoming,
            records,
            &mut |bytes| plain.extend_from_slice(bytes),
            wish,
        );
        self.incoming.drain(..run.used);
        self.state.peer_closed |= run.peer_closed;
        match run.result {
            Ok(_) if run.wished => Ok(()),
            Ok(_) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) => {
                let error = failure::of(&error);
                Err(io::Error::other(self.failed.insert(error).clone()))
            }
        }
    }

    pub(crate) fn unsent(&self) -> usize {
        self.outgoing.len() - self.sent + self.stream.unsent()
    }

    /// Sends the records that wait. Whether none is left.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while self.sent < self.outgoing.len() {
            match self.stream.send(&self.outgoing[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => {
                    self.outgoing = Vec::new();
                    self.sent = 0;
                    return Err(error);
                }
            }
        }
        if self.sent > 0 {
            self.outgoing = Vec::new();
            self.sent = 0;
            if self.state.ending {
                self.stream.end_sending();
            }
        }
        self.stream.flush()?;
        Ok(self.stream.unsent() == 0)
    }

    /// Sends close_notify, and ends the sending direction behind it.
    pub(crate) fn end_sending(&mut self) {
        if std::mem::replace(&mut self.state.ending, true) {
            return;
        }
        if self.state.ready && self.failed.is_none() {
            // A peer that has gone already needs no leave.
            let _ = with_scratch(|scratch| {
                self.run_idle(Wish::CloseNotify, &mut scratch.records)?;
                self.transmit(&mut scratch.records)
            });
        }
        if self.outgoing.is_empty() {
            self.stream.end_sending();
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("stream", &self.stream)
            .field("state", &self.state)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_answer_has_the_length_that_it_announces() {
        let text = std::str::from_utf8(PLAIN_ANSWER).expect("ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
    }
}
