//! The network between two sockets: what each engine has sent is taken from its socket and given to the other's, late, in
//! parts, or not at all.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::network::{Pipe, Read};
use super::random::Random;
use crate::protocol::Time;

/// A connection on its way between the two engines: 0 is the client's, 1 the server's.
pub(super) struct Wire {
    /// The network's ends; none once it has cut that side off.
    sockets: [Option<UnixStream>; 2],
    /// What is on its way to each side.
    pub(super) pipes: [Pipe; 2],
    /// What has arrived at each side, and its socket has not taken yet.
    arrived: [Vec<u8>; 2],
    /// Whether each side's socket may have bytes for the network, and room for some.
    may_take: [bool; 2],
    may_give: [bool; 2],
}

/// What the network does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    Take,
    Give,
}

/// What came of giving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Nothing,
    Something,
    /// The engine has gone, and the other side is reset for it.
    Reset,
}

impl Wire {
    /// A connection, and the two ends that the engines get.
    pub(super) fn new(random: &mut Random) -> (Self, [OwnedFd; 2]) {
        let mut pair = || {
            let (ours, theirs) = UnixStream::pair().expect("sockets");
            ours.set_nonblocking(true).expect("a socket");
            let buffer = random.pick(&[4096, 30_000, 200_000]);
            socket2::SockRef::from(&theirs)
                .set_send_buffer_size(buffer)
                .expect("a socket");
            (Some(ours), OwnedFd::from(theirs))
        };
        let ((client, clients), (server, servers)) = (pair(), pair());
        let pipes = [0, 1].map(|_| {
            let capacity = random.pick(&[100, 5000, 100_000]);
            let latency = Duration::from_micros(random.pick(&[1, 500, 30_000, 400_000]));
            Pipe::new(capacity, latency)
        });
        let wire = Self {
            sockets: [client, server],
            pipes,
            arrived: [Vec::new(), Vec::new()],
            may_take: [true; 2],
            may_give: [true; 2],
        };
        (wire, [clients, servers])
    }

    /// A side's engine has had a turn.
    pub(super) fn touched(&mut self, side: usize) {
        self.may_take[side] = true;
        self.may_give[side] = true;
    }

    pub(super) fn reset(&mut self, now: Time) {
        self.pipes.iter_mut().for_each(|pipe| pipe.reset(now));
    }

    pub(super) fn stall(&mut self, until: Time) {
        self.pipes.iter_mut().for_each(|pipe| pipe.stall(until));
    }

    /// When something arrives next.
    pub(super) fn next_time(&self) -> Option<Time> {
        [0, 1]
            .into_iter()
            .filter(|&side| self.arrived[side].is_empty() && self.sockets[side].is_some())
            .filter_map(|side| self.pipes[side].next_time())
            .min()
    }

    /// What can be done at a side now.
    pub(super) fn moves(&self, side: usize, now: Time) -> impl Iterator<Item = Move> {
        let takes = self.may_take[side] && self.pipes[1 - side].room() > 0;
        let arrives = self.pipes[side].next_time().is_some_and(|time| time <= now);
        let gives = self.may_give[side] && (arrives || !self.arrived[side].is_empty());
        let there = self.sockets[side].is_some();
        [(Move::Take, takes), (Move::Give, gives)]
            .into_iter()
            .filter_map(move |(step, can)| (there && can).then_some(step))
    }

    /// Takes what a side's engine has sent. Whether there was anything.
    pub(super) fn take(&mut self, side: usize, most: usize, now: Time) -> bool {
        let pipe = &mut self.pipes[1 - side];
        let mut buffer = vec![0; most.min(pipe.room())];
        let Some(socket) = &mut self.sockets[side] else {
            return false;
        };
        match socket.read(&mut buffer) {
            Ok(count) if count > 0 => {
                let taken = pipe.write(&buffer[..count], now);
                assert_eq!(taken, count);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The engine has ended its direction, or closed its socket, with bytes unread perhaps.
            Ok(_) | Err(_) => pipe.finish(now),
        }
        self.may_take[side] = false;
        false
    }

    /// Gives a side's engine what has arrived. Where that has gone, the other side is reset.
    pub(super) fn give(&mut self, side: usize, most: usize, now: Time) -> Given {
        let Some(socket) = &mut self.sockets[side] else {
            return Given::Nothing;
        };
        if self.arrived[side].is_empty() {
            match self.pipes[side].read(most, now) {
                None => return Given::Nothing,
                Some(Read::Bytes(bytes)) => self.arrived[side] = bytes,
                Some(Read::End) => {
                    let _ = socket.shutdown(Shutdown::Write);
                    return Given::Something;
                }
                Some(Read::Reset) => {
                    self.sockets[side] = None;
                    return Given::Something;
                }
            }
        }
        match socket.write(&self.arrived[side]) {
            Ok(count) => {
                self.arrived[side].drain(..count);
                Given::Something
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.may_give[side] = false;
                Given::Nothing
            }
            Err(_) => {
                self.arrived[side].clear();
                self.sockets[side] = None;
                self.pipes[1 - side].reset(now);
                Given::Reset
            }
        }
    }

    /// Whether a side's engine has closed its socket. Asked at the very end.
    pub(super) fn is_closed(&mut self, side: usize) -> bool {
        let Some(socket) = &mut self.sockets[side] else {
            return true;
        };
        let mut rest = Vec::new();
        match socket.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}
