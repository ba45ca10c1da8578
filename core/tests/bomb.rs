//! CVE-2026-1526, PYSEC-2018-79: what a decompression bomb costs the process that it is sent to, by the kernel's count. The
//! one test has its process to itself.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use flate2::{Compress as Encoder, Compression as Level, FlushCompress};
use ropeway_core::deflate::Compression;
use ropeway_core::engine::{Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::protocol::Options;
use ropeway_core::{Error, Limit};

const MIB: usize = 1 << 20;
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// A gibibyte of zeros as one frame: blocks of a mebibyte that refer to nothing before them.
fn bomb() -> Vec<u8> {
    let mut encoder = Encoder::new(Level::best(), false);
    let mut block = Vec::with_capacity(MIB);
    encoder
        .compress_vec(&vec![0; MIB], &mut block, FlushCompress::Full)
        .expect("room");
    let payload = block.repeat(1024);
    let mut bytes = vec![0xc2, 0xff];
    bytes.extend((payload.len() as u64).to_be_bytes());
    // A masking key of zeros leaves the payload as it is.
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// The most memory that this process has held since `clear_refs` was last written, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kibibytes
        .expect("a size")
        .parse::<usize>()
        .expect("a number")
        << 10
}

#[test]
fn cve_2026_1526_pysec_2018_79_six_megabytes_for_a_gibibyte_cost_the_limits_memory() {
    let limit = 16 * MIB;
    let mut engine = Engine::new(EngineOptions::default()).expect("an engine");
    let options = Options {
        compression: Compression::on(),
        max_message_size: limit as u64,
        ..Options::default()
    };
    let address = "127.0.0.1:0".parse().expect("an address");
    let connections = engine.connections();
    let listener = connections
        .listen(address, &ListenOptions::default(), Arc::new(options))
        .expect("listens");
    let address = connections.listener_address(listener).expect("is there");
    let bomb = bomb();
    assert!(bomb.len() < 6 * MIB, "{}", bomb.len());

    std::fs::write("/proc/self/clear_refs", "5").expect("procfs");
    let before = peak();
    let sender = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("connects");
        stream.write_all(REQUEST.as_bytes()).expect("asks");
        let mut response = [0; 4096];
        let length = stream.read(&mut response).expect("an answer");
        assert!(response[..length].starts_with(b"HTTP/1.1 101 "));
        // It is cut off before it has sent all.
        let _ = stream.write_all(&bomb);
    });
    let end = Instant::now() + Duration::from_secs(60);
    let mut closed = None;
    while closed.is_none() {
        assert!(Instant::now() < end, "it has not ended");
        engine.poll(Some(Duration::from_secs(1))).expect("polls");
        while let Some((event, _)) = engine.next_event() {
            if let EventKind::Closed(end) = event.kind {
                closed = Some(end.clone());
            }
        }
    }
    let cost = peak() - before;
    drop(engine);
    sender.join().expect("no panic");

    let closed = closed.expect("ended");
    assert_eq!(closed.sent.map(|close| close.code.get()), Some(1009));
    assert!(
        matches!(closed.cause, Some(Error::Limit { limit: Limit::MessageSize, value, .. }) if value == limit as u64),
        "{:?}",
        closed.cause
    );
    // The message so far, which grows by half or by double, and the buffers of one connection.
    assert!(cost < 2 * limit + 4 * MIB, "{cost}");
    assert!(cost > MIB, "the measure has missed it: {cost}");
}
