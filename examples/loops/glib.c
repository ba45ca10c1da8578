/* An echo server in GLib's main loop, as GTK's programs have it, until SIGTERM or SIGINT.
 *
 *     echo_glib [PORT]
 */
#include "echo.h"

#include <glib-unix.h>
#include <signal.h>

static gboolean on_readable(gint descriptor, GIOCondition condition, gpointer engine) {
    (void)descriptor, (void)condition;
    echo_turn(engine);
    return G_SOURCE_CONTINUE;
}

static gboolean on_signal(gpointer loop) {
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv) {
    ropeway_engine *engine = echo_start(argc > 1 ? argv[1] : NULL);
    GMainLoop *loop;
    guint sources[3], i;
    if (engine == NULL)
        return 1;
    loop = g_main_loop_new(NULL, FALSE);
    sources[0] = g_unix_signal_add(SIGTERM, on_signal, loop);
    sources[1] = g_unix_signal_add(SIGINT, on_signal, loop);
    sources[2] = g_unix_fd_add(ropeway_engine_descriptor(engine), G_IO_IN, on_readable, engine);

    g_main_loop_run(loop);

    for (i = 0; i < G_N_ELEMENTS(sources); i++)
        g_source_remove(sources[i]);
    g_main_loop_unref(loop);
    ropeway_engine_free(engine);
    return 0;
}
