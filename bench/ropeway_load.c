/*
 * ropeway_load: a load generator for what bench/load does not speak, TLS and compression, on Ropeway's own client.
 *
 *   ropeway_load --port N [--connections C] [--depth D] [--size B] [--kind json] [--ca FILE]
 *                [--deflate off|no-takeover|takeover] [--warmup S] [--seconds S] [--server-pid P]
 *   ropeway_load --port N --idle C [--size B] [--ca FILE] [--deflate ...]
 *
 * It takes the same words as bench/load, does the same and prints the same, but for one thing: each message that comes back
 * is followed at once by the next one, which keeps D of them in flight. The payloads are JSON, so that there is something
 * to compress. With --ca the connections are TLS, to a server that has this certificate.
 */
#define _POSIX_C_SOURCE 200809L

#include "load/window.h"

#include <ropeway.h>

enum { PAYLOADS = 64, DEPTH = 64 };

struct options {
    const char *port, *ca, *deflate;
    size_t connections, depth, size, idle;
    double warmup, seconds;
    long server_pid;
};

/* What a connection has in flight, oldest first: when it was sent, and which payload. */
struct flight {
    uint64_t sent[DEPTH];
    unsigned payload[DEPTH];
    size_t first, count;
};

static ropeway_engine *engine;
static ropeway_connection *connections;
static struct flight *flights;
static struct window window;
static unsigned char *payloads;
static size_t size;
static unsigned next_payload;

static void expect(ropeway_status status, const char *what) {
    if (status != ROPEWAY_OK && status != ROPEWAY_QUEUED) {
        fprintf(stderr, "load: %s: %s\n", what, ropeway_last_error());
        exit(1);
    }
}

/* Records as a program might send them, none like the other. */
static void make_payloads(void) {
    unsigned state = 1;
    size_t whole = PAYLOADS * size, at = 0;
    if ((payloads = malloc(whole + 200)) == NULL) {
        fail("memory for the payloads");
    }
    while (at < whole) {
        state = state * 1664525u + 1013904223u;
        at += (size_t)sprintf((char *)payloads + at,
                              "{\"id\":%u,\"type\":\"update\",\"sensor\":\"north-%02u\",\"value\":%u.%u,\"ok\":true},",
                              state >> 8, (state >> 16) % 100, (state >> 20) % 1000, (state >> 10) % 100);
    }
}

static void send_next(size_t index) {
    struct flight *flight = &flights[index];
    size_t at = (flight->first + flight->count++) % DEPTH;
    flight->payload[at] = next_payload++ % PAYLOADS;
    flight->sent[at] = now(CLOCK_MONOTONIC);
    expect(ropeway_engine_send_text(engine, connections[index], (const char *)payloads + flight->payload[at] * size, size), "send");
}

/* A message has come back; it must be the oldest in flight. */
static void received(struct flight *flight, const ropeway_event *event) {
    size_t at = flight->first;
    if (flight->count == 0 || event->length != size || memcmp(event->data, payloads + flight->payload[at] * size, size) != 0) {
        errno = 0;
        fail("a message came back otherwise");
    }
    flight->first = (at + 1) % DEPTH;
    flight->count--;
    window_add(&window, now(CLOCK_MONOTONIC) - flight->sent[at], 1);
}

/* Takes the events of one turn; returns how many connections opened and messages came back. With `again`, a message is
 * followed by the next. */
static size_t turn(bool again) {
    const ropeway_event *event;
    size_t happened = 0;
    expect(ropeway_engine_poll(engine, 5000), "poll");
    while ((event = ropeway_engine_next_event(engine)) != NULL) {
        if (event->type == ROPEWAY_EVENT_CLOSED) {
            fprintf(stderr, "load: a connection ended: %s\n", event->error ? event->error : "closed");
            exit(1);
        }
        if (event->type == ROPEWAY_EVENT_MESSAGE) {
            struct flight *flight = event->user_data;
            received(flight, event);
            if (again) {
                send_next((size_t)(flight - flights));
            }
        }
        happened += event->type == ROPEWAY_EVENT_MESSAGE || event->type == ROPEWAY_EVENT_OPENED;
    }
    return happened;
}

static void open_all(const struct options *options, size_t count) {
    ropeway_options *settings = ropeway_options_new();
    char url[64];
    bool compresses = strcmp(options->deflate, "off") != 0;
    bool alone = strcmp(options->deflate, "no-takeover") == 0;
    connections = calloc(count, sizeof *connections);
    flights = calloc(count, sizeof *flights);
    if (!settings || !connections || !flights) {
        fail("memory for the connections");
    }
    snprintf(url, sizeof url, "%s://127.0.0.1:%s/", options->ca ? "wss" : "ws", options->port);
    expect(ropeway_options_set_int(settings, ROPEWAY_OPTION_COMPRESSION, compresses), "--deflate");
    expect(ropeway_options_set_int(settings, ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER, alone), "--deflate");
    expect(ropeway_options_set_int(settings, ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER, alone), "--deflate");
    if (options->ca) {
        expect(ropeway_options_set_string(settings, ROPEWAY_OPTION_TLS_CA, options->ca), "--ca");
    }
    expect(ropeway_engine_new(settings, &engine), "engine");
    for (size_t begun = 0; begun < count; begun++) {
        expect(ropeway_engine_connect(engine, url, settings, &connections[begun]), url);
        expect(ropeway_engine_set_user_data(engine, connections[begun], &flights[begun]), "user data");
        /* One after another, so that no listener's backlog overflows. */
        while (turn(false) == 0) {
            continue;
        }
    }
    ropeway_options_free(settings);
}

static int measure(const struct options *options) {
    open_all(options, options->connections);
    for (size_t index = 0; index < options->connections; index++) {
        for (size_t count = 0; count < options->depth; count++) {
            send_next(index);
        }
    }
    window_set(&window, options->warmup, options->seconds, options->server_pid);
    uint64_t last = now(CLOCK_MONOTONIC);
    while (!window_over(&window)) {
        /* A turn may also pass on half a message. */
        if (turn(true) > 0) {
            last = now(CLOCK_MONOTONIC);
        } else if (now(CLOCK_MONOTONIC) - last > 5000000000u) {
            errno = 0;
            fail("nothing has come back for five seconds");
        }
    }
    window_print(&window);
    return 0;
}

static int hold_idle(const struct options *options) {
    open_all(options, options->idle);
    printf("open %zu\n", options->idle);
    fflush(stdout);
    for (char line[64]; fgets(line, sizeof line, stdin);) {
        for (size_t index = 0; index < options->idle; index++) {
            send_next(index);
            while (flights[index].count > 0) {
                turn(false);
            }
        }
        printf("echoed %zu\n", options->idle);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv) {
    struct options options = {.deflate = "off", .connections = 1, .depth = 1, .size = 1024, .warmup = 0.3, .seconds = 1};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--port") == 0) {
            options.port = value;
        } else if (strcmp(name, "--ca") == 0) {
            options.ca = value;
        } else if (strcmp(name, "--deflate") == 0) {
            options.deflate = value;
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
        } else if (strcmp(name, "--kind") != 0 || strcmp(value, "json") != 0) {
            options.port = NULL;
            break;
        }
    }
    if (!options.port || options.depth == 0 || options.depth > DEPTH || options.connections == 0) {
        fprintf(stderr, "usage: %s --port N [--connections C] [--depth D] [--size B] [--kind json] [--ca FILE]\n"
                        "            [--deflate off|no-takeover|takeover] [--warmup S] [--seconds S] [--server-pid P] [--idle C]\n",
                argv[0]);
        return 2;
    }
    size = options.size;
    make_payloads();
    return options.idle > 0 ? hold_idle(&options) : measure(&options);
}
