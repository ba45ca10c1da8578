/* An echo server in a loop of libevent's, until SIGTERM or SIGINT.
 *
 *     echo_libevent [PORT]
 */
#include "echo.h"

#include <event2/event.h>
#include <signal.h>

static void on_readable(evutil_socket_t descriptor, short what, void *engine) {
    (void)descriptor, (void)what;
    echo_turn(engine);
}

static void on_signal(evutil_socket_t number, short what, void *base) {
    (void)number, (void)what;
    event_base_loopbreak(base);
}

int main(int argc, char **argv) {
    ropeway_engine *engine = echo_start(argc > 1 ? argv[1] : NULL);
    struct event_base *base;
    struct event *events[3];
    size_t i;
    if (engine == NULL)
        return 1;
    base = event_base_new();
    events[0] = evsignal_new(base, SIGTERM, on_signal, base);
    events[1] = evsignal_new(base, SIGINT, on_signal, base);
    events[2] = event_new(base, ropeway_engine_descriptor(engine), EV_READ | EV_PERSIST, on_readable, engine);
    for (i = 0; i < 3; i++)
        event_add(events[i], NULL);

    event_base_dispatch(base);

    for (i = 0; i < 3; i++)
        event_free(events[i]);
    event_base_free(base);
    ropeway_engine_free(engine);
    return 0;
}
