//! Topics: a published message is framed once and given to every subscriber; what slow ones do not take at once is
//! shared among their queues.

use std::sync::Arc;

use super::connections::Connections;
use super::id::ConnectionId;
use super::slots::{Flags, Transport};
use super::topics::{Subscription, Subscriptions};
use crate::error::{Error, Limit, Role, SendError};
use crate::frame;
use crate::net;
use crate::protocol::{self, MessageKind};

/// Published messages of one topic are gathered up to this size.
const BATCH: usize = 64 << 10;

/// Frames that the subscribers of one topic are to get in this turn.
#[derive(Debug)]
pub(super) struct Batch {
    topic: u32,
    except: ConnectionId,
    frames: Vec<u8>,
    messages: u64,
}

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
        let Subscriptions(subscriptions) =
            &mut **self.slots.at(index).topics.get_or_insert_default();
        if subscriptions
            .iter()
            .any(|subscription| Some(subscription.topic) == known)
        {
            return Ok(false);
        }
        let subscription = self.topics.add(topic, index);
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

    /// Sends a message to every subscriber of a topic but `except`. How many subscribers there are besides it. A
    /// subscriber does not get it, and [`publishes_dropped`](super::Counters::publishes_dropped) counts it, when its
    /// queue is above the high-water mark or it is in the middle of a message that is sent in fragments; with
    /// [`close_slow_subscribers`](crate::protocol::Options::close_slow_subscribers) it is closed instead.
    ///
    /// # Errors
    /// [`SendError::InvalidUtf8`], [`SendError::Forked`].
    pub fn publish(
        &mut self,
        topic: &str,
        kind: MessageKind,
        payload: &[u8],
        except: Option<ConnectionId>,
    ) -> Result<usize, SendError> {
        self.check_fork().map_err(|_| SendError::Forked)?;
        if kind == MessageKind::Text && !frame::is_valid(payload) {
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
        });
        protocol::append_server_frame(&mut batch.frames, kind, payload);
        batch.messages += 1;
        let others = self.publish_masked(topic, kind, payload, except);
        if !self.in_turn {
            self.flush_batch();
            self.uncork();
        }
        Ok(others)
    }

    /// Connections on which this side is the client need masked frames, each its own. Counts all subscribers.
    fn publish_masked(
        &mut self,
        topic: u32,
        kind: MessageKind,
        payload: &[u8],
        except: ConnectionId,
    ) -> usize {
        let mut others = 0;
        let mut position = 0;
        while let Some(&index) = self.topics.subscribers(topic).get(position) {
            position += 1;
            let slot = self.slots.at(index);
            let id = slot.id;
            if id == except {
                continue;
            }
            others += 1;
            let Some(protocol) = slot
                .protocol
                .as_ref()
                .filter(|protocol| protocol.role() == Role::Client)
            else {
                continue;
            };
            let high = protocol.options().send_queue_high;
            if slot.queued() > high {
                self.slow(index, 1);
            } else if self.slots.at(index).topics.is_some() {
                let batch = self.batch.take();
                if self.send(id, kind, payload).is_err() {
                    self.counters.publishes_dropped += 1;
                }
                self.batch = batch;
            }
        }
        others
    }

    /// Gives the gathered messages to the subscribers.
    pub(super) fn flush_batch(&mut self) {
        let Some(batch) = self.batch.take() else {
            return;
        };
        let mut shared: Option<Arc<[u8]>> = None;
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
            match protocol.check_data(MessageKind::Binary, &[]) {
                Ok(())
                    if queued <= protocol.options().send_queue_high
                        && !slot.flags.has(Flags::SENDING_FAILED) => {}
                Ok(()) | Err(SendError::MessageInProgress) => {
                    self.slow(index, batch.messages);
                    continue;
                }
                // It does not take messages yet, or no more.
                Err(_) => {
                    self.counters.publishes_dropped += batch.messages;
                    continue;
                }
            }
            protocol.trace_sent(&batch.frames);
            self.counters.messages_sent += batch.messages;
            if corked {
                self.output.append(&batch.frames);
                continue;
            }
            let result = if slot.queue.is_some() {
                Ok(0)
            } else {
                stream.send(&batch.frames)
            };
            match result {
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => {
                    self.sending_failed(index, net::stream_error("send", &error));
                }
                result => {
                    let sent = result.unwrap_or(0);
                    self.counters.bytes_sent += sent as u64;
                    if sent < batch.frames.len() {
                        let frames = shared.get_or_insert_with(|| batch.frames.as_slice().into());
                        slot.queue.get_or_insert_default().push_shared(frames, sent);
                    }
                }
            }
        }
    }

    /// A subscriber that cannot take a message.
    fn slow(&mut self, index: u32, messages: u64) {
        self.counters.publishes_dropped += messages;
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
