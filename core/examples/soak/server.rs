//! The server: a process of its own, so that its memory can be told and its descriptors be few.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ropeway_core::engine::{Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::protocol::Options;
use ropeway_core::{Error, Limit};

use crate::Outcome;

/// How often the server ran out of what it may have.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    /// Times at which nothing could be accepted.
    pub(crate) descriptors: u64,
    /// Connections that ended because incomplete messages had all the memory they may have.
    pub(crate) memory: u64,
}

/// Echoes until standard input ends, with at most `budget` bytes of incomplete messages; says then what it wanted.
pub(crate) fn serve(budget: u64) -> Outcome<()> {
    let mut engine = Engine::new(EngineOptions {
        max_incomplete_bytes: budget,
        ..EngineOptions::default()
    })?;
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
    let mut wants = Wants::default();
    while !ends.load(Ordering::Acquire) {
        engine.poll(None)?;
        while let Some((event, connections)) = engine.next_event() {
            match event.kind {
                EventKind::Message { kind, payload }
                    if connections.send(event.id, kind, payload).is_err() =>
                {
                    // It does not read what it asked for.
                    let _ = connections.abort(event.id);
                }
                EventKind::AcceptFailed { .. } => wants.descriptors += 1,
                EventKind::Closed(closed) => {
                    let limit = Limit::IncompleteMessages;
                    let passed = matches!(&closed.cause, Some(Error::Limit { limit: of, .. }) if *of == limit);
                    wants.memory += u64::from(passed);
                }
                _ => {}
            }
        }
    }
    println!("{} {}", wants.descriptors, wants.memory);
    Ok(())
}

/// The server's process.
pub(crate) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// One that may have so many descriptors, and so many bytes of incomplete messages.
    pub(crate) fn start(descriptors: u64, budget: u64) -> Outcome<Self> {
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -n \"$1\" && exec \"$0\" serve \"$2\""])
            .arg(std::env::current_exe()?)
            .args([descriptors.to_string(), budget.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self {
            child,
            output,
            address,
        })
    }

    /// Its resident memory, in KiB.
    pub(crate) fn memory(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("the server has ended")?.parse()?)
    }

    /// Ends it.
    pub(crate) fn end(mut self) -> Outcome<Wants> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let (descriptors, memory) = line.trim().split_once(' ').ok_or("it says no more")?;
        Ok(Wants {
            descriptors: descriptors.parse()?,
            memory: memory.parse()?,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
