/* The blocking client against a server on another thread, and the sans-I/O protocol against itself in memory. */
#include "harness.h"

/* Serves an echo until a text message "stop" comes; a text message "drop" ends the connection without a word. */
static void *serve(void *argument) {
    ropeway_engine *engine = argument;
    for (;;) {
        const ropeway_event *event = next_event(engine);
        if (event->type != ROPEWAY_EVENT_MESSAGE)
            continue;
        if (holds(event, "stop"))
            return NULL;
        if (holds(event, "drop"))
            ropeway_engine_abort(engine, event->connection);
        else
            CHECK_STATUS(ropeway_engine_send(engine, event->connection, event->kind, event->data, event->length),
                         ROPEWAY_OK);
    }
}

static void blocking_client(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener;
    ropeway_client *client, *other;
    const ropeway_event *event = NULL, *untouched = NULL;
    pthread_t thread;
    char url[64];
    int i;
    ropeway_options_set_string(options, ROPEWAY_OPTION_SUBPROTOCOL, "cabin");
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)listen_on(engine, options, &listener));
    REQUIRE(pthread_create(&thread, NULL, serve, engine) == 0);

    REQUIRE(ropeway_client_open(url, options, &client) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_opened(client, &event), ROPEWAY_OK);
    CHECK(event->type == ROPEWAY_EVENT_OPENED && strcmp(event->subprotocol, "cabin") == 0);
    CHECK(ropeway_head_status(event->head) == 101);
    CHECK_STATUS(ropeway_client_receive(client, 0, &untouched), ROPEWAY_NONE);
    CHECK_STATUS(ropeway_client_receive(client, 1, &untouched), ROPEWAY_NONE);
    CHECK_STATUS(ropeway_client_receive(client, -2, &untouched), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK(untouched == NULL);

    /* What comes is sent back straight from the event. */
    CHECK_STATUS(ropeway_client_send_text(client, "around", 6), ROPEWAY_OK);
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(ropeway_client_receive(client, -1, &event), ROPEWAY_OK);
        CHECK(event->type == ROPEWAY_EVENT_MESSAGE && event->kind == ROPEWAY_TEXT && holds(event, "around"));
        CHECK_STATUS(ropeway_client_send(client, event->kind, event->data, event->length), ROPEWAY_OK);
    }
    CHECK_STATUS(ropeway_client_receive(client, -1, &event), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_send_fragment(client, ROPEWAY_BINARY, "a", 1, 0), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_send_fragment(client, ROPEWAY_TEXT, "b", 1, 0), ROPEWAY_ERROR_KIND_CHANGED);
    CHECK_STATUS(ropeway_client_send_binary(client, "b", 1), ROPEWAY_ERROR_MESSAGE_IN_PROGRESS);
    CHECK_STATUS(ropeway_client_ping(client, "between", 7), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_send_fragment(client, ROPEWAY_BINARY, "b", 1, 1), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_receive(client, -1, &event), ROPEWAY_OK);
    CHECK(event->type == ROPEWAY_EVENT_PONG && holds(event, "between"));
    CHECK_STATUS(ropeway_client_receive(client, -1, &event), ROPEWAY_OK);
    CHECK(event->type == ROPEWAY_EVENT_MESSAGE && event->kind == ROPEWAY_BINARY && holds(event, "ab"));
    CHECK_STATUS(ropeway_client_close(client, 1006, NULL, &event), ROPEWAY_ERROR_INVALID_CLOSE_CODE);
    CHECK_STATUS(ropeway_client_close(client, 1000, "bye", &event), ROPEWAY_OK);
    CHECK(event->type == ROPEWAY_EVENT_CLOSED && event->close_code == 1000 && event->sent_code == 1000);
    CHECK((event->flags & ROPEWAY_FLAG_CLOSED_BY_US) != 0);
    CHECK_STATUS(ropeway_client_close(client, 1000, "bye", NULL), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_send_text(client, "late", 4), ROPEWAY_ERROR_CLOSED);
    CHECK_STATUS(ropeway_client_receive(client, -1, &event), ROPEWAY_OK);
    CHECK(event->type == ROPEWAY_EVENT_CLOSED);
    ropeway_client_free(client);

    /* A connection that ends without a word, one that is freed open, and one that cannot be made. */
    REQUIRE(ropeway_client_open(url, NULL, &client) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_send_text(client, "drop", 4), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_receive(client, -1, &event), ROPEWAY_OK);
    CHECK(event->type == ROPEWAY_EVENT_CLOSED && event->close_code == 1006 && event->sent_code == 0);
    CHECK(event->status / 100 == -4 && event->error != NULL);
    ropeway_client_free(client);
    REQUIRE(ropeway_client_open(url, NULL, &client) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_send_text(client, "stop", 4), ROPEWAY_OK);
    pthread_join(thread, NULL);
    ropeway_client_free(client);
    ropeway_engine_free(engine);
    CHECK_STATUS(ropeway_client_open(url, options, &other), ROPEWAY_ERROR_CONNECT);
    CHECK(strstr(ropeway_last_error(), "127.0.0.1") != NULL);
    ropeway_options_free(options);
}

/* Moves what one side has to send to the other, `step` bytes at a time. */
static void carry(ropeway_protocol *from, ropeway_protocol *to, size_t step) {
    const void *data;
    size_t length;
    CHECK_STATUS(ropeway_protocol_output(from, &data, &length), ROPEWAY_OK);
    length = length < step ? length : step;
    CHECK_STATUS(ropeway_protocol_receive(to, data, length), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_consume(from, length), ROPEWAY_OK);
}

/* The next event of `at`, which `from` is driven to bring about. */
static const ropeway_event *expect(ropeway_protocol *at, ropeway_protocol *from, size_t step, int type) {
    const ropeway_event *event = NULL;
    int turns;
    for (turns = 0; turns < 10000 && event == NULL; turns++) {
        event = ropeway_protocol_next_event(at, 1);
        if (event == NULL) {
            carry(from, at, step);
            event = ropeway_protocol_next_event(at, 1);
        }
    }
    REQUIRE(event != NULL);
    CHECK(event->type == type && event->connection == 0);
    return event;
}

static void sans_io(size_t step) {
    ropeway_protocol *client, *server;
    const ropeway_event *event;
    const void *data;
    uint64_t deadline;
    size_t length;
    REQUIRE(ropeway_protocol_client("ws://example.com/chat", NULL, 1, &client) == ROPEWAY_OK);
    REQUIRE(ropeway_protocol_server(NULL, 1, &server) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_send_text(client, "early", 5), ROPEWAY_ERROR_NOT_OPEN);
    CHECK_STATUS(ropeway_protocol_next_deadline(client, &deadline), ROPEWAY_OK);
    CHECK(deadline == 10000001);
    CHECK_STATUS(ropeway_protocol_consume(client, 100000), ROPEWAY_ERROR_INVALID_ARGUMENT);
    event = expect(server, client, step, ROPEWAY_EVENT_OPENED);
    CHECK(strcmp(ropeway_head_target(event->head), "/chat") == 0);
    event = expect(client, server, step, ROPEWAY_EVENT_OPENED);
    CHECK(ropeway_head_status(event->head) == 101);

    CHECK_STATUS(ropeway_protocol_send_text(client, "text", 4), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_send_binary(client, "\0\1", 2), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_send(client, 5, "x", 1), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_protocol_send_fragment(client, ROPEWAY_TEXT, "in ", 3, 0), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_ping(client, "p", 1), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_send_fragment(client, ROPEWAY_TEXT, "two", 3, 1), ROPEWAY_OK);
    event = expect(server, client, step, ROPEWAY_EVENT_MESSAGE);
    CHECK(event->kind == ROPEWAY_TEXT && holds(event, "text"));
    CHECK_STATUS(ropeway_protocol_send(server, event->kind, event->data, event->length), ROPEWAY_OK);
    event = expect(server, client, step, ROPEWAY_EVENT_MESSAGE);
    CHECK(event->kind == ROPEWAY_BINARY && event->length == 2);
    CHECK(holds(expect(server, client, step, ROPEWAY_EVENT_PING), "p"));
    CHECK(holds(expect(server, client, step, ROPEWAY_EVENT_MESSAGE), "in two"));
    CHECK(holds(expect(client, server, step, ROPEWAY_EVENT_MESSAGE), "text"));
    CHECK(holds(expect(client, server, step, ROPEWAY_EVENT_PONG), "p"));
    CHECK_STATUS(ropeway_protocol_pong(server, "unasked", 7), ROPEWAY_OK);
    CHECK(holds(expect(client, server, step, ROPEWAY_EVENT_PONG), "unasked"));

    /* CVE-2026-11586: while the transport takes nothing, a flood of pings leaves one pong, the newest. */
    CHECK_STATUS(ropeway_protocol_set_blocked(server, 1), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_ping(client, "old", 3), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_ping(client, "new", 3), ROPEWAY_OK);
    expect(server, client, step, ROPEWAY_EVENT_PING);
    expect(server, client, step, ROPEWAY_EVENT_PING);
    CHECK_STATUS(ropeway_protocol_output(server, &data, &length), ROPEWAY_OK);
    CHECK(length == 0);
    CHECK_STATUS(ropeway_protocol_set_blocked(server, 0), ROPEWAY_OK);
    CHECK(holds(expect(client, server, step, ROPEWAY_EVENT_PONG), "new"));

    CHECK(ropeway_protocol_shutdown(client) == ROPEWAY_SHUTDOWN_NO);
    CHECK_STATUS(ropeway_protocol_close(client, 1000, "done", 1), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_close(client, 1000, "done", 1), ROPEWAY_ERROR_CLOSED);
    event = expect(server, client, step, ROPEWAY_EVENT_CLOSED);
    CHECK(event->close_code == 1000 && holds(event, "done") && (event->flags & ROPEWAY_FLAG_CLOSED_BY_US) == 0);
    event = expect(client, server, step, ROPEWAY_EVENT_CLOSED);
    CHECK((event->flags & (ROPEWAY_FLAG_CLEAN | ROPEWAY_FLAG_CLOSED_BY_US)) ==
          (ROPEWAY_FLAG_CLEAN | ROPEWAY_FLAG_CLOSED_BY_US));
    CHECK(ropeway_protocol_shutdown(server) == ROPEWAY_SHUTDOWN_CLOSE);
    CHECK(ropeway_protocol_shutdown(client) == ROPEWAY_SHUTDOWN_AWAIT_END);
    CHECK_STATUS(ropeway_protocol_on_eof(client, 1), ROPEWAY_OK);
    CHECK(ropeway_protocol_shutdown(client) >= ROPEWAY_SHUTDOWN_CLOSE);
    ropeway_protocol_free(client);
    ropeway_protocol_free(server);
}

/* A deadline, a failed transport, a decision, and a handshake made elsewhere. */
static void other_ends(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_protocol *protocol;
    const ropeway_event *event;
    const void *data;
    size_t length;
    REQUIRE(ropeway_protocol_server(NULL, 1, &protocol) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_on_deadline(protocol, 10000000), ROPEWAY_OK);
    CHECK(ropeway_protocol_next_event(protocol, 10000000) == NULL);
    CHECK_STATUS(ropeway_protocol_on_deadline(protocol, 10000001), ROPEWAY_OK);
    event = ropeway_protocol_next_event(protocol, 10000001);
    REQUIRE(event != NULL && event->type == ROPEWAY_EVENT_CLOSED);
    CHECK_STATUS(event->status, ROPEWAY_ERROR_OPEN_TIMEOUT);
    ropeway_protocol_free(protocol);

    REQUIRE(ropeway_protocol_open(ROPEWAY_SERVER, NULL, 1, &protocol) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_send_text(protocol, "at once", 7), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_output(protocol, &data, &length), ROPEWAY_OK);
    CHECK(length == 9 && memcmp(data, "\x81\x07"
                                      "at once",
                                9) == 0);
    CHECK_STATUS(ropeway_protocol_on_error(protocol, ECONNRESET, 2), ROPEWAY_OK);
    event = ropeway_protocol_next_event(protocol, 2);
    REQUIRE(event != NULL && event->type == ROPEWAY_EVENT_CLOSED);
    CHECK_STATUS(event->status, ROPEWAY_ERROR_IO);
    CHECK(ropeway_protocol_shutdown(protocol) == ROPEWAY_SHUTDOWN_DROP);
    ropeway_protocol_free(protocol);

    ropeway_options_set_int(options, ROPEWAY_OPTION_ASK_UPGRADE, 1);
    REQUIRE(ropeway_protocol_server(options, 1, &protocol) == ROPEWAY_OK);
    ropeway_options_free(options);
    CHECK_STATUS(ropeway_protocol_accept(protocol, NULL, NULL, 1), ROPEWAY_ERROR_MISUSE);
    CHECK_STATUS(ropeway_protocol_receive(protocol, raw_request, strlen(raw_request)), ROPEWAY_OK);
    event = ropeway_protocol_next_event(protocol, 1);
    REQUIRE(event != NULL && event->type == ROPEWAY_EVENT_UPGRADE_REQUEST);
    CHECK_STATUS(ropeway_protocol_refuse(protocol, 418, NULL, "tea", 3, 1), ROPEWAY_OK);
    CHECK_STATUS(ropeway_protocol_accept(protocol, NULL, NULL, 1), ROPEWAY_ERROR_MISUSE);
    event = ropeway_protocol_next_event(protocol, 1);
    REQUIRE(event != NULL && event->type == ROPEWAY_EVENT_CLOSED);
    CHECK_STATUS(event->status, ROPEWAY_ERROR_REFUSED);
    ropeway_protocol_free(protocol);
}

int main(void) {
    blocking_client();
    sans_io(1);
    sans_io(7);
    sans_io(100000);
    other_ends();
    return finish("layers");
}
