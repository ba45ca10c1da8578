//! Echoes every message on one thread: `cargo run --release --example echo_server -- PORT` (0 picks a port).

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ropeway_core::engine::{Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::protocol::Options;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "0".to_owned())
        .parse()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut engine = Engine::new(EngineOptions::default())?;
    let connections = engine.connections();
    let listener = connections.listen(
        address,
        &ListenOptions::default(),
        Arc::new(Options::default()),
    )?;
    println!(
        "listening on ws://{}/",
        connections.listener_address(listener)?
    );
    std::io::stdout().flush()?;
    loop {
        engine.poll(None)?;
        while let Some((event, connections)) = engine.next_event() {
            if let EventKind::Message { kind, payload } = event.kind {
                // A client that has gone, or that does not read its echoes, is not this program's concern.
                let _ = connections.send(event.id, kind, payload);
            }
        }
    }
}
