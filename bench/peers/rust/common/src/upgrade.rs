//! The opening handshake by hyper, for peers that leave HTTP to it.

use std::io;
use std::sync::{Arc, Mutex};

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::{Failure, Io};

/// Answers the first request with what `accept` makes of it; returns what it made beside the response.
pub async fn upgrade<T, E>(
    stream: impl Io,
    accept: impl Fn(&mut Request<Incoming>) -> Result<(Response<Empty<Bytes>>, T), E>
    + Send
    + Sync
    + 'static,
) -> io::Result<T>
where
    T: Send + 'static,
    E: Into<Failure> + Send,
{
    let made = Arc::new(Mutex::new(None));
    let place = Arc::clone(&made);
    let service = service_fn(move |mut request| {
        let outcome = accept(&mut request).map(|(response, value)| {
            *place.lock().expect("nobody panics") = Some(value);
            response
        });
        std::future::ready(outcome.map_err(io::Error::other))
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await
        .map_err(io::Error::other)?;
    let value = made.lock().expect("nobody panics").take();
    value.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
