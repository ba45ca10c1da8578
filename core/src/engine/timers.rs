//! A hashed, hierarchical timer wheel: one timer for each index, O(1) to set, and nothing to do for a timer until its
//! time is near. Four levels of 64 buckets; a tick of 4.096 ms; further than 18 hours ahead fires early, which its user
//! has to expect anyway (a deadline that has moved later since is looked up when the old one fires).

use crate::protocol::Time;

const TICK_BITS: u32 = 12;
const LEVEL_BITS: u32 = 6;
const BUCKETS: usize = 1 << LEVEL_BITS;
const LEVELS: usize = 4;
/// How far ahead a timer can be set: one bucket of the highest level less than a whole turn, so that no timer lands in
/// the bucket that is being looked at.
const FURTHEST: u64 = (BUCKETS as u64 - 1) << (LEVEL_BITS * (LEVELS as u32 - 1));
const NIL: u32 = u32::MAX;

/// A timer: a link in its bucket's list.
#[derive(Clone, Copy, Debug)]
struct Entry {
    next: u32,
    prev: u32,
    /// The tick it fires at, modulo 2^32; within [`FURTHEST`] of the present.
    tick: u32,
    /// Its bucket, or `NIL` when it is not set.
    bucket: u32,
}

const UNSET: Entry = Entry {
    next: NIL,
    prev: NIL,
    tick: 0,
    bucket: NIL,
};

#[derive(Debug)]
pub(super) struct Timers {
    entries: Vec<Entry>,
    heads: [u32; BUCKETS * LEVELS],
    occupied: [u64; LEVELS],
    /// Every tick before this one has fired.
    elapsed: u64,
}

impl Timers {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            heads: [NIL; BUCKETS * LEVELS],
            occupied: [0; LEVELS],
            elapsed: 0,
        }
    }

    /// Sees to it that `index` fires at `deadline` or before. A timer that fires earlier already is left alone.
    pub(super) fn ensure(&mut self, index: u32, deadline: Time) {
        let tick = ticks_up(deadline)
            .max(self.elapsed)
            .min(self.elapsed + FURTHEST);
        if let Some(entry) = self.entries.get(index as usize)
            && entry.bucket != NIL
            && self.tick_of(entry) <= tick
        {
            return;
        }
        self.clear(index);
        self.insert(index, tick);
    }

    /// Takes the timer back, if it is set.
    pub(super) fn clear(&mut self, index: u32) {
        if let Some(&entry) = self.entries.get(index as usize)
            && entry.bucket != NIL
        {
            self.unlink(index, entry);
        }
    }

    /// A lower bound of the time at which [`pop`](Self::pop) has something to do.
    pub(super) fn next(&self) -> Option<Time> {
        self.next_bucket()
            .map(|(_, _, tick)| Time::from_micros(tick << TICK_BITS))
    }

    /// An index whose timer has fired, and is no longer set.
    pub(super) fn pop(&mut self, now: Time) -> Option<u32> {
        let now = now.as_micros() >> TICK_BITS;
        while let Some((level, bucket, tick)) = self.next_bucket() {
            if tick > now {
                break;
            }
            self.elapsed = self.elapsed.max(tick);
            // A bucket of a higher level is emptied as a whole into lower ones before anything else is looked at.
            while self.heads[bucket] != NIL {
                let index = self.heads[bucket];
                let entry = self.entries[index as usize];
                let due = self.tick_of(&entry);
                self.unlink(index, entry);
                if level == 0 {
                    return Some(index);
                }
                self.insert(index, due);
            }
        }
        self.elapsed = self.elapsed.max(now);
        None
    }

    fn tick_of(&self, entry: &Entry) -> u64 {
        self.elapsed + u64::from(entry.tick.wrapping_sub(self.elapsed as u32))
    }

    /// The first bucket that has timers: its level, its number, and the tick at which it begins.
    fn next_bucket(&self) -> Option<(usize, usize, u64)> {
        (0..LEVELS).find_map(|level| {
            if self.occupied[level] == 0 {
                return None;
            }
            let shift = LEVEL_BITS * level as u32;
            let here = (self.elapsed >> shift) as u32 % BUCKETS as u32;
            let ahead = self.occupied[level].rotate_right(here).trailing_zeros();
            let bucket = (here + ahead) as usize % BUCKETS;
            let tick = ((self.elapsed >> shift) + u64::from(ahead)) << shift;
            Some((level, level * BUCKETS + bucket, tick.max(self.elapsed)))
        })
    }

    fn insert(&mut self, index: u32, tick: u64) {
        if self.entries.len() <= index as usize {
            self.entries.resize(index as usize + 1, UNSET);
        }
        // The level whose bucket of the timer is not the present one.
        let differing = (self.elapsed ^ tick) | (BUCKETS as u64 - 1);
        let level = (differing.ilog2() / LEVEL_BITS).min(LEVELS as u32 - 1);
        let place = (tick >> (LEVEL_BITS * level)) as usize % BUCKETS;
        let bucket = level as usize * BUCKETS + place;
        let next = std::mem::replace(&mut self.heads[bucket], index);
        if next != NIL {
            self.entries[next as usize].prev = index;
        }
        self.entries[index as usize] = Entry {
            next,
            prev: NIL,
            tick: tick as u32,
            bucket: bucket as u32,
        };
        self.occupied[level as usize] |= 1 << place;
    }

    fn unlink(&mut self, index: u32, entry: Entry) {
        let bucket = entry.bucket as usize;
        if entry.prev == NIL {
            self.heads[bucket] = entry.next;
        } else {
            self.entries[entry.prev as usize].next = entry.next;
        }
        if entry.next != NIL {
            self.entries[entry.next as usize].prev = entry.prev;
        }
        if self.heads[bucket] == NIL {
            self.occupied[bucket / BUCKETS] &= !(1 << (bucket % BUCKETS));
        }
        self.entries[index as usize] = UNSET;
    }
}

/// The first tick that does not begin before `time`.
fn ticks_up(time: Time) -> u64 {
    time.as_micros().div_ceil(1 << TICK_BITS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const TICK: u64 = 1 << TICK_BITS;

    #[test]
    fn fires_at_its_tick_and_not_before() {
        let mut timers = Timers::new();
        for (index, micros) in [
            (0, 1),
            (1, 300_000),
            (2, 20_000_000),
            (3, 3_600_000_000),
            (4, 60_000_000_000),
        ] {
            timers.ensure(index, Time::from_micros(micros));
        }
        for (index, micros) in [
            (0, 1),
            (1, 300_000),
            (2, 20_000_000),
            (3, 3_600_000_000_u64),
            (4, 60_000_000_000),
        ] {
            let at = micros.div_ceil(TICK) * TICK;
            assert_eq!(timers.pop(Time::from_micros(at - 1)), None, "{index}");
            assert_eq!(timers.pop(Time::from_micros(at)), Some(index));
        }
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn an_earlier_timer_stays_and_a_later_one_moves_forward() {
        let mut timers = Timers::new();
        timers.ensure(9, Time::from_micros(10 * TICK));
        timers.ensure(9, Time::from_micros(99 * TICK));
        assert_eq!(timers.next(), Some(Time::from_micros(10 * TICK)));
        timers.ensure(9, Time::from_micros(3 * TICK));
        assert_eq!(timers.next(), Some(Time::from_micros(3 * TICK)));
        timers.clear(9);
        assert_eq!(timers.next(), None);
    }

    proptest! {
        /// Against a sorted map: sets, clears and the passing of time in any order.
        #[test]
        fn as_a_sorted_map(steps in prop::collection::vec((0_u32..20, 0_u64..1 << 30, 0_u8..4), 1..200)) {
            let mut timers = Timers::new();
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            let mut now = 0_u64;
            for (index, amount, step) in steps {
                match step {
                    0 | 1 => {
                        let at = now + amount % (1 << (10 + amount % 20));
                        timers.ensure(index, Time::from_micros(at));
                        let at = at.div_ceil(TICK);
                        let set = model.entry(index).or_insert(at);
                        *set = at.min(*set);
                    }
                    2 => {
                        timers.clear(index);
                        model.remove(&index);
                    }
                    _ => {
                        now += amount;
                        let mut fired: Vec<u32> = std::iter::from_fn(|| timers.pop(Time::from_micros(now))).collect();
                        fired.sort_unstable();
                        let due: Vec<u32> =
                            model.iter().filter(|(_, at)| **at * TICK <= now).map(|(index, _)| *index).collect();
                        model.retain(|_, at| *at * TICK > now);
                        prop_assert_eq!(fired, due);
                    }
                }
                if let Some(next) = timers.next() {
                    let first = model.values().min().expect("the model has one too");
                    prop_assert!(next.as_micros() <= first * TICK);
                } else {
                    prop_assert!(model.is_empty());
                }
            }
        }
    }
}
