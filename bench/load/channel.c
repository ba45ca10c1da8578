/* A connection of a measured load; see channel.h. */
#include "channel.h"

#include "fail.h"

#include <sys/epoll.h>

enum { BUFFER = 1 << 20, PARTS = 8 };

static unsigned char buffer[BUFFER];

struct channel channel_open(const struct options *options, const struct ring *ring, size_t number) {
    struct channel channel = {.frame_left = ring->expected_frame};
    channel.stream = stream_open(options->port, number, options->tls);
    if (!options->raw) {
        wire_request(&channel.stream, options->port, options->deflate);
    }
    if (options->deflate != DEFLATE_OFF) {
        channel.inflater = inflater_new(ring, options->deflate);
    }
    return channel;
}

void channel_ready(struct channel *channel, const struct options *options, int epoll) {
    if (!options->raw) {
        wire_response(&channel->stream, options->port, options->deflate, false);
    }
    stream_set_nonblocking(&channel->stream);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = channel};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, channel->stream.fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

void channel_send(struct channel *channel, const struct ring *ring, int epoll, size_t count) {
    channel->unsent = ring_span(ring, channel->frame, count);
    channel->frame = (channel->frame + count) % ring->frames;
    channel_go_on(channel, ring, epoll);
}

void channel_go_on(struct channel *channel, const struct ring *ring, int epoll) {
    size_t ring_bytes = ring->starts[ring->frames];
    while (channel->unsent > 0) {
        struct iovec parts[PARTS];
        size_t at = channel->sent_at, planned = 0;
        int count = 0;
        /* Around the ring's end in one call. */
        while (planned < channel->unsent && count < PARTS) {
            size_t length = ring_bytes - at;
            length = length < channel->unsent - planned ? length : channel->unsent - planned;
            parts[count++] = (struct iovec){ring->sent + at, length};
            planned += length;
            at = 0;
        }
        ssize_t sent = stream_write(&channel->stream, parts, count);
        if (sent < 0) {
            if (errno != EAGAIN) {
                fail("send");
            }
            break;
        }
        channel->sent_at = (channel->sent_at + (size_t)sent) % ring_bytes;
        channel->unsent -= (size_t)sent;
    }
    if ((channel->unsent > 0) != channel->waits_for_writable) {
        channel->waits_for_writable = channel->unsent > 0;
        uint32_t events = EPOLLIN | (channel->waits_for_writable ? EPOLLOUT : 0u);
        struct epoll_event event = {.events = events, .data.ptr = channel};
        epoll_ctl(epoll, EPOLL_CTL_MOD, channel->stream.fd, &event);
    }
}

/* Compares received bytes with the ring's; returns how many messages they complete. */
static size_t compare(struct channel *channel, const struct ring *ring, const unsigned char *bytes, size_t length) {
    size_t ring_bytes = ring->frames * ring->expected_frame, whole = ring->expected_frame, given = length;
    while (length > 0) {
        size_t *at = &channel->expected_at;
        size_t part = ring_bytes - *at < length ? ring_bytes - *at : length;
        if (memcmp(bytes, ring->expected + *at, part) != 0) {
            size_t off = 0;
            while (bytes[off] == ring->expected[*at + off]) {
                off++;
            }
            fprintf(stderr, "load: byte %zu of a frame of %zu is 0x%02x, not 0x%02x\n", (*at + off) % whole, whole,
                    bytes[off], ring->expected[*at + off]);
            exit(1);
        }
        bytes += part;
        length -= part;
        *at = (*at + part) % ring_bytes;
    }
    size_t messages = (whole - channel->frame_left + given) / whole;
    channel->frame_left = whole - (whole - channel->frame_left + given) % whole;
    return messages;
}

size_t channel_receive(struct channel *channel, const struct ring *ring, struct window *window) {
    size_t messages = 0;
    do {
        ssize_t got = stream_read(&channel->stream, buffer, sizeof buffer);
        if (got <= 0) {
            if (got < 0 && errno == EAGAIN) {
                break;
            }
            fail("the server ended a connection");
        }
        window->verified += (uint64_t)got;
        if (channel->inflater) {
            messages += inflater_take(channel->inflater, buffer, (size_t)got, &window->made);
        } else {
            messages += compare(channel, ring, buffer, (size_t)got);
        }
    } while (stream_has_pending(&channel->stream));
    if (messages > channel->left) {
        errno = 0;
        fail("the server sent more than was asked of it");
    }
    channel->left -= messages;
    return messages;
}
