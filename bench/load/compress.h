/* permessage-deflate (RFC 7692) of the load generator, by zlib: what it sends, made beforehand, and what comes back. */
#ifndef ROPEWAY_BENCH_COMPRESS_H
#define ROPEWAY_BENCH_COMPRESS_H

#include "wire.h"

/*
 * Compresses messages into one another's window, or each alone. The ring goes round: its first message refers to nothing
 * before it, so that it may follow the last.
 */
struct compressor *compressor_new(enum deflate deflate);
/* Compresses one message; returns its length. `out` has room for compressor_bound(size). */
size_t compressor_run(struct compressor *compressor, const unsigned char *in, size_t size, unsigned char *out);
size_t compressor_bound(size_t size);

/* Takes a server's frames and compares their payloads, inflated, with the ring's. */
struct inflater;
struct inflater *inflater_new(const struct ring *ring, enum deflate deflate);
/* Takes received bytes; returns how many messages they completed, and adds the bytes of their payloads to `*made`. */
size_t inflater_take(struct inflater *inflater, const unsigned char *bytes, size_t length, uint64_t *made);

#endif
