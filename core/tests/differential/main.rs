//! The same streams of frames, valid and broken, get the same verdict from tungstenite: the same messages before the
//! first error, and an error or none.

#[path = "../streams/mod.rs"]
mod streams;
mod verdict;

use proptest::prelude::*;
use ropeway_core::Role;
use verdict::compare;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn the_same_verdict_on_what_a_client_sends(bytes in streams::stream(true, 160_000)) {
        compare(Role::Server, &bytes).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn the_same_verdict_on_what_a_server_sends(bytes in streams::stream(false, 160_000)) {
        compare(Role::Client, &bytes).map_err(TestCaseError::fail)?;
    }
}
