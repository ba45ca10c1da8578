//! Listeners, connections as they begin, and an engine's turns.

use std::ffi::c_char;
use std::ptr::null;

use arbitrary::Arbitrary;
use ropeway::connection::*;
use ropeway::engine::*;
use ropeway::listener::*;
use ropeway::metrics::*;

use super::{Nulls, Objects, address, known, look, string};

#[derive(Arbitrary, Debug)]
pub(super) enum Listeners<'a> {
    Listen { which: u8 },
    Port { id: u8 },
    Address { id: u8, room: u8 },
    CloseListener { id: u8 },
    Connect { which: u8 },
    Counter { counter: i32 },
    Metrics { id: u8, size: u16 },
    List { room: u8 },
    Turn { echo: bool },
    Accept { id: u8, subprotocol: &'a [u8] },
    Refuse { id: u8, status: i32, body: &'a [u8] },
}

impl Objects {
    pub(super) unsafe fn listeners(&mut self, op: &Listeners<'_>, nulls: Nulls) {
        let engine = nulls.keep_mut(0, self.engine);
        let options = nulls.keep_mut(1, self.options);
        // SAFETY: the objects are alive or NULL; strings end with a NUL; lengths are those of what stands there.
        unsafe {
            match op {
                Listeners::Listen { which } => {
                    let urls = [
                        c"ws://127.0.0.1:0/",
                        c"wss://127.0.0.1:0/",
                        c"ws://example.com/",
                        c"nonsense",
                        c"ws://[::1",
                    ];
                    let url = urls[usize::from(*which) % urls.len()].as_ptr();
                    let id = Self::written(7, |out| {
                        ropeway_engine_listen(
                            engine,
                            nulls.keep(2, url),
                            options,
                            nulls.keep_mut(3, out),
                        )
                    });
                    if let Some(id) = id {
                        self.ids.push(id);
                        let port = Self::written(0, |out| {
                            ropeway_engine_listener_port(self.engine, id, out)
                        });
                        self.ports.extend(port);
                    }
                }
                Listeners::Port { id } => {
                    Self::written(7, |out| {
                        ropeway_engine_listener_port(engine, self.id(*id), nulls.keep_mut(2, out))
                    });
                }
                Listeners::Address { id, room } => {
                    let mut text = vec![0x55_u8; usize::from(*room)];
                    let place: *mut c_char = text.as_mut_ptr().cast();
                    if known(ropeway_engine_listener_address(
                        engine,
                        self.id(*id),
                        nulls.keep_mut(2, place),
                        text.len(),
                    )) {
                        assert!(text.contains(&0));
                    }
                    known(ropeway_engine_peer_address(
                        engine,
                        self.id(*id),
                        nulls.keep_mut(2, place),
                        text.len(),
                    ));
                }
                Listeners::CloseListener { id } => {
                    known(ropeway_engine_close_listener(engine, self.id(*id)));
                }
                Listeners::Connect { which } => {
                    let own = self
                        .ports
                        .get(usize::from(*which) % 4)
                        .copied()
                        .unwrap_or(1);
                    let url = if which % 16 == 15 {
                        c"ws:///".to_owned()
                    } else {
                        string(format!("ws://127.0.0.1:{own}/").as_bytes())
                    };
                    let id = Self::written(7, |out| {
                        ropeway_engine_connect(
                            engine,
                            nulls.keep(2, url.as_ptr()),
                            options,
                            nulls.keep_mut(3, out),
                        )
                    });
                    self.ids.extend(id);
                }
                Listeners::Counter { counter } => {
                    Self::written(7, |out| {
                        ropeway_engine_counter(engine, *counter % 40, nulls.keep_mut(2, out))
                    });
                }
                Listeners::Metrics { id, size } => {
                    // A caller's structure of any size, with a word behind it that nobody may touch.
                    let words = usize::from(*size) / size_of::<usize>();
                    let mut all = vec![0x55_usize; words + 2];
                    all[0] = usize::from(*size);
                    let mut one = all.clone();
                    let place = nulls.keep_mut(2, all.as_mut_ptr());
                    known(ropeway_engine_metrics(engine, place.cast()));
                    let place = nulls.keep_mut(2, one.as_mut_ptr());
                    known(ropeway_engine_connection_metrics(
                        engine,
                        self.id(*id),
                        place.cast(),
                    ));
                    assert_eq!((all[words + 1], one[words + 1]), (0x55, 0x55));
                    let page = Self::written(null(), |out| {
                        ropeway_engine_prometheus(engine, nulls.keep_mut(2, out))
                    });
                    assert!(page.is_none_or(|page| !page.is_null()));
                }
                Listeners::List { room } => {
                    let mut ids = vec![0; usize::from(*room)];
                    Self::written(7, |out| {
                        ropeway_engine_list(
                            engine,
                            nulls.keep_mut(2, ids.as_mut_ptr()),
                            ids.len(),
                            nulls.keep_mut(3, out),
                        )
                    });
                }
                Listeners::Turn { echo } => self.turn(*echo, nulls),
                Listeners::Accept { id, subprotocol } => {
                    let subprotocol = string(subprotocol);
                    known(ropeway_engine_accept(
                        engine,
                        self.id(*id),
                        nulls.keep(2, subprotocol.as_ptr()),
                        options,
                    ));
                }
                Listeners::Refuse { id, status, body } => {
                    known(ropeway_engine_refuse(
                        engine,
                        self.id(*id),
                        *status,
                        options,
                        nulls.keep(2, address(body)),
                        body.len(),
                    ));
                }
            }
        }
    }

    /// Takes the events of a turn; messages are sent back from where they are lent.
    unsafe fn turn(&mut self, echo: bool, nulls: Nulls) {
        let engine = nulls.keep_mut(0, self.engine);
        // SAFETY: the engine is alive or NULL; an event is lent until the next call.
        unsafe {
            known(ropeway_engine_poll(engine, 0));
            for _ in 0..1000 {
                let Some(event) = ropeway_engine_next_event(engine).as_ref() else {
                    break;
                };
                look(event);
                if event.connection != 0 && !self.ids.contains(&event.connection) {
                    self.ids.push(event.connection);
                }
                if echo && event.length > 0 {
                    known(ropeway_engine_send(
                        engine,
                        event.connection,
                        event.kind,
                        event.data,
                        event.length,
                    ));
                    look(event);
                }
            }
        }
    }
}
