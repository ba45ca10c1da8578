/* Rooms: a message goes to everybody else whose URL has the same path. ws://127.0.0.1:9000/cats is one room,
 * ws://127.0.0.1:9000/dogs another.
 *
 *     broadcast_server [PORT]
 */
#include <ropeway.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ropeway_last_error());
    return EXIT_FAILURE;
}

/* The room is the connection's user data, and its topic. */
static void handle(ropeway_engine *engine, const ropeway_event *event) {
    switch (event->type) {
    case ROPEWAY_EVENT_OPENED: {
        const char *target = ropeway_head_target(event->head);
        char *room = malloc(strlen(target) + 1);
        if (room == NULL) {
            ropeway_engine_close(engine, event->connection, 1013, "out of memory");
            break;
        }
        strcpy(room, target);
        ropeway_engine_set_user_data(engine, event->connection, room);
        ropeway_engine_subscribe(engine, event->connection, room);
        break;
    }
    case ROPEWAY_EVENT_MESSAGE:
        if (event->user_data != NULL)
            ropeway_engine_publish(engine, event->user_data, event->kind, event->data, event->length,
                                   event->connection, NULL);
        break;
    case ROPEWAY_EVENT_CLOSED:
        free(event->user_data);
        break;
    }
}

int main(int argc, char **argv) {
    const ropeway_event *event;
    ropeway_listener listener;
    ropeway_engine *engine;
    char url[64], address[64];

    snprintf(url, sizeof url, "ws://127.0.0.1:%s/", argc > 1 ? argv[1] : "9000");
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK)
        return fail("engine");
    if (ropeway_engine_listen(engine, url, NULL, &listener) != ROPEWAY_OK) {
        ropeway_engine_free(engine);
        return fail(url);
    }
    ropeway_engine_listener_address(engine, listener, address, sizeof address);
    printf("listening on ws://%s/\n", address);
    fflush(stdout);
    while (ropeway_engine_poll(engine, -1) == ROPEWAY_OK)
        while ((event = ropeway_engine_next_event(engine)) != NULL)
            handle(engine, event);
    return fail("poll");
}
