//! The engine: many connections and listeners, one descriptor, one stream of events.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::sync::Arc;

use ropeway_core::engine::{Connections, Engine, EventKind, Message};
use ropeway_core::protocol::Options;
use ropeway_relay::Relay;

use crate::error::Failure;
use crate::event::{
    Lent, ROPEWAY_EVENT_HTTP_REQUEST, ROPEWAY_EVENT_UPGRADE_REQUEST, ropeway_connection,
    ropeway_event,
};
use crate::guard::{self, Out, Outcome, Owned};
use crate::metrics::LentPage;
use crate::options::{self, ropeway_options};
use crate::remote::ropeway_remote;
use crate::status::{ROPEWAY_OK, ropeway_status};
use crate::tls_info::LentInfo;

/// Many connections and listeners. Used by one thread at a time; other threads reach it through a ropeway_remote.
#[derive(Debug)]
pub struct ropeway_engine {
    pub(crate) engine: Owned<Engine>,
    /// Apart from the engine, so that C may look at it while it calls.
    lent: UnsafeCell<Lent>,
    pub(crate) tls_info: LentInfo,
    pub(crate) page: LentPage,
    /// Behind the engine, which it serves until the end.
    pub(crate) relay: Owned<Option<Relay>>,
    /// What a connection made without options gets.
    defaults: Arc<Options>,
}

impl ropeway_engine {
    /// The connections' options: those of `options`, or the defaults for NULL, which all such connections share.
    ///
    /// # Safety
    /// `options` is NULL or a living set.
    pub(crate) unsafe fn options(
        &self,
        options: *const ropeway_options,
    ) -> Result<Arc<Options>, Failure> {
        if options.is_null() {
            return Ok(Arc::clone(&self.defaults));
        }
        // SAFETY: the caller's promise.
        Ok(unsafe { options::settings(options) }?.connection)
    }
}

/// Runs `body` on the engine's connections.
///
/// # Safety
/// `engine` is NULL or a living engine that no other thread uses.
#[inline]
pub(crate) unsafe fn with(
    engine: *const ropeway_engine,
    body: impl FnOnce(&mut Connections) -> Outcome,
) -> ropeway_status {
    // SAFETY: the caller's promise.
    let engine = unsafe { guard::object(engine, "engine") };
    // A panic is caught inside.
    guard::status(engine.and_then(|engine| engine.engine.with(|engine| body(engine.connections()))))
}

/// Makes an engine with the ROPEWAY_OPTION_ numbers of the 600s in `options`, or their defaults for NULL, and writes
/// it to `*engine`. The caller owns it and frees it by ropeway_engine_free.
///
/// Errors: ROPEWAY_ERROR_NULL; ROPEWAY_ERROR_IO when the process has no descriptor left.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_new(
    options: *const ropeway_options,
    engine: *mut *mut ropeway_engine,
) -> ropeway_status {
    guard::run(|| {
        let out = Out::new(engine, "engine")?;
        // SAFETY: the header asks for a living set or NULL.
        let settings = unsafe { options::settings(options) }?;
        let engine = Engine::new(settings.engine)?;
        let engine = ropeway_engine {
            engine: Owned::new(engine),
            lent: UnsafeCell::new(Lent::new()),
            tls_info: LentInfo::default(),
            page: LentPage::default(),
            relay: Owned::new(None),
            defaults: Arc::default(),
        };
        // SAFETY: the header asks for room for a pointer.
        unsafe { out.set(guard::give(engine)) };
        Ok(ROPEWAY_OK)
    })
}

/// Frees an engine: its listeners and connections are closed at once, without Close frames, and their numbers are
/// stale. Its remotes live on and answer ROPEWAY_ERROR_ENGINE_GONE. NULL is let pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_free(engine: *mut ropeway_engine) {
    // SAFETY: the header asks for a living engine or NULL.
    unsafe { guard::free(engine) };
}

/// The engine's one descriptor, -1 when `engine` is NULL. It is readable, for poll, epoll, kqueue or any event loop,
/// whenever there is something to do, time-outs included; then take the events by ropeway_engine_next_event until it
/// gives NULL. The engine owns the descriptor: only wait on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_descriptor(engine: *const ropeway_engine) -> c_int {
    guard::value(-1, || {
        // SAFETY: the header asks for a living engine or NULL.
        let engine = unsafe { guard::object(engine, "engine") }?;
        engine.engine.with(|engine| Ok(engine.descriptor()))
    })
}

/// Waits up to `timeout` milliseconds (-1: for ever, 0: not at all) until there is something to do; then take the
/// events by ropeway_engine_next_event. Returns early, with ROPEWAY_OK, after ropeway_remote_wake and when a signal
/// handler ran. Ends the loan of the last event.
///
/// Errors: ROPEWAY_ERROR_NULL, ROPEWAY_ERROR_INVALID_ARGUMENT, ROPEWAY_ERROR_IO, ROPEWAY_ERROR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_poll(
    engine: *mut ropeway_engine,
    timeout: i64,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let engine = unsafe { guard::object(engine, "engine") }?;
        let timeout = guard::wait(timeout)?;
        guard::done(engine.engine.with(|engine| Ok(engine.poll(timeout)?)))
    })
}

/// The next event, lent until the next call of this function or of ropeway_engine_poll on the engine; NULL when the
/// turn is over: every connection that was ready has been read once. Then poll, or wait until the descriptor is
/// readable. Also NULL, with ropeway_last_error, when `engine` is NULL or has failed by a defect; ropeway_engine_poll
/// says so by its status.
///
/// Take every event before you wait: what is sent in between goes out together, at the latest with the NULL. The
/// function never waits itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_next_event(
    engine: *mut ropeway_engine,
) -> *const ropeway_event {
    // SAFETY: the header asks for a living engine or NULL.
    let this = unsafe { guard::object(engine, "engine") };
    // A panic is caught inside.
    let lent = this.and_then(|this| {
        this.engine.with(|engine| {
            // SAFETY: no other call is inside the engine, and the loan of the last event is over.
            let lent = unsafe { &mut *this.lent.get() };
            if let Some(message) = engine.next_message() {
                return Ok(lent.next_message(&message));
            }
            let Some((event, _)) = engine.next_event() else {
                return Ok(std::ptr::null());
            };
            if let EventKind::Message { kind, payload } = event.kind {
                return Ok(lent.next_message(&Message {
                    id: event.id,
                    user_data: event.user_data,
                    listener: event.listener,
                    kind,
                    payload,
                }));
            }
            let (id, listener) = (event.id.bits(), event.listener.bits());
            let lent = lent.begin(id, listener, event.user_data);
            match event.kind {
                EventKind::UpgradeRequest(request) => {
                    lent.request(ROPEWAY_EVENT_UPGRADE_REQUEST, request)
                }
                EventKind::HttpRequest(request) => {
                    lent.request(ROPEWAY_EVENT_HTTP_REQUEST, request)
                }
                EventKind::Opened(opened) => lent.opened(opened),
                EventKind::Fragment {
                    kind,
                    payload,
                    first,
                    last,
                } => lent.fragment(kind, payload, first, last),
                EventKind::Ping { payload } => lent.ping(payload),
                EventKind::Pong {
                    payload,
                    round_trip,
                } => lent.pong(payload, round_trip),
                EventKind::Writable => lent.writable(),
                EventKind::Closed(closed) => lent.closed(closed),
                EventKind::Reconnecting {
                    closed,
                    attempt,
                    delay,
                } => lent.reconnecting(closed, attempt, delay),
                EventKind::Redirect { response, url, .. } => lent.redirect(response, url),
                EventKind::AcceptFailed { listener, error } => {
                    lent.accept_failed(listener.bits(), &error)
                }
                EventKind::Undelivered { bytes, error } => lent.undelivered(bytes, &error.into()),
                EventKind::Relayed {
                    topic,
                    kind,
                    payload,
                } => lent.relayed(topic, kind, payload),
                _ => {}
            }
            Ok(lent.lend())
        })
    });
    guard::answer(std::ptr::null(), lent)
}

/// Makes a remote of the engine and writes it to `*remote`. The caller owns it and frees it by ropeway_remote_free;
/// it may outlive the engine.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_remote(
    engine: *mut ropeway_engine,
    remote: *mut *mut ropeway_remote,
) -> ropeway_status {
    guard::run(|| {
        // SAFETY: the header asks for a living engine or NULL.
        let engine = unsafe { guard::object(engine, "engine") }?;
        let out = Out::new(remote, "remote")?;
        let remote = engine.engine.with(|engine| Ok(engine.remote()))?;
        // SAFETY: the header asks for room for a pointer.
        unsafe { out.set(guard::give(ropeway_remote(remote))) };
        Ok(ROPEWAY_OK)
    })
}

/// Writes the numbers of the engine's connections, opening, open and closing, to `ids`, which has room for `capacity`
/// of them, and how many there are to `*count`. With a `capacity` of 0, `ids` may be NULL: `*count` is then all that
/// is told. More than `capacity` are left out.
///
/// Errors: ROPEWAY_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ropeway_engine_list(
    engine: *const ropeway_engine,
    ids: *mut ropeway_connection,
    capacity: usize,
    count: *mut usize,
) -> ropeway_status {
    // SAFETY: the header asks for a living engine or NULL.
    unsafe {
        with(engine, |connections| {
            let out = Out::new(count, "count")?;
            if capacity > 0 && ids.is_null() {
                return Err(Failure::Null("ids"));
            }
            for (index, id) in connections.ids().take(capacity).enumerate() {
                // SAFETY: the header asks for room for `capacity` numbers.
                ids.add(index).write(id.bits());
            }
            out.set(connections.ids().count());
            Ok(ROPEWAY_OK)
        })
    }
}
