/* Connections and frames of the load generator; see wire.h. */
#include "wire.h"

#include "fail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void fill_payload(unsigned char *payload, size_t size, enum kind kind) {
    static const char *const CHARACTERS[] = {"a", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x9a\xa1"};
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

/* Writes a header with FIN set and the shortest length form; returns its length. */
static size_t write_header(unsigned char *at, size_t size, enum kind kind, bool masked) {
    unsigned char mask = masked ? 0x80 : 0;
    at[0] = (unsigned char)(0x80 | (kind == KIND_BINARY ? 2 : 1));
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

struct ring ring_make(size_t size, enum kind kind, bool raw) {
    unsigned char header[10];
    struct ring ring;
    size_t head = write_header(header, size, kind, true);
    ring.sent_frame = head + 4 + size;
    ring.expected_frame = raw ? ring.sent_frame : head + size;
    ring.frames = RING_BYTES / ring.sent_frame;
    ring.frames = ring.frames < 2 ? 2 : ring.frames > RING_FRAMES ? RING_FRAMES : ring.frames;
    ring.sent = malloc(ring.frames * ring.sent_frame);
    ring.expected = malloc(ring.frames * ring.expected_frame);
    unsigned char *payload = malloc(size + 1);
    if (!ring.sent || !ring.expected || !payload) {
        fail("memory for the frames");
    }
    for (size_t frame = 0; frame < ring.frames; frame++) {
        unsigned char *sent = ring.sent + frame * ring.sent_frame;
        unsigned char *expected = ring.expected + frame * ring.expected_frame;
        unsigned char key[4];
        fill_payload(payload, size, kind);
        if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key) {
            fail("getrandom");
        }
        write_header(sent, size, kind, true);
        memcpy(sent + head, key, sizeof key);
        for (size_t i = 0; i < size; i++) {
            sent[head + 4 + i] = payload[i] ^ key[i % 4];
        }
        if (raw) {
            memcpy(expected, sent, ring.sent_frame);
        } else {
            write_header(expected, size, kind, false);
            memcpy(expected + head, payload, size);
        }
    }
    free(payload);
    return ring;
}

static void handshake(int fd, uint16_t port) {
    char request[256];
    int length = snprintf(request, sizeof request,
                          "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                          port, KEY);
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length) {
        fail("sending the handshake");
    }
    char response[4096];
    size_t got = 0;
    do {
        ssize_t more = recv(fd, response + got, sizeof response - 1 - got, 0);
        if (more <= 0) {
            fail("the server ended the connection during the handshake, or its answer is too long");
        }
        got += (size_t)more;
        response[got] = '\0';
    } while (!strstr(response, "\r\n\r\n"));
    errno = 0;
    if (strncmp(response, "HTTP/1.1 101", 12) != 0 || !strstr(response, ACCEPT)) {
        fail("the server did not accept the handshake");
    }
    if (strstr(response, "\r\n\r\n") + 4 != response + got) {
        fail("the server sent more than its handshake");
    }
}

int wire_open(uint16_t port, unsigned source, bool raw) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fail("socket");
    }
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0) {
        fail("bind");
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fail("connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (!raw) {
        handshake(fd, port);
    }
    return fd;
}
