/* node BROKER [HOST]: a node in C. Who connects gets the news of all nodes, and what is said is news: a number, which is text if it is
 * odd. "lost?" is answered by how many messages of other nodes did not come, "told?" by how many the engine has told of. */
#include <ropeway.h>
#include <stdio.h>
#include <string.h>

static ropeway_engine *engine;
static unsigned told;

static ropeway_metrics metrics(void) {
    ropeway_metrics metrics = {.size = sizeof metrics};
    ropeway_engine_metrics(engine, &metrics);
    return metrics;
}

static void take(const ropeway_event *event) {
    char answer[32];
    int lost = event->length == 5 && memcmp(event->data, "lost?", 5) == 0;
    if (lost || (event->length == 5 && memcmp(event->data, "told?", 5) == 0)) {
        unsigned long long count = lost ? metrics().relay_lost : told;
        snprintf(answer, sizeof answer, "%.4s %llu", (const char *)event->data, count);
        ropeway_engine_send_text(engine, event->connection, answer, strlen(answer));
    } else {
        ropeway_engine_publish(engine, "news", event->kind, event->data, event->length, 0, NULL);
    }
}

/* Counts a message of another node's that is as it was sent. */
static void hear(const ropeway_event *event) {
    int is_odd = event->length > 0 && ((const char *)event->data)[event->length - 1] % 2 == 1;
    told += strcmp(event->topic, "news") == 0 && event->connection == 0 && event->kind == (is_odd ? ROPEWAY_TEXT : ROPEWAY_BINARY);
}

int main(int argc, char **argv) {
    ropeway_listener listener;
    uint16_t port;
    const ropeway_event *event;
    char url[64];
    snprintf(url, sizeof url, "ws://%s:0/", argc == 3 ? argv[2] : "127.0.0.1");
    if (argc < 2 || ropeway_engine_new(NULL, &engine) != ROPEWAY_OK ||
        ropeway_engine_relay(engine, argv[1]) != ROPEWAY_OK ||
        ropeway_engine_listen(engine, url, NULL, &listener) != ROPEWAY_OK ||
        ropeway_engine_listener_port(engine, listener, &port) != ROPEWAY_OK)
        return fprintf(stderr, "%s\n", ropeway_last_error()), 1;
    /* Ready when it hears the others. */
    while (!metrics().relay_connected)
        ropeway_engine_poll(engine, 10);
    printf("listening on ws://127.0.0.1:%u/\n", (unsigned)port);
    fflush(stdout);
    while (ropeway_engine_poll(engine, -1) == ROPEWAY_OK)
        while ((event = ropeway_engine_next_event(engine)) != NULL)
            if (event->type == ROPEWAY_EVENT_OPENED)
                ropeway_engine_subscribe(engine, event->connection, "news");
            else if (event->type == ROPEWAY_EVENT_MESSAGE)
                take(event);
            else if (event->type == ROPEWAY_EVENT_RELAYED)
                hear(event);
    return 0;
}
