//! Settings that cannot be used are named before a connection is made.

use ropeway_core::engine::{ListenOptions, Pem, TlsClientOptions, TlsIdentity, TlsServerOptions};
use ropeway_core::{Error, Fault, TlsError};

use super::*;

fn complaint<T>(result: Result<T, Error>) -> String {
    match result {
        Err(error @ Error::Tls(TlsError::Settings(_))) => {
            assert_eq!(error.fault(), Fault::Caller);
            error.to_string()
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

fn server(identities: Vec<TlsIdentity>) -> String {
    complaint(
        TlsServerOptions {
            identities,
            ..Default::default()
        }
        .build(),
    )
}

#[test]
fn certificates_and_keys_that_cannot_be_used() {
    let authority = Authority::new();
    let good = authority.issue(&["localhost"]);
    let other = authority.issue(&["localhost"]);
    let text = |text: &str| Pem::Text(text.into());
    assert!(server(vec![]).contains("needs a certificate"));
    let with = |certificates: Pem, key: Pem| server(vec![TlsIdentity { certificates, key }]);
    let missing = with(Pem::File("/nowhere/x.pem".into()), good.key.clone());
    assert!(missing.contains("/nowhere/x.pem"), "{missing}");
    let empty = with(text(""), good.key.clone());
    assert!(empty.contains("holds no certificate"), "{empty}");
    let no_key = with(good.certificates.clone(), good.certificates.clone());
    assert!(no_key.contains("no private key"), "{no_key}");
    let mixed = with(good.certificates.clone(), other.key.clone());
    assert!(mixed.contains("key"), "{mixed}");
    let broken = with(
        text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        good.key.clone(),
    );
    assert!(broken.contains("the PEM text"), "{broken}");
    assert!(format!("{good:?}").contains("bytes"), "no key in Debug");
}

#[test]
fn names_and_authorities_that_cannot_be_used() {
    let options = TlsClientOptions {
        server_name: Some("not a name".into()),
        ..Default::default()
    };
    assert!(complaint(options.build()).contains("not a name"));
    let options = TlsClientOptions {
        extra_roots: vec![Pem::File("/nowhere/ca.pem".into())],
        ..Default::default()
    };
    assert!(complaint(options.build()).contains("/nowhere/ca.pem"));
}

#[test]
fn the_url_decides_whether_a_listener_speaks_tls() {
    let authority = Authority::new();
    let mut own = engine();
    let connections = own.connections();
    let with = in_tls(authority.server());
    assert!(matches!(
        connections.listen_url(
            "wss://127.0.0.1:0/",
            &ListenOptions::default(),
            Arc::default()
        ),
        Err(Error::Misuse(_))
    ));
    let plain = connections
        .listen_url("ws://127.0.0.1:0/", &with, Arc::default())
        .expect("listens");
    assert!(
        connections
            .set_listener_tls(plain, authority.server())
            .is_err()
    );
    let secure = connections
        .listen_url("wss://127.0.0.1:0/", &with, Arc::default())
        .expect("listens");
    assert!(
        connections
            .set_listener_tls(secure, authority.server())
            .is_ok()
    );
}
