/* TCP and TLS of the load generator; see stream.h. */
#include "stream.h"

#include "fail.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PER_SOURCE = 16000, SOURCES = 1 << 16 };

static SSL_CTX *tls_settings(void) {
    static SSL_CTX *settings;
    if (!settings) {
        settings = SSL_CTX_new(TLS_client_method());
        if (!settings || !SSL_CTX_set_min_proto_version(settings, TLS1_3_VERSION) ||
            !SSL_CTX_set_ciphersuites(settings, "TLS_AES_128_GCM_SHA256")) {
            fail("TLS settings");
        }
        SSL_CTX_set_mode(settings, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS);
    }
    return settings;
}

struct stream stream_open(uint16_t port, size_t number, bool tls) {
    struct stream stream = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (stream.fd < 0) {
        fail("socket");
    }
    /* The process's number too, since ports of an earlier one may still be waiting (TIME-WAIT). */
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(((size_t)getpid() * 16 + number / PER_SOURCE) % SOURCES));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(stream.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    if (bind(stream.fd, (struct sockaddr *)&from, sizeof from) != 0) {
        fail("bind");
    }
    if (connect(stream.fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fail("connect");
    }
    setsockopt(stream.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (tls) {
        stream.tls = SSL_new(tls_settings());
        if (!stream.tls || !SSL_set_fd(stream.tls, stream.fd) || SSL_connect(stream.tls) != 1) {
            ERR_print_errors_fp(stderr);
            fail("TLS handshake");
        }
    }
    return stream;
}

void stream_set_nonblocking(struct stream *stream) {
    fcntl(stream->fd, F_SETFL, O_NONBLOCK);
}

/* What an operation of TLS that gave `result` is to the caller of a socket. */
static ssize_t tls_result(const struct stream *stream, int result) {
    switch (SSL_get_error(stream->tls, result)) {
    case SSL_ERROR_NONE:
        return result;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        ERR_print_errors_fp(stderr);
        errno = EPROTO;
        return -1;
    }
}

ssize_t stream_write(struct stream *stream, const struct iovec *parts, int count) {
    if (stream->tls) {
        return tls_result(stream, SSL_write(stream->tls, parts[0].iov_base, (int)parts[0].iov_len));
    }
    return writev(stream->fd, parts, count);
}

ssize_t stream_read(struct stream *stream, unsigned char *bytes, size_t length) {
    if (stream->tls) {
        return tls_result(stream, SSL_read(stream->tls, bytes, (int)length));
    }
    return recv(stream->fd, bytes, length, 0);
}

bool stream_has_pending(const struct stream *stream) {
    return stream->tls && SSL_has_pending(stream->tls);
}

void stream_close(struct stream *stream) {
    SSL_free(stream->tls);
    close(stream->fd);
}
