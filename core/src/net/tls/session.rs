//! One TLS session without any I/O or buffers of its own: rustls' unbuffered interface for both roles.
#![forbid(unsafe_code)]

use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{ClientConfig, CommonState, Error, ServerConfig};

/// Room for the header, tag and padding of a record, and for a key update before it.
const RECORD_OVERHEAD: usize = 256;
/// RFC 8446 section 5.1: the most that one record carries.
const RECORD: usize = 16 << 10;

/// Keys and state of a connection.
pub(super) enum Session {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// What is to be sent as soon as the session can.
pub(super) enum Wish<'a> {
    Nothing,
    Encrypt(&'a [u8]),
    CloseNotify,
}

/// Where a session stands once all bytes at hand are processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The handshake goes on when the peer has answered.
    Handshaking,
    /// Application data can be sent.
    Ready,
}

/// What [`Session::run`] did.
pub(super) struct Run {
    /// Bytes of the input that are done with.
    pub(super) used: usize,
    /// The wish has come true.
    pub(super) wished: bool,
    /// The peer has sent close_notify.
    pub(super) peer_closed: bool,
    pub(super) result: Result<Standing, Error>,
}

/// Records to be sent. The memory stays initialised, so that it is not zeroed for every record.
#[derive(Debug, Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
    filled: usize,
}

impl Records {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    pub(super) const fn clear(&mut self) {
        self.filled = 0;
    }

    /// Room for `length` bytes more.
    fn room(&mut self, length: usize) -> &mut [u8] {
        let needed = self.filled + length;
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        &mut self.bytes[self.filled..]
    }
}

impl Session {
    pub(super) fn client(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, Error> {
        Ok(Self::Client(UnbufferedClientConnection::new(config, name)?))
    }

    pub(super) fn server(config: Arc<ServerConfig>) -> Result<Self, Error> {
        Ok(Self::Server(UnbufferedServerConnection::new(config)?))
    }

    /// What the two sides agreed on.
    pub(super) fn common(&self) -> &CommonState {
        match self {
            Self::Client(client) => client,
            Self::Server(server) => server,
        }
    }

    /// Processes the records in `input` until more are needed. Application data goes to `plain`, what is to be sent is
    /// added to `records`.
    ///
    /// `input` must begin with whatever an earlier run has left of its own.
    pub(super) fn run(
        &mut self,
        input: &mut [u8],
        records: &mut Records,
        plain: &mut dyn FnMut(&[u8]),
        wish: Wish<'_>,
    ) -> Run {
        let mut step = Step {
            records,
            plain,
            wish,
            wished: false,
            peer_closed: false,
        };
        let mut used = 0;
        let result = loop {
            let (discard, next) = match self {
                Self::Client(client) => step.take(client.process_tls_records(&mut input[used..])),
                Self::Server(server) => step.take(server.process_tls_records(&mut input[used..])),
            };
            used += discard;
            match next {
                Ok(Next::Again) => {}
                Ok(Next::Stop(standing)) => break Ok(standing),
                Err(error) => {
                    self.collect_alert(&mut input[used..], step.records);
                    break Err(error);
                }
            }
        };
        Run {
            used,
            wished: step.wished,
            peer_closed: step.peer_closed,
            result,
        }
    }

    /// Takes what a session that has failed still wants to say. It must not look at the records behind the bad one, so
    /// it is asked only while it has something.
    fn collect_alert(&mut self, input: &mut [u8], records: &mut Records) {
        let mut used = 0;
        while self.common().wants_write() {
            let mut step = Step {
                records,
                plain: &mut |_| {},
                wish: Wish::Nothing,
                wished: false,
                peer_closed: false,
            };
            let (discard, next) = match self {
                Self::Client(client) => step.take(client.process_tls_records(&mut input[used..])),
                Self::Server(server) => step.take(server.process_tls_records(&mut input[used..])),
            };
            used += discard;
            if next.is_err() {
                return;
            }
        }
    }
}

enum Next {
    Again,
    Stop(Standing),
}

struct Step<'a> {
    records: &'a mut Records,
    plain: &'a mut dyn FnMut(&[u8]),
    wish: Wish<'a>,
    wished: bool,
    peer_closed: bool,
}

impl Step<'_> {
    /// Does what one state of the session asks for. Says how much of the input is done with.
    fn take<Data>(
        &mut self,
        status: UnbufferedStatus<'_, '_, Data>,
    ) -> (usize, Result<Next, Error>) {
        let mut discard = status.discard;
        let next = match status.state {
            Err(error) => Err(error),
            Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                match traffic.next_record() {
                    None => break Ok(Next::Again),
                    Some(Err(error)) => break Err(error),
                    Some(Ok(record)) => {
                        discard += record.discard;
                        (self.plain)(record.payload);
                    }
                }
            },
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                let mut room = RECORD_OVERHEAD;
                loop {
                    match data.encode(self.records.room(room)) {
                        Ok(count) => {
                            self.records.filled += count;
                            break Ok(Next::Again);
                        }
                        Err(EncodeError::InsufficientSize(size)) => room = size.required_size,
                        Err(error) => break Err(Error::General(error.to_string())),
                    }
                }
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                // The caller keeps what it cannot send at once.
                data.done();
                Ok(Next::Again)
            }
            Ok(ConnectionState::BlockedHandshake) => Ok(Next::Stop(Standing::Handshaking)),
            Ok(ConnectionState::WriteTraffic(mut traffic)) => self
                .fulfil(&mut traffic)
                .map(|()| Next::Stop(Standing::Ready)),
            Ok(ConnectionState::PeerClosed) => {
                self.peer_closed = true;
                Ok(Next::Again)
            }
            Ok(ConnectionState::Closed) => {
                self.peer_closed = true;
                Ok(Next::Stop(Standing::Ready))
            }
            // Early data is not asked for, and nothing else is known of.
            Ok(_) => Err(Error::General("an unknown state of the session".to_owned())),
        };
        (discard, next)
    }

    fn fulfil<Data>(&mut self, traffic: &mut WriteTraffic<'_, Data>) -> Result<(), Error> {
        let mut room = match &self.wish {
            Wish::Nothing => return Ok(()),
            Wish::Encrypt(data) => data.len() + (data.len().div_ceil(RECORD) + 1) * RECORD_OVERHEAD,
            Wish::CloseNotify => RECORD_OVERHEAD,
        };
        loop {
            let records = self.records.room(room);
            let result = match &self.wish {
                Wish::Encrypt(data) => traffic.encrypt(data, records),
                _ => traffic.queue_close_notify(records),
            };
            match result {
                Ok(count) => {
                    self.records.filled += count;
                    self.wished = true;
                    self.wish = Wish::Nothing;
                    return Ok(());
                }
                Err(EncryptError::InsufficientSize(size)) => room = size.required_size,
                Err(EncryptError::EncryptExhausted) => return Err(Error::EncryptError),
            }
        }
    }
}
