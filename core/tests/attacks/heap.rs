//! The test binary's allocator: counts what a thread holds and, behind a [`Fence`], ends every block at a page that
//! must not be touched. Freed blocks behind a fence become such pages themselves.
#![allow(unsafe_code, reason = "an allocator is made of it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

#[global_allocator]
static HEAP: Heap = Heap;

struct Heap;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static FENCED: Cell<bool> = const { Cell::new(false) };
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Where fenced blocks stand: address space that is reserved once, and used from its start to its end.
static REGION: AtomicUsize = AtomicUsize::new(0);
static NEXT: AtomicUsize = AtomicUsize::new(0);
const REGION_SIZE: usize = 1 << 40;
const PAGE: usize = 4096;

/// Bytes that this thread has allocated and nobody has freed since.
pub(crate) fn held() -> isize {
    HELD.get()
}

/// The most that this thread held at once during `work`, beyond what it held before.
pub(crate) fn peak_of(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    work();
    usize::try_from(PEAK.get() - before).unwrap_or(0)
}

/// Does `work` while this thread gets no block of more than `largest` bytes. It must not panic, which takes memory.
pub(crate) fn with_little_memory(largest: usize, work: impl FnOnce()) {
    LARGEST.set(largest);
    work();
    LARGEST.set(usize::MAX);
}

/// While it lives, each block that this thread allocates ends where an inaccessible page begins.
pub(crate) struct Fence(PhantomData<*const ()>);

impl Fence {
    pub(crate) fn new() -> Self {
        FENCED.set(true);
        Self(PhantomData)
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        FENCED.set(false);
    }
}

fn count(change: isize) {
    // While a thread ends its counters are gone already.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: blocks come from the system's allocator or from a part of the region that is given out once; either is as
// large and as aligned as the layout asks, and goes back to where it came from.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if (LARGEST.try_with(Cell::get)).is_ok_and(|largest| layout.size() > largest) {
            return ptr::null_mut();
        }
        count(layout.size() as isize);
        if FENCED.try_with(Cell::get).unwrap_or(false) {
            fenced(layout)
        } else {
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        let region = REGION.load(Ordering::Acquire);
        if region != 0 && (region..region + REGION_SIZE).contains(&block.addr()) {
            let start = block.addr() & !(PAGE - 1);
            let size = pages(block.addr() + layout.size() - start);
            // SAFETY: whole pages that only this block used; the mapping in their place says so to whoever still does.
            unsafe { map(start, size, libc::PROT_NONE) };
        } else {
            // SAFETY: as the caller promises.
            unsafe { System.dealloc(block, layout) }
        }
    }
}

/// A block that ends at an inaccessible page, or as near as its alignment lets it; null when there is no memory.
fn fenced(layout: Layout) -> *mut u8 {
    let mut region = REGION.load(Ordering::Acquire);
    if region == 0 {
        // SAFETY: a new mapping wherever the kernel likes; it takes no memory.
        region = unsafe { map(0, REGION_SIZE, libc::PROT_NONE) };
        if let Err(first) = REGION.compare_exchange(0, region, Ordering::AcqRel, Ordering::Acquire)
        {
            // SAFETY: the mapping made above, which nobody else knows.
            unsafe { libc::munmap(ptr::without_provenance_mut(region), REGION_SIZE) };
            region = first;
        }
    }
    let size = pages(layout.size().max(1));
    let start = NEXT.fetch_add(size + PAGE, Ordering::Relaxed);
    if layout.align() > PAGE || start + size + PAGE > REGION_SIZE {
        return ptr::null_mut();
    }
    // SAFETY: pages of the region that are given out here and nowhere else.
    let start = unsafe { map(region + start, size, libc::PROT_READ | libc::PROT_WRITE) };
    ptr::with_exposed_provenance_mut((start + size - layout.size()) & !(layout.align() - 1))
}

/// Maps fresh pages, at `place` unless it is 0.
unsafe fn map(place: usize, size: usize, protection: libc::c_int) -> usize {
    let fixed = if place == 0 { 0 } else { libc::MAP_FIXED };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | fixed;
    // SAFETY: the caller owns what stands there.
    let mapped = unsafe {
        libc::mmap(
            ptr::without_provenance_mut(place),
            size,
            protection,
            flags,
            -1,
            0,
        )
    };
    if mapped == libc::MAP_FAILED {
        std::process::abort();
    }
    mapped.expose_provenance()
}

const fn pages(size: usize) -> usize {
    size.next_multiple_of(PAGE)
}

#[test]
fn the_allocator_counts_and_fences() {
    let peak = peak_of(|| drop(vec![1_u8; 10_000]));
    assert!((10_000..10_100).contains(&peak), "{peak}");
    let fence = Fence::new();
    let block = vec![7_u8; 5000];
    drop(fence);
    assert_eq!(block.as_ptr_range().end.addr() % PAGE, 0);
    let mut resident = [0_u8];
    let beyond = block.as_ptr_range().end.cast_mut();
    // SAFETY: asks about pages, and touches none.
    let refused = unsafe { libc::madvise(beyond.cast(), PAGE, libc::MADV_POPULATE_READ) };
    assert_eq!(refused, -1, "the page behind a block can be read");
    resident[0] = block[4999];
    assert_eq!(resident, [7]);
}
