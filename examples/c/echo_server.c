/* A server that sends back every message it gets: the engine's whole loop, and a clean end on SIGTERM or SIGINT.
 *
 *     echo_server [--host ADDRESS] [--port N]        127.0.0.1 and 9000; port 0 takes a free one
 *                 [--tls-cert FILE --tls-key FILE]   wss, by a certificate chain and its key in PEM
 *                 [--unix PATH]                      on a Unix socket instead
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <ropeway.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stopping;

struct watch {
    sigset_t signals;
    ropeway_remote *remote;
};

/* Waits for a signal on a thread of its own, so that none comes in the middle of anything, and wakes the engine. */
static void *wait_for_signal(void *argument) {
    struct watch *watch = argument;
    int signal_number;
    sigwait(&watch->signals, &signal_number);
    stopping = 1;
    ropeway_remote_wake(watch->remote);
    return NULL;
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

struct settings {
    const char *host, *port, *certificate, *key, *path;
};

/* Begins to listen, and says where. */
static int listen_at(ropeway_engine *engine, const struct settings *at) {
    char url[300], address[128];
    const char *scheme = at->path ? "ws+unix" : at->certificate ? "wss" : "ws";
    ropeway_options *options = ropeway_options_new();
    ropeway_listener listener;
    ropeway_status status = ROPEWAY_OK;

    if (at->path)
        snprintf(url, sizeof url, "ws+unix:%s", at->path);
    else
        snprintf(url, sizeof url, strchr(at->host, ':') ? "%s://[%s]:%s/" : "%s://%s:%s/", scheme, at->host, at->port);
    if (at->certificate) {
        status = ropeway_options_set_string(options, ROPEWAY_OPTION_TLS_CERTIFICATE, at->certificate);
        if (status == ROPEWAY_OK && at->key)
            status = ropeway_options_set_string(options, ROPEWAY_OPTION_TLS_KEY, at->key);
    }
    if (status == ROPEWAY_OK)
        status = ropeway_engine_listen(engine, url, options, &listener);
    ropeway_options_free(options);
    if (status != ROPEWAY_OK)
        return fail(url);

    ropeway_engine_listener_address(engine, listener, address, sizeof address);
    printf(at->path ? "listening on %s:%s\n" : "listening on %s://%s/\n", scheme, address);
    fflush(stdout);
    return EXIT_SUCCESS;
}

static int run(ropeway_engine *engine, const struct settings *at) {
    struct watch watch;
    pthread_t thread;
    int status;

    if (ropeway_engine_remote(engine, &watch.remote) != ROPEWAY_OK)
        return fail("remote");
    sigemptyset(&watch.signals);
    sigaddset(&watch.signals, SIGTERM);
    sigaddset(&watch.signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &watch.signals, NULL);
    if (pthread_create(&thread, NULL, wait_for_signal, &watch) != 0) {
        ropeway_remote_free(watch.remote);
        fprintf(stderr, "no thread can be started\n");
        return EXIT_FAILURE;
    }

    status = listen_at(engine, at);
    if (status == EXIT_SUCCESS)
        status = serve(engine);

    if (!stopping)
        pthread_kill(thread, SIGTERM);
    pthread_join(thread, NULL);
    ropeway_remote_free(watch.remote);
    return status;
}

int main(int argc, char **argv) {
    struct settings at = {"127.0.0.1", "9000", NULL, NULL, NULL};
    const struct {
        const char *name, **value;
    } known[] = {{"--host", &at.host},
                 {"--port", &at.port},
                 {"--tls-cert", &at.certificate},
                 {"--tls-key", &at.key},
                 {"--unix", &at.path}};
    const size_t count = sizeof known / sizeof *known;
    size_t option;
    ropeway_engine *engine;
    int status, i;
    for (i = 1; i < argc; i += 2) {
        for (option = 0; option < count && strcmp(argv[i], known[option].name) != 0; option++)
            ;
        if (option == count || i + 1 == argc) {
            fprintf(stderr, "usage: %s [--host ADDRESS] [--port N] [--tls-cert FILE --tls-key FILE] [--unix PATH]\n",
                    argv[0]);
            return 2;
        }
        *known[option].value = argv[i + 1];
    }
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK)
        return fail("engine");
    status = run(engine, &at);
    ropeway_engine_free(engine);
    return status;
}
