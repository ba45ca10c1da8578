//! Connections that are dialled more than once: after a redirect, and under supervision after a failure or a loss.

use std::sync::Arc;

use super::connections::Connections;
use super::drive::Told;
use super::event::Notice;
use super::id::ConnectionId;
use super::redirect::Target;
use super::slots::{Flags, Transport};
use super::supervise::{Attempt, Reconnect, Supervision, response};
use super::{Engine, Sent};
use crate::deflate::Compress;
use crate::error::{Error, SendError};
use crate::frame;
use crate::handshake::{HandshakeError, Headers, WebSocketUrl, check_request_headers};
use crate::net::{ConnectOptions, Dial};
use crate::protocol::{Closed, MessageKind, Options, Shutdown, Time};

/// What is kept of a dialled connection for as long as it may have to be dialled again.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// As the application asked for it: where each attempt begins.
    asked: Target,
    /// Where redirects have led the present attempt.
    target: Target,
    connect: ConnectOptions,
    /// When the present attempt began.
    started: Time,
    /// Redirects that the present attempt has followed.
    redirects: u32,
    supervision: Option<Supervision>,
    /// When the next attempt begins, if it is waited for.
    again_at: Option<Time>,
}

/// What comes after an end.
#[derive(Debug)]
enum Next {
    /// Nothing: it is final.
    End,
    /// The redirect is followed.
    Redirect,
    /// Another attempt.
    Again(Attempt),
}

impl Outgoing {
    /// `None` when neither redirects nor supervision make a second dial possible.
    pub(super) fn new(
        url: &WebSocketUrl,
        connect: &ConnectOptions,
        options: &Arc<Options>,
        reconnect: Option<Reconnect>,
        now: Time,
    ) -> Option<Box<Self>> {
        if connect.max_redirects == 0 && reconnect.is_none() {
            return None;
        }
        let asked = Target {
            url: url.clone(),
            options: Arc::clone(options),
        };
        Some(Box::new(Self {
            target: asked.clone(),
            asked,
            connect: connect.clone(),
            started: now,
            redirects: 0,
            supervision: reconnect.map(Supervision::new),
            again_at: None,
        }))
    }

    /// When the next attempt begins, if it is waited for.
    pub(super) const fn again_at(&self) -> Option<Time> {
        self.again_at
    }

    /// What its next protocol goes by.
    pub(super) const fn options(&self) -> &Arc<Options> {
        &self.target.options
    }

    /// What comes after this end, which may get another cause.
    fn after(&mut self, closed: &mut Closed, now: Time) -> Next {
        if self.connect.max_redirects > 0
            && let Some(response) = response(closed)
        {
            match self.target.redirected(response) {
                Ok(Some(target)) if self.redirects < self.connect.max_redirects => {
                    self.target = target;
                    self.redirects += 1;
                    return Next::Redirect;
                }
                Ok(Some(_)) => {
                    let error = HandshakeError::TooManyRedirects {
                        count: self.redirects.saturating_add(1),
                        limit: self.connect.max_redirects,
                    };
                    closed.cause = Some(error.into());
                }
                Ok(None) => {}
                Err(error) => closed.cause = Some(error.into()),
            }
        }
        let supervision = self.supervision.as_mut();
        match supervision.and_then(|supervision| supervision.ended(closed, now)) {
            Some(attempt) => {
                self.again_at = Some(now + attempt.delay);
                Next::Again(attempt)
            }
            None => Next::End,
        }
    }
}

impl Engine {
    /// A connection that may be dialled again has ended: sees to what comes next, and says what is to be told.
    pub(super) fn ended(&mut self, index: u32) -> Told {
        let connections = &mut self.connections;
        let slot = connections.slots.at(index);
        let id = slot.id;
        let next = match (&mut slot.outgoing, self.input.closed_mut()) {
            (Some(outgoing), Some(closed)) => outgoing.after(closed, connections.now),
            _ => Next::End,
        };
        match next {
            Next::End => {
                slot.outgoing = None;
                self.count_end(id);
                Told::Event(id, crate::protocol::Raw::Closed)
            }
            Next::Redirect => {
                self.led_to = slot
                    .outgoing
                    .as_ref()
                    .map(|outgoing| outgoing.target.clone());
                connections.let_go(index);
                connections.dial_target(index);
                Told::Redirect(id)
            }
            Next::Again(Attempt { number, delay }) => {
                connections.let_go(index);
                connections.schedule(index);
                Told::Reconnecting(id, number, delay)
            }
        }
    }
}

impl Connections {
    /// Dials a server and goes on doing so: when the connection cannot be made, or is lost, in a way that is not final
    /// by the rule of `reconnect`, [`Reconnecting`](super::EventKind::Reconnecting) is told in place of
    /// [`Closed`](super::EventKind::Closed), and after its delay the server is dialled again, from the URL given here
    /// on, with an `open_timeout` of its own. [`Opened`](super::EventKind::Opened) comes each time that succeeds. The
    /// connection keeps its id, its user data and its subscriptions all the while; `Closed` comes once, at the end, with
    /// the last cause.
    ///
    /// [`close`](Self::close) and [`abort`](Self::abort) end it for good at any time, also during a wait: so the
    /// application decides on each error. [`set_headers`](Self::set_headers) gives the attempts that follow a fresh
    /// token; [`reconnect_now`](Self::reconnect_now) ends a wait.
    ///
    /// A message that was taken while the connection was open is never sent a second time: when the connection is lost
    /// it may have arrived or not. With [`resend_limit`](Reconnect::resend_limit) messages are taken while the
    /// connection is not open too, answered by [`Sent::Queued`]; they are sent once, in their order, before anything
    /// that is sent after the next `Opened`, and [`Writable`](super::EventKind::Writable) follows. At the final end
    /// those that wait are dropped. Fragments, pings, pongs and published messages are not kept: a message that was
    /// sent in fragments has to be begun anew.
    ///
    /// # Errors
    /// As [`connect`](Self::connect). The first attempt's failure is not among them: it is told, and followed by the
    /// next attempt.
    pub fn connect_supervised(
        &mut self,
        url: &str,
        connect: &ConnectOptions,
        options: Arc<Options>,
        reconnect: Reconnect,
    ) -> Result<ConnectionId, Error> {
        self.dial(url, connect, options, Some(reconnect))
    }

    /// Gives the requests that this connection has still to send other header fields than those of its options: that of
    /// the present attempt, if it has not gone out (after [`Redirect`](super::EventKind::Redirect) it has not), and of
    /// all later ones. Nothing is stripped of them then; it is after a further redirect.
    ///
    /// # Errors
    /// [`Error::Handshake`] for fields that cannot be sent, [`Error::UnknownId`], [`Error::Forked`], [`Error::Misuse`]
    /// for a connection that is not supervised and waits for no redirect.
    pub fn set_headers(&mut self, id: ConnectionId, headers: Headers) -> Result<(), Error> {
        self.check_fork()?;
        check_request_headers(&headers)?;
        let slot = self.slots.get_mut(id).ok_or(Error::UnknownId)?;
        let outgoing = slot.outgoing.as_mut().ok_or(Error::Misuse(
            "this connection is not dialled again: it sends no further request",
        ))?;
        Arc::make_mut(&mut outgoing.asked.options)
            .headers
            .clone_from(&headers);
        Arc::make_mut(&mut outgoing.target.options).headers = headers;
        if let Transport::Dial(dial) = &mut slot.transport {
            dial.options.clone_from(&outgoing.target.options);
        }
        Ok(())
    }

    /// Ends the wait for a supervised connection's next attempt: it begins at once. Does nothing for a connection that
    /// is not in such a wait.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Forked`].
    pub fn reconnect_now(&mut self, id: ConnectionId) -> Result<(), Error> {
        self.check_fork()?;
        self.tick();
        let slot = self.slots.get(id).ok_or(Error::UnknownId)?;
        if slot.again_at().is_some() {
            self.dial_anew(id.index());
        }
        Ok(())
    }

    /// Dials the URL that the application gave, in a new attempt.
    pub(super) fn dial_anew(&mut self, index: u32) {
        let now = self.now;
        if let Some(outgoing) = &mut self.slots.at(index).outgoing {
            outgoing.target = outgoing.asked.clone();
            outgoing.started = now;
            outgoing.redirects = 0;
            outgoing.again_at = None;
            self.dial_target(index);
        }
    }

    /// Dials where the present attempt has been led.
    fn dial_target(&mut self, index: u32) {
        let Some(outgoing) = &self.slots.at(index).outgoing else {
            return;
        };
        let Target { url, options } = outgoing.target.clone();
        let dial = Dial::new(url, &outgoing.connect, options, outgoing.started);
        if let Err(error) = dial.and_then(|dial| self.begin_dial(index, dial)) {
            self.fail(index, error);
        }
    }

    /// Lets go of what belongs to the attempt that has ended.
    fn let_go(&mut self, index: u32) {
        if self.corked == Some(index) {
            self.uncork();
        }
        self.timers.clear(index);
        let slot = self.slots.at(index);
        let shutdown = slot.protocol.take().map(|protocol| protocol.shutdown());
        if let Transport::Stream(stream) = &mut slot.transport
            && !matches!(shutdown, None | Some(Shutdown::Drop))
        {
            stream.take_leave();
        }
        slot.transport = Transport::None;
        let waited_for = slot.queue.take().is_some_and(|queue| queue.above_high);
        if let Some(supervision) = (slot.outgoing.as_mut()).and_then(|out| out.supervision.as_mut())
        {
            supervision.owes_writable |= waited_for;
        }
        slot.flags.keep(Flags::LASTING);
    }

    /// The connection has opened. Under supervision what was held is sent, and otherwise it will not be dialled again.
    pub(super) fn has_opened(&mut self, index: u32) {
        let now = self.now;
        let slot = self.slots.at(index);
        let id = slot.id;
        let Some(supervision) = (slot.outgoing.as_mut()).and_then(|out| out.supervision.as_mut())
        else {
            slot.outgoing = None;
            return;
        };
        let held = supervision.opened(now);
        let owes_writable = std::mem::take(&mut supervision.owes_writable);
        for message in held {
            let sent = self.send_with(id, message.kind, &message.payload, message.compress);
            self.undelivered(id, message.payload.len(), sent.map(|_| ()));
        }
        let queue = &self.slots.at(index).queue;
        if owes_writable && !queue.as_ref().is_some_and(|queue| queue.above_high) {
            self.notices.push_back(Notice::Writable(id));
        }
    }

    /// Keeps a message of a supervised connection that is not open; `None` when none are kept.
    pub(super) fn hold(
        &mut self,
        id: ConnectionId,
        kind: MessageKind,
        payload: &[u8],
        compress: Compress,
    ) -> Option<Result<Sent, SendError>> {
        let outgoing = self.slots.get_mut(id)?.outgoing.as_mut()?;
        let limit = outgoing.asked.options.send_queue_limit;
        let supervision = outgoing.supervision.as_mut()?;
        if kind == MessageKind::Text && !frame::is_valid(payload) {
            return Some(Err(SendError::InvalidUtf8));
        }
        let held = supervision.hold(kind, payload, compress, limit)?;
        Some(held.map(Sent::Queued))
    }
}
