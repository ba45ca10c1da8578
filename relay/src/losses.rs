//! What is missing of other nodes' messages, by their numbers.

use std::collections::HashMap;

/// Nodes that are remembered. Beyond it all are forgotten: a node that starts anew has a new number.
const NODES: usize = 10_000;

/// The last number of each node.
#[derive(Debug, Default)]
pub(crate) struct Losses(HashMap<u64, u64>);

impl Losses {
    /// A message or a beat came: how many messages are missing before it.
    pub(crate) fn missing(&mut self, node: u64, number: u64, is_beat: bool) -> u64 {
        if self.0.len() >= NODES && !self.0.contains_key(&node) {
            self.0.clear();
        }
        // What a node has sent before it is first heard is not missed.
        let first = number - u64::from(!is_beat).min(number);
        let last = self.0.entry(node).or_insert(first);
        let expected = if is_beat { *last } else { *last + 1 };
        let missing = number.saturating_sub(expected);
        *last = number.max(*last);
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_once_and_for_each_node() {
        let mut losses = Losses::default();
        let mut missing = |node, number, is_beat| losses.missing(node, number, is_beat);
        assert_eq!(missing(1, 5, false), 0, "the first that is heard");
        assert_eq!(missing(1, 6, false), 0);
        assert_eq!(missing(2, 9, true), 0);
        assert_eq!(missing(1, 9, false), 2);
        assert_eq!(missing(1, 9, true), 0);
        assert_eq!(missing(1, 12, true), 3, "the last ones, known by a beat");
        assert_eq!(missing(1, 13, false), 0);
        assert_eq!(missing(2, 10, false), 0);
        assert_eq!(missing(3, 0, true), 0);
        assert_eq!(missing(3, 1, false), 0);
    }
}
