//! Engines on threads, raw sockets as peers, and waits that end only by what is awaited or by failing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ropeway_core::engine::{
    ConnectionId, Connections, Engine, EngineOptions, Event, EventKind, ListenOptions, ListenerId,
    Remote,
};
use ropeway_core::handshake::accept_key;
use ropeway_core::protocol::{Closed, MessageKind, Options};

/// How long a wait lasts before its test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;

pub(crate) fn engine() -> Engine {
    Engine::new(EngineOptions::default()).expect("an engine")
}

/// A listener on a free port of the loopback interface.
pub(crate) fn listen(engine: &mut Engine, options: Options) -> (ListenerId, SocketAddr) {
    listen_at(engine, "127.0.0.1:0", &ListenOptions::default(), options)
}

pub(crate) fn listen_at(
    engine: &mut Engine,
    address: &str,
    listen: &ListenOptions,
    options: Options,
) -> (ListenerId, SocketAddr) {
    let connections = engine.connections();
    let address = address.parse().expect("an address");
    let listener = connections
        .listen(address, listen, Arc::new(options))
        .expect("listens");
    let address = connections.listener_address(listener).expect("is there");
    (listener, address)
}

pub(crate) fn dial(engine: &mut Engine, address: SocketAddr, options: Options) -> ConnectionId {
    engine
        .connections()
        .connect(&url(address), Arc::new(options))
        .expect("dials")
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("ws://{address}/")
}

/// Drains turns until `step` has said that it is done, and the turn is over.
pub(crate) fn run(engine: &mut Engine, mut step: impl FnMut(Event<'_>, &mut Connections) -> bool) {
    let end = Instant::now() + PATIENCE;
    let mut done = false;
    while !done {
        assert!(Instant::now() < end, "it never happened");
        engine.poll(Some(Duration::from_secs(1))).expect("polls");
        while let Some((event, connections)) = engine.next_event() {
            done |= step(event, connections);
        }
    }
}

/// Drains turns until `done` says so between two of them.
pub(crate) fn until(
    engine: &mut Engine,
    mut step: impl FnMut(Event<'_>, &mut Connections),
    mut done: impl FnMut(&mut Connections) -> bool,
) {
    let end = Instant::now() + PATIENCE;
    while !done(engine.connections()) {
        assert!(Instant::now() < end, "it never happened");
        engine.poll(Some(Duration::from_millis(20))).expect("polls");
        while let Some((event, connections)) = engine.next_event() {
            step(event, connections);
        }
    }
}

/// Sends every message back.
pub(crate) fn echo(event: &Event<'_>, connections: &mut Connections) {
    if let EventKind::Message { kind, payload } = event.kind {
        connections.send(event.id, kind, payload).expect("echoes");
    }
}

/// A connected pair in one engine: the client's id and the server's.
pub(crate) fn pair(
    engine: &mut Engine,
    client: Options,
    server: Options,
) -> (ConnectionId, ConnectionId) {
    let (_, address) = listen(engine, server);
    let own = dial(engine, address, client);
    let (mut opened, mut accepted) = (0, ConnectionId::NONE);
    run(engine, |event, _| {
        assert!(
            matches!(event.kind, EventKind::Opened(_)),
            "opens, and nothing else: {event:?}"
        );
        opened += 1;
        if event.id != own {
            accepted = event.id;
        }
        opened == 2
    });
    (own, accepted)
}

/// Waits until a connection has ended, and says how.
pub(crate) fn end_of(engine: &mut Engine, id: ConnectionId) -> Closed {
    let mut end = None;
    run(engine, |event, _| {
        if let EventKind::Closed(closed) = event.kind
            && event.id == id
        {
            end = Some(closed.clone());
        }
        end.is_some()
    });
    end.expect("run ends with it")
}

/// Waits until no place is taken any more.
pub(crate) fn all_gone(engine: &mut Engine) {
    until(engine, |_, _| {}, |connections| connections.is_empty());
}

/// A server's engine on a thread of its own, until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) remote: Remote,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start(
        options: Options,
        handler: impl FnMut(Event<'_>, &mut Connections) + Send + 'static,
    ) -> Self {
        Self::with(
            engine(),
            "127.0.0.1:0",
            &ListenOptions::default(),
            options,
            handler,
        )
    }

    pub(crate) fn with(
        mut engine: Engine,
        address: &str,
        listen: &ListenOptions,
        options: Options,
        mut handler: impl FnMut(Event<'_>, &mut Connections) + Send + 'static,
    ) -> Self {
        let (_, address) = listen_at(&mut engine, address, listen, options);
        let remote = engine.remote();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                engine.poll(None).expect("polls");
                while let Some((event, connections)) = engine.next_event() {
                    handler(event, connections);
                }
            }
        });
        Self {
            address,
            remote,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn echo(options: Options) -> Self {
        Self::start(options, |event, connections| echo(&event, connections))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // It fails when the handler has panicked, which the join tells.
        let _ = self.remote.wake();
        let result = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(
                matches!(result, Some(Ok(()))),
                "the server's thread panicked"
            );
        }
    }
}

/// An address that answers nothing: nobody takes connections from its backlog, which is full.
pub(crate) struct Silent {
    pub(crate) address: SocketAddr,
    _listener: socket2::Socket,
    _waiting: Vec<socket2::Socket>,
}

impl Silent {
    pub(crate) fn new() -> Self {
        use socket2::{Domain, Socket, Type};
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let listener = socket();
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        listener.bind(&any.into()).expect("binds");
        listener.listen(0).expect("listens");
        let address = listener.local_addr().expect("has one");
        let connecting = || {
            let socket = socket();
            socket.set_nonblocking(true).expect("does not block");
            let _ = socket.connect(&address);
            socket
        };
        Self {
            address: address.as_socket().expect("an IP address"),
            _waiting: (0..4).map(|_| connecting()).collect(),
            _listener: listener,
        }
    }
}

/// A peer made of a plain socket.
pub(crate) struct Raw {
    pub(crate) socket: TcpStream,
    masks: bool,
}

impl Raw {
    /// A client's socket, with no handshake yet.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("connects"), true)
    }

    /// A client whose connection is open.
    pub(crate) fn open(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address);
        raw.write(REQUEST);
        let head = raw.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// The same, of a server's engine that runs on this thread.
    pub(crate) fn open_in(engine: &mut Engine, address: SocketAddr) -> Self {
        let mut raw = Self::connect(address);
        raw.write(REQUEST);
        run(engine, |event, _| {
            matches!(event.kind, EventKind::Opened(_))
        });
        let head = raw.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// The server's end of a connection; the opening handshake is still to come.
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        Self::over(listener.accept().expect("accepts").0, false)
    }

    fn over(socket: TcpStream, masks: bool) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        socket
            .set_write_timeout(Some(PATIENCE))
            .expect("a time-out");
        socket.set_nodelay(true).expect("no delay");
        Self { socket, masks }
    }

    /// Answers a client's request; its head.
    pub(crate) fn upgrade(&mut self) -> String {
        let head = self.head();
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .expect("a key");
        self.write(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            accept_key(key)
        ));
        head
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).expect("is taken");
    }

    /// An HTTP head, without a byte of what follows it.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.socket.read_exact(&mut byte).expect("a head's byte");
            head.push(byte[0]);
        }
        String::from_utf8(head).expect("a head of text")
    }

    /// Sends a frame; `first` holds FIN and the opcode.
    pub(crate) fn send(&mut self, first: u8, payload: &[u8]) {
        let frame = frame(first, payload, self.masks);
        self.write(frame);
    }

    /// The next frame: its first byte and its payload.
    pub(crate) fn receive(&mut self) -> (u8, Vec<u8>) {
        receive_frame(&mut self.socket)
    }

    /// All that comes until the peer ends its direction.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.socket.read_to_end(&mut rest).expect("the end");
        rest
    }

    /// Closes so that the peer gets a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.socket)
            .set_linger(Some(Duration::ZERO))
            .expect("lingers not");
    }

    /// Small receive and send buffers. (With the smallest ones loopback waits for its persist timer at each step.)
    pub(crate) fn narrow(&self) {
        self.buffers(64 << 10);
    }

    pub(crate) fn buffers(&self, size: usize) {
        let socket = socket2::SockRef::from(&self.socket);
        socket.set_recv_buffer_size(size).expect("a buffer");
        socket.set_send_buffer_size(size).expect("a buffer");
    }
}

pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A frame's bytes, masked with a fixed key if at all.
pub(crate) fn frame(first: u8, payload: &[u8], masks: bool) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let mask = if masks { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(mask | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(mask | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(mask | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    if masks {
        frame.extend_from_slice(&KEY);
        frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(a, b)| a ^ b));
    } else {
        frame.extend_from_slice(payload);
    }
    frame
}

/// A whole frame, unmasked if need be.
pub(crate) fn receive_frame(source: &mut impl Read) -> (u8, Vec<u8>) {
    let mut read = |count: usize| {
        let mut bytes = vec![0; count];
        source.read_exact(&mut bytes).expect("a frame's bytes");
        bytes
    };
    let start = read(2);
    let length = match start[1] & 0x7F {
        126 => {
            let bytes = read(2);
            u64::from(u16::from_be_bytes([bytes[0], bytes[1]]))
        }
        127 => u64::from_be_bytes(read(8).try_into().expect("eight bytes")),
        length => u64::from(length),
    };
    let key = if start[1] & 0x80 == 0 {
        vec![0; 4]
    } else {
        read(4)
    };
    let mut payload = read(usize::try_from(length).expect("fits"));
    payload
        .iter_mut()
        .zip(key.iter().cycle())
        .for_each(|(byte, key)| *byte ^= key);
    (start[0], payload)
}

/// A Close frame's payload.
pub(crate) fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

/// Bytes that tell where they stand.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// A message event, owned.
pub(crate) fn message(event: &Event<'_>) -> Option<(MessageKind, Vec<u8>)> {
    match event.kind {
        EventKind::Message { kind, payload } => Some((kind, payload.to_vec())),
        _ => None,
    }
}

/// A process-wide source of different numbers, the same in each run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
