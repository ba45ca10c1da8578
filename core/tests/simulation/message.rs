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
    /// A message of its own for each `count`, of at most `longest` bytes.
    pub(crate) fn any(random: &mut Random, count: u64, longest: usize) -> Self {
        Self {
            kind: if random.one_in(2) {
                MessageKind::Text
            } else {
                MessageKind::Binary
            },
            size: match random.below(10) {
                0 => 0,
                1..7 => random.below(300),
                7..9 => random.below(longest / 25),
                _ => random.below(longest),
            },
            number: random.next() ^ count,
        }
    }

    /// ASCII, so that it can be text; half of them compress well.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let repeats = self.number & 1 == 0;
        let mut state = self.number;
        let mut bytes = Vec::with_capacity(self.size + 8);
        while bytes.len() < self.size {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            // Eight characters from 0x20 to 0x5f.
            let word = (state ^ (state >> 32)) & 0x3f3f_3f3f_3f3f_3f3f;
            bytes.extend_from_slice(&(word + 0x2020_2020_2020_2020).to_le_bytes());
            if repeats && bytes.len().is_multiple_of(128) {
                state = self.number;
            }
        }
        bytes.truncate(self.size);
        bytes
    }
}
