/*
 * load: a load generator for WebSocket echo servers (RFC 6455), with no part of Ropeway in it.
 *
 *   load --port N [--connections C] [--depth D] [--size B] [--kind binary|text|mixed] [--raw]
 *        [--warmup S] [--seconds S] [--server-pid P]
 *   load --port N --idle C [--size B] [--raw]
 *
 * First form. Each of C connections sends D messages in one write, waits until all D are back, and sends the next D. Every
 * byte that comes back, headers included, is compared with what must come back; a difference ends the program with status 1.
 * After the warm-up the measured window begins; then one line of JSON follows: messages completed in the window, its length,
 * the time from a write to each of its messages' return (50th, 99th and 99.9th percentile, ns), the CPU time of this
 * process in the window and, given the server's process id, that of the server (all its threads), read at the same moments.
 *
 * --raw is for a bare TCP echo (bench/floor): no handshake, and the very bytes sent are expected back.
 *
 * Second form. Opens C connections and prints "open C"; for each line on standard input then sends one message of B bytes
 * over every connection, one after another, and prints "echoed C" when all have come back; ends at end of input.
 *
 * Connections come from several loopback addresses, 16,000 from each, so that ports do not run out.
 */
#include "fail.h"
#include "window.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, PER_SOURCE = 16000, BUFFER = 1 << 20 };

struct options {
    uint16_t port;
    size_t connections;
    size_t depth;
    size_t size;
    size_t idle;
    enum kind kind;
    bool raw;
    double warmup;
    double seconds;
    long server_pid;
};

/* One connection of the first form. Positions count bytes within the ring; `left` and `unsent` within the present batch. */
struct connection {
    int fd;
    bool waits_for_writable;
    size_t sent_at;
    size_t expected_at;
    size_t unsent;
    size_t left;
    uint64_t began;
};

static struct ring ring;
static struct window window;
static unsigned char buffer[BUFFER];

/* Sends what is left of the batch, around the ring's end in one call. */
static void send_batch(int epoll, struct connection *c) {
    size_t ring_bytes = ring.frames * ring.sent_frame;
    while (c->unsent > 0) {
        struct iovec parts[8];
        size_t at = c->sent_at;
        size_t planned = 0;
        int count = 0;
        while (planned < c->unsent && count < 8) {
            size_t length = ring_bytes - at;
            length = length < c->unsent - planned ? length : c->unsent - planned;
            parts[count++] = (struct iovec){ring.sent + at, length};
            planned += length;
            at = 0;
        }
        ssize_t sent = writev(c->fd, parts, count);
        if (sent < 0) {
            if (errno != EAGAIN) {
                fail("send");
            }
            break;
        }
        c->sent_at = (c->sent_at + (size_t)sent) % ring_bytes;
        c->unsent -= (size_t)sent;
    }
    if ((c->unsent > 0) != c->waits_for_writable) {
        c->waits_for_writable = c->unsent > 0;
        struct epoll_event event = {.events = EPOLLIN | (c->waits_for_writable ? EPOLLOUT : 0u), .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    }
}

static void begin_batch(int epoll, struct connection *c, size_t depth, uint64_t time) {
    c->began = time;
    c->unsent = depth * ring.sent_frame;
    c->left = depth * ring.expected_frame;
    send_batch(epoll, c);
}

/* Compares received bytes with what must come back from the ring position `*at`, which moves on. */
static void check(const unsigned char *bytes, size_t length, size_t *at) {
    size_t ring_bytes = ring.frames * ring.expected_frame;
    while (length > 0) {
        size_t part = ring_bytes - *at < length ? ring_bytes - *at : length;
        if (memcmp(bytes, ring.expected + *at, part) != 0) {
            size_t off = 0;
            while (bytes[off] == ring.expected[*at + off]) {
                off++;
            }
            fprintf(stderr, "load: byte %zu of a frame of %zu is 0x%02x, not 0x%02x\n",
                    (*at + off) % ring.expected_frame, ring.expected_frame, bytes[off], ring.expected[*at + off]);
            exit(1);
        }
        bytes += part;
        length -= part;
        *at = (*at + part) % ring_bytes;
    }
}

/* Receives once, and counts the messages that this completed. */
static void on_readable(int epoll, struct connection *c, size_t depth) {
    ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        fail("the server ended a connection");
    }
    if ((size_t)got > c->left) {
        errno = 0;
        fail("the server sent more than was asked of it");
    }
    check(buffer, (size_t)got, &c->expected_at);
    size_t before = (c->left + ring.expected_frame - 1) / ring.expected_frame;
    c->left -= (size_t)got;
    uint64_t completed = before - (c->left + ring.expected_frame - 1) / ring.expected_frame;
    if (completed > 0) {
        uint64_t time = now(CLOCK_MONOTONIC);
        window_add(&window, time - c->began, completed);
        if (c->left == 0) {
            begin_batch(epoll, c, depth, time);
        }
    }
}

static int measure(const struct options *options) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc(options->connections, sizeof *connections);
    if (epoll < 0 || !connections) {
        fail("epoll");
    }
    for (size_t i = 0; i < options->connections; i++) {
        struct connection *c = &connections[i];
        c->fd = wire_open(options->port, (unsigned)(i / PER_SOURCE), options->raw);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
            fail("epoll_ctl");
        }
    }
    for (size_t i = 0; i < options->connections; i++) {
        begin_batch(epoll, &connections[i], options->depth, now(CLOCK_MONOTONIC));
    }

    window_set(&window, options->warmup, options->seconds, options->server_pid);
    struct epoll_event events[EVENTS];
    while (!window_over(&window)) {
        int ready = epoll_wait(epoll, events, EVENTS, 5000);
        if (ready == 0) {
            errno = 0;
            fail("nothing has come back for five seconds");
        }
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                send_batch(epoll, c);
            }
            if (events[i].events & ~(uint32_t)EPOLLOUT) {
                on_readable(epoll, c, options->depth);
            }
        }
    }
    window_print(&window);
    return 0;
}

/* Sends one message over a blocking connection and takes it back. */
static void echo_once(int fd) {
    size_t expected_at = 0;
    if (send(fd, ring.sent, ring.sent_frame, MSG_NOSIGNAL) != (ssize_t)ring.sent_frame) {
        fail("send");
    }
    while (expected_at < ring.expected_frame) {
        size_t wanted = ring.expected_frame - expected_at;
        ssize_t got = recv(fd, buffer, wanted < sizeof buffer ? wanted : sizeof buffer, 0);
        if (got <= 0) {
            fail("the server ended a connection");
        }
        check(buffer, (size_t)got, &expected_at);
    }
}

static int hold_idle(const struct options *options) {
    int *descriptors = calloc(options->idle, sizeof *descriptors);
    if (!descriptors) {
        fail("memory for the connections");
    }
    for (size_t i = 0; i < options->idle; i++) {
        descriptors[i] = wire_open(options->port, (unsigned)(i / PER_SOURCE), options->raw);
    }
    printf("open %zu\n", options->idle);
    fflush(stdout);
    for (char line[64]; fgets(line, sizeof line, stdin);) {
        for (size_t i = 0; i < options->idle; i++) {
            echo_once(descriptors[i]);
        }
        printf("echoed %zu\n", options->idle);
        fflush(stdout);
    }
    return 0;
}

static _Noreturn void usage(void) {
    fputs("usage: load --port N [--connections C] [--depth D] [--size B] [--kind binary|text|mixed] [--raw]\n"
          "            [--warmup S] [--seconds S] [--server-pid P] [--idle C]\n",
          stderr);
    exit(2);
}

static enum kind kind_named(const char *name) {
    static const char *const NAMES[] = {"binary", "text", "mixed"};
    for (int kind = KIND_BINARY; kind <= KIND_MIXED; kind++) {
        if (strcmp(name, NAMES[kind]) == 0) {
            return (enum kind)kind;
        }
    }
    usage();
}

static struct options read_options(int argc, char **argv) {
    struct options options = {.connections = 1, .depth = 1, .size = 20, .warmup = 0.3, .seconds = 1};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--raw") == 0) {
            options.raw = true;
            continue;
        }
        if (++i == argc) {
            usage();
        }
        const char *value = argv[i];
        if (strcmp(name, "--kind") == 0) {
            options.kind = kind_named(value);
        } else if (strcmp(name, "--port") == 0) {
            options.port = (uint16_t)strtoul(value, NULL, 10);
        } else if (strcmp(name, "--connections") == 0) {
            options.connections = strtoul(value, NULL, 10);
        } else if (strcmp(name, "--depth") == 0) {
            options.depth = strtoul(value, NULL, 10);
        } else if (strcmp(name, "--size") == 0) {
            options.size = strtoul(value, NULL, 10);
        } else if (strcmp(name, "--idle") == 0) {
            options.idle = strtoul(value, NULL, 10);
        } else if (strcmp(name, "--warmup") == 0) {
            options.warmup = strtod(value, NULL);
        } else if (strcmp(name, "--seconds") == 0) {
            options.seconds = strtod(value, NULL);
        } else if (strcmp(name, "--server-pid") == 0) {
            options.server_pid = strtol(value, NULL, 10);
        } else {
            usage();
        }
    }
    if (options.port == 0 || options.depth == 0 || options.connections == 0) {
        usage();
    }
    return options;
}

int main(int argc, char **argv) {
    struct options options = read_options(argc, argv);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    ring = ring_make(options.size, options.kind, options.raw);
    return options.idle > 0 ? hold_idle(&options) : measure(&options);
}
