/* The loads; see load.c. */
#include "channel.h"
#include "fail.h"

#include <sys/epoll.h>

enum { EVENTS = 256, PATIENCE_MS = 5000, OPENING = 64 };

static struct ring ring;
static struct window window;

/* An epoll set with so many channels open, numbered from 0; many at a time, so that nobody waits for one. */
static struct channel *open_all(const struct options *options, size_t count, int *epoll) {
    struct channel *channels = calloc(count, sizeof *channels);
    *epoll = epoll_create1(EPOLL_CLOEXEC);
    if (*epoll < 0 || !channels) {
        fail("epoll");
    }
    for (size_t ready = 0, opened = 0; ready < count;) {
        for (; opened < count && opened < ready + OPENING; opened++) {
            channels[opened] = channel_open(options, &ring, opened);
        }
        for (; ready < opened; ready++) {
            channel_ready(&channels[ready], options, *epoll);
        }
    }
    return channels;
}

/* Waits for events; returns how many there are. Sends what waited to be sent, and leaves what can be received. */
static int turn(int epoll, struct epoll_event *events) {
    int ready = epoll_wait(epoll, events, EVENTS, PATIENCE_MS);
    if (ready == 0) {
        errno = 0;
        fail("nothing has come back for five seconds");
    }
    for (int i = 0; i < ready; i++) {
        if (events[i].events & EPOLLOUT) {
            channel_go_on(events[i].data.ptr, &ring, epoll);
        }
    }
    return ready;
}

static void begin_batch(struct channel *channel, int epoll, size_t depth, uint64_t time) {
    channel->began = time;
    channel->left = depth;
    channel_send(channel, &ring, epoll, depth);
}

void load_echo(const struct options *options) {
    int epoll;
    ring = ring_make(options->size, options->kind, options->raw ? SENDER_RAW_CLIENT : SENDER_CLIENT, options->deflate);
    struct channel *channels = open_all(options, options->connections, &epoll);
    for (size_t i = 0; i < options->connections; i++) {
        begin_batch(&channels[i], epoll, options->depth, now(CLOCK_MONOTONIC));
    }
    window_set(&window, options->warmup, options->seconds, options->server_pid);
    struct epoll_event events[EVENTS];
    while (!window_over(&window)) {
        int ready = turn(epoll, events);
        for (int i = 0; i < ready; i++) {
            struct channel *channel = events[i].data.ptr;
            if (!(events[i].events & ~(uint32_t)EPOLLOUT)) {
                continue;
            }
            size_t messages = channel_receive(channel, &ring, &window);
            if (messages > 0) {
                uint64_t time = now(CLOCK_MONOTONIC);
                window_add(&window, time - channel->began, messages);
                if (channel->left == 0) {
                    begin_batch(channel, epoll, options->depth, time);
                }
            }
        }
    }
    window_print(&window);
}

void load_fan_out(const struct options *options) {
    int epoll;
    size_t count = options->connections;
    ring = ring_make(options->size, options->kind, options->raw ? SENDER_RAW_SERVER : SENDER_CLIENT, DEFLATE_OFF);
    struct channel *channels = open_all(options, count + 1, &epoll);
    struct channel *publisher = &channels[count];
    window_set(&window, options->warmup, options->seconds, options->server_pid);
    struct epoll_event events[EVENTS];
    size_t left = 0;
    while (!window_over(&window)) {
        if (left == 0) {
            left = count * options->depth;
            for (size_t i = 0; i < count; i++) {
                channels[i].left = options->depth;
            }
            publisher->began = now(CLOCK_MONOTONIC);
            channel_send(publisher, &ring, epoll, options->depth);
        }
        int ready = turn(epoll, events);
        for (int i = 0; i < ready; i++) {
            struct channel *channel = events[i].data.ptr;
            size_t messages = events[i].events & ~(uint32_t)EPOLLOUT ? channel_receive(channel, &ring, &window) : 0;
            if (messages > 0) {
                window_add(&window, now(CLOCK_MONOTONIC) - publisher->began, messages);
                left -= messages;
            }
        }
    }
    window_print(&window);
}

void load_accept(const struct options *options) {
    /* TLS shakes hands with one after another; plain requests are all sent before the first answer is awaited. */
    size_t batch = options->connections < OPENING ? options->connections : OPENING, number = 0;
    struct stream streams[OPENING];
    window_set(&window, options->warmup, options->seconds, options->server_pid);
    while (!window_over(&window)) {
        uint64_t began = now(CLOCK_MONOTONIC);
        for (size_t i = 0; i < batch; i++) {
            streams[i] = stream_open(options->port, number++, options->tls);
            wire_request(&streams[i], options->port, options->deflate);
        }
        for (size_t i = 0; i < batch; i++) {
            window.verified += wire_response(&streams[i], options->port, options->deflate, options->raw);
            window_add(&window, now(CLOCK_MONOTONIC) - began, 1);
        }
        for (size_t i = 0; i < batch; i++) {
            stream_close(&streams[i]);
        }
    }
    window_print(&window);
}

void load_idle(const struct options *options) {
    int epoll;
    ring = ring_make(options->size, options->kind, options->raw ? SENDER_RAW_CLIENT : SENDER_CLIENT, options->deflate);
    struct channel *channels = open_all(options, options->connections, &epoll);
    printf("open %zu\n", options->connections);
    fflush(stdout);
    for (char line[64]; fgets(line, sizeof line, stdin);) {
        struct epoll_event events[EVENTS];
        for (size_t i = 0; i < options->connections; i++) {
            begin_batch(&channels[i], epoll, 1, 0);
            while (channels[i].left > 0) {
                turn(epoll, events);
                channel_receive(&channels[i], &ring, &window);
            }
        }
        printf("echoed %zu\n", options->connections);
        fflush(stdout);
    }
}
