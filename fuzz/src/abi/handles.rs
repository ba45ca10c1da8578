//! Options, remotes, and objects that come and go.

use std::ptr::{null, null_mut};

use arbitrary::Arbitrary;
use ropeway::client::ropeway_client_free;
use ropeway::engine::*;
use ropeway::options::*;
use ropeway::protocol::ropeway_protocol_free;
use ropeway::remote::*;

use super::{Nulls, Objects, address, known, string};

#[derive(Arbitrary, Debug)]
pub(super) enum Handles<'a> {
    SetInt { key: i32, value: i64 },
    GetInt { key: i32 },
    SetString { key: u8, value: &'a [u8] },
    AddHeader { name: &'a [u8], value: &'a [u8] },
    Remote,
    RemoteSend { id: u8, kind: u8, payload: &'a [u8] },
    RemoteClose { id: u8, code: i32, abort: bool },
    FreeEngine,
    NewEngine,
    Bare,
}

impl Objects {
    pub(super) unsafe fn handles(&mut self, op: &Handles<'_>, nulls: Nulls) {
        let engine = nulls.keep_mut(0, self.engine);
        let options = nulls.keep_mut(1, self.options);
        // SAFETY: the objects are alive or NULL; strings end with a NUL; lengths are those of what stands there.
        unsafe {
            match op {
                Handles::SetInt { key, value } => {
                    known(ropeway_options_set_int(options, *key % 1200, *value));
                }
                Handles::GetInt { key } => {
                    Self::written(-7, |out| {
                        ropeway_options_get_int(options, *key % 1200, nulls.keep_mut(2, out))
                    });
                }
                Handles::SetString { key, value } => {
                    // Those that name files, proxies and hosts stay out of it.
                    let key = 500 + i32::from(*key % 4);
                    known(ropeway_options_set_string(
                        options,
                        key,
                        nulls.keep(2, string(value).as_ptr()),
                    ));
                }
                Handles::AddHeader { name, value } => {
                    let (name, value) = (string(name), string(value));
                    known(ropeway_options_add_header(
                        options,
                        nulls.keep(2, name.as_ptr()),
                        nulls.keep(3, value.as_ptr()),
                    ));
                }
                Handles::Remote => {
                    let made = Self::written(null_mut(), |out| {
                        ropeway_engine_remote(engine, nulls.keep_mut(2, out))
                    });
                    self.remotes.extend(made);
                    if let Some(&remote) = self.remotes.last() {
                        let copy = Self::written(null_mut(), |out| {
                            ropeway_remote_clone(nulls.keep(3, remote), out)
                        });
                        self.remotes.extend(copy);
                    }
                }
                Handles::RemoteSend { id, kind, payload } => {
                    let remote = nulls.keep(
                        0,
                        self.remotes
                            .last()
                            .map_or(null(), |&remote| remote.cast_const()),
                    );
                    known(ropeway_remote_send(
                        remote,
                        self.id(*id),
                        i32::from(*kind % 4),
                        nulls.keep(2, address(payload)),
                        payload.len(),
                    ));
                    known(ropeway_remote_publish(
                        remote,
                        c"t".as_ptr(),
                        i32::from(*kind % 4),
                        address(payload),
                        payload.len(),
                    ));
                    known(ropeway_remote_wake(remote));
                }
                Handles::RemoteClose { id, code, abort } => {
                    let remote = nulls.keep(
                        0,
                        self.remotes
                            .first()
                            .map_or(null(), |&remote| remote.cast_const()),
                    );
                    known(if *abort {
                        ropeway_remote_abort(remote, self.id(*id))
                    } else {
                        ropeway_remote_close(remote, self.id(*id), *code % 6000, null())
                    });
                }
                Handles::FreeEngine => {
                    ropeway_engine_free(self.engine);
                    self.engine = null_mut();
                    self.ports.clear();
                }
                Handles::NewEngine => {
                    ropeway_engine_free(self.engine);
                    self.ports.clear();
                    self.engine();
                }
                Handles::Bare => {
                    ropeway_engine_free(null_mut());
                    ropeway_options_free(null_mut());
                    ropeway_remote_free(null_mut());
                    ropeway_protocol_free(null_mut());
                    ropeway_client_free(null_mut());
                    assert!(ropeway_options_clone(null()).is_null());
                    assert_eq!(ropeway_engine_descriptor(null()), -1);
                    let copy = ropeway_options_clone(self.options);
                    ropeway_options_free(self.options);
                    self.options = copy;
                }
            }
        }
    }
}
