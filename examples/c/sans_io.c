/* A client whose socket and clock are its own: Ropeway only turns bytes into events and messages into bytes. The same
 * loop serves over TLS, a serial line or a test's memory.
 *
 *     sans_io [HOST [PORT [PATH]]]        127.0.0.1, 9000 and /
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <ropeway.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Microseconds of a clock that only goes forward. */
static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000 + 1;
}

static int dial(const char *host, const char *port) {
    struct addrinfo hints = {0}, *list = NULL, *address;
    int descriptor = -1;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -1;
    for (address = list; address != NULL && descriptor < 0; address = address->ai_next) {
        descriptor = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (descriptor >= 0 && connect(descriptor, address->ai_addr, address->ai_addrlen) != 0) {
            close(descriptor);
            descriptor = -1;
        }
    }
    freeaddrinfo(list);
    return descriptor;
}

/* Says hello once, then closes when the answer has come. */
static void handle(ropeway_protocol *protocol, const ropeway_event *event) {
    switch (event->type) {
    case ROPEWAY_EVENT_OPENED:
        ropeway_protocol_send_text(protocol, "hello", 5);
        break;
    case ROPEWAY_EVENT_MESSAGE:
        printf("%.*s\n", (int)event->length, (const char *)event->data);
        ropeway_protocol_close(protocol, 1000, "bye", now());
        break;
    case ROPEWAY_EVENT_CLOSED:
        printf("closed with %d%s%s\n", (int)event->close_code, event->error ? ": " : "",
               event->error ? event->error : "");
        break;
    }
}

/* Sends all there is; returns 0 when the socket takes no more. */
static int flush(ropeway_protocol *protocol, int descriptor) {
    const void *data;
    size_t length;
    while (ropeway_protocol_output(protocol, &data, &length) == ROPEWAY_OK && length > 0) {
        ssize_t sent = send(descriptor, data, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            ropeway_protocol_on_error(protocol, errno, now());
            return 0;
        }
        ropeway_protocol_consume(protocol, (size_t)sent);
    }
    return 1;
}

/* Waits for bytes or for the protocol's deadline, and passes on which of them came. */
static void wait_for_more(ropeway_protocol *protocol, int descriptor) {
    struct pollfd ready = {descriptor, POLLIN, 0};
    uint64_t deadline, time = now();
    int timeout = -1;
    if (ropeway_protocol_next_deadline(protocol, &deadline) == ROPEWAY_OK)
        timeout = deadline > time ? (int)((deadline - time) / 1000 + 1) : 0;
    if (poll(&ready, 1, timeout) == 0) {
        ropeway_protocol_on_deadline(protocol, now());
    } else if (ready.revents != 0) {
        char bytes[16384];
        ssize_t count = read(descriptor, bytes, sizeof bytes);
        if (count > 0)
            ropeway_protocol_receive(protocol, bytes, (size_t)count);
        else if (count == 0)
            ropeway_protocol_on_eof(protocol, now());
        else if (errno != EINTR)
            ropeway_protocol_on_error(protocol, errno, now());
    }
}

static void run(ropeway_protocol *protocol, int descriptor) {
    const ropeway_event *event;
    for (;;) {
        int shutdown_now;
        while ((event = ropeway_protocol_next_event(protocol, now())) != NULL)
            handle(protocol, event);
        flush(protocol, descriptor);
        shutdown_now = ropeway_protocol_shutdown(protocol);
        if (shutdown_now == ROPEWAY_SHUTDOWN_CLOSE || shutdown_now == ROPEWAY_SHUTDOWN_DROP)
            return;
        if (shutdown_now == ROPEWAY_SHUTDOWN_HALF_CLOSE)
            shutdown(descriptor, SHUT_WR);
        wait_for_more(protocol, descriptor);
    }
}

int main(int argc, char **argv) {
    const char *host = argc > 1 ? argv[1] : "127.0.0.1", *port = argc > 2 ? argv[2] : "9000";
    ropeway_protocol *protocol;
    char url[512];
    int descriptor = dial(host, port);
    if (descriptor < 0) {
        fprintf(stderr, "cannot connect to %s, port %s\n", host, port);
        return EXIT_FAILURE;
    }
    snprintf(url, sizeof url, "ws://%s:%s%s", host, port, argc > 3 ? argv[3] : "/");
    if (ropeway_protocol_client(url, NULL, now(), &protocol) != ROPEWAY_OK) {
        fprintf(stderr, "%s: %s\n", url, ropeway_last_error());
        close(descriptor);
        return EXIT_FAILURE;
    }
    run(protocol, descriptor);
    ropeway_protocol_free(protocol);
    close(descriptor);
    return EXIT_SUCCESS;
}
