/*
 * A histogram of durations in nanoseconds, log-linear: 64 steps to each power of two, so a value read back is within 1.6%.
 */
#ifndef ROPEWAY_BENCH_HISTOGRAM_H
#define ROPEWAY_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * 42 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
};

/* Adds `count` durations of `nanoseconds`; what passes about 2^46 ns counts as that. */
static inline void histogram_add(struct histogram *histogram, uint64_t nanoseconds, uint64_t count) {
    uint64_t bucket = nanoseconds;
    if (nanoseconds >= HISTOGRAM_STEPS) {
        unsigned shift = 57u - (unsigned)__builtin_clzll(nanoseconds);
        bucket = (uint64_t)shift * HISTOGRAM_STEPS + (nanoseconds >> shift);
    }
    if (bucket >= HISTOGRAM_BUCKETS) {
        bucket = HISTOGRAM_BUCKETS - 1;
    }
    histogram->counts[bucket] += count;
    histogram->total += count;
}

/* The duration below which `fraction` (0 to 1) of all lie: the lower edge of the bucket that holds it. 0 when empty. */
static inline uint64_t histogram_at(const struct histogram *histogram, double fraction) {
    uint64_t wanted = (uint64_t)(fraction * (double)histogram->total);
    uint64_t seen = 0;
    for (uint64_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen > wanted) {
            uint64_t shift = bucket / HISTOGRAM_STEPS;
            if (shift < 1) {
                return bucket;
            }
            shift -= 1;
            return (bucket - shift * HISTOGRAM_STEPS) << shift;
        }
    }
    return 0;
}

#endif
