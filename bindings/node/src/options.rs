//! A connection's settings, as JavaScript hands them over. Waits are in milliseconds and sizes in bytes; what is left
//! out has the core's default.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{Buffer, Either};
use napi::{Error, Result, Status};
use napi_derive::napi;
use ropeway_core::Role;
use ropeway_core::deflate::Compression;
use ropeway_core::engine::{
    ConnectOptions, Pem, ProxySetting, ProxyUrl, TlsClient, TlsClientOptions, TlsIdentity,
    TlsServer, TlsServerOptions,
};
use ropeway_core::handshake::{HeadLimits, Headers};
use ropeway_core::protocol::{self, Trace};

/// What `lib/options.js` makes of the options of a `WebSocket` or a `WebSocketServer`.
#[napi(object, object_to_js = false)]
pub struct Settings {
    pub server: bool,
    pub max_payload: Option<f64>,
    pub max_fragments: Option<u32>,
    pub max_head_size: Option<u32>,
    pub max_headers: Option<u32>,
    pub handshake_timeout: Option<f64>,
    pub close_timeout: Option<f64>,
    pub ping_interval: Option<f64>,
    pub pong_timeout: Option<f64>,
    pub idle_timeout: Option<f64>,
    pub auto_pong: Option<bool>,
    pub max_queued_bytes: Option<f64>,
    pub high_water_mark: Option<f64>,
    pub low_water_mark: Option<f64>,
    pub close_slow_subscribers: Option<bool>,
    pub protocols: Option<Vec<String>>,
    pub origin: Option<String>,
    pub headers: Option<Vec<String>>,
    pub compression: Option<Deflate>,
    /// Asks about requests without an upgrade too, instead of answering 426.
    pub plain_http: Option<bool>,
    /// Shows each frame on the standard error stream, as `util.debuglog` would.
    pub trace: Option<bool>,
}

/// permessage-deflate; `null` turns it off.
#[napi(object, object_to_js = false)]
pub struct Deflate {
    pub server_no_context_takeover: Option<bool>,
    pub client_no_context_takeover: Option<bool>,
    pub server_max_window_bits: Option<u8>,
    pub client_max_window_bits: Option<u8>,
    pub threshold: Option<u32>,
    pub level: Option<u8>,
    pub memory_level: Option<u8>,
}

/// The core's options, shared by the connections made with them.
#[napi]
pub struct Options(Arc<protocol::Options>);

#[napi]
impl Options {
    #[napi(constructor)]
    pub fn new(settings: Settings) -> Result<Self> {
        let role = if settings.server {
            Role::Server
        } else {
            Role::Client
        };
        let options = settings.into_options()?;
        let checked = options.compression.check(role);
        checked.map_err(|error| invalid(error.to_string()))?;
        Ok(Self(Arc::new(options)))
    }

    pub(crate) fn shared(&self) -> Arc<protocol::Options> {
        self.0.clone()
    }
}

impl Settings {
    fn into_options(self) -> Result<protocol::Options> {
        let default = protocol::Options::default();
        let size = |value: Option<f64>, default| value.map_or(default, |value| value as u64);
        let heads = default.head_limits;
        Ok(protocol::Options {
            max_message_size: size(self.max_payload, default.max_message_size),
            max_fragments: self.max_fragments.unwrap_or(default.max_fragments),
            head_limits: HeadLimits {
                bytes: self
                    .max_head_size
                    .map_or(heads.bytes, |value| value as usize),
                headers: self
                    .max_headers
                    .map_or(heads.headers, |value| value as usize),
            },
            open_timeout: wait(self.handshake_timeout, default.open_timeout)?,
            close_timeout: wait(self.close_timeout, default.close_timeout)?,
            ping_interval: wait(self.ping_interval, default.ping_interval)?,
            pong_timeout: wait(self.pong_timeout, default.pong_timeout)?,
            idle_timeout: wait(self.idle_timeout, default.idle_timeout)?,
            answer_pings: self.auto_pong.unwrap_or(true),
            send_queue_limit: size(self.max_queued_bytes, default.send_queue_limit),
            send_queue_high: size(self.high_water_mark, default.send_queue_high),
            send_queue_low: size(self.low_water_mark, default.send_queue_low),
            close_slow_subscribers: self.close_slow_subscribers.unwrap_or(false),
            ask_upgrade: self.server,
            plain_http: self.plain_http.unwrap_or(false),
            subprotocols: self.protocols.unwrap_or_default(),
            origin: self.origin,
            headers: headers(&self.headers.unwrap_or_default())?,
            compression: compression(self.compression),
            trace: (self.trace == Some(true)).then(debug_trace),
            ..default
        })
    }
}

fn debug_trace() -> Trace {
    Trace::new(|frame| eprintln!("ROPEWAY {}: {frame}", std::process::id()))
}

fn wait(milliseconds: Option<f64>, default: Duration) -> Result<Duration> {
    milliseconds.map_or(Ok(default), |value| {
        Duration::try_from_secs_f64(value / 1000.0)
            .map_err(|error| invalid(format!("a time of {value} ms: {error}")))
    })
}

fn compression(settings: Option<Deflate>) -> Compression {
    let Some(settings) = settings else {
        return Compression::off();
    };
    let default = Compression::default();
    Compression {
        enabled: Some(true),
        server_no_context_takeover: settings.server_no_context_takeover,
        client_no_context_takeover: settings.client_no_context_takeover,
        server_max_window_bits: (settings.server_max_window_bits)
            .unwrap_or(default.server_max_window_bits),
        client_max_window_bits: (settings.client_max_window_bits)
            .unwrap_or(default.client_max_window_bits),
        threshold: (settings.threshold).map_or(default.threshold, |value| value as usize),
        level: settings.level.unwrap_or(default.level),
        memory_level: settings.memory_level.unwrap_or(default.memory_level),
    }
}

/// Header fields from a list of names and values in turn.
pub(crate) fn headers(list: &[String]) -> Result<Headers> {
    let mut headers = Headers::new();
    for field in list.chunks_exact(2) {
        headers
            .push(&field[0], &field[1])
            .map_err(|error| invalid(error.to_string()))?;
    }
    Ok(headers)
}

/// A caller's mistake.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Status::InvalidArg, message.into())
}

/// A client's TLS settings: PEM texts, as Node's `tls` takes them.
#[napi(object, object_to_js = false)]
pub struct ClientTls {
    /// Trusted instead of the system's authorities.
    pub ca: Option<Vec<Either<String, Buffer>>>,
    pub cert: Option<Either<String, Buffer>>,
    pub key: Option<Either<String, Buffer>>,
    pub servername: Option<String>,
    pub reject_unauthorized: Option<bool>,
}

/// A server's TLS settings: PEM texts.
#[napi(object, object_to_js = false)]
pub struct ServerTls {
    pub cert: Either<String, Buffer>,
    pub key: Either<String, Buffer>,
    /// Authorities whose certificates clients have to show.
    pub ca: Option<Vec<Either<String, Buffer>>>,
    pub request_cert_only: Option<bool>,
}

fn pem(text: Either<String, Buffer>) -> Pem {
    Pem::Text(match text {
        Either::A(text) => text.into_bytes(),
        Either::B(bytes) => bytes.to_vec(),
    })
}

fn identity(cert: Either<String, Buffer>, key: Either<String, Buffer>) -> TlsIdentity {
    TlsIdentity {
        certificates: pem(cert),
        key: pem(key),
    }
}

/// A client's TLS settings, made ready once and shared by connections.
#[napi]
pub struct TlsClientSettings(TlsClient);

#[napi]
impl TlsClientSettings {
    #[napi(constructor)]
    pub fn new(settings: ClientTls) -> Result<Self> {
        let roots = settings.ca.map(|list| list.into_iter().map(pem).collect());
        let options = TlsClientOptions {
            system_roots: roots.is_none(),
            extra_roots: roots.unwrap_or_default(),
            identity: (settings.cert.zip(settings.key)).map(|(cert, key)| identity(cert, key)),
            server_name: settings.servername,
            danger_accept_invalid_certificates: settings.reject_unauthorized == Some(false),
            ..TlsClientOptions::default()
        };
        let built = options
            .build()
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Self(built))
    }
}

/// How a client dials.
#[napi(object, object_to_js = false)]
pub struct DialOptions {
    /// A proxy's URL, or true for the one that the environment names. Default none, as Node has it.
    pub proxy: Option<Either<bool, String>>,
    /// The address to connect from.
    pub local_address: Option<String>,
}

impl DialOptions {
    pub(crate) fn into_connect_options(
        self,
        tls: Option<&TlsClientSettings>,
    ) -> Result<ConnectOptions> {
        let address = |text: String| {
            let address: IpAddr = text
                .parse()
                .map_err(|_| invalid(format!("{text} is no IP address")))?;
            Ok::<_, Error>(SocketAddr::new(address, 0))
        };
        let proxy = match self.proxy {
            None | Some(Either::A(false)) => ProxySetting::Off,
            Some(Either::A(true)) => ProxySetting::Environment,
            Some(Either::B(url)) => {
                let url = ProxyUrl::parse(&url).map_err(|error| invalid(error.to_string()))?;
                ProxySetting::Url(url)
            }
        };
        Ok(ConnectOptions {
            proxy,
            tls: tls.map(|settings| settings.0.clone()),
            local_address: self.local_address.map(address).transpose()?,
            ..ConnectOptions::default()
        })
    }
}

impl ServerTls {
    pub(crate) fn build(self) -> Result<TlsServer> {
        let options = TlsServerOptions {
            identities: vec![identity(self.cert, self.key)],
            client_roots: (self.ca.unwrap_or_default().into_iter().map(pem)).collect(),
            client_certificate_optional: self.request_cert_only == Some(true),
            ..TlsServerOptions::default()
        };
        options.build().map_err(|error| invalid(error.to_string()))
    }
}
