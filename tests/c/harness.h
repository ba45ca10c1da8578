/* What the C tests share: checks that name the line, an engine that is driven until something happens, and a raw socket
 * that speaks bytes. Each program exits with 1 when a check failed.
 */
#ifndef HARNESS_H
#define HARNESS_H

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <ropeway.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int failed_checks;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", __FILE__, __LINE__, #condition,                    \
                    ropeway_last_error());                                                                             \
            failed_checks++;                                                                                           \
        }                                                                                                              \
    } while (0)

#define CHECK_STATUS(call, expected)                                                                                   \
    do {                                                                                                               \
        ropeway_status status_ = (call);                                                                               \
        if (status_ != (expected)) {                                                                                   \
            fprintf(stderr, "%s:%d: %s gave %d (%s: %s), not %d\n", __FILE__, __LINE__, #call, (int)status_,           \
                    ropeway_status_string(status_), ropeway_last_error(), (int)(expected));                            \
            failed_checks++;                                                                                           \
        }                                                                                                              \
    } while (0)

/* What a test cannot go on without. */
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: cannot go on without: %s (last error: %s)\n", __FILE__, __LINE__, #condition,      \
                    ropeway_last_error());                                                                             \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static inline int finish(const char *name) {
    if (failed_checks > 0)
        fprintf(stderr, "%s: %d checks failed\n", name, failed_checks);
    return failed_checks > 0;
}

static inline uint64_t micros(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000 + 1;
}

/* An option with this default, which takes a good number, and neither a bad one nor a string. */
static inline void check_number_option(ropeway_options *options, int key, int64_t normal, int64_t good, int64_t bad) {
    int64_t value = -99;
    CHECK_STATUS(ropeway_options_get_int(options, key, &value), ROPEWAY_OK);
    CHECK(value == normal);
    CHECK_STATUS(ropeway_options_set_int(options, key, bad), ROPEWAY_ERROR_OPTION_VALUE);
    CHECK_STATUS(ropeway_options_set_int(options, key, good), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_get_int(options, key, &value), ROPEWAY_OK);
    CHECK(value == good);
    CHECK_STATUS(ropeway_options_set_string(options, key, "1"), ROPEWAY_ERROR_OPTION_TYPE);
}

static inline ropeway_engine *make_engine(void) {
    ropeway_engine *engine = NULL;
    REQUIRE(ropeway_engine_new(NULL, &engine) == ROPEWAY_OK);
    return engine;
}

/* Listens on a free port of 127.0.0.1 and says which. */
static inline uint16_t listen_on(ropeway_engine *engine, const ropeway_options *options, ropeway_listener *listener) {
    uint16_t port = 0;
    REQUIRE(ropeway_engine_listen(engine, "ws://127.0.0.1:0/", options, listener) == ROPEWAY_OK);
    REQUIRE(ropeway_engine_listener_port(engine, *listener, &port) == ROPEWAY_OK && port != 0);
    return port;
}

static inline ropeway_connection dial(ropeway_engine *engine, uint16_t port, const ropeway_options *options) {
    char url[64];
    ropeway_connection connection = 0;
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)port);
    REQUIRE(ropeway_engine_connect(engine, url, options, &connection) == ROPEWAY_OK && connection != 0);
    return connection;
}

/* The next event of whatever type; gives up, and the program with it, after ten seconds. */
static inline const ropeway_event *next_event(ropeway_engine *engine) {
    uint64_t deadline = micros() + 10000000;
    for (;;) {
        const ropeway_event *event = ropeway_engine_next_event(engine);
        if (event != NULL)
            return event;
        REQUIRE(micros() < deadline);
        REQUIRE(ropeway_engine_poll(engine, 1000) == ROPEWAY_OK);
    }
}

/* The next event of this type on this connection (0: on any); others are dropped. */
static inline const ropeway_event *await_event(ropeway_engine *engine, ropeway_connection connection, int type) {
    for (;;) {
        const ropeway_event *event = next_event(engine);
        if (event->type == type && (connection == 0 || event->connection == connection))
            return event;
    }
}

/* A client and a server connection on one engine, both open. */
struct pair {
    ropeway_engine *engine;
    ropeway_listener listener;
    ropeway_connection client, server;
};

/* Opens them on the pair's engine. */
static inline void open_pair(struct pair *pair, const ropeway_options *options) {
    int opened = 0;
    pair->client = dial(pair->engine, listen_on(pair->engine, options, &pair->listener), options);
    pair->server = 0;
    while (opened < 2) {
        const ropeway_event *event = next_event(pair->engine);
        REQUIRE(event->type == ROPEWAY_EVENT_OPENED);
        if (event->connection != pair->client)
            pair->server = event->connection;
        opened++;
    }
    REQUIRE(pair->server != 0);
}

static inline struct pair make_pair(const ropeway_options *options) {
    struct pair pair;
    pair.engine = make_engine();
    open_pair(&pair, options);
    return pair;
}

static inline int holds(const ropeway_event *event, const char *text) {
    return event->length == strlen(text) && memcmp(event->data, text, event->length) == 0;
}

/* A plain TCP connection whose reads give up after ten seconds. */
static inline int raw_dial(uint16_t port) {
    struct sockaddr_in address;
    struct timeval limit = {10, 0};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(descriptor >= 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    REQUIRE(connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0);
    return descriptor;
}

/* Listens on a free port of 127.0.0.1 and says which. */
static inline int raw_listen(uint16_t *port) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(descriptor >= 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0);
    REQUIRE(listen(descriptor, 16) == 0);
    REQUIRE(getsockname(descriptor, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    return descriptor;
}

static inline void raw_send(int descriptor, const void *data, size_t length) {
    REQUIRE(send(descriptor, data, length, MSG_NOSIGNAL) == (ssize_t)length);
}

static const char raw_request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#endif
