//! permessage-deflate (RFC 7692) both ways: what is compressed is inflated to the same, by Ropeway and by miniz; and
//! hostile streams are inflated as miniz does it, within the limit, or refused.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use flate2::{Decompress, FlushDecompress, Status};
use ropeway_core::deflate::{Compress, Compression, InflateError, Parameters};
use ropeway_core::protocol::{Event, Input, MessageKind, Options, Output, Protocol, Time};
use ropeway_core::{Error, Limit, Role};

const NOW: Time = Time::from_micros(1);
const LIMIT: u64 = 100_000;

#[derive(Arbitrary, Debug)]
struct Hostile<'a> {
    takeover: bool,
    sizes: [u8; 3],
    messages: Vec<&'a [u8]>,
}

fn agreed(takeover: bool, bits: u8) -> Parameters {
    Parameters {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        server_max_window_bits: bits,
        client_max_window_bits: bits,
    }
}

/// Compressed messages of a server, made of any bytes, as a client inflates them.
pub fn inflate(data: &[u8]) {
    let Ok(input) = Hostile::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let mut whole = Receiver::new(input.takeover);
    let mut divided = Receiver::new(input.takeover);
    for message in input.messages {
        let mut frame = vec![0xc2];
        match message.len() {
            length @ 0..126 => frame.push(length as u8),
            length => {
                frame.push(126);
                frame.extend_from_slice(
                    &u16::try_from(length.min(65_535)).unwrap_or(0).to_be_bytes(),
                );
            }
        }
        let message = &message[..message.len().min(65_535)];
        frame.extend_from_slice(message);
        let here = whole.receive([&frame[..]].into_iter());
        let there = divided.receive(crate::pieces(&frame, &input.sizes));
        // How messages that share a history join is for the round trips to show.
        if !input.takeover {
            compare(&here, reference(message));
        }
        match (&here, &there) {
            (Ok(here), Ok(there)) => assert!(here == there, "in portions it is another message"),
            (Err(_), Err(_)) => return,
            other => panic!("{other:?}"),
        }
    }
}

/// Holds what came of a message against what miniz makes of it.
fn compare(ours: &Result<Vec<u8>, Error>, miniz: Result<Vec<u8>, usize>) {
    let too_big = |made: usize| made as u64 > LIMIT;
    match (ours, miniz) {
        (Ok(ours), Ok(theirs)) => {
            assert!(
                !too_big(ours.len()) && *ours == theirs,
                "miniz makes other bytes of it"
            );
        }
        (
            Err(Error::Limit {
                limit: Limit::MessageSize,
                value: LIMIT,
                ..
            }),
            miniz,
        ) => {
            assert!(too_big(
                miniz.map_or_else(|made| made, |theirs| theirs.len())
            ));
        }
        // What comes behind the end of an unfinished block may be seen to be impossible, or not yet.
        (Err(Error::Inflate(InflateError::Unfinished)), _)
        | (Err(Error::Inflate(InflateError::Corrupt)), Err(_)) => {}
        // A reference to before the stream's start, which miniz reads as zeros.
        (Err(Error::Inflate(InflateError::Corrupt)), Ok(theirs)) => assert!(theirs.contains(&0)),
        (ours, theirs) => panic!("{ours:?}, miniz: {theirs:?}"),
    }
}

/// One message as miniz inflates it, new streams after BFINAL; or how many bytes came before what is broken.
fn reference(mut message: &[u8]) -> Result<Vec<u8>, usize> {
    let mut miniz = Decompress::new(false);
    let mut whole = Vec::new();
    loop {
        whole.reserve(64 << 10);
        let (taken, made) = (miniz.total_in(), miniz.total_out());
        let status = miniz.decompress_vec(message, &mut whole, FlushDecompress::Sync);
        let taken = (miniz.total_in() - taken) as usize;
        let made = miniz.total_out() - made;
        message = &message[taken..];
        match status {
            Ok(Status::StreamEnd) => {
                miniz.reset(false);
                if message.is_empty() {
                    return Ok(whole);
                }
            }
            Ok(_) if whole.len() as u64 > 4 * LIMIT => return Ok(whole),
            Ok(_) if taken == 0 && made == 0 && message.is_empty() => return Ok(whole),
            Ok(_) if taken > 0 || made > 0 => {}
            _ => return Err(whole.len()),
        }
    }
}

struct Receiver {
    protocol: Protocol,
    input: Input,
    output: Output,
}

impl Receiver {
    fn new(takeover: bool) -> Self {
        let options = Options {
            max_message_size: LIMIT,
            ..Options::default()
        };
        Self {
            protocol: Protocol::open(Role::Client, Arc::new(options), NOW)
                .with_deflate(agreed(takeover, 15)),
            input: Input::new(),
            output: Output::new(),
        }
    }

    /// The message that comes of one frame.
    fn receive<'a>(&mut self, reads: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, Error> {
        let mut message = None;
        for read in reads {
            self.input.extend(read);
            while let Some(event) = self
                .protocol
                .next_event(&mut self.input, &mut self.output, NOW)
            {
                match event {
                    Event::Message { payload, .. } => {
                        assert!(message.is_none());
                        message = Some(payload.to_vec());
                    }
                    Event::Closed(closed) => {
                        let cause = closed.cause.clone();
                        assert_eq!(self.input.incomplete_bytes(), 0);
                        return Err(cause.expect("an error"));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        Ok(message.expect("a whole frame is a message or an error"))
    }
}

#[derive(Arbitrary, Debug)]
struct Settings {
    client: bool,
    takeover: bool,
    bits: u8,
    level: u8,
    memory: u8,
    threshold: u8,
    sizes: [u8; 3],
}

#[derive(Arbitrary, Debug)]
struct Message<'a> {
    bytes: &'a [u8],
    times: u8,
    compress: u8,
    fragment: Option<bool>,
}

/// Messages of any sort under any settings, sent whole and in fragments, arrive as they were.
pub fn round_trip(data: &[u8]) {
    let mut source = Unstructured::new(data);
    let Ok(settings) = Settings::arbitrary(&mut source) else {
        return;
    };
    let (from, to) = if settings.client {
        (Role::Client, Role::Server)
    } else {
        (Role::Server, Role::Client)
    };
    let agreed = agreed(settings.takeover, 8 + settings.bits % 8);
    let options = Arc::new(Options {
        compression: Compression {
            level: 1 + settings.level % 9,
            memory_level: 1 + settings.memory % 9,
            threshold: settings.threshold.into(),
            ..Compression::on()
        },
        ..Options::default()
    });
    let mut sender = Protocol::open(from, Arc::clone(&options), NOW).with_deflate(agreed);
    let mut receiver = Protocol::open(to, options, NOW).with_deflate(agreed);
    let (mut input, mut output, mut answers) = (Input::new(), Output::new(), Output::new());
    let mut begun: Option<Vec<u8>> = None;
    for _ in 0..50 {
        let Ok(message) = Message::arbitrary(&mut source) else {
            return;
        };
        let payload = crate::repeated(message.bytes, message.times);
        let compress = [Compress::ByOptions, Compress::Never, Compress::Always]
            [usize::from(message.compress) % 3];
        let kind = MessageKind::Binary;
        let expected = match (message.fragment, &mut begun) {
            (None, None) => {
                sender
                    .send_with(&mut output, kind, &payload, compress)
                    .expect("is open");
                Some(payload)
            }
            (fragment, begun) => {
                let last = fragment.unwrap_or(true);
                sender
                    .send_fragment(&mut output, kind, &payload, last)
                    .expect("is open");
                let so_far = begun.get_or_insert_default();
                so_far.extend_from_slice(&payload);
                if last { begun.take() } else { None }
            }
        };
        let mut came = None;
        let bytes = output.bytes().to_vec();
        output.consume(bytes.len());
        for piece in crate::pieces(&bytes, &settings.sizes) {
            input.extend(piece);
            while let Some(event) = receiver.next_event(&mut input, &mut answers, NOW) {
                match event {
                    Event::Message { payload, .. } => came = Some(payload.to_vec()),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(came == expected, "another message came than was sent");
        if source.is_empty() {
            return;
        }
    }
}
