/* Compression of the load generator; see compress.h. */
#include "compress.h"

#include "fail.h"

#include <zlib.h>

struct compressor {
    z_stream stream;
    enum deflate deflate;
};

struct compressor *compressor_new(enum deflate deflate) {
    struct compressor *compressor = calloc(1, sizeof *compressor);
    if (!compressor || deflateInit2(&compressor->stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        fail("memory for the compressor");
    }
    compressor->deflate = deflate;
    return compressor;
}

size_t compressor_bound(size_t size) {
    return size + size / 100 + 64;
}

size_t compressor_run(struct compressor *compressor, const unsigned char *in, size_t size, unsigned char *out) {
    z_stream *stream = &compressor->stream;
    if (compressor->deflate == DEFLATE_ALONE) {
        deflateReset(stream);
    }
    stream->next_in = (unsigned char *)(uintptr_t)in;
    stream->avail_in = (uInt)size;
    stream->next_out = out;
    stream->avail_out = (uInt)compressor_bound(size);
    if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_in > 0 || stream->avail_out == 0) {
        fail("compressing a message");
    }
    /* Section 7.2.1: the four bytes of the empty block at the end are left away. */
    return compressor_bound(size) - stream->avail_out - 4;
}

struct inflater {
    const struct ring *ring;
    z_stream stream;
    enum deflate deflate;
    size_t next;
    unsigned char *held, *inflated;
    size_t length, capacity;
};

struct inflater *inflater_new(const struct ring *ring, enum deflate deflate) {
    struct inflater *inflater = calloc(1, sizeof *inflater);
    if (!inflater || inflateInit2(&inflater->stream, -15) != Z_OK || !(inflater->inflated = malloc(ring->size + 1))) {
        fail("memory for an inflater");
    }
    inflater->ring = ring;
    inflater->deflate = deflate;
    return inflater;
}

/* Inflates one payload, or copies it where it came as it is, and compares it. */
static void take_payload(struct inflater *inflater, const unsigned char *payload, size_t length, bool compressed) {
    const struct ring *ring = inflater->ring;
    const unsigned char *expected = ring->expected + (inflater->next++ % ring->frames) * ring->size;
    const unsigned char *got = payload;
    if (compressed) {
        static const unsigned char TAIL[] = {0, 0, 0xff, 0xff};
        z_stream *stream = &inflater->stream;
        stream->next_out = inflater->inflated;
        stream->avail_out = (uInt)ring->size + 1;
        stream->next_in = (unsigned char *)(uintptr_t)payload;
        stream->avail_in = (uInt)length;
        int status = inflate(stream, Z_NO_FLUSH);
        stream->next_in = (unsigned char *)(uintptr_t)TAIL;
        stream->avail_in = sizeof TAIL;
        if (status != Z_STREAM_END) {
            status = inflate(stream, Z_SYNC_FLUSH);
        }
        if (status != Z_OK && status != Z_BUF_ERROR && status != Z_STREAM_END) {
            fail("inflating what came back");
        }
        length = ring->size + 1 - stream->avail_out;
        got = inflater->inflated;
        if (inflater->deflate == DEFLATE_ALONE || status == Z_STREAM_END) {
            inflateReset(stream);
        }
    }
    if (length != ring->size || memcmp(got, expected, length) != 0) {
        errno = 0;
        fail("a compressed message came back otherwise");
    }
}

/* The whole frame at the front of `bytes`: its length, or 0 when more is to come. */
static size_t take_frame(struct inflater *inflater, const unsigned char *bytes, size_t length, uint64_t *made) {
    if (length < 2) {
        return 0;
    }
    size_t extended = bytes[1] == 126 ? 2 : bytes[1] == 127 ? 8 : 0;
    size_t size = extended ? 0 : bytes[1];
    if (bytes[1] > 127 || !(bytes[0] & 0x80)) {
        errno = 0;
        fail("a masked or fragmented frame came back");
    }
    if (length < 2 + extended) {
        return 0;
    }
    for (size_t i = 0; i < extended; i++) {
        size = size << 8 | bytes[2 + i];
    }
    if (length < 2 + extended + size) {
        return 0;
    }
    take_payload(inflater, bytes + 2 + extended, size, bytes[0] & 0x40);
    *made += size;
    return 2 + extended + size;
}

size_t inflater_take(struct inflater *inflater, const unsigned char *bytes, size_t length, uint64_t *made) {
    size_t taken, at = 0, messages = 0;
    if (inflater->length + length > inflater->capacity) {
        inflater->capacity = 2 * (inflater->length + length);
        inflater->held = realloc(inflater->held, inflater->capacity);
        if (!inflater->held) {
            fail("memory for what came back");
        }
    }
    memcpy(inflater->held + inflater->length, bytes, length);
    inflater->length += length;
    while ((taken = take_frame(inflater, inflater->held + at, inflater->length - at, made)) > 0) {
        at += taken;
        messages++;
    }
    inflater->length -= at;
    memmove(inflater->held, inflater->held + at, inflater->length);
    return messages;
}
