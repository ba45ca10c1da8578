//! The codecs' floor: a copy of a message's frame, and nothing else.

use bytes::Bytes;
use common::{Failure, Memory, Socket};

struct Copy {
    memory: Memory,
    at: usize,
    frame: usize,
    size: usize,
    to: Vec<u8>,
}

impl Socket for Copy {
    type Message = Bytes;

    fn message(_: bool, payload: Bytes) -> Bytes {
        payload
    }

    fn payload(message: Bytes) -> Bytes {
        message
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        Err("it only copies".into())
    }

    async fn skip(&mut self) -> Result<usize, Failure> {
        let frames = self.memory.frames();
        self.to[..self.frame].copy_from_slice(&frames[self.at..self.at + self.frame]);
        self.at = (self.at + self.frame) % frames.len();
        std::hint::black_box(&self.to[..self.frame]);
        Ok(self.size)
    }

    async fn feed(&mut self, message: Bytes) -> Result<(), Failure> {
        self.memory.write(&message);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let size: usize = words.get(2).ok_or("no size")?.parse()?;
    common::measure_codec(&words, |memory, is_client| {
        let length = match size {
            0..126 => 0,
            126..65536 => 2,
            _ => 8,
        };
        Some(Copy {
            at: 0,
            frame: 2 + length + if is_client { 0 } else { 4 } + size,
            size,
            to: vec![0; memory.frames().len()],
            memory,
        })
    })
}
