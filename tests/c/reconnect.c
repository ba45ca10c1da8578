/* Redirects and reconnecting: the options, a client that is sent elsewhere, and one that comes back. Client and server
 * share an engine; what the server answers to each request is the test's to say.
 */
#include "harness.h"

static void keys(void) {
    ropeway_options *options = ropeway_options_new();
    check_number_option(options, ROPEWAY_OPTION_MAX_REDIRECTS, 0, 10, -1);
    check_number_option(options, ROPEWAY_OPTION_RECONNECT, 0, 2, 3);
    check_number_option(options, ROPEWAY_OPTION_RECONNECT_BASE, 1000, 5, -1);
    check_number_option(options, ROPEWAY_OPTION_RECONNECT_CAP, 60000, 10, -1);
    check_number_option(options, ROPEWAY_OPTION_RECONNECT_FACTOR, 200, 150, -1);
    check_number_option(options, ROPEWAY_OPTION_RECONNECT_STABLE_AFTER, 10000, 0, -1);
    check_number_option(options, ROPEWAY_OPTION_RECONNECT_MAX_ATTEMPTS, 0, 3, INT64_MAX);
    check_number_option(options, ROPEWAY_OPTION_RESEND_LIMIT, 0, 1024, -1);
    check_number_option(options, ROPEWAY_OPTION_RECONNECT_SEED, -1, 7, -2);
    ropeway_options_free(options);
}

/* A server that asks about each request. */
static uint16_t asking(ropeway_engine *engine, ropeway_listener *listener) {
    ropeway_options *options = ropeway_options_new();
    uint16_t port;
    ropeway_options_set_int(options, ROPEWAY_OPTION_ASK_UPGRADE, 1);
    port = listen_on(engine, options, listener);
    ropeway_options_free(options);
    return port;
}

/* Settings of a client that waits a millisecond. */
static ropeway_options *quick(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT, 1);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT_BASE, 1);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT_CAP, 1);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT_SEED, 7);
    return options;
}

/* Answers the next request by a status, with a field of this name and value. */
static void refuse_next(ropeway_engine *engine, int status, const char *name, const char *value) {
    ropeway_options *fields = ropeway_options_new();
    ropeway_connection asked = await_event(engine, 0, ROPEWAY_EVENT_UPGRADE_REQUEST)->connection;
    CHECK_STATUS(ropeway_options_add_header(fields, name, value), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_refuse(engine, asked, status, fields, NULL, 0), ROPEWAY_OK);
    ropeway_options_free(fields);
}

/* Accepts the next request, which must have the field Authorization with this value. */
static ropeway_connection accept_next(ropeway_engine *engine, const char *authorization) {
    const ropeway_event *event = await_event(engine, 0, ROPEWAY_EVENT_UPGRADE_REQUEST);
    ropeway_connection asked = event->connection;
    const char *value;
    size_t length;
    if (authorization == NULL) {
        CHECK(ropeway_head_field(event->head, "Authorization", &value, &length) != ROPEWAY_OK);
    } else {
        CHECK_STATUS(ropeway_head_field(event->head, "Authorization", &value, &length), ROPEWAY_OK);
        CHECK(length == strlen(authorization) && memcmp(value, authorization, length) == 0);
    }
    CHECK_STATUS(ropeway_engine_accept(engine, asked, NULL, NULL), ROPEWAY_OK);
    return asked;
}

static void redirects(void) {
    ropeway_engine *engine = make_engine();
    ropeway_options *options = ropeway_options_new();
    ropeway_listener listener;
    const ropeway_event *event;
    ropeway_connection client;
    uint16_t port = asking(engine, &listener), other = asking(engine, &listener);
    char elsewhere[64], led[64];
    snprintf(elsewhere, sizeof elsewhere, "http://user:secret@127.0.0.1:%u/other", (unsigned)other);
    snprintf(led, sizeof led, "ws://user:***@127.0.0.1:%u/other", (unsigned)other);

    ropeway_options_add_header(options, "Cookie", "secret");
    client = dial(engine, port, options);
    refuse_next(engine, 302, "Location", elsewhere);
    event = await_event(engine, client, ROPEWAY_EVENT_CLOSED);
    CHECK(event->status == ROPEWAY_ERROR_HTTP_STATUS && ropeway_head_status(event->head) == 302);

    ropeway_options_set_int(options, ROPEWAY_OPTION_MAX_REDIRECTS, 1);
    client = dial(engine, port, options);
    refuse_next(engine, 302, "Location", elsewhere);
    event = await_event(engine, client, ROPEWAY_EVENT_REDIRECT);
    CHECK(ropeway_head_status(event->head) == 302);
    CHECK(event->url != NULL && strcmp(event->url, led) == 0);
    CHECK(event->status == ROPEWAY_OK && event->error == NULL && event->attempt == 0 && event->delay == 0);
    accept_next(engine, "Basic dXNlcjpzZWNyZXQ=");
    event = await_event(engine, client, ROPEWAY_EVENT_OPENED);
    CHECK(event->url == NULL);
    CHECK_STATUS(ropeway_engine_set_connection_headers(engine, client, NULL), ROPEWAY_ERROR_MISUSE);
    CHECK_STATUS(ropeway_engine_reconnect_now(engine, client), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_abort(engine, client), ROPEWAY_OK);

    client = dial(engine, port, options);
    refuse_next(engine, 301, "Location", "/again");
    refuse_next(engine, 301, "Location", "/again");
    event = await_event(engine, client, ROPEWAY_EVENT_CLOSED);
    CHECK(event->status == ROPEWAY_ERROR_TOO_MANY_REDIRECTS);
    client = dial(engine, port, options);
    refuse_next(engine, 301, "Location", "ftp://127.0.0.1/");
    event = await_event(engine, client, ROPEWAY_EVENT_CLOSED);
    CHECK(event->status == ROPEWAY_ERROR_INVALID_REDIRECT);
    CHECK(strcmp(ropeway_status_string(event->status), "the server's redirect cannot be followed") == 0);
    ropeway_options_free(options);
    ropeway_engine_free(engine);
}

/* Refused, lost, and back each time, with a fresh token and what was sent in between. */
static void returns(void) {
    ropeway_engine *engine = make_engine();
    ropeway_options *options = quick(), *token = ropeway_options_new();
    ropeway_listener listener;
    const ropeway_event *event;
    ropeway_connection client, server;
    int mark;
    uint16_t port = asking(engine, &listener);

    ropeway_options_set_int(options, ROPEWAY_OPTION_RESEND_LIMIT, 14 + 5);
    client = dial(engine, port, options);
    ropeway_options_free(options);
    CHECK_STATUS(ropeway_engine_set_user_data(engine, client, &mark), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_send_text(engine, client, "early", 5), ROPEWAY_QUEUED);
    CHECK_STATUS(ropeway_engine_send_text(engine, client, "", 0), ROPEWAY_ERROR_HELD_FULL);
    refuse_next(engine, 503, "Retry-After", "120");
    event = await_event(engine, client, ROPEWAY_EVENT_RECONNECTING);
    CHECK(event->user_data == &mark && event->attempt == 1 && event->delay == 1);
    CHECK(event->status == ROPEWAY_ERROR_HTTP_STATUS && ropeway_head_status(event->head) == 503);
    ropeway_options_add_header(token, "Authorization", "Bearer fresh");
    CHECK_STATUS(ropeway_engine_set_connection_headers(engine, client, token), ROPEWAY_OK);
    ropeway_options_add_header(token, "Upgrade", "no");
    CHECK_STATUS(ropeway_engine_set_connection_headers(engine, client, token), ROPEWAY_ERROR_INVALID_HEADER);
    server = accept_next(engine, "Bearer fresh");
    await_event(engine, client, ROPEWAY_EVENT_WRITABLE);
    CHECK(holds(await_event(engine, server, ROPEWAY_EVENT_MESSAGE), "early"));

    CHECK_STATUS(ropeway_engine_abort(engine, server), ROPEWAY_OK);
    event = await_event(engine, client, ROPEWAY_EVENT_RECONNECTING);
    CHECK(event->attempt == 2 && event->close_code == 1006 && event->status < 0);
    CHECK_STATUS(ropeway_engine_ping(engine, client, NULL, 0), ROPEWAY_ERROR_NOT_OPEN);
    CHECK_STATUS(ropeway_engine_set_connection_headers(engine, client, NULL), ROPEWAY_OK);
    server = accept_next(engine, NULL);
    await_event(engine, client, ROPEWAY_EVENT_OPENED);
    CHECK_STATUS(ropeway_engine_close(engine, server, 1000, "done"), ROPEWAY_OK);
    event = await_event(engine, client, ROPEWAY_EVENT_CLOSED);
    CHECK(event->close_code == 1000 && holds(event, "done") && event->attempt == 0);
    ropeway_engine_next_event(engine);
    CHECK_STATUS(ropeway_engine_reconnect_now(engine, client), ROPEWAY_ERROR_CLOSED);
    ropeway_options_free(token);
    ropeway_engine_free(engine);
}

/* Nobody listens; a wait of an hour is ended by hand, one way and the other. */
static void by_hand(void) {
    ropeway_engine *engine = make_engine();
    ropeway_options *options = quick();
    ropeway_listener listener;
    ropeway_connection client;
    uint16_t port = asking(engine, &listener);
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", (unsigned)port);

    REQUIRE(ropeway_engine_close_listener(engine, listener) == ROPEWAY_OK);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT_BASE, 3600000);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT_CAP, 3600000);
    client = dial(engine, port, options);
    CHECK(await_event(engine, client, ROPEWAY_EVENT_RECONNECTING)->status == ROPEWAY_ERROR_CONNECT);
    REQUIRE(ropeway_engine_listen(engine, url, NULL, &listener) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_reconnect_now(engine, client), ROPEWAY_OK);
    await_event(engine, client, ROPEWAY_EVENT_OPENED);
    CHECK_STATUS(ropeway_engine_close(engine, client, 1000, NULL), ROPEWAY_OK);
    await_event(engine, client, ROPEWAY_EVENT_CLOSED);

    REQUIRE(ropeway_engine_close_listener(engine, listener) == ROPEWAY_OK);
    client = dial(engine, port, options);
    await_event(engine, client, ROPEWAY_EVENT_RECONNECTING);
    CHECK_STATUS(ropeway_engine_close(engine, client, 1000, NULL), ROPEWAY_OK);
    CHECK(await_event(engine, client, ROPEWAY_EVENT_CLOSED)->status == ROPEWAY_ERROR_ABORTED);
    ropeway_options_free(options);
    ropeway_engine_free(engine);
}

/* Attempts that are bounded, an end that is final, and one that the application takes for none. */
static void rules(void) {
    ropeway_engine *engine = make_engine();
    ropeway_options *options = quick();
    ropeway_listener listener;
    ropeway_connection client;
    uint16_t port = asking(engine, &listener);

    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT_MAX_ATTEMPTS, 1);
    client = dial(engine, port, options);
    refuse_next(engine, 500, "X", "1");
    refuse_next(engine, 500, "X", "2");
    CHECK(await_event(engine, client, ROPEWAY_EVENT_CLOSED)->status == ROPEWAY_ERROR_HTTP_STATUS);
    client = dial(engine, port, options);
    refuse_next(engine, 401, "X", "1");
    CHECK(next_event(engine)->type != ROPEWAY_EVENT_RECONNECTING);
    await_event(engine, client, ROPEWAY_EVENT_CLOSED);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECONNECT, 2);
    client = dial(engine, port, options);
    refuse_next(engine, 401, "X", "1");
    CHECK(await_event(engine, client, ROPEWAY_EVENT_RECONNECTING)->attempt == 1);
    accept_next(engine, NULL);
    await_event(engine, client, ROPEWAY_EVENT_OPENED);
    ropeway_options_free(options);
    ropeway_engine_free(engine);
}

int main(void) {
    CHECK_STATUS(ropeway_engine_set_connection_headers(NULL, 1, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_reconnect_now(NULL, 1), ROPEWAY_ERROR_NULL);
    keys();
    redirects();
    returns();
    by_hand();
    rules();
    return finish("reconnect");
}
