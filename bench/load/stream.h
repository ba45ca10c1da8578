/*
 * A connection's bytes: TCP from one of the loopback addresses, and over it TLS 1.3 where that is asked for. TLS is always
 * TLS_AES_128_GCM_SHA256, the same for all servers, and the certificate is not looked at.
 */
#ifndef ROPEWAY_BENCH_STREAM_H
#define ROPEWAY_BENCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct stream {
    int fd;
    struct ssl_st *tls; /* NULL for none */
};

/*
 * Connects to 127.0.0.1:`port` with TCP_NODELAY, blocking. The `number`th connection of the process comes from an address by
 * its number, so that ports do not run out. Ends the program with a message when that fails.
 */
struct stream stream_open(uint16_t port, size_t number, bool tls);
void stream_set_nonblocking(struct stream *stream);

/* As writev and recv are: -1 with EAGAIN when there is nothing to be done now, 0 at the end. */
ssize_t stream_write(struct stream *stream, const struct iovec *parts, int count);
ssize_t stream_read(struct stream *stream, unsigned char *bytes, size_t length);

/* Whether bytes wait here that no poll of the descriptor tells of. */
bool stream_has_pending(const struct stream *stream);
void stream_close(struct stream *stream);

#endif
