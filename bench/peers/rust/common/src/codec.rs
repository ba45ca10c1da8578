//! The codec without a socket: a peer's connection over memory, which gives it frames without end and takes what it sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Failure, Socket};

/// What a socket gives at most in one read.
pub const READ: usize = 64 << 10;
/// Operations between two looks at the clock, for messages of up to 16 KiB.
const TURN: usize = 64;

/// A stream that reads the same frames for ever, and forgets what is written.
pub struct Memory {
    frames: Bytes,
    at: usize,
}

impl Memory {
    /// The next bytes, at most so many.
    pub fn read(&mut self, most: usize) -> &[u8] {
        let (from, length) = (self.at, most.min(READ).min(self.frames.len() - self.at));
        self.at = (self.at + length) % self.frames.len();
        &self.frames[from..from + length]
    }

    /// All frames.
    pub fn frames(&self) -> &[u8] {
        &self.frames
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffer.put_slice(self.read(buffer.remaining()));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Takes OPERATION KIND SIZE SECONDS FRAMES and prints the nanoseconds of a message. The operation is `parse server`, `parse
/// client`, `encode server` or `encode client`, with a hyphen: whose part is played. FRAMES is a file of frames end to end, as
/// the other side would send them.
pub fn measure_codec<S: Socket>(
    words: &[String],
    open: impl Fn(Memory, bool) -> Option<S>,
) -> Result<(), Failure> {
    let [operation, kind, size, seconds, frames] = words else {
        return Err("codec OPERATION KIND SIZE SECONDS FRAMES".into());
    };
    let (size, seconds) = (size.parse()?, Duration::from_secs_f64(seconds.parse()?));
    let memory = Memory {
        frames: std::fs::read(frames)?.into(),
        at: 0,
    };
    let is_client = operation.ends_with("client");
    let socket = open(memory, is_client).ok_or("this peer has no such codec over memory")?;
    let nanoseconds = if operation.starts_with("parse") {
        parse(socket, size, seconds)?
    } else {
        encode(socket, kind == "binary", size, seconds)?
    };
    println!("{nanoseconds}");
    Ok(())
}

fn parse<S: Socket>(mut socket: S, size: usize, seconds: Duration) -> Result<f64, Failure> {
    timed(size, seconds, || {
        match std::hint::black_box(ready(socket.skip())?) == size {
            true => Ok(()),
            false => Err("a message of another size".into()),
        }
    })
}

fn encode<S: Socket>(
    mut socket: S,
    is_binary: bool,
    size: usize,
    seconds: Duration,
) -> Result<f64, Failure> {
    let payload = Bytes::from(vec![b'x'; size]);
    timed(size, seconds, || {
        ready(socket.feed(S::message(!is_binary, payload.clone())))?;
        ready(socket.flush())
    })
}

/// Nothing here waits.
fn ready<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    future
        .now_or_never()
        .ok_or("it waits for more than there is")?
}

/// The nanoseconds of one operation, after a tenth of the time to warm up.
fn timed(
    size: usize,
    seconds: Duration,
    mut operation: impl FnMut() -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let turn = if size > 16 << 10 { 1 } else { TURN };
    let mut run = |length: Duration| {
        let (began, mut count) = (Instant::now(), 0);
        while began.elapsed() < length {
            for _ in 0..turn {
                operation()?;
            }
            count += turn;
        }
        Ok::<_, Failure>(began.elapsed().as_nanos() as f64 / count as f64)
    };
    run(seconds / 10)?;
    run(seconds)
}
