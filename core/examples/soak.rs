//! A server among clients that behave and clients that do not: `cargo run --release --example soak -- SECONDS CONNECTIONS`.
//!
//! The server is this program again, in a process of its own, so that its memory can be told. For the first quarter of the
//! time only clients that behave are there, which send messages and take the time until each comes back; then others
//! join them: half-open handshakes, floods of pings, fragments of a byte, readers that do not read, garbage, resets.
//! It fails when an echo is wrong or missing, the server ends, or its memory goes on growing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ropeway_core::engine::{ConnectionId, Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::protocol::{MessageKind, Options};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| {
        let given = arguments.get(at).map(|text| text.parse());
        given.unwrap_or(Ok(otherwise))
    };
    if arguments.first().is_some_and(|first| first == "serve") {
        return serve();
    }
    soak(Duration::from_secs(number(0, 60)?), number(1, 100)?)
}

/// The server: echoes until its standard input ends.
fn serve() -> Outcome<()> {
    let mut engine = Engine::new(EngineOptions::default())?;
    let options = Options {
        open_timeout: Duration::from_secs(3),
        ping_interval: Duration::from_secs(3),
        pong_timeout: Duration::from_secs(3),
        send_queue_limit: 4 << 20,
        ..Options::default()
    };
    let connections = engine.connections();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listen = ListenOptions {
        backlog: 4096,
        ..ListenOptions::default()
    };
    let listener = connections.listen(any, &listen, Arc::new(options))?;
    println!("{}", connections.listener_address(listener)?);
    std::io::stdout().flush()?;
    let remote = engine.remote();
    let ends = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ends);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        told.store(true, Ordering::Release);
        remote.wake()
    });
    while !ends.load(Ordering::Acquire) {
        engine.poll(None)?;
        while let Some((event, connections)) = engine.next_event() {
            if let EventKind::Message { kind, payload } = event.kind
                && connections.send(event.id, kind, payload).is_err()
            {
                // It does not read what it asked for.
                let _ = connections.abort(event.id);
            }
        }
    }
    Ok(())
}

/// The server's process.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { child, address })
    }

    /// Its resident memory, in KiB.
    fn memory(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("the server has ended")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn soak(time: Duration, connections: u64) -> Outcome<()> {
    let server = Server::start()?;
    let ends = AtomicBool::new(false);
    let attacks = AtomicU64::new(0);
    let (alone, beside, memory) = std::thread::scope(|scope| -> Outcome<_> {
        let mut good = Good::dial(server.address, connections)?;
        let alone = good.run(time / 4)?;
        for seed in 1..=2 {
            let (ends, attacks, address) = (&ends, &attacks, server.address);
            scope.spawn(move || misbehave(address, seed, ends, attacks));
        }
        // Its memory in the second, third and last quarter, at its highest.
        let mut memory = Vec::new();
        let mut beside = Vec::new();
        let outcome = (0..3).try_for_each(|_| -> Outcome<()> {
            let mut highest = 0;
            for _ in 0..10 {
                beside.extend(good.run(time / 40)?);
                highest = highest.max(server.memory()?);
            }
            memory.push(highest);
            Ok(())
        });
        ends.store(true, Ordering::Release);
        outcome.map(|()| (alone, beside, memory))
    })?;
    println!(
        "{connections} connections, {} attacks",
        attacks.load(Ordering::Relaxed)
    );
    report("alone", alone);
    report("beside attacks", beside);
    println!("server's memory by quarter, in KiB: {memory:?}");
    let (first, last) = (memory[1], memory[2]);
    if last > first + first / 5 + 4096 {
        return Err(format!("it grows: from {first} KiB to {last} KiB").into());
    }
    Ok(())
}

fn report(when: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get(times.len() * part / 1000)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{when}: {} echoes; half within {:?}, 99% within {:?}",
        times.len(),
        at(500),
        at(990)
    );
}

/// Clients that behave: each has one message on its way, of any size, and checks what comes back.
struct Good {
    engine: Engine,
    random: Random,
    waiting: std::collections::HashMap<ConnectionId, (Instant, Vec<u8>)>,
    count: u64,
}

impl Good {
    fn dial(address: SocketAddr, count: u64) -> Outcome<Self> {
        let mut engine = Engine::new(EngineOptions::default())?;
        let options = Arc::new(Options::default());
        for _ in 0..count {
            engine
                .connections()
                .connect(&format!("ws://{address}/"), Arc::clone(&options))?;
        }
        Ok(Self {
            engine,
            random: Random(0x9e37_79b9),
            waiting: std::collections::HashMap::new(),
            count,
        })
    }

    /// Echoes for a while, and how long each took.
    fn run(&mut self, time: Duration) -> Outcome<Vec<Duration>> {
        let end = Instant::now() + time;
        let mut times = Vec::new();
        while Instant::now() < end {
            self.engine.poll(Some(Duration::from_millis(50)))?;
            while let Some((event, connections)) = self.engine.next_event() {
                match event.kind {
                    EventKind::Opened(_) => {}
                    EventKind::Message { payload, .. } => {
                        let (sent, expected) =
                            self.waiting.remove(&event.id).ok_or("nothing was asked")?;
                        if payload != expected {
                            return Err("another message came back than was sent".into());
                        }
                        times.push(sent.elapsed());
                    }
                    EventKind::Closed(closed) => {
                        return Err(format!(
                            "a client that behaves has lost its connection: {closed:?}"
                        )
                        .into());
                    }
                    _ => continue,
                }
                let size =
                    [20, 200, 2000, 100_000][self.random.below(64).trailing_ones() as usize % 4];
                let payload: Vec<u8> = (0..size).map(|at| (at ^ size) as u8).collect();
                connections.send(event.id, MessageKind::Binary, &payload)?;
                self.waiting.insert(event.id, (Instant::now(), payload));
            }
        }
        let oldest = self.waiting.values().map(|(sent, _)| sent.elapsed()).max();
        if self.waiting.len() as u64 != self.count || oldest > Some(Duration::from_secs(10)) {
            return Err(format!(
                "{} of {} wait, the longest for {oldest:?}",
                self.waiting.len(),
                self.count
            )
            .into());
        }
        Ok(times)
    }
}

/// Does harm until it is told to end. What becomes of each attack is the server's business: errors are none here.
fn misbehave(address: SocketAddr, seed: u64, ends: &AtomicBool, attacks: &AtomicU64) {
    let mut random = Random(seed << 20);
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
    // A masked frame with the key 0, whose payload is what stands there.
    let frame = |first: u8, payload: &[u8]| {
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
    };
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

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
