//! What the peers' programs share: their words, the listening socket, TLS, and the loops over a peer's connection.
//!
//! `peer-NAME serve [--tls CERTIFICATE KEY] [--deflate alone|takeover] [--fan-out]` serves on a free port of 127.0.0.1, all
//! connections on one thread, and prints "listening on ws://127.0.0.1:PORT/".
//! `peer-NAME codec OPERATION KIND SIZE SECONDS FRAMES` measures its codec without a socket; see `measure_codec`.

mod codec;
mod settings;
mod socket;
mod upgrade;

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

pub use codec::{Memory, READ, measure_codec};
pub use settings::{Deflate, Settings};
pub use socket::{Duplex, Hub, Messages, Socket, serve};
pub use upgrade::upgrade;

/// Why a connection ended; the peers' errors are of many types.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Bytes of a message, the same for all peers.
pub const LIMIT: usize = 64 << 20;

/// A byte stream under a connection: TCP, TLS, or memory.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// A peer under measurement.
pub trait Peer: 'static {
    /// Serves one connection until it ends: echoes, or with a hub hands on what is received.
    fn serve(
        stream: impl Io,
        settings: Arc<Settings>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Its connection over memory, past the handshake; nothing for a peer that has none.
    fn codec(memory: Memory, is_client: bool) -> Option<impl Socket>;
}

/// The program of a peer.
pub fn run<P: Peer>() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match words.split_first() {
        Some((first, rest)) if first == "serve" => {
            runtime.block_on(listen::<P>(Settings::of(rest)?))
        }
        Some((first, rest)) if first == "codec" => measure_codec(rest, P::codec),
        _ => Err("serve or codec".into()),
    }
}

async fn listen<P: Peer>(settings: Settings) -> Result<(), Failure> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(4096)?;
    let listener = TcpListener::from_std(socket.into())?;
    let scheme = if settings.tls.is_some() { "wss" } else { "ws" };
    println!("listening on {scheme}://{}/", listener.local_addr()?);
    let settings = Arc::new(settings);
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection that fails is the load generator's to notice.
        tokio::spawn(tokio::task::unconstrained(open::<P>(
            stream,
            Arc::clone(&settings),
        )));
    }
}

async fn open<P: Peer>(stream: TcpStream, settings: Arc<Settings>) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    match &settings.tls {
        Some(acceptor) => {
            let stream = acceptor.accept(stream).await?;
            P::serve(stream, settings).await
        }
        None => P::serve(stream, settings).await,
    }
}
