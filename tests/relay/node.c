/* node BROKER: a node in C. Who connects gets the news of all nodes, and what is said is news. */
#include <ropeway.h>
#include <stdio.h>

int main(int argc, char **argv) {
    ropeway_engine *engine;
    ropeway_listener listener;
    uint16_t port;
    const ropeway_event *event;
    if (argc != 2 || ropeway_engine_new(NULL, &engine) != ROPEWAY_OK ||
        ropeway_engine_relay(engine, argv[1]) != ROPEWAY_OK ||
        ropeway_engine_listen(engine, "ws://127.0.0.1:0/", NULL, &listener) != ROPEWAY_OK ||
        ropeway_engine_listener_port(engine, listener, &port) != ROPEWAY_OK)
        return fprintf(stderr, "%s\n", ropeway_last_error()), 1;
    /* Ready when it hears the others. */
    for (ropeway_metrics metrics = {.size = sizeof metrics}; !metrics.relay_connected;) {
        ropeway_engine_poll(engine, 10);
        ropeway_engine_metrics(engine, &metrics);
    }
    printf("listening on ws://127.0.0.1:%u/\n", (unsigned)port);
    fflush(stdout);
    while (ropeway_engine_poll(engine, -1) == ROPEWAY_OK)
        while ((event = ropeway_engine_next_event(engine)) != NULL)
            if (event->type == ROPEWAY_EVENT_OPENED)
                ropeway_engine_subscribe(engine, event->connection, "news");
            else if (event->type == ROPEWAY_EVENT_MESSAGE)
                ropeway_engine_publish(engine, "news", event->kind, event->data, event->length, 0, NULL);
    return 0;
}
