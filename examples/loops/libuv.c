/* An echo server in a loop of libuv's, until SIGTERM or SIGINT.
 *
 *     echo_libuv [PORT]
 */
#define _POSIX_C_SOURCE 200809L

#include "echo.h"

#include <signal.h>
#include <uv.h>

static void on_readable(uv_poll_t *watch, int status, int events) {
    (void)status, (void)events;
    echo_turn(watch->data);
}

static void on_signal(uv_signal_t *signal, int number) {
    (void)number;
    uv_stop(signal->loop);
}

int main(int argc, char **argv) {
    ropeway_engine *engine = echo_start(argc > 1 ? argv[1] : NULL);
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t terminate, interrupt;
    uv_poll_t watch;
    if (engine == NULL)
        return 1;
    uv_signal_init(loop, &terminate);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    uv_signal_init(loop, &interrupt);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_poll_init(loop, &watch, ropeway_engine_descriptor(engine));
    watch.data = engine;
    uv_poll_start(&watch, UV_READABLE, on_readable);

    uv_run(loop, UV_RUN_DEFAULT);

    uv_close((uv_handle_t *)&watch, NULL);
    uv_close((uv_handle_t *)&terminate, NULL);
    uv_close((uv_handle_t *)&interrupt, NULL);
    uv_run(loop, UV_RUN_DEFAULT); /* lets them go */
    ropeway_engine_free(engine);
    return uv_loop_close(loop);
}
