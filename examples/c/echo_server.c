/* A server that sends back every message it gets: the engine's whole loop, and a clean end on SIGTERM or SIGINT.
 *
 *     echo_server [--host ADDRESS] [--port N] [--deflate | --deflate-takeover]
 *                 [--deflate-threshold BYTES] [--deflate-level 1..9] [--tls-cert FILE --tls-key FILE] [--unix PATH]
 *
 * 127.0.0.1 and 9000 unless told otherwise; port 0 takes a free one. --deflate accepts compression, with nothing kept
 * between messages; --deflate-takeover keeps what was compressed before, which costs memory and compresses better.
 * Messages below --deflate-threshold, 128 unless told otherwise, are sent as they are; --deflate-level, 2 unless told
 * otherwise, is from fast to small. --tls-cert and --tls-key make it wss, by a certificate chain and its key in PEM;
 * --unix listens on a Unix socket instead.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <ropeway.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stopping;
static ropeway_remote *remote;

static void on_signal(int signal_number) {
    int saved = errno;
    (void)signal_number;
    stopping = 1;
    ropeway_remote_wake(remote);
    errno = saved;
}

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ropeway_last_error());
    return EXIT_FAILURE;
}

/* Serves until a signal comes. */
static int serve(ropeway_engine *engine) {
    const ropeway_event *event;
    while (!stopping) {
        if (ropeway_engine_poll(engine, -1) != ROPEWAY_OK)
            return fail("poll");
        while ((event = ropeway_engine_next_event(engine)) != NULL) {
            /* A connection whose queue is full gets no more until it has read; one that is gone tells so by itself. */
            if (event->type == ROPEWAY_EVENT_MESSAGE) {
                if (ropeway_engine_send(engine, event->connection, event->kind, event->data, event->length) ==
                    ROPEWAY_QUEUED)
                    ropeway_engine_pause(engine, event->connection);
            } else if (event->type == ROPEWAY_EVENT_WRITABLE) {
                ropeway_engine_resume(engine, event->connection);
            } else if (event->type == ROPEWAY_EVENT_ACCEPT_FAILED) {
                fprintf(stderr, "%s\n", event->error);
            }
        }
    }
    return EXIT_SUCCESS;
}

struct place {
    const char *scheme, *host, *port, *path;
};

static int run(ropeway_engine *engine, const struct place *at, const ropeway_options *options) {
    char url[300], address[128];
    struct sigaction action = {.sa_handler = on_signal};
    ropeway_listener listener;
    int status;

    if (at->path)
        snprintf(url, sizeof url, "ws+unix:%s", at->path);
    else
        snprintf(url, sizeof url, strchr(at->host, ':') ? "%s://[%s]:%s/" : "%s://%s:%s/", at->scheme, at->host, at->port);
    if (ropeway_engine_listen(engine, url, options, &listener) != ROPEWAY_OK)
        return fail(url);
    if (ropeway_engine_remote(engine, &remote) != ROPEWAY_OK)
        return fail("remote");
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    ropeway_engine_listener_address(engine, listener, address, sizeof address);
    if (at->path)
        printf("listening on ws+unix:%s\n", address);
    else
        printf("listening on %s://%s/\n", at->scheme, address);
    fflush(stdout);
    status = serve(engine);

    action.sa_handler = SIG_DFL;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    ropeway_remote_free(remote);
    return status;
}

int main(int argc, char **argv) {
    struct place at = {"ws", "127.0.0.1", "9000", NULL};
    ropeway_options *options;
    ropeway_engine *engine;
    int status, i;
    if ((options = ropeway_options_new()) == NULL)
        return fail("options");
    for (i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--port") == 0)
            at.port = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--host") == 0)
            at.host = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--unix") == 0)
            at.path = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--tls-cert") == 0) {
            ropeway_options_set_string(options, ROPEWAY_OPTION_TLS_CERTIFICATE, argv[++i]);
            at.scheme = "wss";
        } else if (i + 1 < argc && strcmp(argv[i], "--tls-key") == 0)
            ropeway_options_set_string(options, ROPEWAY_OPTION_TLS_KEY, argv[++i]);
        else if (strcmp(argv[i], "--deflate") == 0)
            ropeway_options_set_int(options, ROPEWAY_OPTION_COMPRESSION, 1);
        else if (strcmp(argv[i], "--deflate-takeover") == 0) {
            ropeway_options_set_int(options, ROPEWAY_OPTION_COMPRESSION, 1);
            ropeway_options_set_int(options, ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER, 0);
            ropeway_options_set_int(options, ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER, 0);
        } else if (i + 1 < argc && strcmp(argv[i], "--deflate-threshold") == 0)
            ropeway_options_set_int(options, ROPEWAY_OPTION_COMPRESSION_THRESHOLD, atol(argv[++i]));
        else if (i + 1 < argc && strcmp(argv[i], "--deflate-level") == 0)
            ropeway_options_set_int(options, ROPEWAY_OPTION_COMPRESSION_LEVEL, atol(argv[++i]));
        else {
            fprintf(stderr,
                    "usage: %s [--host ADDRESS] [--port N] [--deflate | --deflate-takeover] "
                    "[--deflate-threshold BYTES] [--deflate-level 1..9] [--tls-cert FILE --tls-key FILE] "
                    "[--unix PATH]\n",
                    argv[0]);
            ropeway_options_free(options);
            return 2;
        }
    }
    if (ropeway_engine_new(options, &engine) != ROPEWAY_OK) {
        ropeway_options_free(options);
        return fail("engine");
    }
    status = run(engine, &at, options);
    ropeway_engine_free(engine);
    ropeway_options_free(options);
    return status;
}
