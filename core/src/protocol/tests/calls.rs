//! Whatever an application calls and a peer sends, in any order: one end, nothing after it, nothing left behind.

use proptest::collection::vec;
use proptest::prelude::*;

use super::streams::stream;
use super::*;
use crate::handshake::Refusal;
use crate::protocol::Accept;

#[derive(Clone, Debug)]
enum Call {
    Receive(Vec<u8>),
    Handshake,
    Eof,
    Wait(u64),
    Send,
    Fragment(bool),
    Ping,
    Close(u16),
    Abort,
    TransportError,
    Pause(bool),
    Accept,
    Refuse,
    Block(bool),
    ReleasePong,
    HoldAndUnhold,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => (any::<bool>(), any::<usize>()).prop_flat_map(|(masked, cut)| {
            stream(masked, 300).prop_map(move |mut bytes| {
                bytes.truncate(cut % (bytes.len() + 1));
                Call::Receive(bytes)
            })
        }),
        3 => Just(Call::Handshake),
        1 => Just(Call::Eof),
        4 => (0_u64..25_000).prop_map(Call::Wait),
        2 => Just(Call::Send),
        2 => any::<bool>().prop_map(Call::Fragment),
        2 => Just(Call::Ping),
        1 => prop::sample::select(&[1000_u16, 1005, 4000, 1006][..]).prop_map(Call::Close),
        1 => Just(Call::Abort),
        1 => Just(Call::TransportError),
        2 => any::<bool>().prop_map(Call::Pause),
        3 => Just(Call::Accept),
        1 => Just(Call::Refuse),
        2 => any::<bool>().prop_map(Call::Block),
        2 => Just(Call::ReleasePong),
        2 => Just(Call::HoldAndUnhold),
    ]
}

fn start(kind: u8, streaming: bool) -> Peer {
    let options = Options {
        ask_upgrade: true,
        plain_http: true,
        idle_timeout: Duration::from_secs(60),
        max_message_size: 200,
        max_fragments: 3,
        streaming,
        ..Options::default()
    };
    match kind {
        0 => Peer::open(Role::Client, options),
        1 => Peer::open(Role::Server, options),
        2 => Peer::client(options),
        _ => Peer::server(options),
    }
}

/// Does one call, its refusal being as good as its success.
fn perform(peer: &mut Peer, call: &Call, request: &[u8], now: &mut Time) {
    let (protocol, output) = (&mut peer.protocol, &mut peer.output);
    let kind = MessageKind::Text;
    match call {
        Call::Receive(bytes) => peer.input.extend(bytes),
        Call::Handshake => match protocol.role() {
            Role::Client => {
                let mut server = Peer::server(Options::default());
                server.receive(request, *now);
                peer.input.extend(&server.sent());
            }
            Role::Server => peer.input.extend(request),
        },
        Call::Eof => protocol.on_eof(output, *now),
        Call::Wait(millis) => {
            *now = *now + Duration::from_millis(*millis);
            protocol.on_deadline(output, *now);
        }
        Call::Send => drop(protocol.send(output, kind, b"text")),
        Call::Fragment(last) => drop(protocol.send_fragment(output, kind, b"part", *last)),
        Call::Ping => drop(protocol.ping(output, b"ping")),
        Call::Close(code) => drop(protocol.close(output, CloseCode::new(*code), "", *now)),
        Call::Abort => protocol.abort(*now),
        Call::TransportError => protocol.on_transport_error(Error::ConnectionLost, *now),
        Call::Pause(paused) => protocol.set_paused(*paused, *now),
        Call::Accept => drop(protocol.accept(output, &Accept::default(), *now)),
        Call::Refuse => drop(protocol.refuse(output, &Refusal::upgrade_required(), *now)),
        Call::Block(blocked) => output.set_blocked(*blocked),
        Call::ReleasePong => drop(protocol.release_pong(output)),
        Call::HoldAndUnhold => {
            protocol.hold(&mut peer.input);
            protocol.unhold(&mut peer.input);
        }
    }
    peer.drain(*now);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_calls_in_any_order_end_once(kind in 0_u8..4, streaming: bool, calls in vec(call(), 1..30)) {
        let mut peer = start(kind, streaming);
        // What a client has sent, or what one might send to this server.
        let mut request = peer.sent();
        if request.is_empty() {
            request = Peer::client(Options::default()).sent();
        }
        let mut now = at(0);
        for call in &calls {
            let ended = peer.protocol.is_ended();
            perform(&mut peer, call, &request, &mut now);
            prop_assert!(!ended || peer.output.is_empty(), "sent after the end by {:?}", call);
            prop_assert!(!ended || peer.protocol.shutdown() != Shutdown::No);
            let sent = peer.sent();
            if kind < 2 {
                // Whole frames, none behind a Close frame.
                let frames = frames_of(peer.protocol.role(), &sent);
                let close = frames.iter().position(|(first, _)| *first == CLOSE);
                prop_assert!(close.is_none_or(|place| place + 1 == frames.len()));
            }
        }
        peer.eof(now);
        let ends = peer.told.iter().filter(|event| matches!(event, Told::Closed(_)));
        prop_assert_eq!(ends.count(), 1);
        prop_assert!(matches!(peer.protocol.shutdown(), Shutdown::Close | Shutdown::Drop));
        prop_assert_eq!(peer.input.incomplete_bytes(), 0);
        prop_assert!(peer.output.is_empty() && peer.protocol.partial.is_none());
    }
}
