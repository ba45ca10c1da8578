//! NATS: PUB and SUB of its client protocol, read and written by watermelon-proto over a blocking socket. After each batch stands
//! a PING: the PONG says that the server has all that was sent before it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::{Buf, BufMut};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_platform_verifier::BuilderVerifierExt;
use watermelon_proto::headers::HeaderMap;
use watermelon_proto::proto::{ClientOp, ServerOp, StreamDecoder, StreamEncoder};
use watermelon_proto::{
    Connect, Host, MessageBase, NonStandardConnect, Protocol, ServerAddr, Subject,
};

use super::{Broken, Broker, Heard, PATIENCE, Publisher};
use crate::RelayError;

/// Bytes asked of the socket at once.
const READ: usize = 16 << 10;
/// Bytes of the server's first line.
const GREETING: u64 = 128 << 10;

#[derive(Debug)]
pub(super) struct Nats {
    address: ServerAddr,
    subject: Subject,
}

impl Nats {
    pub(super) fn new(url: &str, channel: &str) -> Result<Self, RelayError> {
        let failed = |error: &dyn std::error::Error| RelayError::Url(error.to_string());
        Ok(Self {
            address: url.parse().map_err(|error| failed(&error))?,
            subject: channel
                .to_owned()
                .try_into()
                .map_err(|error| failed(&error))?,
        })
    }

    /// Connects and, with `subscribe`, subscribes to the channel; the server's PONG is still to come.
    fn connect(&self, subscribe: bool) -> Result<Session, Broken> {
        let socket = self.dial()?;
        let mut reader = BufReader::new(socket.try_clone()?);
        let greeting = Greeting::read(&mut reader)?;
        let wants_tls = greeting.tls_required || self.address.protocol() == Protocol::TLS;
        let mut session = if wants_tls {
            // What came in plain behind the greeting is nobody's word.
            Session::new(self.secure(socket)?)
        } else {
            let mut session = Session::new(socket);
            session.decoder.read_buf().put_slice(reader.buffer());
            session
        };
        session.limit = greeting.max_payload;
        // A name without a password is a token.
        let (token, name) = match (self.address.username(), self.address.password()) {
            (token, None) => (token, None),
            (name, Some(_)) => (None, name),
        };
        session.put(&ClientOp::Connect {
            connect: Box::new(Connect {
                verbose: false,
                pedantic: false,
                require_tls: wants_tls,
                auth_token: token.map(str::to_owned),
                username: name.map(str::to_owned),
                password: self.address.password().map(str::to_owned),
                client_name: Some("ropeway".to_owned()),
                client_lang: "rust",
                client_version: env!("CARGO_PKG_VERSION"),
                // No INFO but the greeting.
                protocol: 0,
                echo: true,
                signature: None,
                jwt: None,
                supports_no_responders: false,
                supports_headers: false,
                nkey: None,
                non_standard: NonStandardConnect::default(),
            }),
        });
        if subscribe {
            session.put(&ClientOp::Subscribe {
                id: 1.into(),
                subject: self.subject.clone(),
                queue_group: None,
            });
        }
        session.put(&ClientOp::Ping);
        session.flush()?;
        Ok(session)
    }

    /// A socket that does not wait for ever.
    fn dial(&self) -> Result<TcpStream, Broken> {
        for address in (self.host(), self.address.port()).to_socket_addrs()? {
            if let Ok(socket) = TcpStream::connect_timeout(&address, PATIENCE) {
                socket.set_read_timeout(Some(PATIENCE))?;
                socket.set_write_timeout(Some(PATIENCE))?;
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
        }
        Err(Broken)
    }

    /// The socket in TLS, by the system's authorities.
    fn secure(
        &self,
        socket: TcpStream,
    ) -> Result<StreamOwned<ClientConnection, TcpStream>, Broken> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        let name = ServerName::try_from(self.host())?;
        let session = ClientConnection::new(Arc::new(config), name)?;
        Ok(StreamOwned::new(session, socket))
    }

    fn host(&self) -> String {
        match self.address.host() {
            Host::Ip(address) => address.to_string(),
            Host::Dns(name) => name.to_string(),
        }
    }
}

impl Broker for Nats {
    fn publisher(&self) -> Result<Box<dyn Publisher>, Broken> {
        let mut session = self.connect(false)?;
        session.until_pong()?;
        Ok(Box::new(Publishing {
            session,
            subject: self.subject.clone(),
        }))
    }

    fn hear(&self, tell: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>) -> Result<(), Broken> {
        let mut session = self.connect(true)?;
        loop {
            let flow = match session.read()? {
                ServerOp::Pong => tell(Heard::Subscribed),
                ServerOp::Message { message } => tell(Heard::Message(&message.base.payload)),
                _ => ControlFlow::Continue(()),
            };
            if flow.is_break() {
                return Ok(());
            }
        }
    }
}

/// What matters of the INFO that a server begins with. Read here, since watermelon-proto takes no server whose `host` is a name.
#[derive(Debug, PartialEq, Eq)]
struct Greeting {
    tls_required: bool,
    /// Bytes that the server takes in one message.
    max_payload: usize,
}

impl Greeting {
    fn read(reader: &mut impl BufRead) -> Result<Self, Broken> {
        let mut line = Vec::new();
        reader.take(GREETING).read_until(b'\n', &mut line)?;
        let info = line.strip_prefix(b"INFO ").ok_or(Broken)?;
        let info: serde_json::Value = serde_json::from_slice(info)?;
        Ok(Self {
            tls_required: info["tls_required"].as_bool().unwrap_or(false),
            max_payload: info["max_payload"].as_u64().ok_or(Broken)? as usize,
        })
    }
}

struct Publishing {
    session: Session,
    subject: Subject,
}

impl Publisher for Publishing {
    fn limit(&self) -> usize {
        self.session.limit
    }

    fn publish(&mut self, messages: Vec<Vec<u8>>) -> Result<(), Broken> {
        for message in messages {
            self.session.put(&ClientOp::Publish {
                message: MessageBase {
                    subject: self.subject.clone(),
                    reply_subject: None,
                    headers: HeaderMap::new(),
                    payload: message.into(),
                },
            });
        }
        self.session.put(&ClientOp::Ping);
        self.session.flush()?;
        self.session.until_pong()
    }
}

trait Duplex: Read + Write {}

impl<S: Read + Write> Duplex for S {}

/// A connection, and what of it is not decoded or not sent yet.
struct Session {
    stream: Box<dyn Duplex>,
    decoder: StreamDecoder,
    encoder: StreamEncoder,
    /// Bytes that the server takes in one message.
    limit: usize,
}

impl Session {
    fn new(stream: impl Duplex + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            decoder: StreamDecoder::new(),
            encoder: StreamEncoder::new(),
            limit: 0,
        }
    }

    fn put(&mut self, operation: &ClientOp) {
        self.encoder.enqueue_write_op(operation);
    }

    fn flush(&mut self) -> Result<(), Broken> {
        while self.encoder.has_remaining() {
            let count = self.stream.write(self.encoder.chunk())?;
            if count == 0 {
                return Err(Broken);
            }
            self.encoder.advance(count);
        }
        Ok(self.stream.flush()?)
    }

    /// What the server says next. Its pings are answered; an error of its is the end.
    fn read(&mut self) -> Result<ServerOp, Broken> {
        let mut piece = [0; READ];
        loop {
            match self.decoder.decode()? {
                Some(ServerOp::Ping) => {
                    self.put(&ClientOp::Pong);
                    self.flush()?;
                }
                Some(ServerOp::Error { .. }) => return Err(Broken),
                Some(operation) => return Ok(operation),
                None => {
                    let count = self.stream.read(&mut piece)?;
                    if count == 0 {
                        return Err(Broken);
                    }
                    self.decoder.read_buf().put_slice(&piece[..count]);
                }
            }
        }
    }

    fn until_pong(&mut self) -> Result<(), Broken> {
        while !matches!(self.read()?, ServerOp::Pong) {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_read_and_nothing_behind_it() {
        let bytes = b"INFO {\"host\":\"localhost\",\"max_payload\":1024,\"tls_required\":true} \r\nPING\r\n";
        let mut rest = &bytes[..];
        let greeting = Greeting {
            tls_required: true,
            max_payload: 1024,
        };
        assert_eq!(Greeting::read(&mut rest).expect("is one"), greeting);
        assert_eq!(rest, b"PING\r\n");
        for other in [
            "",
            "INFO",
            "INFO {}\r\n",
            "INFO [\r\n",
            "HTTP/1.1 200 OK\r\n",
        ] {
            assert!(Greeting::read(&mut other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn urls_of_a_server_alone_are_taken() {
        let open = |url: &str| Nats::new(url, "ropeway");
        for (url, host, port) in [
            ("nats://broker.test", "broker.test", 4222),
            ("tls://[::1]:4443", "::1", 4443),
        ] {
            let nats = open(url).expect("a server's");
            assert_eq!((nats.host().as_str(), nats.address.port()), (host, port));
        }
        for url in ["nats://", "nats://broker.test:99999", "tls//broker.test"] {
            assert!(matches!(open(url), Err(RelayError::Url(_))), "{url}");
        }
        assert!(matches!(
            Nats::new("nats://broker.test", "two words"),
            Err(RelayError::Url(_))
        ));
    }
}
