//! Echoes every message: `cargo run --release --example echo_server -- PORT [ENGINES]` (0 picks a port). Several engines,
//! each on a thread of its own, share the port by SO_REUSEPORT.

use std::error::Error;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ropeway_core::engine::{Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::protocol::Options;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let port = words.next().map_or(Ok(0), |word| word.parse())?;
    let engines: usize = words.next().map_or(Ok(1), |word| word.parse())?;
    let (mut engine, address) = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    println!("listening on ws://{address}/");
    std::io::stdout().flush()?;
    for _ in 1..engines {
        std::thread::spawn(move || {
            match listen(address).and_then(|(mut engine, _)| serve(&mut engine)) {
                Ok(()) => {}
                Err(error) => eprintln!("{error}"),
            }
        });
    }
    serve(&mut engine)
}

fn listen(address: SocketAddr) -> Result<(Engine, SocketAddr), Box<dyn Error>> {
    let mut engine = Engine::new(EngineOptions::default())?;
    let options = ListenOptions {
        reuse_port: true,
        ..ListenOptions::default()
    };
    let connections = engine.connections();
    let listener = connections.listen(address, &options, Arc::new(Options::default()))?;
    let address = connections.listener_address(listener)?;
    Ok((engine, address))
}

fn serve(engine: &mut Engine) -> Result<(), Box<dyn Error>> {
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
