/*
 * floor: a bare TCP echo server, single-threaded over level-triggered epoll: what the kernel alone lets a server do.
 *
 * It speaks no WebSocket at all: one recv into one buffer, one send of the same bytes, nothing else. The load generator's
 * --raw mode sends it the very bytes of masked client frames (RFC 6455 section 5.2) without a handshake and expects them
 * back unchanged, so per message it sends four bytes (the masking key) more than a WebSocket echo server would.
 *
 * usage: floor [--port N] [--buffer BYTES]     defaults: port 0 (any), 65536 bytes
 * Prints "listening on tcp://127.0.0.1:N/" and serves until a signal ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
    close(fd);
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
    ssize_t sent = send(fd, rest->bytes + rest->sent, rest->length - rest->sent, MSG_NOSIGNAL);
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

static void on_readable(int epoll, int fd, unsigned char *buffer, size_t capacity) {
    ssize_t got = recv(fd, buffer, capacity, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            drop(fd);
        }
        return;
    }
    ssize_t sent = send(fd, buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        drop(fd);
        return;
    }
    if (sent < got) {
        size_t taken = sent < 0 ? 0 : (size_t)sent;
        keep(epoll, fd, buffer + taken, (size_t)got - taken);
    }
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
    watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
}

int main(int argc, char **argv) {
    unsigned port = 0;
    size_t capacity = 65536;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
            port = (unsigned)strtoul(argv[i + 1], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--buffer") == 0) {
            capacity = strtoul(argv[i + 1], NULL, 10);
        } else {
            fputs("usage: floor [--port N] [--buffer BYTES]\n", stderr);
            return 2;
        }
    }
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
