//! `ropeway connect` and `ropeway trace`: a conversation with a server.

use std::io::{self, BufRead, Write};

use clap::Args;
use ropeway_core::engine::{ConnectionId, Engine, EngineOptions, EventKind, Remote};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::MessageKind;

use crate::Failure;
use crate::dial::Dial;
use crate::show;

#[derive(Args)]
pub(crate) struct Connect {
    #[command(flatten)]
    dial: Dial,
}

impl Connect {
    /// Goes on until the connection has ended; with `traced` frames are shown instead of messages.
    pub(crate) fn run(&self, traced: bool) -> Result<(), Failure> {
        let mut engine = Engine::new(EngineOptions::default())?;
        let id = self.dial.start(&mut engine, traced.then(show::frames))?;
        let remote = engine.remote();
        loop {
            engine.poll(None)?;
            while let Some((event, _)) = engine.next_event() {
                match event.kind {
                    EventKind::Opened(opened) => {
                        let agreed = (opened.subprotocol.as_ref())
                            .map_or_else(String::new, |name| format!(", speaking {name}"));
                        eprintln!("connected to {}{agreed}", self.dial.url());
                        say_lines(remote.clone(), id);
                    }
                    EventKind::Message { kind, payload } if !traced => {
                        let mut output = io::stdout().lock();
                        writeln!(output, "{}", show::message(kind, payload))?;
                        output.flush()?;
                    }
                    EventKind::Redirect { url, .. } => eprintln!("redirected to {url}"),
                    EventKind::Closed(closed) => {
                        return match &closed.cause {
                            Some(error) => Err(error.to_string().into()),
                            None => {
                                let told = format!("{} {}", closed.code(), closed.reason());
                                eprintln!("closed: {}", told.trim_end());
                                Ok(())
                            }
                        };
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Sends the lines of the standard input; its end closes the connection.
fn say_lines(remote: Remote, id: ConnectionId) {
    std::thread::spawn(move || {
        let lines = io::stdin().lock().lines();
        for line in lines.map_while(Result::ok) {
            if remote.send(id, MessageKind::Text, line.into()).is_err() {
                return;
            }
        }
        // When the engine is gone, so is the connection.
        let _ = remote.close(id, CloseCode::NORMAL, "");
    });
}
