//! Clients that do harm. What becomes of each attack is the server's business: errors are none here.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::Outcome;
use crate::random::Random;

/// Connections of a [`crowd`].
const CROWD: usize = 20;

/// Does harm until it is told to end.
pub(crate) fn misbehave(address: SocketAddr, seed: u64, ends: &AtomicBool, attacks: &AtomicU64) {
    let mut random = Random::new(seed << 20);
    let mut kept: Vec<TcpStream> = Vec::new();
    while !ends.load(Ordering::Acquire) {
        let _ = attack(address, &mut random, &mut kept);
        attacks.fetch_add(1, Ordering::Relaxed);
        // Some stay, and do nothing; the oldest go.
        if kept.len() > 200 {
            kept.drain(..100);
        }
    }
}

/// Takes all descriptors that the server has left, for a moment, again and again.
pub(crate) fn exhaust(
    address: SocketAddr,
    descriptors: u64,
    ends: &AtomicBool,
    attacks: &AtomicU64,
) {
    while !ends.load(Ordering::Acquire) {
        let taken: Vec<_> = (0..descriptors)
            .map_while(|_| TcpStream::connect(address).ok())
            .collect();
        std::thread::sleep(Duration::from_millis(300));
        drop(taken);
        attacks.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(700));
    }
}

/// Starts clients in a process of their own, and kills it.
pub(crate) fn kill(address: SocketAddr, ends: &AtomicBool, attacks: &AtomicU64) -> Outcome<()> {
    let mut random = Random::new(3);
    while !ends.load(Ordering::Acquire) {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["crowd", &address.to_string()])
            .stderr(Stdio::null())
            .spawn()?;
        std::thread::sleep(Duration::from_millis(20 + random.below(300) as u64));
        child.kill()?;
        child.wait()?;
        attacks.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Clients that talk, and read nothing, until they are killed or cut off.
pub(crate) fn crowd(address: SocketAddr) -> Outcome<()> {
    let mut sockets = Vec::new();
    for _ in 0..CROWD {
        let mut socket = TcpStream::connect(address)?;
        socket.set_write_timeout(Some(Duration::from_millis(10)))?;
        socket.write_all(REQUEST)?;
        sockets.push(socket);
    }
    for size in [20, 2000, 100_000].into_iter().cycle() {
        let frame = frame(0x82, &vec![7; size]);
        sockets.retain_mut(|socket| match socket.write_all(&frame) {
            Ok(()) => true,
            Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
        });
        if sockets.is_empty() {
            break;
        }
    }
    Ok(())
}

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn attack(
    address: SocketAddr,
    random: &mut Random,
    kept: &mut Vec<TcpStream>,
) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_write_timeout(Some(Duration::from_millis(200)))?;
    if random.below(3) == 0 {
        socket.write_all(&REQUEST[..random.below(REQUEST.len())])?;
        kept.push(socket);
        return Ok(());
    }
    socket.write_all(REQUEST)?;
    let result = match random.below(6) {
        0 => socket.write_all(&frame(0x89, &[1; 125]).repeat(1000)),
        1 => socket.write_all(&[frame(0x02, b"x"), frame(0, b"x").repeat(70_000)].concat()),
        // Echoes that are not read.
        2 => socket.write_all(&frame(0x82, &[7; 300_000]).repeat(20)),
        3 => socket.write_all(
            &(0..5000)
                .map(|_| random.below(256) as u8)
                .collect::<Vec<_>>(),
        ),
        4 => socket.write_all(&frame(0x82, &[7; 100_000])[..50_000]),
        _ => socket.write_all(&frame(0x81, b"hello")),
    };
    if random.below(2) == 0 {
        kept.push(socket);
    }
    result
}

/// A masked frame with the key 0, whose payload is what stands there.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | length as u8),
        length => {
            bytes.extend([0xff, 0, 0, 0, 0]);
            bytes.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}
