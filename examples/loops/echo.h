/* What each loop in this folder drives: a server that sends back every message it gets. */
#ifndef ECHO_H
#define ECHO_H

#include <ropeway.h>
#include <stdio.h>

/* An engine that listens at 127.0.0.1, at `port` or else 9000; NULL, with a line that says why, when it cannot. */
static ropeway_engine *echo_start(const char *port) {
    ropeway_listener listener;
    ropeway_engine *engine = NULL;
    char url[64], address[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%s/", port != NULL ? port : "9000");
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK ||
        ropeway_engine_listen(engine, url, NULL, &listener) != ROPEWAY_OK) {
        fprintf(stderr, "%s: %s\n", url, ropeway_last_error());
        ropeway_engine_free(engine);
        return NULL;
    }
    ropeway_engine_listener_address(engine, listener, address, sizeof address);
    printf("listening on ws://%s/\n", address);
    fflush(stdout);
    return engine;
}

/* The engine's descriptor is readable: takes what there is. */
static void echo_turn(ropeway_engine *engine) {
    const ropeway_event *event;
    while ((event = ropeway_engine_next_event(engine)) != NULL)
        if (event->type == ROPEWAY_EVENT_MESSAGE)
            ropeway_engine_send(engine, event->connection, event->kind, event->data, event->length);
}

#endif
