//! What is done on connections and topics by their numbers.

use std::ptr::null_mut;

use arbitrary::Arbitrary;
use ropeway::connection::*;
use ropeway::topic::*;

use super::{Nulls, Objects, address, known, string};

#[derive(Arbitrary, Debug)]
pub(super) enum Connections<'a> {
    Send {
        id: u8,
        kind: i32,
        payload: &'a [u8],
    },
    SendFragment {
        id: u8,
        kind: u8,
        payload: &'a [u8],
        last: i32,
    },
    Ping {
        id: u8,
        pong: bool,
        payload: &'a [u8],
    },
    Close {
        id: u8,
        code: i32,
        reason: &'a [u8],
    },
    Abort {
        id: u8,
    },
    Pause {
        id: u8,
        resume: bool,
    },
    Queued {
        id: u8,
    },
    Subscribe {
        id: u8,
        topic: &'a [u8],
        leave: bool,
    },
    Publish {
        topic: &'a [u8],
        kind: u8,
        payload: &'a [u8],
        except: u8,
    },
    UserData {
        id: u8,
        value: usize,
    },
}

impl Objects {
    pub(super) unsafe fn connections(&mut self, op: &Connections<'_>, nulls: Nulls) {
        let engine = nulls.keep_mut(0, self.engine);
        // SAFETY: the objects are alive or NULL; strings end with a NUL; lengths are those of what stands there.
        unsafe {
            match op {
                Connections::Send { id, kind, payload } => {
                    let data = nulls.keep(2, address(payload));
                    known(ropeway_engine_send(
                        engine,
                        self.id(*id),
                        *kind,
                        data,
                        payload.len(),
                    ));
                    known(ropeway_engine_send_text(
                        engine,
                        self.id(*id),
                        data.cast(),
                        payload.len(),
                    ));
                    known(ropeway_engine_send_binary(
                        engine,
                        self.id(*id),
                        data,
                        payload.len(),
                    ));
                    known(ropeway_engine_send_compressed(
                        engine,
                        self.id(*id),
                        *kind,
                        *kind % 4,
                        data,
                        payload.len(),
                    ));
                    // A length that was negative.
                    assert!(!known(ropeway_engine_send(
                        engine,
                        self.id(*id),
                        1,
                        address(payload),
                        usize::MAX
                    )));
                }
                Connections::SendFragment {
                    id,
                    kind,
                    payload,
                    last,
                } => {
                    let kind = i32::from(*kind % 4);
                    known(ropeway_engine_send_fragment(
                        engine,
                        self.id(*id),
                        kind,
                        nulls.keep(2, address(payload)),
                        payload.len(),
                        *last,
                    ));
                }
                Connections::Ping { id, pong, payload } => {
                    let call = if *pong {
                        ropeway_engine_pong
                    } else {
                        ropeway_engine_ping
                    };
                    known(call(
                        engine,
                        self.id(*id),
                        nulls.keep(2, address(payload)),
                        payload.len(),
                    ));
                }
                Connections::Close { id, code, reason } => {
                    let reason = string(reason);
                    known(ropeway_engine_close(
                        engine,
                        self.id(*id),
                        *code % 6000,
                        nulls.keep(2, reason.as_ptr()),
                    ));
                }
                Connections::Abort { id } => {
                    known(ropeway_engine_abort(engine, self.id(*id)));
                }
                Connections::Pause { id, resume } => {
                    let call = if *resume {
                        ropeway_engine_resume
                    } else {
                        ropeway_engine_pause
                    };
                    known(call(engine, self.id(*id)));
                }
                Connections::Queued { id } => {
                    Self::written(7, |out| {
                        ropeway_engine_queued_bytes(engine, self.id(*id), nulls.keep_mut(2, out))
                    });
                }
                Connections::Subscribe { id, topic, leave } => {
                    let topic = string(topic);
                    let call = if *leave {
                        ropeway_engine_unsubscribe
                    } else {
                        ropeway_engine_subscribe
                    };
                    known(call(engine, self.id(*id), nulls.keep(2, topic.as_ptr())));
                    Self::written(7, |out| {
                        ropeway_engine_subscribers(engine, nulls.keep(2, topic.as_ptr()), out)
                    });
                }
                Connections::Publish {
                    topic,
                    kind,
                    payload,
                    except,
                } => {
                    let topic = string(topic);
                    Self::written(7, |out| {
                        ropeway_engine_publish(
                            engine,
                            nulls.keep(2, topic.as_ptr()),
                            i32::from(*kind % 4),
                            nulls.keep(3, address(payload)),
                            payload.len(),
                            self.id(*except),
                            nulls.keep_mut(4, out),
                        )
                    });
                }
                Connections::UserData { id, value } => {
                    let value = std::ptr::without_provenance_mut(*value);
                    if known(ropeway_engine_set_user_data(engine, self.id(*id), value)) {
                        let read = Self::written(null_mut(), |out| {
                            ropeway_engine_user_data(engine, self.id(*id), out)
                        });
                        assert_eq!(read, Some(value));
                    }
                }
            }
        }
    }
}
