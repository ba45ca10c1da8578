/*
 * What the load generator puts on the wire: connections with RFC 6455's opening handshake (section 4.1), and rings of
 * frames (section 5.2) made once, so that sending and checking cost it no more than a copy and a comparison.
 */
#ifndef ROPEWAY_BENCH_WIRE_H
#define ROPEWAY_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the payloads are made of; text is ASCII, mixed is UTF-8 of one to four bytes a character. */
enum kind { KIND_BINARY, KIND_TEXT, KIND_MIXED };

/*
 * `frames` messages of one size, each with a payload of its own. `sent` holds them as masked client frames, each under a
 * random masking key, end to end; `expected` holds what must come back for them, end to end: the same messages as
 * unmasked server frames, or in raw mode the same bytes. Message n of a connection is frame n modulo `frames`.
 */
struct ring {
    size_t frames;
    size_t sent_frame;
    size_t expected_frame;
    unsigned char *sent;
    unsigned char *expected;
};

/* Makes a ring for messages of `size` payload bytes; ends the program when memory runs out. */
struct ring ring_make(size_t size, enum kind kind, bool raw);

/*
 * Opens a TCP connection to 127.0.0.1:`port` from the loopback address numbered `source` (so that ports do not run out),
 * and, unless `raw`, completes the opening handshake and checks Sec-WebSocket-Accept. Returns a blocking descriptor with
 * TCP_NODELAY, or ends the program with a message.
 */
int wire_open(uint16_t port, unsigned source, bool raw);

#endif
