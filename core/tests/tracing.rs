//! Openings, ends and frames as a subscriber of `tracing` gets them.
#![cfg(feature = "tracing")]

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use ropeway_core::engine::{Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{Options, Trace};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Notes each event's level, target and message.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

struct Message<'a>(&'a mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").expect("a string takes it");
        }
    }
}

impl Subscriber for Notes {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = format!("{} {} ", metadata.level(), metadata.target());
        event.record(&mut Message(&mut line));
        self.0.lock().expect("one thread").push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscriber_is_told_of_openings_frames_and_ends() {
    let notes = Notes::default();
    let _default = tracing::subscriber::set_default(notes.clone());
    let mut engine = Engine::new(EngineOptions::default()).expect("an engine");
    let connections = engine.connections();
    let address = "127.0.0.1:0".parse().expect("an address");
    let listener = connections
        .listen(address, &ListenOptions::default(), Arc::default())
        .expect("listens");
    let address = connections.listener_address(listener).expect("is there");
    let traced = Options {
        trace: Some(Trace::to_tracing()),
        ..Options::default()
    };
    let id = connections
        .connect(&format!("ws://{address}/"), Arc::new(traced))
        .expect("dials");
    let mut open = true;
    while open {
        engine.poll(None).expect("polls");
        while let Some((event, connections)) = engine.next_event() {
            match event.kind {
                EventKind::Opened(_) if event.id == id => {
                    connections.send_text(id, "hello").expect("sends");
                    connections
                        .close(id, CloseCode::NORMAL, "bye")
                        .expect("closes");
                }
                EventKind::Closed(_) if event.id == id => open = false,
                _ => {}
            }
        }
    }
    let notes = notes.0.lock().expect("one thread");
    let count = |line: &str| notes.iter().filter(|note| *note == line).count();
    assert_eq!(count("DEBUG ropeway opened"), 2, "{notes:?}");
    assert_eq!(count("TRACE ropeway::frame > TEXT 'hello' [5 bytes]"), 1);
    assert_eq!(count("TRACE ropeway::frame > CLOSE 1000 bye [5 bytes]"), 1);
    assert_eq!(count("DEBUG ropeway closed"), 2);
}
