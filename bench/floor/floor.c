/*
 * floor: a bare TCP echo server, single-threaded over level-triggered epoll: what the kernel alone lets a server do.
 *
 * It speaks no WebSocket at all: one recv into one buffer, one send of the same bytes, nothing else. The load generator's
 * --raw mode sends it the very bytes of masked client frames (RFC 6455 section 5.2) without a handshake and expects them
 * back unchanged, so per message it sends four bytes (the masking key) more than a WebSocket echo server would.
 *
 * With --fan-out what one connection sends goes to all others instead, a bare loop of send(); with --tls it is the echo over
 * OpenSSL's TLS.
 *
 * usage: floor [--port N] [--buffer BYTES] [--fan-out] [--tls CERTIFICATE KEY]     defaults: port 0 (any), 65536 bytes
 * Prints "listening on tcp://127.0.0.1:N/" and serves until a signal ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, DESCRIPTORS = 1 << 20 };

/* What the kernel did not take of a connection's echo; while there is any, the connection is not read. */
struct rest {
    unsigned char *bytes;
    size_t length;
    size_t sent;
};

static struct rest *rests[DESCRIPTORS];
static SSL *sessions[DESCRIPTORS]; /* with --tls */
static SSL_CTX *tls;
static bool fans_out;
static int highest; /* descriptor of a connection */
static bool connected[DESCRIPTORS];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int epoll, int operation, int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll, operation, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

static void drop(int fd) {
    if (rests[fd]) {
        free(rests[fd]->bytes);
        free(rests[fd]);
        rests[fd] = NULL;
    }
    SSL_free(sessions[fd]);
    sessions[fd] = NULL;
    connected[fd] = false;
    close(fd);
}

/* As recv and send are, whatever lies between; SSL_read makes the handshake too. */
static ssize_t plain(int fd, int result) {
    int error = SSL_get_error(sessions[fd], result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
        return -1;
    }
    return result > 0 ? result : 0;
}

static ssize_t receive(int fd, unsigned char *buffer, size_t capacity) {
    return tls ? plain(fd, SSL_read(sessions[fd], buffer, (int)capacity)) : recv(fd, buffer, capacity, 0);
}

static ssize_t transmit(int fd, const unsigned char *bytes, size_t length) {
    return tls ? plain(fd, SSL_write(sessions[fd], bytes, (int)length)) : send(fd, bytes, length, MSG_NOSIGNAL);
}

/* Keeps the unsent end of an echo and waits for the socket to be writable. */
static void keep(int epoll, int fd, const unsigned char *bytes, size_t length) {
    struct rest *rest = malloc(sizeof *rest);
    if (!rest || !(rest->bytes = malloc(length))) {
        fail("malloc");
    }
    memcpy(rest->bytes, bytes, length);
    rest->length = length;
    rest->sent = 0;
    rests[fd] = rest;
    watch(epoll, EPOLL_CTL_MOD, fd, EPOLLOUT);
}

static void on_writable(int epoll, int fd) {
    struct rest *rest = rests[fd];
    ssize_t sent = transmit(fd, rest->bytes + rest->sent, rest->length - rest->sent);
    if (sent < 0) {
        if (errno != EAGAIN) {
            drop(fd);
        }
        return;
    }
    rest->sent += (size_t)sent;
    if (rest->sent == rest->length) {
        free(rest->bytes);
        free(rest);
        rests[fd] = NULL;
        watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN);
    }
}

static void pass_on(int epoll, int fd, const unsigned char *bytes, size_t length) {
    ssize_t sent = rests[fd] ? 0 : transmit(fd, bytes, length);
    if (sent < 0 && errno != EAGAIN) {
        drop(fd);
        return;
    }
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    if (taken < length) {
        keep(epoll, fd, bytes + taken, length - taken);
    }
}

static void on_readable(int epoll, int fd, unsigned char *buffer, size_t capacity) {
    do {
        ssize_t got = receive(fd, buffer, capacity);
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN) {
                drop(fd);
            }
            return;
        }
        if (!fans_out) {
            pass_on(epoll, fd, buffer, (size_t)got);
            continue;
        }
        for (int other = 0; other <= highest; other++) {
            if (connected[other] && other != fd) {
                pass_on(epoll, other, buffer, (size_t)got);
            }
        }
    } while (sessions[fd] && !rests[fd] && SSL_has_pending(sessions[fd]));
}

static void on_connection(int epoll, int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (fd >= DESCRIPTORS) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (tls) {
        sessions[fd] = SSL_new(tls);
        SSL_set_fd(sessions[fd], fd);
        SSL_set_accept_state(sessions[fd]);
    }
    connected[fd] = true;
    highest = fd > highest ? fd : highest;
    watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
}

static SSL_CTX *tls_with(const char *certificate, const char *key) {
    SSL_CTX *settings = SSL_CTX_new(TLS_server_method());
    if (!settings || SSL_CTX_use_certificate_chain_file(settings, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(settings, key, SSL_FILETYPE_PEM) != 1) {
        fail("TLS settings");
    }
    SSL_CTX_set_mode(settings, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
    return settings;
}

int main(int argc, char **argv) {
    unsigned port = 0;
    size_t capacity = 65536;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
            port = (unsigned)strtoul(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--buffer") == 0) {
            capacity = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--fan-out") == 0) {
            fans_out = true;
        } else if (i + 2 < argc && strcmp(argv[i], "--tls") == 0) {
            tls = tls_with(argv[i + 1], argv[i + 2]);
            i += 2;
        } else {
            fputs("usage: floor [--port N] [--buffer BYTES] [--fan-out] [--tls CERTIFICATE KEY]\n", stderr);
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    unsigned char *buffer = malloc(capacity);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (!buffer || listener < 0 || epoll < 0) {
        fail("floor");
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        fail("listen");
    }
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
    printf("listening on tcp://127.0.0.1:%u/\n", ntohs(address.sin_port));
    fflush(stdout);

    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                on_connection(epoll, listener);
            } else if (rests[fd]) {
                on_writable(epoll, fd);
            } else {
                on_readable(epoll, fd, buffer, capacity);
            }
        }
    }
}
