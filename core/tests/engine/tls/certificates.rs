//! Who is trusted, and what is said to those who are not.

use std::sync::{Arc, mpsc};

use ropeway_core::engine::{EventKind, ListenOptions, TlsServer};
use ropeway_core::protocol::Options;
use ropeway_core::{CertificateProblem, Error, TlsError};

use super::*;

/// A server that reports why connections ended.
fn reporting(tls: TlsServer) -> (Served, mpsc::Receiver<Option<Error>>) {
    let (sender, receiver) = mpsc::channel();
    let server = serve(tls, move |event, connections| {
        echo(&event, connections);
        if let EventKind::Closed(closed) = event.kind {
            // The test may have seen enough.
            let _ = sender.send(closed.cause.clone());
        }
    });
    (server, receiver)
}

fn problem(error: &TlsError) -> CertificateProblem {
    match error {
        TlsError::Certificate { problem, .. } => *problem,
        other => panic!("{other:?}"),
    }
}

fn alert(ends: &mpsc::Receiver<Option<Error>>) -> (u8, &'static str) {
    match ends.recv_timeout(PATIENCE) {
        Ok(Some(Error::Tls(TlsError::Alert { code, name }))) => (code, name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_that_cannot_be_trusted_is_refused_by_name_of_the_fault() {
    let authority = Authority::new();
    let cases = [
        (
            Authority::new().issue(&["127.0.0.1"]),
            CertificateProblem::UnknownIssuer,
            (48, "unknown_ca"),
        ),
        (
            authority.issue(&["example.com"]),
            CertificateProblem::WrongName,
            (42, "bad_certificate"),
        ),
        (
            authority.issue_for(&["127.0.0.1"], (2000, 2001)),
            CertificateProblem::Expired,
            (45, "certificate_expired"),
        ),
        (
            authority.issue_for(&["127.0.0.1"], (2098, 2099)),
            CertificateProblem::NotYetValid,
            (45, "certificate_expired"),
        ),
    ];
    for (identity, expected, told) in cases {
        let tls = authority.server_with(|options| options.identities = vec![identity]);
        let (server, ends) = reporting(tls);
        let error = refused(server.address, &authority.client());
        assert_eq!(problem(&error), expected, "{error}");
        let (code, name) = alert(&ends);
        assert!(
            (code, name) == told || expected == CertificateProblem::NotYetValid,
            "{expected:?}: {code} {name}"
        );
        // The loud switch takes them all.
        let careless =
            authority.client_with(|options| options.danger_accept_invalid_certificates = true);
        open(server.address, &careless).expect("opens");
    }
}

#[test]
fn clients_show_certificates_where_they_are_required() {
    let authority = Authority::new();
    let clients = Authority::new();
    let tls = authority.server_with(|options| options.client_roots = vec![clients.pem()]);
    let (server, ends) = reporting(tls);

    let error = refused(server.address, &authority.client());
    assert_eq!(
        error,
        TlsError::Alert {
            code: 116,
            name: "certificate_required"
        }
    );
    match ends.recv_timeout(PATIENCE) {
        Ok(Some(Error::Tls(error))) => assert_eq!(problem(&error), CertificateProblem::Missing),
        other => panic!("{other:?}"),
    }

    let stranger = authority
        .client_with(|options| options.identity = Some(Authority::new().issue(&["somebody"])));
    assert!(matches!(
        refused(server.address, &stranger),
        TlsError::Alert { .. }
    ));
    match ends.recv_timeout(PATIENCE) {
        Ok(Some(Error::Tls(error))) => {
            assert_eq!(problem(&error), CertificateProblem::UnknownIssuer);
        }
        other => panic!("{other:?}"),
    }

    let friend =
        authority.client_with(|options| options.identity = Some(clients.issue(&["friend"])));
    open(server.address, &friend).expect("opens");
}

#[test]
fn a_server_knows_the_certificate_that_a_client_showed_if_it_did() {
    let authority = Authority::new();
    let tls = authority.server_with(|options| {
        options.client_roots = vec![authority.pem()];
        options.client_certificate_optional = true;
    });
    let (sender, shown) = mpsc::channel();
    let server = serve(tls, move |event, connections| {
        if let EventKind::Opened(_) = event.kind {
            let info = connections.tls_info(event.id).expect("is there");
            let certificates = info.expect("there is TLS").peer_certificates;
            sender.send(certificates.len()).expect("the test listens");
        }
    });
    let anonymous = open(server.address, &authority.client()).expect("opens");
    assert_eq!(shown.recv_timeout(PATIENCE), Ok(0));
    let named = authority.client_with(|options| options.identity = Some(authority.issue(&["me"])));
    let named = open(server.address, &named).expect("opens");
    assert_eq!(shown.recv_timeout(PATIENCE), Ok(1));
    drop((anonymous, named));
}

#[test]
fn the_name_that_is_asked_for_chooses_the_certificate() {
    let authority = Authority::new();
    let tls = authority.server_with(|options| {
        options.identities = vec![
            authority.issue(&["first.example"]),
            authority.issue(&["second.example", "*.wild.example"]),
            authority.issue(&["third.example", "127.0.0.1"]),
        ];
    });
    let server = serve_echo(tls);
    let open_as = |name: &str| {
        let connect = authority.client_with(|options| options.server_name = Some(name.to_owned()));
        open(server.address, &connect)
    };
    for name in [
        "first.example",
        "second.example",
        "a.wild.example",
        "third.example",
    ] {
        open_as(name).expect(name);
    }
    // Who asks for nothing that is there gets the first.
    for name in ["other.example", "127.0.0.1"] {
        match open_as(name) {
            Err(Error::Tls(error)) => assert_eq!(problem(&error), CertificateProblem::WrongName),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn renewed_certificates_are_for_new_connections() {
    let authority = Authority::new();
    let mut own = engine();
    let (listener, address) = listen_at(
        &mut own,
        "127.0.0.1:0",
        &in_tls(authority.server()),
        Options::default(),
    );
    let connect = authority.client();
    let dialled = |own: &mut ropeway_core::engine::Engine| {
        let id = own
            .connections()
            .connect_with(&secure_url(address), &connect, Arc::default())
            .expect("dials");
        let mut certificate = Vec::new();
        let mut opened = 0;
        run(own, |event, connections| {
            assert!(matches!(event.kind, EventKind::Opened(_)), "{event:?}");
            if event.id == id {
                let info = connections.tls_info(id).expect("is there");
                certificate = info.expect("there is TLS").peer_certificates;
            }
            opened += 1;
            opened == 2
        });
        (id, certificate)
    };
    let (first, old) = dialled(&mut own);
    own.connections()
        .set_listener_tls(listener, authority.server())
        .expect("speaks TLS");
    let (_, new) = dialled(&mut own);
    assert_ne!(old, new);
    let info = own.connections().tls_info(first).expect("lives on");
    assert_eq!(info.expect("there is TLS").peer_certificates, old);

    let (plain, _) = listen_at(
        &mut own,
        "127.0.0.1:0",
        &ListenOptions::default(),
        Options::default(),
    );
    assert!(matches!(
        own.connections()
            .set_listener_tls(plain, authority.server()),
        Err(Error::Misuse(_))
    ));
}

#[test]
fn sessions_are_resumed_unless_that_is_turned_off() {
    let authority = Authority::new();
    let server = serve_echo(authority.server());
    let resumed = |connect: &ConnectOptions| {
        let mut client = open(server.address, connect).expect("opens");
        let resumed = client.tls_info().expect("there is TLS").resumed;
        // The tickets come with the handshake's end, in front of this answer.
        client.ping(b"").expect("is taken");
        assert!(client.receive(Some(PATIENCE)).expect("receives").is_some());
        resumed
    };
    let connect = authority.client();
    assert_eq!(
        [(); 4].map(|()| resumed(&connect)),
        [false, true, true, true]
    );
    let never = authority.client_with(|options| options.resumption = false);
    assert_eq!([(); 2].map(|()| resumed(&never)), [false, false]);
}
