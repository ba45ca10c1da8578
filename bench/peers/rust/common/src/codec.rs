//! The codec without a socket: a peer's connection over memory, which gives it frames without end and takes what it sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cpu_time::ThreadTime;
use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Failure, Socket};

/// What a socket gives at most in one read.
pub const READ: usize = 64 << 10;
/// Payload bytes between two looks at the clock, which counts the thread's processor time.
const TURN: usize = 128 << 10;

/// A stream that reads the same frames for ever, and takes what is written as a socket would: by a copy.
pub struct Memory {
    frames: Bytes,
    at: usize,
    written: Box<[u8; READ]>,
}

impl Memory {
    /// The next bytes, at most so many.
    pub fn read(&mut self, most: usize) -> &[u8] {
        let (from, length) = (self.at, most.min(READ).min(self.frames.len() - self.at));
        self.at = (self.at + length) % self.frames.len();
        &self.frames[from..from + length]
    }

    /// Takes bytes that are sent.
    pub fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(READ) {
            self.written[..part.len()].copy_from_slice(part);
            std::hint::black_box(&self.written[..part.len()]);
        }
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
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        for part in parts {
            self.write(part);
        }
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
        written: Box::new([0; READ]),
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
    let turn = (TURN / size.max(32)).max(1);
    let mut run = |length: Duration| {
        let (began, mut count) = (ThreadTime::now(), 0);
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
