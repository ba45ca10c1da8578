/* One connection of a measured load: what it has still to send, and what must still come back. */
#ifndef ROPEWAY_BENCH_CHANNEL_H
#define ROPEWAY_BENCH_CHANNEL_H

#include "compress.h"
#include "options.h"
#include "window.h"

struct channel {
    struct stream stream;
    bool waits_for_writable;
    size_t frame;         /* the next to send, of the ring */
    size_t sent_at;       /* bytes within the ring */
    size_t unsent;        /* bytes of the present batch */
    size_t left;          /* messages of the present batch that are still to come back */
    size_t expected_at;   /* bytes within the ring's expected ones */
    size_t frame_left;    /* bytes of the message that is coming back; all of them at its beginning */
    struct inflater *inflater;
    uint64_t began;
};

/* Opens the `number`th channel and sends the handshake's request, if there is to be one. */
struct channel channel_open(const struct options *options, const struct ring *ring, size_t number);
/* Awaits the handshake's response; from then on the channel does not block, and `epoll` watches it. */
void channel_ready(struct channel *channel, const struct options *options, int epoll);

/* Begins to send `count` messages. */
void channel_send(struct channel *channel, const struct ring *ring, int epoll, size_t count);
/* Sends what is left, as far as the socket takes it. */
void channel_go_on(struct channel *channel, const struct ring *ring, int epoll);

/* Receives once and compares; returns how many messages this completed. */
size_t channel_receive(struct channel *channel, const struct ring *ring, struct window *window);


#endif
