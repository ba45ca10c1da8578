//! `ropeway`: WebSocket from the command line. `connect` talks, `trace` shows frames, `serve` answers, `bench` measures.

mod bench;
mod connect;
mod dial;
mod serve;
mod show;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "ropeway", version, about = "WebSocket from the command line")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Talks to a server: each line of the standard input is a text message, and each message a line of the output
    Connect(connect::Connect),
    /// The same, but shows every frame, with payloads that are JSON laid out; offers no compression
    Trace(connect::Connect),
    /// Sends every message back, and has its metrics for Prometheus at /metrics
    Serve(serve::Serve),
    /// Measures a server that sends every message back
    Bench(bench::Bench),
}

/// What a command fails with: a sentence for people.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Connect(arguments) => arguments.run(false),
        Command::Trace(arguments) => arguments.run(true),
        Command::Serve(arguments) => arguments.run(),
        Command::Bench(arguments) => arguments.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ropeway: {error}");
            ExitCode::FAILURE
        }
    }
}
