/* An echo server that looks at who comes: a name and password (Basic, RFC 7617), pages of one site and programs alone
 * (RFC 6455 section 10.2), and at most ten connections of one address.
 *
 *     guarded_server [PORT]
 *     hello_client ws://cabin:secret@127.0.0.1:9000/
 *
 * Over the open internet passwords want wss: set ROPEWAY_OPTION_TLS_CERTIFICATE and _KEY, and listen at a wss URL.
 */
#include <ropeway.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ropeway_last_error());
    return EXIT_FAILURE;
}

static void handle(ropeway_engine *engine, const ropeway_event *event, const ropeway_options *challenge) {
    switch (event->type) {
    case ROPEWAY_EVENT_UPGRADE_REQUEST:
        if (ropeway_head_basic_auth(event->head, "cabin", "secret") == ROPEWAY_OK)
            ropeway_engine_accept(engine, event->connection, NULL, NULL);
        else
            ropeway_engine_refuse(engine, event->connection, 401, challenge, NULL, 0);
        break;
    case ROPEWAY_EVENT_MESSAGE:
        ropeway_engine_send(engine, event->connection, event->kind, event->data, event->length);
        break;
    }
}

int main(int argc, char **argv) {
    ropeway_options *options = ropeway_options_new(), *challenge = ropeway_options_new();
    const ropeway_event *event;
    ropeway_listener listener;
    ropeway_engine *engine = NULL;
    char url[64], address[64];

    ropeway_options_set_int(options, ROPEWAY_OPTION_ASK_UPGRADE, 1);
    ropeway_options_set_int(options, ROPEWAY_OPTION_MAX_PER_ADDRESS, 10);
    ropeway_options_set_string(options, ROPEWAY_OPTION_ALLOWED_ORIGIN, "https://*.example.com");
    ropeway_options_set_string(options, ROPEWAY_OPTION_ALLOWED_ORIGIN, ""); /* programs, which have none */
    ropeway_options_add_header(challenge, "WWW-Authenticate", "Basic realm=\"cabin\", charset=\"UTF-8\"");

    snprintf(url, sizeof url, "ws://127.0.0.1:%s/", argc > 1 ? argv[1] : "9000");
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK) {
        fail("engine");
    } else if (ropeway_engine_listen(engine, url, options, &listener) != ROPEWAY_OK) {
        fail(url);
    } else {
        ropeway_engine_listener_address(engine, listener, address, sizeof address);
        printf("listening on ws://%s/\n", address);
        fflush(stdout);
        while (ropeway_engine_poll(engine, -1) == ROPEWAY_OK)
            while ((event = ropeway_engine_next_event(engine)) != NULL)
                handle(engine, event, challenge);
        fail("poll");
    }
    ropeway_engine_free(engine);
    ropeway_options_free(challenge);
    ropeway_options_free(options);
    return EXIT_FAILURE; /* it serves until it is ended */
}
