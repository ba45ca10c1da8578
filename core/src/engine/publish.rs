//! Topics: a published message is framed once and given to every subscriber; what slow ones do not take at once is
//! shared among their queues.

use std::fmt;
use std::sync::Arc;

use super::connections::Connections;
use super::id::ConnectionId;
use super::slots::{Flags, Transport};
use super::topics::{Batch, Subscription, Subscriptions};
use crate::error::{Error, Limit, Role, SendError};
use crate::frame;
use crate::net;
use crate::protocol::{self, Alone, MessageKind};

/// A function that is shown every published message, on the engine's thread: the topic, the kind and the payload. It must
/// not wait.
pub struct Forward(Box<Look>);

type Look = dyn Fn(&str, MessageKind, &[u8]) + Send;

impl Forward {
    /// Shows each message to `look`.
    pub fn new(look: impl Fn(&str, MessageKind, &[u8]) + Send + 'static) -> Self {
        Self(Box::new(look))
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forward")
    }
}

/// Published messages of one topic are gathered up to this size.
const BATCH: usize = 64 << 10;

impl Connections {
    /// Subscribes a connection to a topic. Whether it had not been before. Topics come into being with their first
    /// subscriber and go with their last.
    ///
    /// # Errors
    /// [`Error::UnknownId`] also when the connection has ended, [`Error::Forked`].
    pub fn subscribe(&mut self, id: ConnectionId, topic: &str) -> Result<bool, Error> {
        self.check_fork()?;
        if self.slots.get(id).is_none_or(|slot| slot.is_ended()) {
            return Err(Error::UnknownId);
        }
        self.flush_batch();
        let index = id.index();
        let known = self.topics.find(topic);
        let slot = self.slots.at(index);
        // While dialling there is no protocol yet; this side will be the client.
        let masked =
            (slot.protocol.as_ref()).is_none_or(|protocol| protocol.role() == Role::Client);
        let Subscriptions(subscriptions) = &mut **slot.topics.get_or_insert_default();
        if subscriptions
            .iter()
            .any(|subscription| Some(subscription.topic) == known)
        {
            return Ok(false);
        }
        let subscription = self.topics.add(topic, index, masked);
        subscriptions.push(subscription);
        Ok(true)
    }

    /// Ends a subscription. Whether there was one.
    ///
    /// # Errors
    /// [`Error::UnknownId`], [`Error::Forked`].
    pub fn unsubscribe(&mut self, id: ConnectionId, topic: &str) -> Result<bool, Error> {
        self.check_fork()?;
        self.slots.get(id).ok_or(Error::UnknownId)?;
        self.flush_batch();
        let Some(topic) = self.topics.find(topic) else {
            return Ok(false);
        };
        let slot = self.slots.at(id.index());
        let Some(Subscriptions(subscriptions)) = slot.topics.as_deref_mut() else {
            return Ok(false);
        };
        let Some(place) = subscriptions
            .iter()
            .position(|subscription| subscription.topic == topic)
        else {
            return Ok(false);
        };
        let subscription = subscriptions.swap_remove(place);
        if subscriptions.is_empty() {
            slot.topics = None;
        }
        self.leave(subscription);
        Ok(true)
    }

    /// Ends all subscriptions of a connection.
    pub(super) fn unsubscribe_all(&mut self, index: u32) {
        let Some(subscriptions) = self.slots.at(index).topics.take() else {
            return;
        };
        self.flush_batch();
        for subscription in subscriptions.0 {
            self.leave(subscription);
        }
    }

    fn leave(&mut self, subscription: Subscription) {
        let Some(moved) = self.topics.remove(subscription) else {
            return;
        };
        let subscriptions = self
            .slots
            .at(moved)
            .topics
            .iter_mut()
            .flat_map(|list| list.0.iter_mut());
        for other in subscriptions.filter(|other| other.topic == subscription.topic) {
            other.position = subscription.position;
        }
    }

    /// How many connections have subscribed to a topic.
    #[must_use]
    pub fn subscribers(&self, topic: &str) -> usize {
        self.topics
            .find(topic)
            .map_or(0, |topic| self.topics.subscribers(topic).len())
    }

    /// Shows every message that is published here to `forward`, in place of who was shown them before: for a relay, which
    /// hands in what others publish by [`Remote::deliver`](super::Remote::deliver). `None` ends that.
    pub fn set_forward(&mut self, forward: Option<Forward>) {
        self.forward = forward;
    }

    /// Sends a message to every subscriber of a topic but `except`, compressed once for those that agreed on compression
    /// without context takeover, as it is for others. How many subscribers there are besides it. A
    /// subscriber does not get it, and [`publishes_dropped`](super::Counters::publishes_dropped) counts it, when its
    /// queue is above the high-water mark or it is in the middle of a message that is sent in fragments; with
    /// [`close_slow_subscribers`](crate::protocol::Options::close_slow_subscribers) one with such a queue is closed instead.
    ///
    /// # Errors
    /// [`SendError::InvalidUtf8`], [`SendError::OutOfMemory`], [`SendError::Forked`].
    pub fn publish(
        &mut self,
        topic: &str,
        kind: MessageKind,
        payload: &[u8],
        except: Option<ConnectionId>,
    ) -> Result<usize, SendError> {
        let others = self.deliver(topic, kind, payload, except)?;
        if let Some(Forward(forward)) = &self.forward {
            forward(topic, kind, payload);
        }
        Ok(others)
    }

    /// The same, without showing it to who forwards what is published.
    pub(super) fn deliver(
        &mut self,
        topic: &str,
        kind: MessageKind,
        payload: &[u8],
        except: Option<ConnectionId>,
    ) -> Result<usize, SendError> {
        self.check_fork().map_err(|_| SendError::Forked)?;
        if kind == MessageKind::Text && !self.told.is(payload) && !frame::is_valid(payload) {
            return Err(SendError::InvalidUtf8);
        }
        let Some(topic) = self.topics.find(topic) else {
            return Ok(0);
        };
        self.tick();
        let except = except.unwrap_or(ConnectionId::NONE);
        let fits = |batch: &Batch| {
            batch.topic == topic
                && batch.except == except
                && batch.frames.len() + payload.len() <= BATCH
        };
        if !self.batch.as_ref().is_some_and(fits) {
            self.flush_batch();
        }
        let batch = self.batch.get_or_insert_with(|| Batch {
            topic,
            except,
            frames: Vec::new(),
            messages: 0,
            payload: 0,
        });
        protocol::append_server_frame(&mut batch.frames, kind, payload)?;
        batch.messages += 1;
        batch.payload += payload.len() as u64;
        if self.topics.has_masked(topic) {
            self.publish_masked(topic, kind, payload, except);
        }
        let excepted =
            (self.slots.get(except).and_then(|slot| slot.topics.as_ref())).is_some_and(|topics| {
                topics
                    .0
                    .iter()
                    .any(|subscription| subscription.topic == topic)
            });
        let others = self.topics.subscribers(topic).len() - usize::from(excepted);
        if !self.in_turn {
            self.flush_batch();
            self.uncork();
        }
        Ok(others)
    }

    /// Connections on which this side is the client need masked frames, each its own.
    fn publish_masked(
        &mut self,
        topic: u32,
        kind: MessageKind,
        payload: &[u8],
        except: ConnectionId,
    ) {
        let mut position = 0;
        while let Some(&index) = self.topics.subscribers(topic).get(position) {
            position += 1;
            let slot = self.slots.at(index);
            let id = slot.id;
            let Some(protocol) =
                (slot.protocol.as_ref()).filter(|protocol| protocol.role() == Role::Client)
            else {
                continue;
            };
            if id == except {
                continue;
            }
            // Nothing is kept for a connection that is not open.
            if protocol.check_open().is_err() {
                self.tally.counters.publishes_dropped += 1;
                continue;
            }
            if slot.queued() > protocol.options().send_queue_high {
                self.slow(index, 1);
                continue;
            }
            // What the others get waits meanwhile: this send is no reason to give it to them.
            let batch = self.batch.take();
            if self.send(id, kind, payload).is_err() {
                self.tally.counters.publishes_dropped += 1;
            }
            self.batch = batch;
        }
    }

    /// Gives the gathered messages to the subscribers.
    pub(super) fn flush_batch(&mut self) {
        let Some(batch) = self.batch.take() else {
            return;
        };
        // Shared by the queues of those that do not take them at once.
        let plain = Arc::new(batch.frames);
        let mut compressed: Option<(Alone, Arc<Vec<u8>>)> = None;
        let mut position = 0;
        while let Some(&index) = self.topics.subscribers(batch.topic).get(position) {
            position += 1;
            let corked = self.corked == Some(index);
            let slot = self.slots.at(index);
            let (Some(protocol), Transport::Stream(stream)) = (&slot.protocol, &mut slot.transport)
            else {
                continue;
            };
            if slot.id == batch.except || protocol.role() == Role::Client {
                continue;
            }
            let queued = slot.queue.as_ref().map_or(0, |queue| queue.bytes());
            let high = protocol.options().send_queue_high;
            match protocol.check_data(MessageKind::Binary, &[]) {
                Ok(()) if queued <= high && !slot.flags.has(Flags::SENDING_FAILED) => {}
                Ok(()) | Err(SendError::MessageInProgress) if queued > high => {
                    self.slow(index, batch.messages);
                    continue;
                }
                // It does not take messages yet, not now, or no more.
                _ => {
                    self.tally.counters.publishes_dropped += batch.messages;
                    continue;
                }
            }
            // Compressed once, in the first such subscriber's way; those who need another get the plain frames.
            let alone = protocol.compresses_alone();
            if let (Some(alone), None) = (alone, &compressed) {
                compressed = protocol::compress_server_frames(&mut self.output, &plain, alone)
                    .map(|frames| (alone, Arc::new(frames)));
            }
            let frames = match &compressed {
                Some((known, frames)) if alone == Some(*known) => frames,
                _ => &plain,
            };
            if corked && self.output.append(frames).is_err() {
                self.tally.counters.publishes_dropped += batch.messages;
                continue;
            }
            protocol.trace_sent(frames);
            (self.tally).sent(index, |traffic| {
                traffic.count(batch.messages, batch.payload)
            });
            if corked {
                continue;
            }
            let result = if slot.queue.is_some() {
                Ok(0)
            } else {
                stream.send(frames)
            };
            match result {
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => {
                    self.sending_failed(index, net::stream_error("send", &error));
                }
                result => {
                    let sent = result.unwrap_or(0);
                    (self.tally).sent(index, |traffic| traffic.bytes += sent as u64);
                    if sent < frames.len() {
                        let queue = slot.queue.get_or_insert_default();
                        queue.push_shared(frames, sent);
                    }
                }
            }
        }
    }

    /// A subscriber whose queue is above its high-water mark.
    fn slow(&mut self, index: u32, messages: u64) {
        self.tally.counters.publishes_dropped += messages;
        let slot = self.slots.at(index);
        let Some(protocol) = slot
            .protocol
            .as_ref()
            .filter(|protocol| protocol.is_open() && protocol.options().close_slow_subscribers)
        else {
            return;
        };
        let error = Error::Limit {
            limit: Limit::SlowSubscriber,
            value: protocol.options().send_queue_high,
            actual: slot.queued(),
            role: protocol.role(),
        };
        self.fail(index, error);
    }
}
