/* NN-2025-0102: an upgrade is refused, accepted, closed or aborted at each event there is, also twice, also from within
 * another connection's event, and nothing that was freed is used. The answers are read from raw sockets.
 */
#include "harness.h"

enum decision { ACCEPT, REFUSE, CLOSE, ABORT, ACCEPT_THEN_ABORT, REFUSE_THEN_ABORT, DECISIONS };

static void decide(ropeway_engine *engine, ropeway_connection id, enum decision decision) {
    switch (decision) {
    case ACCEPT:
    case ACCEPT_THEN_ABORT:
        CHECK_STATUS(ropeway_engine_accept(engine, id, NULL, NULL), ROPEWAY_OK);
        CHECK_STATUS(ropeway_engine_accept(engine, id, NULL, NULL), ROPEWAY_ERROR_MISUSE);
        CHECK_STATUS(ropeway_engine_refuse(engine, id, 403, NULL, NULL, 0), ROPEWAY_ERROR_MISUSE);
        break;
    case REFUSE:
    case REFUSE_THEN_ABORT:
        CHECK_STATUS(ropeway_engine_refuse(engine, id, 403, NULL, "no\n", 3), ROPEWAY_OK);
        CHECK(ropeway_engine_refuse(engine, id, 403, NULL, "no\n", 3) < 0);
        CHECK(ropeway_engine_accept(engine, id, NULL, NULL) < 0);
        CHECK(ropeway_engine_send(engine, id, ROPEWAY_TEXT, "x", 1) < 0);
        break;
    case CLOSE:
        CHECK_STATUS(ropeway_engine_close(engine, id, 1000, NULL), ROPEWAY_OK);
        CHECK(ropeway_engine_refuse(engine, id, 403, NULL, NULL, 0) < 0);
        break;
    default:
        CHECK_STATUS(ropeway_engine_abort(engine, id), ROPEWAY_OK);
        CHECK_STATUS(ropeway_engine_abort(engine, id), ROPEWAY_ERROR_CLOSED);
        CHECK(ropeway_engine_accept(engine, id, NULL, NULL) < 0);
        break;
    }
    if (decision == ACCEPT_THEN_ABORT || decision == REFUSE_THEN_ABORT)
        ropeway_engine_abort(engine, id);
}

/* The request's head can still be read after the decision: the event is lent until the next one. */
static void read_head(const ropeway_event *event) {
    const char *name, *value;
    size_t name_length, length, i;
    CHECK(strcmp(ropeway_head_method(event->head), "GET") == 0);
    CHECK(strcmp(ropeway_head_target(event->head), "/") == 0);
    CHECK(ropeway_head_status(event->head) == 0);
    CHECK_STATUS(ropeway_head_field(event->head, "sec-websocket-VERSION", &value, &length), ROPEWAY_OK);
    CHECK(length == 2 && memcmp(value, "13", 2) == 0);
    CHECK_STATUS(ropeway_head_field(event->head, "Cookie", &value, &length), ROPEWAY_NONE);
    CHECK(ropeway_head_count(event->head) == 5);
    for (i = 0; ropeway_head_at(event->head, i, &name, &name_length, &value, &length) == ROPEWAY_OK; i++)
        CHECK(name_length > 0 && length > 0);
    CHECK(i == 5);
}

static void at_each_event(enum decision decision, int from_another) {
    ropeway_options *options = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener;
    const ropeway_event *event;
    ropeway_connection id, other;
    char answer[256] = "";
    int descriptor, second = -1;
    uint16_t port;
    ropeway_options_set_int(options, ROPEWAY_OPTION_ASK_UPGRADE, 1);
    port = listen_on(engine, options, &listener);
    ropeway_options_free(options);

    descriptor = raw_dial(port);
    raw_send(descriptor, raw_request, strlen(raw_request));
    event = await_event(engine, 0, ROPEWAY_EVENT_UPGRADE_REQUEST);
    id = event->connection;
    CHECK(event->listener == listener);
    if (from_another) {
        second = raw_dial(port);
        raw_send(second, raw_request, strlen(raw_request));
        event = await_event(engine, 0, ROPEWAY_EVENT_UPGRADE_REQUEST);
        other = event->connection;
        decide(engine, id, decision);
        decide(engine, other, decision);
    } else {
        decide(engine, id, decision);
    }
    read_head(event);

    if (decision == ACCEPT) {
        CHECK(await_event(engine, id, ROPEWAY_EVENT_OPENED)->head != NULL);
        CHECK(ropeway_engine_next_event(engine) == NULL);
        REQUIRE(recv(descriptor, answer, sizeof answer - 1, 0) > 0);
        CHECK(strncmp(answer, "HTTP/1.1 101 ", 13) == 0);
        CHECK_STATUS(ropeway_engine_abort(engine, id), ROPEWAY_OK);
    }
    event = await_event(engine, id, ROPEWAY_EVENT_CLOSED);
    CHECK((event->flags & ROPEWAY_FLAG_CLEAN) == 0 && event->close_code == 1006);
    if (decision == REFUSE) {
        CHECK_STATUS(event->status, ROPEWAY_ERROR_REFUSED);
        CHECK(strstr(event->error, "403") != NULL);
    }
    CHECK(ropeway_engine_accept(engine, id, NULL, NULL) < 0);
    while (ropeway_engine_next_event(engine) != NULL)
        ;
    if (decision == REFUSE) {
        REQUIRE(recv(descriptor, answer, sizeof answer - 1, MSG_WAITALL) > 0);
        CHECK(strncmp(answer, "HTTP/1.1 403 Forbidden\r\n", 24) == 0 && strstr(answer, "\r\n\r\nno\n") != NULL);
    }
    close(descriptor);
    if (second >= 0)
        close(second);
    ropeway_engine_free(engine);
}

/* A refusal with a header of the application's, an upgrade with a subprotocol, and a plain page, seen by clients. */
static void answers(void) {
    ropeway_options *options = ropeway_options_new(), *answer = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener;
    ropeway_connection client;
    const ropeway_event *event;
    const void *body;
    const char *value;
    char page[256];
    size_t length;
    int descriptor;
    ssize_t count = 0, more;
    uint16_t port;
    ropeway_options_set_int(options, ROPEWAY_OPTION_ASK_UPGRADE, 1);
    ropeway_options_set_int(options, ROPEWAY_OPTION_PLAIN_HTTP, 1);
    ropeway_options_set_string(options, ROPEWAY_OPTION_SUBPROTOCOL, "cabin");
    ropeway_options_add_header(answer, "X-Reason", "closed for the season");
    port = listen_on(engine, options, &listener);

    client = dial(engine, port, options);
    event = await_event(engine, 0, ROPEWAY_EVENT_UPGRADE_REQUEST);
    CHECK_STATUS(ropeway_engine_accept(engine, event->connection, "never offered", NULL), ROPEWAY_ERROR_MISUSE);
    CHECK_STATUS(ropeway_engine_refuse(engine, event->connection, 503, answer, "later", 5), ROPEWAY_OK);
    event = await_event(engine, client, ROPEWAY_EVENT_CLOSED);
    CHECK_STATUS(event->status, ROPEWAY_ERROR_HTTP_STATUS);
    REQUIRE(event->head != NULL);
    CHECK(ropeway_head_status(event->head) == 503 && ropeway_head_method(event->head) == NULL);
    CHECK_STATUS(ropeway_head_field(event->head, "x-reason", &value, &length), ROPEWAY_OK);
    CHECK(length == 21 && memcmp(value, "closed for the season", 21) == 0);
    CHECK_STATUS(ropeway_head_body(event->head, &body, &length), ROPEWAY_OK);
    CHECK(length == 5 && memcmp(body, "later", 5) == 0);

    client = dial(engine, port, options);
    event = await_event(engine, 0, ROPEWAY_EVENT_UPGRADE_REQUEST);
    CHECK_STATUS(ropeway_engine_accept(engine, event->connection, "cabin", answer), ROPEWAY_OK);
    event = await_event(engine, client, ROPEWAY_EVENT_OPENED);
    CHECK(event->subprotocol != NULL && strcmp(event->subprotocol, "cabin") == 0);
    CHECK_STATUS(ropeway_head_field(event->head, "X-Reason", &value, &length), ROPEWAY_OK);

    descriptor = raw_dial(port);
    raw_send(descriptor, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", 33);
    event = await_event(engine, 0, ROPEWAY_EVENT_HTTP_REQUEST);
    CHECK(strcmp(ropeway_head_target(event->head), "/health") == 0);
    CHECK_STATUS(ropeway_engine_refuse(engine, event->connection, 200, NULL, "well\n", 5), ROPEWAY_OK);
    await_event(engine, event->connection, ROPEWAY_EVENT_CLOSED);
    shutdown(descriptor, SHUT_WR);
    ropeway_engine_poll(engine, 0);
    ropeway_engine_next_event(engine);
    while ((more = recv(descriptor, page + count, sizeof page - 1 - (size_t)count, 0)) > 0)
        count += more;
    page[count] = '\0';
    CHECK(strncmp(page, "HTTP/1.1 200 OK\r\n", 17) == 0 && strstr(page, "\r\n\r\nwell\n") != NULL);
    close(descriptor);
    ropeway_options_free(options);
    ropeway_options_free(answer);
    ropeway_engine_free(engine);
}

int main(void) {
    int decision;
    for (decision = ACCEPT; decision < DECISIONS; decision++) {
        at_each_event((enum decision)decision, 0);
        at_each_event((enum decision)decision, 1);
    }
    answers();
    return finish("refuse");
}
