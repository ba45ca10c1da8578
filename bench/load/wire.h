/*
 * What the load generator puts on the wire: RFC 6455's opening handshake (section 4.1), and rings of frames (section 5.2)
 * made once, so that sending and checking cost it no more than a copy and a comparison.
 */
#ifndef ROPEWAY_BENCH_WIRE_H
#define ROPEWAY_BENCH_WIRE_H

#include "stream.h"

/* What the payloads are made of; text is ASCII, mixed is UTF-8 of one to four bytes a character, JSON is text. */
enum kind { KIND_BINARY, KIND_TEXT, KIND_MIXED, KIND_JSON };

/* permessage-deflate (RFC 7692): not offered, nothing kept between messages, or a window each way. */
enum deflate { DEFLATE_OFF, DEFLATE_ALONE, DEFLATE_TAKEOVER };

/* Whose frames a ring sends: a client's, masked, to be answered by a server's; or either's, to come back as they are. */
enum sender { SENDER_CLIENT, SENDER_RAW_CLIENT, SENDER_RAW_SERVER };

/*
 * `frames` messages of one size, each with a payload of its own. `sent` holds them end to end, masked ones each under a
 * random masking key; `expected` holds what must come back for them, end to end. With compression frames differ in length,
 * and what comes back is not known beforehand: `expected` then holds the payloads alone.
 * Message n of a connection is frame n modulo `frames`; it begins in `sent` at `starts`[n], and the last entry is the end.
 */
struct ring {
    size_t frames, size;
    size_t expected_frame;
    size_t *starts;
    unsigned char *sent;
    unsigned char *expected;
};

/* Makes a ring for messages of `size` payload bytes; ends the program when memory runs out. */
struct ring ring_make(size_t size, enum kind kind, enum sender sender, enum deflate deflate);

/* Bytes of `count` frames from frame `first` on. */
size_t ring_span(const struct ring *ring, size_t first, size_t count);

/* Sends the opening handshake's request. */
void wire_request(struct stream *stream, uint16_t port, enum deflate deflate);
/* Receives the answer and checks it: Sec-WebSocket-Accept, and the extension; with `raw`, that it is the request itself.
 * Returns its length. */
size_t wire_response(struct stream *stream, uint16_t port, enum deflate deflate, bool raw);

/* Opens the `number`th connection and completes the handshake, or with `raw` none. Ends the program when that fails. */
struct stream wire_open(uint16_t port, size_t number, bool tls, enum deflate deflate, bool raw);

#endif
