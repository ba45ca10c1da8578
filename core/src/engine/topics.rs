//! Who has subscribed to what.

use std::collections::HashMap;

use super::id::ConnectionId;

/// A connection's place in a topic's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) topic: u32,
    /// Its position among the topic's subscribers.
    pub(super) position: u32,
    /// This side is the client, so its frames are masked.
    pub(super) masked: bool,
}

/// A connection's subscriptions. Boxed there: a pointer, and nothing for those that have none.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(pub(super) Vec<Subscription>);

#[derive(Debug, Default)]
struct Topic {
    name: Box<str>,
    /// Places of connections.
    subscribers: Vec<u32>,
    /// How many of them need masked frames.
    masked: usize,
}

/// Frames that the subscribers of one topic are to get in this turn.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) topic: u32,
    pub(super) except: ConnectionId,
    pub(super) frames: Vec<u8>,
    pub(super) messages: u64,
    /// Their bytes without headers.
    pub(super) payload: u64,
}

/// Topics exist as long as they have subscribers.
#[derive(Debug, Default)]
pub(super) struct Topics {
    names: HashMap<Box<str>, u32>,
    topics: Vec<Topic>,
    free: Vec<u32>,
}

impl Topics {
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// The places of a topic's subscribers.
    pub(super) fn subscribers(&self, topic: u32) -> &[u32] {
        self.topics
            .get(topic as usize)
            .map_or(&[], |topic| &topic.subscribers)
    }

    /// Whether any of a topic's subscribers needs masked frames.
    pub(super) fn has_masked(&self, topic: u32) -> bool {
        self.topics
            .get(topic as usize)
            .is_some_and(|topic| topic.masked > 0)
    }

    /// Adds the connection at place `index`, which has not subscribed yet.
    pub(super) fn add(&mut self, name: &str, index: u32, masked: bool) -> Subscription {
        let topic = match self.names.get(name) {
            Some(&topic) => topic,
            None => self.create(name),
        };
        let entry = &mut self.topics[topic as usize];
        entry.subscribers.push(index);
        entry.masked += usize::from(masked);
        Subscription {
            topic,
            position: entry.subscribers.len() as u32 - 1,
            masked,
        }
    }

    fn create(&mut self, name: &str) -> u32 {
        let topic = self.free.pop().unwrap_or_else(|| {
            self.topics.push(Topic::default());
            self.topics.len() as u32 - 1
        });
        self.topics[topic as usize].name = name.into();
        self.names.insert(name.into(), topic);
        topic
    }

    /// Takes a subscription away. The connection that took its position, if one did, has to be told its new one.
    pub(super) fn remove(&mut self, subscription: Subscription) -> Option<u32> {
        let topic = &mut self.topics[subscription.topic as usize];
        topic.masked -= usize::from(subscription.masked);
        topic
            .subscribers
            .swap_remove(subscription.position as usize);
        let moved = topic
            .subscribers
            .get(subscription.position as usize)
            .copied();
        if topic.subscribers.is_empty() {
            let topic = std::mem::take(topic);
            self.names.remove(&topic.name);
            self.free.push(subscription.topic);
        }
        moved
    }
}
