//! The engine of one JavaScript thread, as `lib/engine.js` uses it.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;

use napi::bindgen_prelude::{Either, Function, JsValue, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;
use ropeway_core::engine::ListenOptions;
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::Refusal;
use ropeway_core::protocol::MessageKind;
use ropeway_core::{Error, SendError};
use ropeway_relay::{Relay, RelayOptions};

use crate::batch;
use crate::metrics::{ToldConnectionMetrics, ToldMetrics, ToldRelayMetrics};
use crate::options::{self, DialOptions, Options, ServerTls, TlsClientSettings, invalid};
use crate::seats::{Decision, Seat, Seats};
use crate::send;
use crate::told::{self, ToldAddress, ToldError, ToldRefusal};
use crate::turn::Thread;
use crate::watch::Watch;

/// One for each JavaScript thread.
#[napi]
pub struct Engine(pub(crate) Rc<Thread>);

pub(crate) fn failed(error: &Error) -> napi::Error {
    let told = ToldError::from(error);
    napi::Error::new(napi::Status::GenericFailure, told.message)
}

/// Whether an answer to a request found its connection: it may have ended in the batch that tells of the request.
fn answered(result: std::result::Result<(), Error>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::UnknownId) => Ok(false),
        Err(error) => Err(failed(&error)),
    }
}

fn refused(error: &SendError) -> napi::Error {
    invalid(error.to_string())
}

#[napi]
impl Engine {
    /// `records` is the list that `dispatch(count, slab, wide, values)` finds its events in.
    #[napi(constructor)]
    pub fn new(env: Env, records: Unknown<'_>, dispatch: Function<'_, (i32,), ()>) -> Result<Self> {
        let memory = batch::records_of(env.raw(), records.raw())?
            .ok_or_else(|| invalid("the list of records is too small"))?;
        let mut seats = Seats::new().map_err(|error| failed(&error))?;
        let descriptor = seats.engine.descriptor();
        let thread = Thread::new(env.raw(), seats, memory, dispatch.raw())?;
        let watch = Watch::start(&env, descriptor, thread.clone())?;
        *thread.watch.borrow_mut() = Some(watch);
        Ok(Self(thread))
    }

    /// The version, for `lib/binding.js` to compare with the package's.
    #[napi]
    pub fn version() -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Why a request that an HTTP server has read cannot become a WebSocket; nothing when it can.
    #[napi]
    pub fn judge(head: &[u8]) -> Option<ToldRefusal> {
        told::judge(head)
    }

    /// The functions that are called for every message, without napi-rs between: `send`, `queuedBytes`, `release`.
    #[napi(ts_return_type = "object")]
    pub fn functions(&self, env: Env) -> Result<Object<'static>> {
        send::functions(env.raw(), &self.0)
    }

    /// Listens at an IP address. The listener's number.
    #[napi]
    pub fn listen(
        &self,
        host: String,
        port: u16,
        backlog: u32,
        options: &Options,
        tls: Option<ServerTls>,
    ) -> Result<Either<u32, ToldError>> {
        let address: IpAddr = host
            .parse()
            .map_err(|_| invalid(format!("{host} is no IP address")))?;
        let listen = ListenOptions {
            backlog,
            ipv6_only: !address.is_unspecified(),
            tls: tls.map(ServerTls::build).transpose()?,
            ..ListenOptions::default()
        };
        let mut seats = self.0.seats.borrow_mut();
        let listener = seats.engine.connections().listen(
            SocketAddr::new(address, port),
            &listen,
            options.shared(),
        );
        Ok(match listener {
            Ok(listener) => {
                let number = seats.add_listener(listener);
                drop(seats);
                self.0.hold();
                Either::A(number)
            }
            Err(error) => Either::B(ToldError::from(&error)),
        })
    }

    #[napi]
    pub fn listener_address(&self, listener: u32) -> Option<ToldAddress> {
        let mut seats = self.0.seats.borrow_mut();
        let listener = seats.listener(listener);
        let address = seats.engine.connections().listener_address(listener).ok()?;
        Some(address.into())
    }

    #[napi]
    pub fn close_listener(&self, number: u32) {
        let mut seats = self.0.seats.borrow_mut();
        let listener = seats.listener(number);
        let _ = seats.engine.connections().close_listener(listener);
        if let Some(slot) = seats.listeners.get_mut(number as usize) {
            *slot = None;
        }
        drop(seats);
        self.0.hold();
    }

    /// Dials. The connection's place, or the error of a URL that is none.
    #[napi]
    pub fn connect(
        &self,
        url: String,
        options: &Options,
        dial: DialOptions,
        tls: Option<&TlsClientSettings>,
    ) -> Result<Either<u32, ToldError>> {
        let connect = dial.into_connect_options(tls)?;
        let mut seats = self.0.seats.borrow_mut();
        let connected = (seats.engine.connections()).connect_with(&url, &connect, options.shared());
        Ok(match connected {
            Ok(id) => {
                let place = seats.seat(Seat::Engine(id, None));
                drop(seats);
                self.0.hold();
                Either::A(place)
            }
            Err(error) => Either::B(ToldError::from(&error)),
        })
    }

    /// Takes over a duplicate of a connected socket whose request, read already, is to be accepted.
    #[napi]
    pub fn adopt(
        &self,
        descriptor: i32,
        received: &[u8],
        options: &Options,
        subprotocol: Option<String>,
        headers: Vec<String>,
    ) -> Result<Either<u32, ToldError>> {
        let decision = decision(subprotocol, &headers)?;
        let socket = duplicate(descriptor)?;
        let mut seats = self.0.seats.borrow_mut();
        let adopted = (seats.engine.connections()).adopt(socket, received, options.shared());
        Ok(match adopted {
            Ok(id) => {
                let place = seats.seat(Seat::Engine(id, Some(decision)));
                drop(seats);
                self.0.hold();
                Either::A(place)
            }
            Err(error) => Either::B(ToldError::from(&error)),
        })
    }

    /// Accepts the request of the connection at `place`. False when that has gone.
    #[napi]
    pub fn accept(
        &self,
        place: u32,
        subprotocol: Option<String>,
        headers: Vec<String>,
    ) -> Result<bool> {
        let decision = decision(subprotocol, &headers)?;
        let mut seats = self.0.seats.borrow_mut();
        let id = seats.id(place);
        answered(decision.accept_in(seats.engine.connections(), id))
    }

    /// Refuses it. False when it has gone.
    #[napi]
    pub fn refuse(
        &self,
        place: u32,
        status: u16,
        headers: Vec<String>,
        body: String,
    ) -> Result<bool> {
        let mut refusal = Refusal::new(status, body).map_err(|error| invalid(error.to_string()))?;
        refusal.headers = options::headers(&headers)?;
        let mut seats = self.0.seats.borrow_mut();
        let id = seats.id(place);
        answered(seats.engine.connections().refuse(id, &refusal))
    }

    /// As `send`: bits of what became of it.
    #[napi]
    pub fn ping(&self, place: u32, payload: &[u8]) -> Result<u32> {
        let sent = self.0.seats.borrow_mut().ping(place, payload);
        sent.map_err(|error| refused(&error))
    }

    #[napi]
    pub fn pong(&self, place: u32, payload: &[u8]) -> Result<u32> {
        let sent = self.0.seats.borrow_mut().pong(place, payload);
        sent.map_err(|error| refused(&error))
    }

    /// Begins to close; 1005 sends a Close frame without a code.
    #[napi]
    pub fn close(&self, place: u32, code: u16, reason: &[u8]) -> Result<()> {
        let reason = std::str::from_utf8(reason)
            .map_err(|_| invalid("the reason of a close must be UTF-8"))?;
        let closed = (self.0.seats.borrow_mut()).close(place, CloseCode::new(code), reason);
        match closed {
            Ok(()) | Err(SendError::Closed) => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }

    #[napi]
    pub fn abort(&self, place: u32) {
        let mut seats = self.0.seats.borrow_mut();
        let now = seats.now();
        if let Some((detached, _)) = seats.detached(place) {
            return detached.protocol.abort(now);
        }
        let id = seats.id(place);
        let _ = seats.engine.connections().abort(id);
    }

    #[napi]
    pub fn set_paused(&self, place: u32, paused: bool) {
        let mut seats = self.0.seats.borrow_mut();
        let id = seats.id(place);
        let connections = seats.engine.connections();
        // It may have ended meanwhile, or be detached: then its stream is paused.
        let _ = if paused {
            connections.pause(id)
        } else {
            connections.resume(id)
        };
    }

    #[napi]
    pub fn peer_address(&self, place: u32) -> Option<ToldAddress> {
        let mut seats = self.0.seats.borrow_mut();
        let id = seats.id(place);
        let address = seats.engine.connections().peer_address(id).ok()?;
        Some(address.into())
    }

    #[napi]
    pub fn local_address(&self, place: u32) -> Option<ToldAddress> {
        let mut seats = self.0.seats.borrow_mut();
        let id = seats.id(place);
        let address = seats.engine.connections().local_address(id).ok()?;
        Some(address.into())
    }

    #[napi]
    pub fn subscribe(&self, place: u32, topic: String) -> bool {
        let mut seats = self.0.seats.borrow_mut();
        let id = seats.id(place);
        (seats.engine.connections().subscribe(id, &topic)).unwrap_or(false)
    }

    #[napi]
    pub fn unsubscribe(&self, place: u32, topic: String) -> bool {
        let mut seats = self.0.seats.borrow_mut();
        let id = seats.id(place);
        (seats.engine.connections().unsubscribe(id, &topic)).unwrap_or(false)
    }

    /// Publishes to all subscribers but the connection at `except`. How many there are.
    #[napi]
    pub fn publish(
        &self,
        topic: String,
        payload: &[u8],
        binary: bool,
        except: Option<u32>,
    ) -> Result<u32> {
        let kind = if binary {
            MessageKind::Binary
        } else {
            MessageKind::Text
        };
        let mut seats = self.0.seats.borrow_mut();
        let except = except.map(|place| seats.id(place));
        let published = (seats.engine.connections()).publish(&topic, kind, payload, except);
        match published {
            Ok(count) => Ok(count as u32),
            Err(error) => Err(refused(&error)),
        }
    }

    /// Connects topics with those of other nodes over a broker, and tells of their messages if `tell`; null ends that.
    #[napi]
    pub fn relay(&self, url: Option<String>, tell: bool) -> Result<()> {
        let mut seats = self.0.seats.borrow_mut();
        seats.relay = None;
        seats.tells_relayed = tell;
        seats.engine.connections().set_forward(None);
        if let Some(url) = url {
            let relay = Relay::start(&mut seats.engine, &url, RelayOptions::default());
            seats.relay = Some(relay.map_err(|error| invalid(error.to_string()))?);
        }
        Ok(())
    }

    /// What the relay has done.
    #[napi]
    pub fn relay_metrics(&self) -> Option<ToldRelayMetrics> {
        let seats = self.0.seats.borrow();
        Some((&seats.relay.as_ref()?.metrics()).into())
    }

    /// What all connections have done.
    #[napi]
    pub fn metrics(&self) -> ToldMetrics {
        let mut seats = self.0.seats.borrow_mut();
        (&seats.engine.connections().metrics()).into()
    }

    /// The same for Prometheus.
    #[napi]
    pub fn prometheus(&self) -> String {
        let mut seats = self.0.seats.borrow_mut();
        seats.engine.connections().metrics().to_prometheus()
    }

    /// What the connection at `place` has done; nothing of one over a stream of JavaScript's.
    #[napi]
    pub fn connection_metrics(&self, place: u32) -> Option<ToldConnectionMetrics> {
        let mut seats = self.0.seats.borrow_mut();
        let id = seats.id(place);
        let metrics = seats.engine.connections().connection_metrics(id).ok()?;
        Some((&metrics).into())
    }

    #[napi]
    pub fn subscribers(&self, topic: String) -> u32 {
        let mut seats = self.0.seats.borrow_mut();
        seats.engine.connections().subscribers(&topic) as u32
    }
}

pub(crate) fn decision(subprotocol: Option<String>, headers: &[String]) -> Result<Box<Decision>> {
    Ok(Box::new(Decision {
        subprotocol,
        headers: options::headers(headers)?,
    }))
}

fn duplicate(descriptor: i32) -> Result<OwnedFd> {
    if descriptor < 0 {
        return Err(invalid("the socket has no descriptor"));
    }
    // SAFETY: the caller, `lib/adopt.js`, holds the socket open during the call.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    borrowed
        .try_clone_to_owned()
        .map_err(|error| invalid(format!("the socket cannot be taken over: {error}")))
}
