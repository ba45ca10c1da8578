/* A client inside an event loop that is not Ropeway's: one poll() over standard input, a clock's tick and the engine's
 * descriptor. What is typed is sent line by line, what comes is printed; the end of the input closes.
 *
 *     own_loop ws://127.0.0.1:9000/
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <ropeway.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ropeway_last_error());
    return 1;
}

/* Takes the events; returns 0 when the connection has ended. */
static int drain(ropeway_engine *engine, int *is_open) {
    const ropeway_event *event;
    while ((event = ropeway_engine_next_event(engine)) != NULL) {
        switch (event->type) {
        case ROPEWAY_EVENT_OPENED:
            *is_open = 1;
            break;
        case ROPEWAY_EVENT_MESSAGE:
            printf("< %.*s\n", (int)event->length, (const char *)event->data);
            break;
        case ROPEWAY_EVENT_CLOSED:
            printf("closed with %d%s%s\n", (int)event->close_code, event->error ? ": " : "",
                   event->error ? event->error : "");
            return 0;
        }
    }
    return 1;
}

/* Reads what was typed and sends its lines; returns 0 at the end of the input. */
static int send_lines(ropeway_engine *engine, ropeway_connection connection) {
    static char typed[4096];
    static size_t held;
    ssize_t count = read(STDIN_FILENO, typed + held, sizeof typed - held);
    char *end;
    if (count <= 0)
        return 0;
    held += (size_t)count;
    while ((end = memchr(typed, '\n', held)) != NULL || held == sizeof typed) {
        size_t length = end ? (size_t)(end - typed) : held, taken = end ? length + 1 : held;
        if (ropeway_engine_send_text(engine, connection, typed, length) < ROPEWAY_OK)
            fprintf(stderr, "not sent: %s\n", ropeway_last_error());
        held -= taken;
        memmove(typed, typed + taken, held);
    }
    return 1;
}

static int run(ropeway_engine *engine, const char *url) {
    ropeway_connection connection;
    struct pollfd ready[2];
    int is_open = 0, typing = 1, seconds = 0;

    if (ropeway_engine_connect(engine, url, NULL, &connection) != ROPEWAY_OK)
        return fail(url);
    ready[0].fd = ropeway_engine_descriptor(engine);
    ready[0].events = ready[1].events = POLLIN;
    while (drain(engine, &is_open)) {
        /* A negative descriptor is left out by poll(): nothing is read before there is somebody to send it to. */
        ready[1].fd = is_open && typing ? STDIN_FILENO : -1;
        if (poll(ready, 2, 1000) == 0) {
            fprintf(stderr, "%d s without news\n", ++seconds);
        } else if (is_open && typing && ready[1].revents != 0 && !send_lines(engine, connection)) {
            typing = 0;
            ropeway_engine_close(engine, connection, 1000, "end of input");
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    ropeway_engine *engine;
    int status;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK)
        return fail("engine");
    status = run(engine, argc > 1 ? argv[1] : "ws://127.0.0.1:9000/");
    ropeway_engine_free(engine);
    return status;
}
