//! The opening handshake (RFC 6455 section 4) as a stage of the connection.

use std::sync::Arc;

use crate::deflate::{self, Parameters};
use crate::error::{Error, Role};
use crate::handshake::{
    self, BodyReader, ClientRequest, HandshakeError, HeadReader, Headers, Kind, Offer, Refusal,
    Response, WebSocketUrl,
};

use super::{Closed, Input, Opened, Options, Output, Protocol, Raw, State, Time};

/// How a server accepts an upgrade.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accept<'a> {
    /// The subprotocol to speak; one of those offered.
    pub subprotocol: Option<&'a str>,
    /// Fields of the response, beside those of [`Options::headers`].
    pub headers: Option<&'a Headers>,
}

/// What only a connection that is not open yet needs.
#[derive(Debug)]
pub(super) struct Opening {
    stage: Stage,
    opened: Opened,
    /// The peer's bytes that came before the application decided.
    early: Vec<u8>,
}

#[derive(Debug)]
enum Stage {
    /// Server: the request's head is coming.
    Request(HeadReader),
    /// Server: the application decides on the upgrade, or answers a plain HTTP request.
    Decision(Option<Offer>),
    /// Client: the response's head is coming. The key that was sent.
    Response(HeadReader, String),
    /// Client: the body of a response that is not a 101.
    Body(Response, BodyReader),
    /// Decided one way or the other.
    Done,
}

impl Opening {
    fn new(stage: Stage) -> Box<Self> {
        Box::new(Self {
            stage,
            opened: Opened::default(),
            early: Vec::new(),
        })
    }
}

impl Protocol {
    /// The server's side of a connection that a client has just made.
    #[must_use]
    pub fn server(options: Arc<Options>, now: Time) -> Self {
        let opening = Opening::new(Stage::Request(HeadReader::new(options.head_limits)));
        Self::new(Role::Server, State::Opening, options, Some(opening), now)
    }

    /// The client's side of a connection that has just been made to the URL's host; its request is put into
    /// `output`.
    ///
    /// # Errors
    /// [`Error::Handshake`] for a subprotocol, origin or header field that cannot be sent, [`Error::Compression`] for
    /// such settings, with nothing written.
    pub fn client(
        url: &WebSocketUrl,
        options: Arc<Options>,
        output: &mut Output,
        now: Time,
    ) -> Result<Self, Error> {
        let offers = deflate::offers(&options.compression)?;
        let key = handshake::generate_key().map_err(HandshakeError::from)?;
        let mut request = ClientRequest::new(url.clone());
        request.subprotocols.clone_from(&options.subprotocols);
        request.origin.clone_from(&options.origin);
        request.headers = options.headers.clone();
        request.extensions = handshake::format_extensions(&offers);
        request.write(&key, output.raw())?;
        let opening = Opening::new(Stage::Response(HeadReader::new(options.head_limits), key));
        Ok(Self::new(
            Role::Client,
            State::Opening,
            options,
            Some(opening),
            now,
        ))
    }

    /// Accepts the upgrade that [`Event::UpgradeRequest`](super::Event::UpgradeRequest) told of. The next
    /// [`next_event`](Self::next_event), even without new bytes, tells [`Event::Opened`](super::Event::Opened).
    ///
    /// # Errors
    /// [`Error::Misuse`] when nothing waits for a decision or the subprotocol was not offered,
    /// [`Error::Handshake`] for a field that cannot be sent, [`Error::Compression`] for such settings. The decision is
    /// still open then.
    pub fn accept(
        &mut self,
        output: &mut Output,
        accept: &Accept<'_>,
        now: Time,
    ) -> Result<(), Error> {
        let waits = self.awaits_decision();
        let Some(Opening {
            stage: Stage::Decision(Some(offer)),
            opened,
            ..
        }) = self.opening.as_deref_mut().filter(|_| waits)
        else {
            return Err(Error::Misuse(
                "no upgrade request waits for an answer on this connection",
            ));
        };
        if accept
            .subprotocol
            .is_some_and(|name| !offer.subprotocols.iter().any(|offered| offered == name))
        {
            return Err(Error::Misuse(
                "a server may only choose a subprotocol that the client offered",
            ));
        }
        let headers = match accept.headers {
            None => &self.options.headers,
            Some(more) => &{
                let mut all = self.options.headers.clone();
                for (name, value) in more.iter() {
                    all.push_bytes(name, value)?;
                }
                all
            },
        };
        let (agreed, extensions) =
            deflate::accept(&offer.extensions, &self.options.compression)?.unzip();
        let extensions = Vec::from_iter(extensions);
        handshake::write_accept(
            output.raw(),
            &offer.key,
            accept.subprotocol,
            handshake::format_extensions(&extensions).as_deref(),
            headers,
        )?;
        opened.subprotocol = accept.subprotocol.map(str::to_owned);
        opened.extensions = extensions;
        self.deflate = agreed;
        self.opens(now);
        Ok(())
    }

    /// Refuses the upgrade, or answers the plain request, that waits for a decision. The connection ends, with
    /// [`HandshakeError::Refused`] as [`Closed::cause`].
    ///
    /// # Errors
    /// [`Error::Misuse`] when nothing waits for a decision.
    pub fn refuse(
        &mut self,
        output: &mut Output,
        refusal: &Refusal,
        now: Time,
    ) -> Result<(), Error> {
        if !self.awaits_decision() {
            return Err(Error::Misuse(
                "no request waits for an answer on this connection",
            ));
        }
        self.refuse_with(
            output,
            refusal,
            Error::Handshake(HandshakeError::Refused(refusal.status)),
            now,
        );
        Ok(())
    }

    /// Whether the application owes an answer to a request. Until it has given one, the driver reads no more.
    #[must_use]
    pub fn awaits_decision(&self) -> bool {
        matches!(
            self.opening.as_deref(),
            Some(Opening {
                stage: Stage::Decision(_),
                ..
            })
        ) && self.state == State::Opening
    }

    fn opens(&mut self, now: Time) {
        if let Some(opening) = &mut self.opening {
            opening.stage = Stage::Done;
        }
        self.state = State::Open;
        self.heard = now;
        self.last_message = now;
        self.since = Time::NEVER;
    }

    fn refuse_with(&mut self, output: &mut Output, refusal: &Refusal, cause: Error, now: Time) {
        self.write_refusal(output, refusal);
        let request =
            (self.opening.as_deref_mut()).and_then(|opening| opening.opened.request.take());
        let closed = Closed {
            cause: Some(cause),
            refused: request.map(Box::new),
            ..Closed::default()
        };
        self.end(Box::new(closed), now);
    }

    pub(super) fn write_refusal(&self, output: &mut Output, refusal: &Refusal) {
        let request = self
            .opening
            .as_deref()
            .and_then(|opening| opening.opened.request.as_ref());
        if request.is_some_and(|request| request.method == "HEAD") {
            refusal.write_head(output.raw());
        } else {
            refusal.write(output.raw());
        }
    }

    /// A step before frames flow: the heads, the decision, and the first event after them.
    pub(super) fn open_step(
        &mut self,
        input: &mut Input,
        output: &mut Output,
        now: Time,
    ) -> Option<Raw> {
        while self.state == State::Opening {
            let mut opening = self.opening.take()?;
            let outcome = match std::mem::replace(&mut opening.stage, Stage::Done) {
                Stage::Request(reader) => self.read_request(reader, &mut opening, input),
                Stage::Response(reader, key) => {
                    self.read_response(reader, key, &mut opening, input)
                }
                Stage::Body(response, reader) => read_body(response, reader, &mut opening, input),
                stage => {
                    opening.stage = stage;
                    self.hold_early(&mut opening, input)
                }
            };
            self.opening = Some(opening);
            match outcome {
                Ok(Next::Wait) => return None,
                Ok(Next::Again) => {}
                Ok(Next::Tell(raw)) => return Some(raw),
                Ok(Next::Accept(subprotocol)) => self.accept_by_options(subprotocol, output, now),
                Ok(Next::Open(agreed)) => {
                    self.deflate = agreed;
                    self.opens(now);
                }
                Err(error) if self.role == Role::Server => {
                    let refusal = Refusal::from_error(error);
                    let cause = Error::Handshake((*refusal.error).clone());
                    self.refuse_with(output, &refusal, cause, now);
                }
                Err(error) => self.fail(Error::Handshake(error), output, now),
            }
        }
        // The application may have begun to close already since it accepted.
        if matches!(self.state, State::Open | State::Closing) {
            let opening = self.opening.take()?;
            input.restore(&opening.early);
            input.opened = Some(Box::new(opening.opened));
            return Some(Raw::Opened);
        }
        None
    }

    fn read_request(
        &self,
        mut reader: HeadReader,
        opening: &mut Opening,
        input: &mut Input,
    ) -> Outcome {
        let Some(count) = reader.push(input.bytes())? else {
            input.clear();
            opening.stage = Stage::Request(reader);
            return Ok(Next::Wait);
        };
        input.take(count);
        let request = opening.opened.request.insert(reader.into_request()?);
        let kind = handshake::classify(request).map_err(|refusal| *refusal.error)?;
        if let Kind::Upgrade(_) = kind {
            self.options.allowed_origins.check(&request.headers)?;
        }
        match kind {
            Kind::Http if self.options.plain_http => {
                input.request = Some(Box::new(request.clone()));
                opening.stage = Stage::Decision(None);
                Ok(Next::Tell(Raw::HttpRequest))
            }
            Kind::Http => Err(HandshakeError::NotWebSocket),
            Kind::Upgrade(offer) if self.options.ask_upgrade => {
                input.request = Some(Box::new(request.clone()));
                opening.stage = Stage::Decision(Some(offer));
                Ok(Next::Tell(Raw::UpgradeRequest))
            }
            Kind::Upgrade(offer) => {
                let chosen =
                    handshake::select_subprotocol(&offer.subprotocols, &self.options.subprotocols);
                let chosen = chosen.map(str::to_owned);
                opening.stage = Stage::Decision(Some(offer));
                Ok(Next::Accept(chosen))
            }
        }
    }

    fn accept_by_options(&mut self, subprotocol: Option<String>, output: &mut Output, now: Time) {
        let accept = Accept {
            subprotocol: subprotocol.as_deref(),
            headers: None,
        };
        if let Err(error) = self.accept(output, &accept, now) {
            let refusal = refusal(
                500,
                "The server's own header fields or settings cannot be used.\n",
            );
            self.refuse_with(output, &refusal, error, now);
        }
    }

    /// A client has to wait for the response before it sends frames, so what it sends early is held only within the
    /// bound on its head.
    fn hold_early(&self, opening: &mut Opening, input: &mut Input) -> Outcome {
        let limit = self.options.head_limits.bytes;
        if opening.early.len() + input.len() > limit {
            return Err(HandshakeError::HeadTooLarge { limit });
        }
        opening.early.extend_from_slice(input.bytes());
        input.clear();
        Ok(Next::Wait)
    }

    fn read_response(
        &self,
        mut reader: HeadReader,
        key: String,
        opening: &mut Opening,
        input: &mut Input,
    ) -> Outcome {
        let Some(count) = reader.push(input.bytes())? else {
            input.clear();
            opening.stage = Stage::Response(reader, key);
            return Ok(Next::Wait);
        };
        input.take(count);
        let response = reader.into_response()?;
        if response.is_interim() {
            opening.stage = Stage::Response(HeadReader::new(self.options.head_limits), key);
            return Ok(Next::Again);
        }
        if response.status != 101 {
            let reader = BodyReader::new(&response, self.options.max_refused_body);
            opening.stage = Stage::Body(response, reader);
            return Ok(Next::Again);
        }
        let negotiated = handshake::verify(&response, &key, &self.options.subprotocols)?;
        let agreed = deflate::judge(&negotiated.extensions, &self.options.compression)?;
        opening.opened.extensions = negotiated.extensions;
        opening.opened.subprotocol = negotiated.subprotocol;
        opening.opened.response = Some(response);
        Ok(Next::Open(agreed))
    }

    /// The stream has ended during the opening handshake: the error that this makes.
    pub(super) fn opening_eof(&mut self) -> Error {
        match self
            .opening
            .as_deref_mut()
            .map(|opening| std::mem::replace(&mut opening.stage, Stage::Done))
        {
            Some(Stage::Request(reader) | Stage::Response(reader, _)) => {
                Error::Handshake(reader.eof())
            }
            Some(Stage::Body(response, reader)) => Error::Handshake(refused_by(response, reader)),
            _ => Error::ConnectionLost,
        }
    }
}

/// What to do after a stage has seen the bytes.
enum Next {
    Wait,
    Again,
    Tell(Raw),
    Accept(Option<String>),
    Open(Option<Parameters>),
}

type Outcome = Result<Next, HandshakeError>;

fn read_body(
    response: Response,
    mut reader: BodyReader,
    opening: &mut Opening,
    input: &mut Input,
) -> Outcome {
    let done = reader.push(input.bytes());
    input.clear();
    if done {
        return Err(refused_by(response, reader));
    }
    opening.stage = Stage::Body(response, reader);
    Ok(Next::Wait)
}

fn refused_by(mut response: Response, reader: BodyReader) -> HandshakeError {
    response.body = reader.into_body();
    HandshakeError::InvalidStatus(Box::new(response))
}

/// A refusal with a fixed text.
pub(super) fn refusal(status: u16, body: &str) -> Refusal {
    Refusal {
        status,
        headers: Headers::new(),
        body: body.into(),
        error: Box::new(HandshakeError::Refused(status)),
    }
}
