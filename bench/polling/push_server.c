/*
 * push_server: a value that changes once a second, published to every WebSocket by Ropeway.
 *
 *   push_server          prints "listening on ws://127.0.0.1:PORT/"
 *
 * A value is the time at which it was made, by CLOCK_MONOTONIC in nanoseconds, in 20 digits. The first one is made when a client has
 * said anything.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <ropeway.h>
#include <stdio.h>
#include <time.h>

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int main(void) {
    const ropeway_event *event;
    ropeway_listener listener;
    ropeway_engine *engine;
    char address[64], value[32];
    int64_t next = INT64_MAX; /* when the next value is due */
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK ||
        ropeway_engine_listen(engine, "ws://127.0.0.1:0/", NULL, &listener) != ROPEWAY_OK)
        return fprintf(stderr, "%s\n", ropeway_last_error()), 1;
    ropeway_engine_listener_address(engine, listener, address, sizeof address);
    printf("listening on ws://%s/\n", address);
    fflush(stdout);
    for (;;) {
        int64_t wait = next == INT64_MAX ? -1 : (next - now()) / 1000000 + 1;
        if (ropeway_engine_poll(engine, next != INT64_MAX && wait < 0 ? 0 : wait) != ROPEWAY_OK)
            return fprintf(stderr, "%s\n", ropeway_last_error()), 1;
        while ((event = ropeway_engine_next_event(engine)) != NULL)
            if (event->type == ROPEWAY_EVENT_OPENED)
                ropeway_engine_subscribe(engine, event->connection, "value");
            else if (event->type == ROPEWAY_EVENT_MESSAGE && next == INT64_MAX)
                next = now();
        if (now() >= next) {
            next += 1000000000;
            snprintf(value, sizeof value, "%020" PRId64, now());
            ropeway_engine_publish(engine, "value", ROPEWAY_TEXT, value, 20, 0, NULL);
        }
    }
}
