//! The command, run as a user would, against itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

fn ropeway(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ropeway"));
    command.args(arguments);
    command
}

/// A command that goes on while it is talked to; it ends with the test.
struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = ropeway(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let output = child.stdout.take().expect("is piped");
        Self {
            input: child.stdin.take(),
            lines: BufReader::new(output).lines(),
            child,
        }
    }

    /// An echo server, and its URL.
    fn server(arguments: &[&str]) -> (Self, String) {
        let mut server = Self::start(&[&["serve", "--port", "0"], arguments].concat());
        let line = server.line();
        let url = line.strip_prefix("listening on ").expect("says where");
        (server, url.to_owned())
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").expect("of text")
    }

    fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("is open");
        writeln!(input, "{line}").expect("is taken");
    }

    /// Ends its standard input: what it still prints, and whether it ended well.
    fn end(mut self) -> (Vec<String>, bool) {
        self.input = None;
        let rest = self.lines.by_ref().map_while(Result::ok).collect();
        (rest, self.child.wait().expect("ends").success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn lines_are_messages_and_messages_lines() {
    let (_server, url) = Running::server(&["--deflate"]);
    let mut client = Running::start(&["connect", &url, "--header", "X-One: 1"]);
    client.say("hello");
    assert_eq!(client.line(), "hello");
    client.say("grüße");
    assert_eq!(client.line(), "grüße");
    assert_eq!(client.end(), (vec![], true));
}

#[test]
fn frames_are_shown_and_json_is_laid_out() {
    let (_server, url) = Running::server(&["--deflate"]);
    let mut client = Running::start(&["trace", &url]);
    client.say(r#"{"b":[1,2.50],"a":"x"}"#);
    let shown: Vec<String> = (0..16).map(|_| client.line()).collect();
    for (block, arrow) in shown.chunks(8).zip(['>', '<']) {
        let frame = format!(r#"{arrow} TEXT '{{"b":[1,2.50],"a":"x"}}' [22 bytes]"#);
        assert!(block[0].ends_with(&frame), "{block:?}");
        let laid_out: Vec<&str> = block[1..].iter().map(|line| line.trim_start()).collect();
        // As it stands in the message: neither sorted nor rounded.
        let expected = ["{", "\"b\": [", "1,", "2.50", "],", "\"a\": \"x\"", "}"];
        assert_eq!(laid_out, expected);
    }
    client.say("[1");
    assert!(client.line().ends_with("> TEXT '[1' [2 bytes]"));
    assert!(client.line().ends_with("< TEXT '[1' [2 bytes]"));
    let (rest, well) = client.end();
    assert!(
        well && rest[0].ends_with("> CLOSE 1000 [2 bytes]"),
        "{rest:?}"
    );
}

#[test]
fn the_server_has_metrics_for_prometheus() {
    let (_server, url) = Running::server(&[]);
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    let mut socket = TcpStream::connect(address).expect("connects");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("is taken");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("answers");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains("\r\nContent-Type: text/plain; version=0.0.4"),
        "{answer}"
    );
    assert!(answer.contains("\nropeway_accepted_total 1\n"), "{answer}");
}

#[test]
fn a_server_is_measured() {
    let (_server, url) = Running::server(&[]);
    let Output {
        status,
        stdout,
        stderr,
    } = ropeway(&["bench", &url, "--connections", "5", "--seconds", "0.3"])
        .args(["--pipeline", "4", "--size", "1000"])
        .output()
        .expect("runs");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let said = String::from_utf8(stdout).expect("text");
    let words: Vec<&str> = said.split_whitespace().collect();
    let rate: u64 = words[0].parse().expect("a rate");
    assert!(rate > 0 && words[1] == "messages/s,", "{said}");
    assert!(said.contains("round trip: median "), "{said}");
}

#[test]
fn what_goes_wrong_is_said() {
    for (arguments, said) in [
        (&["connect", "nonsense"][..], "URL"),
        (&["connect", "ws://127.0.0.1:1/"], "127.0.0.1:1"),
        (
            &["connect", "ws://127.0.0.1:1/", "--header", "x"],
            "NAME: VALUE",
        ),
        (&["serve", "--tls-cert", "x"], "--tls-key"),
        (&["serve", "--host", "example.com"], "IP address"),
        (
            &["bench", "ws://127.0.0.1:1/", "--pipeline", "0"],
            "--pipeline",
        ),
        (&["explain"], "explain"),
    ] {
        let output = ropeway(arguments).output().expect("runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}
