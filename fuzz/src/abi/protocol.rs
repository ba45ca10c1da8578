//! The sans-I/O layer.

use std::ptr::{null, null_mut};

use arbitrary::Arbitrary;
use ropeway::protocol::send::*;
use ropeway::protocol::*;

use super::{Nulls, Objects, address, known, look, string};

#[derive(Arbitrary, Debug)]
pub(super) enum Sans<'a> {
    Protocol {
        role: i32,
        url: &'a [u8],
        made: u8,
        now: u64,
    },
    Receive {
        bytes: &'a [u8],
    },
    NextEvent {
        now: u64,
    },
    ProtocolSend {
        kind: i32,
        payload: &'a [u8],
        last: i32,
        way: u8,
    },
    ProtocolClose {
        code: i32,
        reason: &'a [u8],
        now: u64,
    },
    Output {
        consume: usize,
        blocked: i32,
    },
    Deadline {
        now: u64,
        way: u8,
    },
    Decide {
        subprotocol: &'a [u8],
        status: i32,
        accept: bool,
        now: u64,
    },
    FreeProtocol,
}

impl Objects {
    pub(super) unsafe fn protocol(&mut self, op: &Sans<'_>, nulls: Nulls) {
        let options = nulls.keep_mut(1, self.options);
        let protocol = nulls.keep_mut(0, self.protocol);
        // SAFETY: the objects are alive or NULL; strings end with a NUL; lengths are those of what stands there.
        unsafe {
            match op {
                Sans::Protocol {
                    role,
                    url,
                    made,
                    now,
                } => {
                    let url = string(url);
                    let made = Self::written(null_mut(), |out| match made % 3 {
                        0 => {
                            ropeway_protocol_client(nulls.keep(2, url.as_ptr()), options, *now, out)
                        }
                        1 => ropeway_protocol_server(options, *now, nulls.keep_mut(2, out)),
                        _ => ropeway_protocol_open(*role % 4, options, *now, out),
                    });
                    if let Some(made) = made {
                        ropeway_protocol_free(self.protocol);
                        self.protocol = made;
                    }
                }
                Sans::Receive { bytes } => {
                    known(ropeway_protocol_receive(
                        protocol,
                        nulls.keep(2, address(bytes)),
                        bytes.len(),
                    ));
                }
                Sans::NextEvent { now } => {
                    for _ in 0..1000 {
                        let Some(event) = ropeway_protocol_next_event(protocol, *now).as_ref()
                        else {
                            break;
                        };
                        look(event);
                        known(ropeway_protocol_send(
                            protocol,
                            event.kind,
                            event.data,
                            event.length,
                        ));
                    }
                }
                Sans::ProtocolSend {
                    kind,
                    payload,
                    last,
                    way,
                } => {
                    let (data, length) = (nulls.keep(2, address(payload)), payload.len());
                    known(match way % 5 {
                        0 => ropeway_protocol_send(protocol, *kind, data, length),
                        1 => ropeway_protocol_send_text(protocol, data.cast(), length),
                        2 => {
                            ropeway_protocol_send_fragment(protocol, *kind % 4, data, length, *last)
                        }
                        3 => ropeway_protocol_ping(protocol, data, length),
                        _ => ropeway_protocol_pong(protocol, data, length),
                    });
                }
                Sans::ProtocolClose { code, reason, now } => {
                    let reason = string(reason);
                    known(ropeway_protocol_close(
                        protocol,
                        *code % 6000,
                        nulls.keep(2, reason.as_ptr()),
                        *now,
                    ));
                }
                Sans::Output { consume, blocked } => {
                    let (mut data, mut length) = (null(), 0);
                    if known(ropeway_protocol_output(
                        protocol,
                        nulls.keep_mut(2, &raw mut data),
                        nulls.keep_mut(3, &raw mut length),
                    )) {
                        let bytes = if length == 0 {
                            &[][..]
                        } else {
                            std::slice::from_raw_parts(data.cast::<u8>(), length)
                        };
                        assert!(bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>() < u64::MAX);
                    }
                    known(ropeway_protocol_consume(protocol, *consume));
                    known(ropeway_protocol_set_blocked(protocol, *blocked));
                }
                Sans::Deadline { now, way } => {
                    Self::written(7, |out| {
                        ropeway_protocol_next_deadline(protocol, nulls.keep_mut(2, out))
                    });
                    known(match way % 3 {
                        0 => ropeway_protocol_on_deadline(protocol, *now),
                        1 => ropeway_protocol_on_eof(protocol, *now),
                        _ => ropeway_protocol_on_error(protocol, i32::from(*way), *now),
                    });
                    assert!(
                        (0..=4).contains(&ropeway_protocol_shutdown(self.protocol))
                            || self.protocol.is_null()
                    );
                }
                Sans::Decide {
                    subprotocol,
                    status,
                    accept,
                    now,
                } => {
                    let subprotocol = string(subprotocol);
                    known(if *accept {
                        ropeway_protocol_accept(
                            protocol,
                            nulls.keep(2, subprotocol.as_ptr()),
                            options,
                            *now,
                        )
                    } else {
                        ropeway_protocol_refuse(
                            protocol,
                            *status,
                            options,
                            subprotocol.as_ptr().cast(),
                            subprotocol.count_bytes(),
                            *now,
                        )
                    });
                }
                Sans::FreeProtocol => {
                    ropeway_protocol_free(self.protocol);
                    self.protocol = null_mut();
                }
            }
        }
    }
}
