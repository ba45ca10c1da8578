//! The busy connection whose socket libuv watches itself (the core's `engine/apart.rs`), so that its messages do not cost the
//! engine's own wait on top of the loop's.

use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use napi::Env;
use ropeway_core::engine::ConnectionId;

use crate::turn::Thread;
use crate::watch::{Wake, Watch};

/// A connection that the core has left to libuv.
pub(crate) struct Apart {
    id: ConnectionId,
    watch: Watch,
    socket: OwnedFd,
}

/// What is woken when its socket is readable.
struct Alone(Rc<Thread>);

impl Wake for Alone {
    fn wake(self: Rc<Self>) {
        let thread = &self.0;
        if thread.begin_apart() {
            thread.clone().wake();
        } else {
            thread.review_apart();
        }
    }
}

impl Thread {
    /// Begins a turn of the connection apart. False when there is none any more.
    fn begin_apart(&self) -> bool {
        let engine = &mut self.seats.borrow_mut().engine;
        let apart = self.apart.borrow();
        let Some(apart) = apart.as_ref().filter(|apart| engine.is_apart(apart.id)) else {
            return false;
        };
        engine.begin_direct(apart.id, true, false);
        true
    }

    /// After a turn: whether another connection is to be watched apart, or this one no more.
    pub(crate) fn review_apart(self: &Rc<Self>) {
        let engine = &mut self.seats.borrow_mut().engine;
        let mut apart = self.apart.borrow_mut();
        let lone = engine.take_lone().filter(|&id| !engine.is_apart(id));
        let ended = apart.take_if(|apart| lone.is_some() || !engine.is_apart(apart.id));
        if let Some(Apart { id, watch, socket }) = ended {
            engine.watch_again(id);
            watch.stop();
            drop(socket);
        }
        // Where the core cannot leave it, or libuv not watch it, it stays where it is.
        let Some((id, socket)) = lone.and_then(|id| Some((id, engine.watch_apart(id).ok()?)))
        else {
            return;
        };
        let alone = Rc::new(Alone(self.clone()));
        match Watch::start(&Env::from_raw(self.env), socket.as_raw_fd(), alone) {
            Ok(watch) => *apart = Some(Apart { id, watch, socket }),
            Err(_) => engine.watch_again(id),
        }
    }
}
