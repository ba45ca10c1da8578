/* Stays connected: sends what is typed, line by line, also while the server is away, and tells of every attempt. The end
 * of the input closes; so does an attempt that is refused for good.
 *
 *     reconnecting_client ws://127.0.0.1:9000/
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

/* A fresh token for the next attempt, from wherever tokens come from. */
static void renew(ropeway_engine *engine, ropeway_connection connection, unsigned attempt) {
    ropeway_options *fields = ropeway_options_new();
    char token[32];
    snprintf(token, sizeof token, "Bearer %u", attempt);
    ropeway_options_add_header(fields, "Authorization", token);
    ropeway_engine_set_connection_headers(engine, connection, fields);
    ropeway_options_free(fields);
}

/* Takes the events; returns 0 when the connection has ended for good. */
static int drain(ropeway_engine *engine) {
    const ropeway_event *event;
    while ((event = ropeway_engine_next_event(engine)) != NULL) {
        switch (event->type) {
        case ROPEWAY_EVENT_REDIRECT:
            printf("redirected to %s\n", event->url);
            break;
        case ROPEWAY_EVENT_OPENED:
            printf("open\n");
            break;
        case ROPEWAY_EVENT_MESSAGE:
            printf("< %.*s\n", (int)event->length, (const char *)event->data);
            break;
        case ROPEWAY_EVENT_RECONNECTING:
            fprintf(stderr, "attempt %u in %lld ms: %s\n", (unsigned)event->attempt, (long long)event->delay,
                    event->error ? event->error : "closed by the server");
            printf("away\n");
            renew(engine, event->connection, event->attempt);
            break;
        case ROPEWAY_EVENT_CLOSED:
            printf("closed with %d\n", (int)event->close_code);
            return 0;
        }
    }
    return 1;
}

static ropeway_connection connect_to(ropeway_engine *engine, const char *url) {
    ropeway_options *options = ropeway_options_new();
    ropeway_connection connection = 0;
    ropeway_options_set_int(options, ROPEWAY_OPTION_MAX_REDIRECTS, 5);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT, 1);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT_BASE, 100);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT_CAP, 5000);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RESEND_LIMIT, 1 << 20);
    ropeway_engine_connect(engine, url, options, &connection);
    ropeway_options_free(options);
    return connection;
}

static int run(ropeway_engine *engine, const char *url) {
    ropeway_connection connection = connect_to(engine, url);
    struct pollfd ready[2] = {{ropeway_engine_descriptor(engine), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    char line[4096];
    if (connection == 0)
        return fail(url);
    while (drain(engine)) {
        if (poll(ready, 2, -1) < 0)
            return 1;
        if (ready[1].revents == 0)
            continue;
        /* A terminal gives whole lines. */
        ssize_t length = read(STDIN_FILENO, line, sizeof line);
        if (length <= 0) {
            ready[1].fd = -1;
            ropeway_engine_close(engine, connection, 1000, "end of input");
        } else if (ropeway_engine_send_text(engine, connection, line, (size_t)length - (line[length - 1] == '\n')) <
                   ROPEWAY_OK) {
            fprintf(stderr, "not sent: %s\n", ropeway_last_error());
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
