/* Connections and frames of the load generator; see wire.h. */
#include "wire.h"

#include "compress.h"
#include "fail.h"

#include <sys/random.h>

/* A ring stays within the second-level cache where it can, so that the generator is not slowed by its own data. */
enum { RING_BYTES = 256 * 1024, RING_FRAMES = 1024 };

/* The nonce and its answer of RFC 6455 section 1.3: a fixed key spares the generator a SHA-1 of its own. */
static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static uint64_t random_state = 0x9e3779b97f4a7c15u;

/* xorshift64*: payloads need no secrecy, only variety, and the same bytes in every run. */
static uint64_t next_random(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1du;
}

/* Records as a program might send them, none like the other. */
static void fill_json(unsigned char *payload, size_t size) {
    for (size_t at = 0; at < size;) {
        char record[128];
        uint64_t random = next_random();
        int length = snprintf(record, sizeof record,
                              "{\"id\":%u,\"type\":\"update\",\"sensor\":\"north-%02u\",\"value\":%u.%u,\"ok\":true},",
                              (unsigned)(random >> 40), (unsigned)(random >> 16) % 100, (unsigned)(random >> 20) % 1000,
                              (unsigned)(random >> 10) % 100);
        size_t part = (size_t)length < size - at ? (size_t)length : size - at;
        memcpy(payload + at, record, part);
        at += part;
    }
}

static void fill_payload(unsigned char *payload, size_t size, enum kind kind) {
    static const char *const CHARACTERS[] = {"a", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x9a\xa1"};
    if (kind == KIND_JSON) {
        fill_json(payload, size);
        return;
    }
    for (size_t at = 0; at < size;) {
        uint64_t random = next_random() >> 32;
        if (kind == KIND_BINARY) {
            payload[at++] = (unsigned char)random;
        } else if (kind == KIND_TEXT) {
            payload[at++] = (unsigned char)(' ' + random % 95);
        } else {
            const char *character = CHARACTERS[random % 4];
            size_t length = strlen(character);
            if (length > size - at) {
                character = CHARACTERS[0];
                length = 1;
            }
            memcpy(payload + at, character, length);
            at += length;
        }
    }
}

/* Writes a header with FIN set, RSV1 for a compressed one, and the shortest length form; returns its length. */
static size_t write_header(unsigned char *at, size_t size, enum kind kind, bool masked, bool compressed) {
    unsigned char mask = masked ? 0x80 : 0;
    at[0] = (unsigned char)(0x80 | (compressed ? 0x40 : 0) | (kind == KIND_BINARY ? 2 : 1));
    if (size < 126) {
        at[1] = (unsigned char)(mask | size);
        return 2;
    }
    size_t bytes = size < 65536 ? 2 : 8;
    at[1] = (unsigned char)(mask | (bytes == 2 ? 126 : 127));
    for (size_t i = 0; i < bytes; i++) {
        at[2 + i] = (unsigned char)((uint64_t)size >> (8 * (bytes - 1 - i)));
    }
    return 2 + bytes;
}

/* Writes a whole frame; returns its length. */
static size_t write_frame(unsigned char *at, const unsigned char *payload, size_t size, enum kind kind, bool masked,
                          bool compressed) {
    size_t head = write_header(at, size, kind, masked, compressed);
    if (!masked) {
        memcpy(at + head, payload, size);
        return head + size;
    }
    unsigned char *key = at + head;
    if (getrandom(key, 4, 0) != 4) {
        fail("getrandom");
    }
    for (size_t i = 0; i < size; i++) {
        key[4 + i] = payload[i] ^ key[i % 4];
    }
    return head + 4 + size;
}

struct ring ring_make(size_t size, enum kind kind, enum sender sender, enum deflate deflate) {
    enum { HEAD = 14 };
    struct ring ring = {.size = size};
    bool compressed = deflate != DEFLATE_OFF;
    ring.frames = RING_BYTES / (size + HEAD);
    ring.frames = ring.frames < 2 ? 2 : ring.frames > RING_FRAMES ? RING_FRAMES : ring.frames;
    size_t room = compressor_bound(size) + HEAD;
    struct compressor *compressor = compressed ? compressor_new(deflate) : NULL;
    unsigned char *payload = malloc(size + 1), *squeezed = malloc(room);
    ring.sent = malloc(ring.frames * room);
    ring.expected = malloc(ring.frames * room);
    ring.starts = calloc(ring.frames + 1, sizeof *ring.starts);
    if (!payload || !squeezed || !ring.sent || !ring.expected || !ring.starts) {
        fail("memory for the frames");
    }
    size_t sent = 0, expected = 0;
    for (size_t frame = 0; frame < ring.frames; frame++) {
        unsigned char *back = ring.expected + expected;
        fill_payload(payload, size, kind);
        const unsigned char *body = compressed ? squeezed : payload;
        size_t length = compressed ? compressor_run(compressor, payload, size, squeezed) : size;
        size_t whole = write_frame(ring.sent + sent, body, length, kind, sender != SENDER_RAW_SERVER, compressed);
        if (compressed) {
            memcpy(back, payload, size);
            ring.expected_frame = size;
        } else if (sender == SENDER_CLIENT) {
            ring.expected_frame = write_frame(back, payload, size, kind, false, false);
        } else {
            memcpy(back, ring.sent + sent, whole);
            ring.expected_frame = whole;
        }
        sent += whole;
        expected += ring.expected_frame;
        ring.starts[frame + 1] = sent;
    }
    free(payload);
    free(squeezed);
    return ring;
}

size_t ring_span(const struct ring *ring, size_t first, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t frame = (first + i) % ring->frames;
        bytes += ring->starts[frame + 1] - ring->starts[frame];
    }
    return bytes;
}

/* Writes the request; returns its length. */
static int write_request(char *request, size_t room, uint16_t port, enum deflate deflate) {
    static const char *const OFFERS[] = {
        "", "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n"};
    return snprintf(request, room,
                    "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                    port, KEY, OFFERS[deflate]);
}

void wire_request(struct stream *stream, uint16_t port, enum deflate deflate) {
    char request[512];
    int length = write_request(request, sizeof request, port, deflate);
    if (stream_write(stream, &(struct iovec){request, (size_t)length}, 1) != length) {
        fail("sending the handshake");
    }
}

size_t wire_response(struct stream *stream, uint16_t port, enum deflate deflate, bool raw) {
    char response[4096], request[512];
    size_t got = 0;
    do {
        ssize_t more = stream_read(stream, (unsigned char *)response + got, sizeof response - 1 - got);
        if (more <= 0) {
            fail("the server ended the connection during the handshake, or its answer is too long");
        }
        got += (size_t)more;
        response[got] = '\0';
    } while (!strstr(response, "\r\n\r\n"));
    errno = 0;
    if (raw) {
        write_request(request, sizeof request, port, deflate);
        if (strcmp(request, response) != 0) {
            fail("the request came back otherwise");
        }
        return got;
    }
    if (strncmp(response, "HTTP/1.1 101", 12) != 0 || !strstr(response, ACCEPT)) {
        fail("the server did not accept the handshake");
    }
    if (strstr(response, "\r\n\r\n") + 4 != response + got) {
        fail("the server sent more than its handshake");
    }
    if ((deflate != DEFLATE_OFF) != (strstr(response, "permessage-deflate") != NULL)) {
        fail("the server did not agree on compression");
    }
    if (deflate == DEFLATE_TAKEOVER && strstr(response, "client_no_context_takeover")) {
        fail("the server keeps no window");
    }
    return got;
}

struct stream wire_open(uint16_t port, size_t number, bool tls, enum deflate deflate, bool raw) {
    struct stream stream = stream_open(port, number, tls);
    if (!raw) {
        wire_request(&stream, port, deflate);
        wire_response(&stream, port, deflate, false);
    }
    return stream;
}
