//! The engine's clock.

use std::time::{Duration, Instant};

use crate::protocol::Time;

/// Microseconds since the engine was made, beginning with 1. The simulation tells it the time.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    #[cfg(test)]
    told: Option<Time>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            #[cfg(test)]
            told: None,
        }
    }

    pub(super) fn now(&self) -> Time {
        #[cfg(test)]
        if let Some(told) = self.told {
            return told;
        }
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        Time::from_micros(micros + 1)
    }

    /// How long to wait for a time; `None` when time does not pass by itself.
    pub(super) fn until(&self, at: Time) -> Option<Duration> {
        #[cfg(test)]
        if self.told.is_some() {
            return None;
        }
        Some(at.since(self.now()))
    }

    #[cfg(test)]
    pub(super) const fn tell(&mut self, now: Time) {
        self.told = Some(now);
    }
}
