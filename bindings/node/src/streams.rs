//! The engine's calls for connections over streams of JavaScript's, which `lib/driver.js` makes.

use napi::bindgen_prelude::{Null, ToNapiValue, Unknown};
use napi::{Env, Result, sys};
use napi_derive::napi;
use ropeway_core::Error;
use ropeway_core::engine::EventKind;
use ropeway_core::handshake::WebSocketUrl;
use ropeway_core::protocol::{Protocol, Time};

use crate::batch::{self, Payload};
use crate::detached::{Detached, Shared};
use crate::engine::{Engine, decision, failed};
use crate::options::{Options, invalid};
use crate::seats::Seat;

/// What a stream has to do for its detached connection.
#[napi(object, object_from_js = false)]
pub struct ToldWork {
    /// 0: go on; 1: wait for the peer's end; 2: end the stream; 3: destroy it.
    pub shutdown: u8,
    /// Milliseconds until `tick` is to be called.
    pub deadline: Option<f64>,
}

#[napi]
impl Engine {
    /// Gives a server's connection over a stream a place; its request comes by `feed`.
    #[napi]
    pub fn attach_server(
        &self,
        options: &Options,
        subprotocol: Option<String>,
        headers: Vec<String>,
    ) -> Result<u32> {
        let decision = decision(subprotocol, &headers)?;
        let mut seats = self.0.seats.borrow_mut();
        let protocol = Protocol::server(options.shared(), seats.now());
        Ok(seats.seat(Seat::Detached(Detached::new(protocol, Some(decision)))))
    }

    /// Gives a client's connection over a stream a place; `take` has its request.
    #[napi]
    pub fn attach_client(&self, url: String, options: &Options) -> Result<u32> {
        let url = WebSocketUrl::parse(&url).map_err(|error| invalid(error.to_string()))?;
        let mut seats = self.0.seats.borrow_mut();
        let now = seats.now();
        let output = &mut seats.shared.output;
        let protocol = Protocol::client(&url, options.shared(), output, now)
            .map_err(|error| failed(&error))?;
        let mut detached = Detached::new(protocol, None);
        detached.with(&mut seats.shared, |_, _| ());
        Ok(seats.seat(Seat::Detached(detached)))
    }

    /// Hands in what a stream received. What comes of it: kinds and payloads in turn, and `null` at the end when there is
    /// more to be asked for by `more` before anything of another connection is handed in.
    #[napi(ts_return_type = "any[]")]
    pub fn feed(&self, env: Env, place: u32, bytes: &[u8]) -> Result<Vec<Unknown<'static>>> {
        self.step(env, place, |detached, shared, _| {
            if !detached.protocol.is_ended() {
                detached.protocol.receive(&mut shared.input, bytes);
            }
        })
    }

    #[napi(ts_return_type = "any[]")]
    pub fn more(&self, env: Env, place: u32) -> Result<Vec<Unknown<'static>>> {
        self.step(env, place, |_, _, _| ())
    }

    /// Says that the stream has ended, or, with a message, that it has failed.
    #[napi(ts_return_type = "any[]")]
    pub fn end(&self, env: Env, place: u32, failed: bool) -> Result<Vec<Unknown<'static>>> {
        self.step(env, place, |detached, shared, now| {
            if failed {
                let error = Error::ConnectionLost;
                detached.protocol.on_transport_error(error, now);
            } else {
                detached.with(shared, |protocol, output| protocol.on_eof(output, now));
            }
        })
    }

    /// Looks at the clock, and tells what has happened since.
    #[napi(ts_return_type = "any[]")]
    pub fn tick(&self, env: Env, place: u32) -> Result<Vec<Unknown<'static>>> {
        self.step(env, place, |detached, shared, now| {
            detached.with(shared, |protocol, output| protocol.on_deadline(output, now));
        })
    }

    /// What the stream of a detached connection is to send, if anything.
    #[napi(ts_return_type = "Buffer | null")]
    pub fn take(&self, env: Env, place: u32) -> Result<Option<Unknown<'static>>> {
        let mut seats = self.0.seats.borrow_mut();
        let Some((detached, _)) = seats.detached(place) else {
            return Ok(None);
        };
        if detached.outgoing.is_empty() {
            return Ok(None);
        }
        let bytes = std::mem::take(&mut detached.outgoing);
        let buffer = batch::copy(env.raw(), &bytes)?;
        // SAFETY: made just now, of this environment.
        Ok(Some(unsafe {
            Unknown::from_raw_unchecked(env.raw(), buffer)
        }))
    }

    /// What its stream has to do besides.
    #[napi]
    pub fn work(&self, place: u32) -> Option<ToldWork> {
        let mut seats = self.0.seats.borrow_mut();
        let now = seats.now();
        let (detached, _) = seats.detached(place)?;
        let deadline = detached.protocol.next_deadline();
        Some(ToldWork {
            shutdown: detached.shutdown(),
            deadline: deadline.map(|at| at.since(now).as_secs_f64() * 1000.0),
        })
    }

    /// Gives up the place of a detached connection.
    #[napi]
    pub fn detach(&self, place: u32) {
        let mut seats = self.0.seats.borrow_mut();
        if seats.detached(place).is_some() {
            seats.vacate(place);
        }
    }
}

impl Engine {
    fn step(
        &self,
        env: Env,
        place: u32,
        action: impl FnOnce(&mut Detached, &mut Shared, Time),
    ) -> Result<Vec<Unknown<'static>>> {
        let mut told = Vec::new();
        let mut outcome = Ok(());
        let mut seats = self.0.seats.borrow_mut();
        let now = seats.now();
        if let Some((detached, shared)) = seats.detached(place) {
            action(detached, shared, now);
            let is_done = detached.events(shared, now, |event| match describe(env.raw(), event) {
                Ok(described) => told.extend(described.into_iter().flatten()),
                Err(error) => outcome = Err(error),
            });
            if !is_done {
                told.push(null(env)?);
            }
        }
        outcome.map(|()| told)
    }
}

/// An event as two values: its kind and what goes with it.
fn describe(env: sys::napi_env, event: EventKind<'_>) -> Result<Option<[Unknown<'static>; 2]>> {
    let Some((kind, payload)) = batch::describe(env, event)? else {
        return Ok(None);
    };
    let payload = match payload {
        Payload::Value(value) => value,
        Payload::Bytes(bytes) => batch::copy(env, bytes)?,
        Payload::None => batch::copy(env, &[])?,
    };
    // SAFETY: called on the environment's thread within a handle scope; both values are made in it.
    unsafe {
        let kind = ToNapiValue::to_napi_value(env, kind)?;
        Ok(Some(
            [kind, payload].map(|value| Unknown::from_raw_unchecked(env, value)),
        ))
    }
}

fn null(env: Env) -> Result<Unknown<'static>> {
    // SAFETY: called on the environment's thread within a handle scope.
    unsafe {
        let value = ToNapiValue::to_napi_value(env.raw(), Null)?;
        Ok(Unknown::from_raw_unchecked(env.raw(), value))
    }
}
