//! Redis and Valkey: PUBLISH and SUBSCRIBE.

use std::ops::ControlFlow;

use ::redis::{Client, Connection};

use super::{Broken, Broker, Heard, PATIENCE, Publisher};
use crate::RelayError;

/// Redis' `proto-max-bulk-len`.
const MOST: usize = 512 << 20;

#[derive(Debug)]
pub(super) struct Redis {
    client: Client,
    channel: String,
}

impl Redis {
    pub(super) fn new(url: &str, channel: &str) -> Result<Self, RelayError> {
        Ok(Self {
            client: Client::open(url).map_err(|error| RelayError::Url(error.to_string()))?,
            channel: channel.to_owned(),
        })
    }

    /// A connection that does not wait for ever.
    fn connect(&self) -> Result<Connection, Broken> {
        let connection = self.client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }
}

impl Broker for Redis {
    fn publisher(&self) -> Result<Box<dyn Publisher>, Broken> {
        Ok(Box::new(Publishing {
            connection: self.connect()?,
            channel: self.channel.clone(),
        }))
    }

    fn hear(&self, tell: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>) -> Result<(), Broken> {
        let mut connection = self.connect()?;
        let mut subscription = connection.as_pubsub();
        subscription.subscribe(&self.channel)?;
        let mut flow = tell(Heard::Subscribed);
        while flow.is_continue() {
            flow = tell(Heard::Message(
                subscription.get_message()?.get_payload_bytes(),
            ));
        }
        Ok(())
    }
}

struct Publishing {
    connection: Connection,
    channel: String,
}

impl Publisher for Publishing {
    fn limit(&self) -> usize {
        MOST
    }

    fn publish(&mut self, messages: Vec<Vec<u8>>) -> Result<(), Broken> {
        let mut pipeline = ::redis::pipe();
        for message in messages {
            (pipeline.cmd("PUBLISH").arg(&self.channel).arg(message)).ignore();
        }
        Ok(pipeline.query(&mut self.connection)?)
    }
}
