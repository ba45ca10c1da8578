//! Messages that need not be kept to be known again.

use ropeway_core::protocol::MessageKind;

use super::random::Random;

/// A message by its kind and a number that its bytes follow from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) kind: MessageKind,
    pub(crate) size: usize,
    pub(crate) number: u64,
}

impl Message {
    /// A message of its own for each `count`.
    pub(crate) fn any(random: &mut Random, count: u64) -> Self {
        Self {
            kind: if random.one_in(2) {
                MessageKind::Text
            } else {
                MessageKind::Binary
            },
            size: match random.below(10) {
                0 => 0,
                1..7 => random.below(300),
                7..9 => random.below(6000),
                _ => random.below(150_000),
            },
            number: random.next() ^ count,
        }
    }

    /// ASCII, so that it can be text; half of them compress well.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut state = self.number.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1;
        let step = if self.number & 1 == 0 { 0 } else { 7 };
        (0..self.size)
            .map(|_| {
                state = state.rotate_left(step).wrapping_mul(0x5851_f42d_4c95_7f2d) | 1;
                0x20 + ((state >> 57) as u8 & 0x3f)
            })
            .collect()
    }
}
