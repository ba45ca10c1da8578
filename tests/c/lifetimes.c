/* Who owns what for how long: stale numbers, buffers of the caller's, events that are lent, two closes. */
#include "harness.h"

/* A stale number is a clean error, whatever is done with it, and stays one when its place is taken again. */
static void stale_numbers(void) {
    struct pair pair = make_pair(NULL);
    ropeway_engine *engine = pair.engine;
    ropeway_connection stale = pair.client, ids[4];
    ropeway_listener old = pair.listener, listener;
    int64_t wrong[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    uint64_t bytes;
    uint16_t port;
    size_t count, i;
    void *data;
    char text[64];

    CHECK_STATUS(ropeway_engine_abort(engine, stale), ROPEWAY_OK);
    await_event(engine, stale, ROPEWAY_EVENT_CLOSED);
    await_event(engine, pair.server, ROPEWAY_EVENT_CLOSED);
    CHECK_STATUS(ropeway_engine_close_listener(engine, old), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_close_listener(engine, old), ROPEWAY_ERROR_CLOSED);
    CHECK(ropeway_engine_next_event(engine) == NULL);

    /* Others take the places. */
    port = listen_on(engine, NULL, &listener);
    for (i = 0; i < 4; i++)
        dial(engine, port, NULL);
    for (i = 0; i < 8; i++)
        await_event(engine, 0, ROPEWAY_EVENT_OPENED);
    CHECK_STATUS(ropeway_engine_list(engine, ids, 4, &count), ROPEWAY_OK);
    CHECK(count == 8);

    for (i = 0; i < 1 + sizeof wrong / sizeof *wrong; i++) {
        ropeway_connection id = i == 0 ? stale : (ropeway_connection)wrong[i - 1];
        CHECK_STATUS(ropeway_engine_send(engine, id, ROPEWAY_TEXT, "x", 1), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_send_fragment(engine, id, ROPEWAY_TEXT, "x", 1, 1), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_ping(engine, id, NULL, 0), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_pong(engine, id, NULL, 0), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_close(engine, id, 1000, NULL), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_abort(engine, id), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_pause(engine, id), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_resume(engine, id), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_accept(engine, id, NULL, NULL), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_refuse(engine, id, 403, NULL, NULL, 0), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_queued_bytes(engine, id, &bytes), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_peer_address(engine, id, text, sizeof text), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_set_user_data(engine, id, NULL), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_user_data(engine, id, &data), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_subscribe(engine, id, "t"), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_unsubscribe(engine, id, "t"), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_listener_port(engine, id, &port), ROPEWAY_ERROR_CLOSED);
        CHECK_STATUS(ropeway_engine_close_listener(engine, id), ROPEWAY_ERROR_CLOSED);
    }
    CHECK(ropeway_engine_next_event(engine) == NULL);
    ropeway_engine_free(engine);
}

/* libwebsockets issue 1362: the caller's buffer is its own again at once, though most of it is still queued. */
static void libwebsockets_issue_1362_buffers(void) {
    struct pair pair = make_pair(NULL);
    enum { SIZE = 15 << 20 };
    unsigned char *buffer = malloc(SIZE);
    char url[] = "ws://127.0.0.1:1/", topic[] = "topic", reason[] = "reason", ping[] = "ping";
    const ropeway_event *event;
    ropeway_connection other;
    size_t i;
    REQUIRE(buffer != NULL);
    memset(buffer, 'a', SIZE);
    CHECK_STATUS(ropeway_engine_send(pair.engine, pair.client, ROPEWAY_BINARY, buffer, SIZE), ROPEWAY_QUEUED);
    memset(buffer, 'b', SIZE);
    free(buffer);
    CHECK_STATUS(ropeway_engine_ping(pair.engine, pair.client, ping, 4), ROPEWAY_QUEUED);
    memset(ping, 'x', 4);
    event = await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE);
    REQUIRE(event->length == SIZE);
    for (i = 0; i < SIZE && ((const unsigned char *)event->data)[i] == 'a'; i++)
        ;
    CHECK(i == SIZE);
    CHECK(holds(await_event(pair.engine, pair.server, ROPEWAY_EVENT_PING), "ping"));

    CHECK_STATUS(ropeway_engine_subscribe(pair.engine, pair.server, topic), ROPEWAY_OK);
    memset(topic, 'x', 5);
    CHECK_STATUS(ropeway_engine_publish(pair.engine, "topic", ROPEWAY_TEXT, "hi", 2, 0, NULL), ROPEWAY_OK);
    CHECK(holds(await_event(pair.engine, pair.client, ROPEWAY_EVENT_MESSAGE), "hi"));
    CHECK_STATUS(ropeway_engine_connect(pair.engine, url, NULL, &other), ROPEWAY_OK);
    memset(url, 'x', sizeof url - 1);
    event = await_event(pair.engine, other, ROPEWAY_EVENT_CLOSED);
    CHECK_STATUS(event->status, ROPEWAY_ERROR_CONNECT);
    CHECK(strstr(event->error, "127.0.0.1") != NULL);
    CHECK_STATUS(ropeway_engine_close(pair.engine, pair.client, 4000, reason), ROPEWAY_OK);
    memset(reason, 'x', 6);
    event = await_event(pair.engine, pair.server, ROPEWAY_EVENT_CLOSED);
    CHECK(event->close_code == 4000 && holds(event, "reason"));
    ropeway_engine_free(pair.engine);
}

/* An event stays as it is while other calls are made, and a message can be sent from it. */
static void a_lent_event(void) {
    struct pair pair = make_pair(NULL);
    ropeway_connection others[8];
    const ropeway_event *event;
    uint16_t port;
    size_t i;
    CHECK_STATUS(ropeway_engine_send_text(pair.engine, pair.client, "lent", 4), ROPEWAY_OK);
    event = await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE);
    REQUIRE(ropeway_engine_listener_port(pair.engine, pair.listener, &port) == ROPEWAY_OK);
    for (i = 0; i < 8; i++)
        others[i] = dial(pair.engine, port, NULL);
    for (i = 0; i < 8; i++)
        CHECK_STATUS(ropeway_engine_abort(pair.engine, others[i]), ROPEWAY_OK);
    for (i = 0; i < 100; i++)
        CHECK_STATUS(ropeway_engine_send(pair.engine, pair.server, event->kind, event->data, event->length), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_close(pair.engine, pair.server, 1000, NULL), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_abort(pair.engine, pair.server), ROPEWAY_OK);
    CHECK(event->type == ROPEWAY_EVENT_MESSAGE && event->connection == pair.server && holds(event, "lent"));
    ropeway_engine_free(pair.engine);
}

/* Two closes, an abort after a close, calls after the end. */
static void two_closes(void) {
    struct pair pair = make_pair(NULL);
    const ropeway_event *event;
    int ends = 0;
    CHECK_STATUS(ropeway_engine_close(pair.engine, pair.client, 1000, "first"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_close(pair.engine, pair.client, 1001, "second"), ROPEWAY_ERROR_CLOSED);
    CHECK_STATUS(ropeway_engine_send_text(pair.engine, pair.client, "late", 4), ROPEWAY_ERROR_CLOSED);
    CHECK_STATUS(ropeway_engine_close(pair.engine, pair.server, 1002, "both at once"), ROPEWAY_OK);
    while (ends < 2) {
        event = await_event(pair.engine, 0, ROPEWAY_EVENT_CLOSED);
        CHECK((event->flags & (ROPEWAY_FLAG_CLEAN | ROPEWAY_FLAG_CLOSE_SENT | ROPEWAY_FLAG_CLOSE_RECEIVED)) ==
              (ROPEWAY_FLAG_CLEAN | ROPEWAY_FLAG_CLOSE_SENT | ROPEWAY_FLAG_CLOSE_RECEIVED));
        CHECK(event->close_code == (event->connection == pair.client ? 1002 : 1000));
        CHECK(event->sent_code == (event->connection == pair.client ? 1000 : 1002));
        CHECK_STATUS(event->status, ROPEWAY_OK);
        CHECK(event->error == NULL);
        ends++;
    }
    CHECK_STATUS(ropeway_engine_abort(pair.engine, pair.client), ROPEWAY_ERROR_CLOSED);
    ropeway_engine_free(pair.engine);
}

/* The application's pointer comes with each event, the last included. */
static void user_data(void) {
    struct pair pair = make_pair(NULL);
    int mine = 1;
    void *data = &pair;
    CHECK_STATUS(ropeway_engine_user_data(pair.engine, pair.server, &data), ROPEWAY_OK);
    CHECK(data == NULL);
    CHECK_STATUS(ropeway_engine_set_user_data(pair.engine, pair.server, &mine), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_user_data(pair.engine, pair.server, &data), ROPEWAY_OK);
    CHECK(data == &mine);
    CHECK_STATUS(ropeway_engine_send_text(pair.engine, pair.client, "x", 1), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_close(pair.engine, pair.client, 1000, NULL), ROPEWAY_OK);
    CHECK(await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE)->user_data == &mine);
    CHECK(await_event(pair.engine, pair.server, ROPEWAY_EVENT_CLOSED)->user_data == &mine);
    ropeway_engine_free(pair.engine);
}

/* Options can be freed while what was made from them lives. */
static void freed_options(void) {
    ropeway_options *options = ropeway_options_new();
    struct pair pair;
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_SUBPROTOCOL, "chat"), ROPEWAY_OK);
    pair = make_pair(options);
    ropeway_options_free(options);
    CHECK_STATUS(ropeway_engine_send_text(pair.engine, pair.client, "still there", 11), ROPEWAY_OK);
    CHECK(holds(await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE), "still there"));
    ropeway_engine_free(pair.engine);
}

struct looker {
    ropeway_engine *engine;
    int frames, entered;
};

static void look(void *user, const ropeway_frame *frame) {
    struct looker *looker = user;
    CHECK(frame->size == sizeof *frame && frame->masked == 1 && frame->sent == (frame->role == ROPEWAY_CLIENT));
    looker->frames++;
    if (looker->engine != NULL && ropeway_engine_poll(looker->engine, 0) != ROPEWAY_ERROR_MISUSE)
        looker->entered++;
}

/* A trace is shown each frame, and cannot enter the engine that calls it. */
static void a_trace_that_calls_back(void) {
    ropeway_options *options = ropeway_options_new();
    struct looker looker = {NULL, 0, 0};
    struct pair pair;
    CHECK_STATUS(ropeway_options_set_trace(options, look, &looker), ROPEWAY_OK);
    pair = make_pair(options);
    ropeway_options_free(options);
    looker.engine = pair.engine;
    CHECK_STATUS(ropeway_engine_send_text(pair.engine, pair.client, "seen", 4), ROPEWAY_OK);
    CHECK(holds(await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE), "seen"));
    CHECK(looker.frames == 2 && looker.entered == 0);
    ropeway_engine_free(pair.engine);
}

int main(void) {
    stale_numbers();
    a_trace_that_calls_back();
    libwebsockets_issue_1362_buffers();
    a_lent_event();
    two_closes();
    user_data();
    freed_options();
    return finish("lifetimes");
}
