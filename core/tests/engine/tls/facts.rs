//! What a handshake agreed on, as both sides tell it, and the secrets that a network analyser needs.

use std::sync::mpsc;

use ropeway_core::TlsError;
use ropeway_core::engine::{EventKind, TlsInfo};

use super::*;

/// A server that tells what each connection agreed on.
fn telling(tls: TlsServer) -> (Served, mpsc::Receiver<TlsInfo>) {
    let (sender, receiver) = mpsc::channel();
    let server = serve(tls, move |event, connections| {
        if let EventKind::Opened(_) = event.kind {
            let info = connections.tls_info(event.id).expect("is there");
            sender
                .send(info.expect("there is TLS"))
                .expect("the test listens");
        }
    });
    (server, receiver)
}

#[test]
fn both_sides_tell_the_same() {
    let authority = Authority::new();
    let identity = authority.issue(&["client.example"]);
    let (server, infos) = telling(authority.server_with(|options| {
        options.client_roots = vec![authority.pem()];
    }));
    let connect = authority.client_with(|options| {
        options.identity = Some(identity);
        options.server_name = Some("localhost".into());
    });
    for resumed in [false, true] {
        let mut client = open(server.address, &connect).expect("opens");
        let ours = client.tls_info().expect("there is TLS");
        let theirs = infos.recv_timeout(PATIENCE).expect("is told");
        for info in [&ours, &theirs] {
            assert_eq!(info.version, "TLSv1.3");
            assert!(info.cipher_suite.starts_with("TLS13_"), "{info:?}");
            assert_eq!(info.application_protocol.as_deref(), Some("http/1.1"));
            assert_eq!(info.server_name.as_deref(), Some("localhost"));
            assert_eq!(info.resumed, resumed);
            assert_eq!(info.peer_certificates.len(), 1);
        }
        assert_eq!(ours.cipher_suite, theirs.cipher_suite);
        assert_ne!(ours.peer_certificates, theirs.peer_certificates);
        // The ticket for the next one comes behind the handshake, with whatever is read next.
        client
            .close(ropeway_core::frame::CloseCode::NORMAL, "")
            .expect("closes");
    }
    // An address is no name, and names of one connection are not those of another.
    let by_address = authority.client_with(|options| {
        options.identity = Some(authority.issue(&["client.example"]));
    });
    open(server.address, &by_address).expect("opens");
    let theirs = infos.recv_timeout(PATIENCE).expect("is told");
    assert_eq!(theirs.server_name, None);
}

#[test]
fn application_protocols_are_chosen_by_the_server() {
    let authority = Authority::new();
    let names = |list: &[&str]| {
        list.iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let (server, infos) = telling(authority.server_with(|options| {
        options.application_protocols = names(&["cabin/2", "cabin/1"]);
    }));
    for (offered, chosen) in [
        (&["cabin/1", "cabin/2"][..], Some("cabin/2")),
        (&["cabin/1", "http/1.1"], Some("cabin/1")),
        (&[], None),
    ] {
        let connect =
            authority.client_with(|options| options.application_protocols = names(offered));
        let mut client = open(server.address, &connect).expect("opens");
        let ours = client
            .tls_info()
            .expect("there is TLS")
            .application_protocol;
        let theirs = infos.recv_timeout(PATIENCE).expect("is told");
        assert_eq!(ours.as_deref(), chosen);
        assert_eq!(theirs.application_protocol.as_deref(), chosen);
    }
    // RFC 7301 section 3.2.
    let error = refused(server.address, &authority.client());
    assert!(
        matches!(error, TlsError::Alert { code: 120, .. }),
        "{error}"
    );

    let mut options = TlsClientOptions {
        application_protocols: names(&[""]),
        ..Default::default()
    };
    assert!(options.build().is_err());
    options.application_protocols = vec!["x".repeat(256)];
    assert!(options.build().is_err());
}

#[test]
#[ignore = "the connection of the next test, which starts it with SSLKEYLOGFILE"]
fn a_connection_whose_secrets_are_logged() {
    let authority = Authority::new();
    let server = serve_echo(authority.server());
    open(server.address, &authority.client()).expect("opens");
}

#[test]
fn sslkeylogfile_gets_the_secrets_of_both_sides() {
    let name = format!("ropeway-keys-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let output = crate::process::child("tls::facts::a_connection_whose_secrets_are_logged")
        .env("SSLKEYLOGFILE", &path)
        .output()
        .expect("runs");
    let log = std::fs::read_to_string(&path);
    let _ = std::fs::remove_file(&path);
    assert!(output.status.success(), "{output:?}");
    let log = log.expect("a log");
    for label in ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"] {
        let lines: Vec<&str> = log.lines().filter(|line| line.starts_with(label)).collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert_eq!(lines[0], lines[1], "both sides have the same secrets");
    }
}
