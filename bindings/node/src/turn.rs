//! A wake-up: what the engine has to tell goes to JavaScript, in one call for as much as a batch holds.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;

use napi::{Result, Status, check_status, sys};
use ropeway_core::engine::{ConnectionId, EventKind, ListenerId};
use ropeway_core::protocol::{Gathered, MessageKind};

use crate::apart::Apart;
use crate::batch::{self, Batch, LARGE, MIDDLE, Payload, kind};
use crate::pool::Pool;
use crate::seats::{Seat, Seats, unusable};
use crate::told::{ToldClosed, ToldError, ToldRelayed, ToldRequest};
use crate::watch::{Wake, Watch};

/// The place of a connection that has none.
const NOWHERE: u32 = u32::MAX;

/// What one JavaScript thread has. It lives as long as the environment.
pub(crate) struct Thread {
    pub(crate) env: sys::napi_env,
    pub(crate) seats: RefCell<Seats>,
    batch: RefCell<Batch>,
    pub(crate) watch: RefCell<Option<Watch>>,
    pub(crate) apart: RefCell<Option<Apart>>,
    /// Memory of large messages.
    pool: Pool<Gathered>,
    /// Strings on their way to the engine.
    pub(crate) scratch: RefCell<Vec<u8>>,
    /// `(count, slab, wide, region, values)`; a count of -1 goes on after a handler threw.
    dispatch: sys::napi_ref,
    context: sys::napi_async_context,
    /// Places whose connections' ends are being told.
    leaving: Cell<Vec<u32>>,
}

/// What came of asking for an event.
enum Step {
    /// The turn is over.
    Over,
    Told(ConnectionId),
    /// A message that is still lent: its kind, and the connection's place.
    Message(ConnectionId, i32, u32),
    Later(Later),
}

/// What cannot be done while an event is lent.
enum Later {
    Request(ConnectionId, ListenerId, u32, ToldRequest),
    /// A connection on a listener that ended before it had a place.
    Lost(ListenerId, Box<ToldClosed>),
    AcceptFailed(ListenerId, Box<ToldError>),
}

/// The place that a connection's number names.
const fn place_of(user_data: u64) -> u32 {
    (user_data as u32).wrapping_sub(1)
}

/// A scope for values; closed when it is dropped.
struct Scope(sys::napi_env, sys::napi_handle_scope);

impl Scope {
    fn open(env: sys::napi_env) -> Result<Self> {
        let mut scope = ptr::null_mut();
        // SAFETY: called on the environment's thread.
        check_status!(unsafe { sys::napi_open_handle_scope(env, &raw mut scope) })?;
        Ok(Self(env, scope))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, and closed in reverse order.
        unsafe { sys::napi_close_handle_scope(self.0, self.1) };
    }
}

impl Thread {
    pub(crate) fn new(
        env: sys::napi_env,
        seats: Seats,
        records: *mut i32,
        dispatch: sys::napi_value,
    ) -> Result<Rc<Self>> {
        let batch = Batch::new(env, records);
        let mut reference = ptr::null_mut();
        let mut name = ptr::null_mut();
        let mut context = ptr::null_mut();
        let title = "ropeway";
        // SAFETY: called on the environment's thread within a handle scope; the references live as long as it does.
        unsafe {
            check_status!(sys::napi_create_reference(
                env,
                dispatch,
                1,
                &raw mut reference
            ))?;
            check_status!(sys::napi_create_string_utf8(
                env,
                title.as_ptr().cast(),
                title.len() as isize,
                &raw mut name
            ))?;
            check_status!(sys::napi_async_init(
                env,
                ptr::null_mut(),
                name,
                &raw mut context
            ))?;
        }
        Ok(Rc::new(Self {
            env,
            seats: RefCell::new(seats),
            batch: RefCell::new(batch),
            watch: RefCell::new(None),
            apart: RefCell::new(None),
            pool: Pool::new(),
            scratch: RefCell::new(Vec::new()),
            dispatch: reference,
            context,
            leaving: Cell::default(),
        }))
    }

    /// Lets the process live while anything is open.
    pub(crate) fn hold(&self) {
        let busy = self.seats.borrow_mut().is_busy();
        if let Some(watch) = &mut *self.watch.borrow_mut() {
            watch.hold(busy);
        }
    }

    /// One turn of the engine.
    fn drain(&self) -> Result<()> {
        let mut over = false;
        while !over {
            let _scope = Scope::open(self.env)?;
            over = self.fill()?;
            self.deliver()?;
            let mut seats = self.seats.borrow_mut();
            let mut leaving = self.leaving.take();
            for place in leaving.drain(..) {
                seats.vacate(place);
            }
            self.leaving.set(leaving);
        }
        Ok(())
    }

    /// Gathers events. Whether the turn is over.
    fn fill(&self) -> Result<bool> {
        let mut seats = self.seats.borrow_mut();
        let mut batch = self.batch.borrow_mut();
        let mut leaving = self.leaving.take();
        batch.begin(&mut seats.engine)?;
        let mut last = ConnectionId::NONE;
        let mut over = false;
        while batch.has_room() {
            if let Some(message) = seats.engine.next_message() {
                last = message.id;
                let kind = batch::message_kind(message.kind);
                let place = place_of(message.user_data);
                if message.payload.len() < MIDDLE {
                    batch.push(kind, place, Payload::Bytes(message.payload))?;
                } else {
                    self.push_message(kind, place, &mut seats, &mut batch)?;
                }
                continue;
            }
            // What came behind a message is the core's business only when the message has been answered.
            if seats.engine.unparsed() == Some(last) || seats.engine.memory_is_full() {
                break;
            }
            match self.step(&mut seats, &mut batch, &mut leaving)? {
                Step::Over => {
                    over = true;
                    break;
                }
                Step::Told(id) => last = id,
                Step::Message(id, kind, place) => {
                    last = id;
                    self.push_message(kind, place, &mut seats, &mut batch)?;
                }
                Step::Later(later) => self.do_later(later, &mut seats, &mut batch)?,
            }
        }
        self.leaving.set(leaving);
        if over {
            seats.gather_answers();
        }
        Ok(over)
    }

    /// Adds the message that was told last: where it is, in memory of its own, or by a copy.
    fn push_message(
        &self,
        kind: i32,
        place: u32,
        seats: &mut Seats,
        batch: &mut Batch,
    ) -> Result<()> {
        if batch.push_read(kind, place, &mut seats.engine)? {
            return Ok(());
        }
        if seats.engine.payload().len() < LARGE {
            return batch.push(kind, place, Payload::Bytes(seats.engine.payload()));
        }
        let Some(message) = seats.engine.keep_message() else {
            return Ok(());
        };
        let value = self.lend_message(message, seats)?;
        batch.push(kind, place, Payload::Value(value))
    }

    /// A Buffer of a message that was gathered. The engine gets memory for others.
    fn lend_message(&self, mut message: Gathered, seats: &mut Seats) -> Result<sys::napi_value> {
        while let Some(memory) = self.pool.take() {
            if let Some(unwanted) = seats.engine.reuse(memory) {
                self.pool.give(unwanted);
                break;
            }
        }
        match self.pool.lend(self.env, message.bytes_mut())? {
            Some((buffer, loan)) => {
                loan.settle(message);
                Ok(buffer)
            }
            None => batch::copy(self.env, message.bytes()),
        }
    }

    /// Takes one event that is no message at hand.
    fn step(&self, seats: &mut Seats, batch: &mut Batch, leaving: &mut Vec<u32>) -> Result<Step> {
        let Some((event, _)) = seats.engine.next_event() else {
            return Ok(Step::Over);
        };
        let (id, place) = (event.id, place_of(event.user_data));
        let later = match event.kind {
            EventKind::UpgradeRequest(request) => {
                let told = ToldRequest::new(request, 0);
                Later::Request(id, event.listener, place, told)
            }
            EventKind::HttpRequest(request) => {
                let mut told = ToldRequest::new(request, 0);
                told.is_upgrade = false;
                Later::Request(id, event.listener, place, told)
            }
            EventKind::Closed(closed) if place == NOWHERE => {
                Later::Lost(event.listener, Box::new(closed.into()))
            }
            EventKind::Message { kind, .. } => {
                return Ok(Step::Message(id, batch::message_kind(kind), place));
            }
            EventKind::AcceptFailed { listener, error } => {
                Later::AcceptFailed(listener, Box::new(ToldError::from(&error)))
            }
            EventKind::Relayed {
                topic,
                kind: of,
                payload,
            } => {
                if seats.tells_relayed {
                    let told = ToldRelayed {
                        topic: topic.to_owned(),
                        data: payload.into(),
                        is_binary: of == MessageKind::Binary,
                    };
                    batch.push(kind::RELAYED, NOWHERE, batch::value(self.env, told)?)?;
                }
                return Ok(Step::Told(id));
            }
            kind => {
                if matches!(kind, EventKind::Closed(_)) {
                    leaving.push(place);
                }
                if let Some((kind, payload)) = batch::describe(self.env, kind)?
                    && place != NOWHERE
                {
                    batch.push(kind, place, payload)?;
                }
                return Ok(Step::Told(id));
            }
        };
        Ok(Step::Later(later))
    }

    fn do_later(&self, later: Later, seats: &mut Seats, batch: &mut Batch) -> Result<()> {
        match later {
            Later::Request(id, listener, place, mut told) => {
                let decision = if place == NOWHERE {
                    None
                } else {
                    seats.decision(place)
                };
                if let Some(decision) = decision {
                    let accepted = decision.accept_in(seats.engine.connections(), id);
                    if accepted.is_err() {
                        let _ = seats.engine.connections().refuse(id, &unusable());
                    }
                    return Ok(());
                }
                let Some(number) = seats.number(listener) else {
                    // The server has been closed meanwhile.
                    let _ = seats.engine.connections().abort(id);
                    return Ok(());
                };
                told.listener = number;
                let place = seats.seat(Seat::Engine(id, None));
                batch.push(kind::REQUEST, place, batch::value(self.env, told)?)
            }
            Later::Lost(listener, mut told) => {
                told.listener = seats.number(listener);
                batch.push(kind::CLOSED, NOWHERE, batch::value(self.env, *told)?)
            }
            Later::AcceptFailed(listener, error) => match seats.number(listener) {
                Some(number) => {
                    let error = batch::value(self.env, *error)?;
                    batch.push(kind::ACCEPT_FAILED, number, error)
                }
                None => Ok(()),
            },
        }
    }

    /// Hands the batch to JavaScript. An exception that a handler threw is the process's to deal with; the rest of the
    /// batch is handed on all the same.
    fn deliver(&self) -> Result<()> {
        let env = self.env;
        let Some(filled) = self.batch.borrow_mut().finish()? else {
            return Ok(());
        };
        let mut count = filled.count as i32;
        loop {
            // SAFETY: called on the environment's thread within a handle scope, with nothing borrowed.
            unsafe {
                let (mut dispatch, mut number) = (ptr::null_mut(), ptr::null_mut());
                check_status!(sys::napi_get_reference_value(
                    env,
                    self.dispatch,
                    &raw mut dispatch
                ))?;
                check_status!(sys::napi_create_int32(env, count, &raw mut number))?;
                let arguments = [
                    number,
                    filled.slab,
                    filled.wide,
                    filled.region,
                    filled.values,
                ];
                let status = sys::napi_make_callback(
                    env,
                    self.context,
                    dispatch,
                    dispatch,
                    arguments.len(),
                    arguments.as_ptr(),
                    ptr::null_mut(),
                );
                if status == Status::Ok as i32 {
                    return Ok(());
                }
                let mut pending = false;
                check_status!(sys::napi_is_exception_pending(env, &raw mut pending))?;
                if !pending {
                    return check_status!(status);
                }
                let mut exception = ptr::null_mut();
                check_status!(sys::napi_get_and_clear_last_exception(
                    env,
                    &raw mut exception
                ))?;
                check_status!(sys::napi_fatal_exception(env, exception))?;
            }
            count = -1;
        }
    }
}

impl Wake for Thread {
    fn wake(self: Rc<Self>) {
        self.seats.borrow_mut().draining = true;
        // What fails is the environment, which is ending.
        let _ = self.drain();
        let mut seats = self.seats.borrow_mut();
        seats.draining = false;
        seats.release();
        drop(seats);
        self.hold();
        self.review_apart();
    }
}
