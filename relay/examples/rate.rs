//! `rate URL NODES MESSAGES SIZE`: nodes over the broker at URL, the first of which publishes so many messages of SIZE bytes as fast as
//! the broker takes them. Prints how many the others have got, and in how many seconds. `tools/sizing` runs it.

use std::time::{Duration, Instant};

use ropeway_core::engine::{Engine, EngineOptions};
use ropeway_core::protocol::MessageKind;
use ropeway_relay::{Relay, RelayOptions};

/// Bytes that may wait for the broker.
const QUEUED: u64 = 1 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, nodes, messages, size] = arguments.as_slice() else {
        return Err("usage: rate URL NODES MESSAGES SIZE".into());
    };
    let (messages, payload) = (messages.parse::<u64>()?, vec![b'x'; size.parse()?]);
    let mut nodes = (0..nodes.parse::<usize>()?)
        .map(|_| {
            let mut engine = Engine::new(EngineOptions::default())?;
            let relay = Relay::start(&mut engine, url, RelayOptions::default())?;
            Ok((engine, relay))
        })
        .collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
    while !nodes.iter().all(|(_, relay)| relay.metrics().connected) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let began = Instant::now();
    let (mut published, mut got) = (0, 0);
    let wanted = messages * (nodes.len() as u64 - 1);
    while got < wanted {
        let (engine, relay) = &mut nodes[0];
        while published < messages && relay.metrics().queued < QUEUED {
            let connections = &mut engine.connections();
            connections.publish("news", MessageKind::Binary, &payload, None)?;
            published += 1;
        }
        got = 0;
        for (engine, relay) in &mut nodes[1..] {
            engine.poll(Some(Duration::ZERO))?;
            while engine.next_event().is_some() {}
            let metrics = relay.metrics();
            got += metrics.received + metrics.lost + metrics.dropped;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let lost: u64 = nodes.iter().map(|(_, relay)| relay.metrics().lost).sum();
    println!(
        "{} {lost} {:.3}",
        wanted - lost,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
