//! Every way of masking against the definition in RFC 6455 section 5.3, at every alignment and key phase, in memory
//! between guard pages.

use proptest::prelude::*;

use super::kernel::{self, Key};
use super::{append_masked, append_plain, apply_mask};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Section 5.3 word for word: octet i of the result is octet i of the data XOR octet i mod 4 of the key.
fn naive(data: &[u8], key: [u8; 4], offset: usize) -> Vec<u8> {
    data.iter()
        .enumerate()
        .map(|(i, byte)| byte ^ key[(offset % 4 + i) % 4])
        .collect()
}

/// A way of masking, with the shortest payload that it takes.
type Route = (
    &'static str,
    usize,
    unsafe fn(*const u8, *mut u8, usize, Key),
);

/// The ways that this processor can go; the first is the one that the program chooses by itself.
fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = vec![
        ("chosen", 0, |source, destination, length, key| {
            // SAFETY: the contract is the caller's.
            unsafe { super::mask(source, destination, length, key) }
        }),
        ("portable", 16, kernel::portable),
    ];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") {
            routes.push(("AVX2", 32, |source, destination, length, key| {
                // SAFETY: the processor has AVX2; the rest is the caller's contract.
                unsafe { super::x86_64::avx2(source, destination, length, key) }
            }));
        }
        if is_x86_feature_detected!("avx512f") {
            routes.push(("AVX-512", 64, |source, destination, length, key| {
                // SAFETY: the processor has AVX-512F; the rest is the caller's contract.
                unsafe { super::x86_64::avx512(source, destination, length, key) }
            }));
        }
    }
    #[cfg(target_arch = "aarch64")]
    routes.push(("NEON", 16, |source, destination, length, key| {
        // SAFETY: the contract is the caller's.
        unsafe { super::aarch64::neon(source, destination, length, key) }
    }));
    routes
}

/// Bytes without a period that a mistake in the key's phase could hide behind.
fn sample(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(length)
    .collect()
}

/// Masks the part of `buffer` from `start` in place by `route`, and checks that part and all of the rest.
fn check(
    route: &Route,
    buffer: &mut [u8],
    start: usize,
    length: usize,
    key: [u8; 4],
    offset: usize,
) {
    let mut expected = buffer.to_vec();
    expected[start..start + length].copy_from_slice(&naive(
        &buffer[start..start + length],
        key,
        offset,
    ));
    let part = buffer[start..start + length].as_mut_ptr();
    // SAFETY: the part is borrowed exclusively and `length` bytes long.
    unsafe { route.2(part, part, length, Key::new(key, offset)) };
    assert!(
        buffer == expected,
        "{}: {length} bytes from {start}, offset {offset}",
        route.0
    );
}

#[test]
fn example_of_section_5_7() {
    let mut data = *b"\x7f\x9f\x4d\x51\x58";
    apply_mask(&mut data, KEY, 0);
    assert_eq!(&data, b"Hello");
}

#[test]
fn osv_2021_1727_every_length_alignment_and_phase_leaves_the_surroundings_alone() {
    // All lengths around every change of method, at all alignments of the widest vector; then all lengths to 4,096 with
    // alignment and phase varying among themselves.
    let dense = if cfg!(miri) { 68 } else { 330 };
    let sparse = if cfg!(miri) { 0 } else { 4096 };
    for route in &routes() {
        for length in route.1..dense {
            for start in (0..64).step_by(if cfg!(miri) { 13 } else { 1 }) {
                check(
                    route,
                    &mut sample(64 + length + 64),
                    start,
                    length,
                    KEY,
                    start + length,
                );
            }
        }
        for length in route.1..=sparse {
            for phase in 0..4 {
                check(
                    route,
                    &mut sample(64 + length + 64),
                    length * 7 % 64,
                    length,
                    KEY,
                    phase,
                );
            }
        }
    }
}

#[test]
fn what_is_not_masked_is_appended_as_it_is() {
    for length in 0..=130 {
        let data = sample(length);
        let mut out = b"before".to_vec();
        append_plain(&mut out, &data);
        assert_eq!(out, [b"before", &data[..]].concat(), "{length} bytes");
    }
}

#[test]
fn every_phase_of_every_short_length() {
    for length in (0..200).filter(|length| !cfg!(miri) || *length <= 80) {
        let data = sample(length);
        for offset in (0..8).chain(usize::MAX - 3..=usize::MAX) {
            let mut masked = data.clone();
            apply_mask(&mut masked, KEY, offset);
            assert_eq!(
                masked,
                naive(&data, KEY, offset),
                "{length} bytes, offset {offset}"
            );
            let mut appended = b"before".to_vec();
            append_masked(&mut appended, &data, KEY, offset);
            assert_eq!(appended, [b"before", &masked[..]].concat());
        }
    }
}

#[cfg(all(unix, not(miri)))]
mod guarded {
    use super::*;

    /// Writable memory whose first byte follows a page that may not be touched and whose last byte precedes one.
    struct Guarded {
        mapping: *mut libc::c_void,
        page: usize,
        pages: usize,
    }

    impl Guarded {
        fn new(pages: usize) -> Self {
            // SAFETY: a plain query.
            let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let page = usize::try_from(page).expect("a page has a size");
            // SAFETY: a fresh anonymous mapping, of which the inner pages are then made accessible.
            let mapping = unsafe {
                let mapping = libc::mmap(
                    std::ptr::null_mut(),
                    (pages + 2) * page,
                    libc::PROT_NONE,
                    libc::MAP_PRIVATE | libc::MAP_ANON,
                    -1,
                    0,
                );
                assert_ne!(mapping, libc::MAP_FAILED);
                let opened = libc::mprotect(
                    mapping.byte_add(page),
                    pages * page,
                    libc::PROT_READ | libc::PROT_WRITE,
                );
                assert_eq!(opened, 0);
                mapping
            };
            Self {
                mapping,
                page,
                pages,
            }
        }

        fn bytes(&mut self) -> &mut [u8] {
            // SAFETY: the inner pages are readable, writable, zeroed by the system, and borrowed with `self`.
            unsafe {
                let start = self.mapping.byte_add(self.page).cast();
                std::slice::from_raw_parts_mut(start, self.pages * self.page)
            }
        }
    }

    impl Drop for Guarded {
        fn drop(&mut self) {
            // SAFETY: the whole mapping, made by `new`.
            unsafe { libc::munmap(self.mapping, (self.pages + 2) * self.page) };
        }
    }

    #[test]
    fn osv_2021_1727_nothing_is_read_or_written_beyond_a_guard_page() {
        let mut memory = Guarded::new(2);
        let mut copy = Guarded::new(2);
        let whole = memory.bytes().len();
        for route in &routes() {
            for length in route.1..=4096 {
                for start in [0, whole - length] {
                    let part = &mut memory.bytes()[start..start + length];
                    part.copy_from_slice(&sample(length));
                    let expected = naive(part, KEY, 1);
                    let pointer = part.as_mut_ptr();
                    let target = copy.bytes()[start..start + length].as_mut_ptr();
                    // SAFETY: both parts are borrowed exclusively, apart from each other and `length` bytes long.
                    unsafe {
                        route.2(pointer, target, length, Key::new(KEY, 1));
                        route.2(pointer, pointer, length, Key::new(KEY, 1));
                    }
                    assert!(
                        memory.bytes()[start..start + length] == expected,
                        "{}: {length} bytes",
                        route.0
                    );
                    assert!(
                        copy.bytes()[start..start + length] == expected,
                        "{}: {length} bytes",
                        route.0
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 128 }, ..ProptestConfig::default() })]

    #[test]
    fn every_route_agrees_with_the_definition(
        length in prop_oneof![64usize..4096, 4096usize..(if cfg!(miri) { 4100 } else { 300_000 })],
        start in 0usize..64,
        key: [u8; 4],
        offset: usize,
    ) {
        for route in &routes() {
            check(route, &mut sample(start + length + 64), start, length, key, offset);
        }
    }

    #[test]
    fn masking_in_pieces_gives_the_same_as_at_once(
        data in proptest::collection::vec(any::<u8>(), 0..1000),
        cuts in proptest::collection::vec(0usize..1000, 0..6),
        key: [u8; 4],
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(data.len())).chain([0, data.len()]).collect();
        cuts.sort_unstable();
        let (mut masked, mut appended) = (data.clone(), Vec::new());
        for piece in cuts.windows(2) {
            apply_mask(&mut masked[piece[0]..piece[1]], key, piece[0]);
            append_masked(&mut appended, &data[piece[0]..piece[1]], key, piece[0]);
        }
        let expected = naive(&data, key, 0);
        prop_assert_eq!(&masked, &expected);
        prop_assert_eq!(&appended, &expected);
        apply_mask(&mut masked, key, 0);
        prop_assert_eq!(&masked, &data);
    }
}
