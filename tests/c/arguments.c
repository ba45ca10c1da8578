/* NULL and bad arguments on every function: an error, never a crash, and nothing is written. */
#include "harness.h"

/* Whether every byte of a result's place is as it was. */
#define UNTOUCHED(place) is_filled(&(place), sizeof(place))
#define FILL(place) memset(&(place), 0x5a, sizeof(place))

static int is_filled(const void *place, size_t size) {
    const unsigned char *bytes = place;
    size_t i;
    for (i = 0; i < size; i++)
        if (bytes[i] != 0x5a)
            return 0;
    return 1;
}

static void options(void) {
    ropeway_options *options = ropeway_options_new(), *copy;
    int64_t value;
    static const int numbers[] = {100, 101, 102, 103, 104, 200, 201, 202, 203, 204, 300, 301,
                                  302, 400, 401, 402, 403, 600, 601, 602, 700, 701, 702, 1150};
    static const int unknown[] = {0, -1, 1, 99, 105, 404, 502, 603, 704, INT32_MAX, INT32_MIN};
    size_t i;

    FILL(value);
    CHECK_STATUS(ropeway_options_set_int(NULL, ROPEWAY_OPTION_STREAMING, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_get_int(NULL, ROPEWAY_OPTION_STREAMING, &value), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_STREAMING, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_set_string(NULL, ROPEWAY_OPTION_ORIGIN, "x"), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_ORIGIN, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_add_header(NULL, "A", "b"), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_add_header(options, NULL, "b"), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_add_header(options, "A", NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_set_trace(NULL, NULL, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_set_trace(options, NULL, NULL), ROPEWAY_OK);
    CHECK(ropeway_options_clone(NULL) == NULL);
    ropeway_options_free(NULL);

    for (i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CHECK_STATUS(ropeway_options_set_int(options, unknown[i], 1), ROPEWAY_ERROR_UNKNOWN_OPTION);
        CHECK_STATUS(ropeway_options_get_int(options, unknown[i], &value), ROPEWAY_ERROR_UNKNOWN_OPTION);
        CHECK_STATUS(ropeway_options_set_string(options, unknown[i], "x"), ROPEWAY_ERROR_UNKNOWN_OPTION);
    }
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_ORIGIN, 1), ROPEWAY_ERROR_OPTION_TYPE);
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_SUBPROTOCOL, &value), ROPEWAY_ERROR_OPTION_TYPE);
    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        CHECK_STATUS(ropeway_options_set_int(options, numbers[i], -1), ROPEWAY_ERROR_OPTION_VALUE);
        CHECK_STATUS(ropeway_options_set_int(options, numbers[i], INT64_MIN), ROPEWAY_ERROR_OPTION_VALUE);
        CHECK_STATUS(ropeway_options_set_string(options, numbers[i], "1"), ROPEWAY_ERROR_OPTION_TYPE);
    }
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_STREAMING, 2), ROPEWAY_ERROR_OPTION_VALUE);
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_MAX_FRAGMENTS, INT64_C(1) << 32),
                 ROPEWAY_ERROR_OPTION_VALUE);
    CHECK(UNTOUCHED(value));

    /* CVE-2026-1527: nothing that ends a line passes into a header. */
    CHECK_STATUS(ropeway_options_add_header(options, "A", "b\r\nC: d"), ROPEWAY_ERROR_INVALID_HEADER);
    CHECK_STATUS(ropeway_options_add_header(options, "A\r\nB", "c"), ROPEWAY_ERROR_INVALID_HEADER);
    CHECK_STATUS(ropeway_options_add_header(options, "", "c"), ROPEWAY_ERROR_INVALID_HEADER);
    CHECK_STATUS(ropeway_options_add_header(options, "A", "\xff"), ROPEWAY_ERROR_INVALID_UTF8);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_ORIGIN, "a\nb"), ROPEWAY_ERROR_INVALID_HEADER);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_SUBPROTOCOL, "a,b"),
                 ROPEWAY_ERROR_INVALID_SUBPROTOCOL);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_SUBPROTOCOL, "a\r\nb"),
                 ROPEWAY_ERROR_INVALID_SUBPROTOCOL);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_SUBPROTOCOL, "chat"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_SUBPROTOCOL, "chat"),
                 ROPEWAY_ERROR_INVALID_SUBPROTOCOL);

    /* The defaults that the header states, and a copy that goes its own way. */
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_MAX_MESSAGE_SIZE, &value), ROPEWAY_OK);
    CHECK(value == 16 << 20);
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_OPEN_TIMEOUT, &value), ROPEWAY_OK);
    CHECK(value == 10000);
    copy = ropeway_options_clone(options);
    CHECK_STATUS(ropeway_options_set_int(copy, ROPEWAY_OPTION_OPEN_TIMEOUT, 1234), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_get_int(copy, ROPEWAY_OPTION_OPEN_TIMEOUT, &value), ROPEWAY_OK);
    CHECK(value == 1234);
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_OPEN_TIMEOUT, &value), ROPEWAY_OK);
    CHECK(value == 10000);
    ropeway_options_free(copy);
    ropeway_options_free(options);
}

/* Functions on an engine, without one: all of them answer alike. */
static void no_engine(void) {
    ropeway_connection id;
    ropeway_remote *remote;
    uint64_t number;
    ropeway_metrics metrics = {.size = sizeof metrics};
    uint16_t port;
    size_t count;
    void *data;
    char text[64];
    FILL(id), FILL(remote), FILL(number), FILL(port), FILL(count), FILL(data), FILL(text);

    CHECK_STATUS(ropeway_engine_new(NULL, NULL), ROPEWAY_ERROR_NULL);
    ropeway_engine_free(NULL);
    CHECK(ropeway_engine_descriptor(NULL) == -1);
    CHECK(ropeway_engine_next_event(NULL) == NULL);
    CHECK(strstr(ropeway_last_error(), "engine") != NULL);
    CHECK_STATUS(ropeway_engine_poll(NULL, 0), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_remote(NULL, &remote), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_list(NULL, &id, 1, &count), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_counter(NULL, ROPEWAY_COUNTER_OPENED, &number), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_metrics(NULL, &metrics), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_connection_metrics(NULL, 1, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_listen(NULL, "ws://127.0.0.1:0/", NULL, &id), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_listener_port(NULL, 1, &port), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_listener_address(NULL, 1, text, sizeof text), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_close_listener(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_connect(NULL, "ws://127.0.0.1:1/", NULL, &id), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_accept(NULL, 1, NULL, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_refuse(NULL, 1, 403, NULL, NULL, 0), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_send(NULL, 1, ROPEWAY_TEXT, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_send_text(NULL, 1, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_send_binary(NULL, 1, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_send_fragment(NULL, 1, ROPEWAY_TEXT, "x", 1, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_ping(NULL, 1, NULL, 0), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_pong(NULL, 1, NULL, 0), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_close(NULL, 1, 1000, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_abort(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_pause(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_resume(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_queued_bytes(NULL, 1, &number), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_peer_address(NULL, 1, text, sizeof text), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_set_user_data(NULL, 1, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_user_data(NULL, 1, &data), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_subscribe(NULL, 1, "t"), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_unsubscribe(NULL, 1, "t"), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_publish(NULL, "t", ROPEWAY_TEXT, "x", 1, 0, &count), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_subscribers(NULL, "t", &count), ROPEWAY_ERROR_NULL);
    CHECK(UNTOUCHED(id) && UNTOUCHED(remote) && UNTOUCHED(number) && UNTOUCHED(port) && UNTOUCHED(count));
    CHECK(UNTOUCHED(data) && UNTOUCHED(text));
}

/* An engine with an open pair, and arguments that are wrong one at a time. */
static void bad_arguments(void) {
    struct pair pair = make_pair(NULL);
    ropeway_engine *engine = pair.engine;
    ropeway_connection id;
    uint64_t number;
    char small[9];
    size_t count, limit = (size_t)-1;
    char long_reason[125];
    FILL(id), FILL(number), FILL(small), FILL(count);
    memset(long_reason, 'x', sizeof long_reason - 1);
    long_reason[sizeof long_reason - 1] = '\0';

    CHECK_STATUS(ropeway_engine_poll(engine, -2), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_remote(engine, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_list(engine, &id, 1, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_list(engine, NULL, 1, &count), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_counter(engine, ROPEWAY_COUNTER_OPENED, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_counter(engine, 0, &number), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_metrics(engine, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_listen(engine, NULL, NULL, &id), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_listen(engine, "ws://127.0.0.1:0/", NULL, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_listen(engine, "", NULL, &id), ROPEWAY_ERROR_INVALID_URL);
    CHECK_STATUS(ropeway_engine_listen(engine, "ftp://127.0.0.1/", NULL, &id), ROPEWAY_ERROR_INVALID_URL);
    CHECK_STATUS(ropeway_engine_listen(engine, "ws://example.com/", NULL, &id), ROPEWAY_ERROR_MISUSE);
    CHECK_STATUS(ropeway_engine_listen(engine, "ws://192.0.2.1:1/", NULL, &id), ROPEWAY_ERROR_IO);
    CHECK_STATUS(ropeway_engine_listener_port(engine, pair.listener, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_listener_address(engine, pair.listener, NULL, 64), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_listener_address(engine, pair.listener, small, sizeof small),
                 ROPEWAY_ERROR_BUFFER_TOO_SMALL);
    CHECK_STATUS(ropeway_engine_peer_address(engine, pair.client, NULL, 64), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_peer_address(engine, pair.client, small, 0), ROPEWAY_ERROR_BUFFER_TOO_SMALL);
    CHECK_STATUS(ropeway_engine_connect(engine, NULL, NULL, &id), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_connect(engine, "ws://127.0.0.1:1/", NULL, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_connect(engine, "nonsense", NULL, &id), ROPEWAY_ERROR_INVALID_URL);
    CHECK_STATUS(ropeway_engine_connect(engine, "ws://a/#b", NULL, &id), ROPEWAY_ERROR_INVALID_URL);
    CHECK_STATUS(ropeway_engine_connect(engine, "ws://a/\r\nX: y", NULL, &id), ROPEWAY_ERROR_INVALID_URL);
    CHECK_STATUS(ropeway_engine_connect(engine, "ws://\xff/", NULL, &id), ROPEWAY_ERROR_INVALID_UTF8);
    CHECK_STATUS(ropeway_engine_accept(engine, pair.server, NULL, NULL), ROPEWAY_ERROR_MISUSE);
    CHECK_STATUS(ropeway_engine_accept(engine, pair.client, NULL, NULL), ROPEWAY_ERROR_MISUSE);
    CHECK_STATUS(ropeway_engine_refuse(engine, pair.server, 403, NULL, NULL, 0), ROPEWAY_ERROR_MISUSE);
    CHECK_STATUS(ropeway_engine_refuse(engine, pair.server, 101, NULL, NULL, 0), ROPEWAY_ERROR_INVALID_REFUSAL);
    CHECK_STATUS(ropeway_engine_refuse(engine, pair.server, -1, NULL, NULL, 0), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_refuse(engine, pair.server, 403, NULL, NULL, 5), ROPEWAY_ERROR_NULL);

    CHECK_STATUS(ropeway_engine_send(engine, pair.client, 0, "x", 1), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_send(engine, pair.client, 8, "x", 1), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_send(engine, pair.client, ROPEWAY_TEXT, NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_send(engine, pair.client, ROPEWAY_BINARY, "x", limit), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_send_text(engine, pair.client, "\xc0\x80", 2), ROPEWAY_ERROR_INVALID_UTF8);
    CHECK_STATUS(ropeway_engine_send_text(engine, pair.client, NULL, 2), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_send_binary(engine, pair.client, NULL, 2), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_send_fragment(engine, pair.client, 7, "x", 1, 1), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_ping(engine, pair.client, long_reason, 126), ROPEWAY_ERROR_CONTROL_TOO_LONG);
    CHECK_STATUS(ropeway_engine_pong(engine, pair.client, NULL, 3), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_close(engine, pair.client, 1006, NULL), ROPEWAY_ERROR_INVALID_CLOSE_CODE);
    CHECK_STATUS(ropeway_engine_close(engine, pair.client, 999, NULL), ROPEWAY_ERROR_INVALID_CLOSE_CODE);
    CHECK_STATUS(ropeway_engine_close(engine, pair.client, 65536 + 1000, NULL), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_close(engine, pair.client, 1000, long_reason), ROPEWAY_ERROR_CONTROL_TOO_LONG);
    CHECK_STATUS(ropeway_engine_close(engine, pair.client, 1000, "\xff"), ROPEWAY_ERROR_INVALID_UTF8);
    CHECK_STATUS(ropeway_engine_queued_bytes(engine, pair.client, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_user_data(engine, pair.client, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_subscribe(engine, pair.client, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_unsubscribe(engine, pair.client, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_publish(engine, NULL, ROPEWAY_TEXT, "x", 1, 0, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_publish(engine, "t", 3, "x", 1, 0, &count), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_publish(engine, "t", ROPEWAY_TEXT, "\xff", 1, 0, &count), ROPEWAY_ERROR_INVALID_UTF8);
    CHECK_STATUS(ropeway_engine_subscribers(engine, NULL, &count), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_subscribers(engine, "t", NULL), ROPEWAY_ERROR_NULL);
    CHECK(UNTOUCHED(id) && UNTOUCHED(number) && UNTOUCHED(small) && UNTOUCHED(count));

    /* None of it has done any harm. An empty message may be NULL. */
    CHECK_STATUS(ropeway_engine_send(engine, pair.client, ROPEWAY_TEXT, NULL, 0), ROPEWAY_OK);
    CHECK(await_event(engine, pair.server, ROPEWAY_EVENT_MESSAGE)->length == 0);
    CHECK_STATUS(ropeway_engine_list(engine, NULL, 0, &count), ROPEWAY_OK);
    CHECK(count == 2);
    ropeway_engine_free(engine);
}

static void other_layers(void) {
    ropeway_remote *remote;
    ropeway_client *client;
    ropeway_protocol *protocol;
    const ropeway_event *event;
    const char *name, *value;
    const void *data;
    uint64_t number;
    size_t length, other;
    FILL(remote), FILL(client), FILL(protocol), FILL(event), FILL(name), FILL(value), FILL(data), FILL(number);
    FILL(length), FILL(other);

    CHECK_STATUS(ropeway_remote_clone(NULL, &remote), ROPEWAY_ERROR_NULL);
    ropeway_remote_free(NULL);
    CHECK_STATUS(ropeway_remote_send(NULL, 1, ROPEWAY_TEXT, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_remote_publish(NULL, "t", ROPEWAY_TEXT, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_remote_close(NULL, 1, 1000, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_remote_abort(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_remote_wake(NULL), ROPEWAY_ERROR_NULL);

    CHECK_STATUS(ropeway_client_open(NULL, NULL, &client), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_open("ws://127.0.0.1:1/", NULL, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_open("http:", NULL, &client), ROPEWAY_ERROR_INVALID_URL);
    ropeway_client_free(NULL);
    CHECK_STATUS(ropeway_client_send(NULL, ROPEWAY_TEXT, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_send(NULL, 3, "x", 1), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_client_send_text(NULL, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_send_binary(NULL, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_send_fragment(NULL, ROPEWAY_TEXT, "x", 1, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_ping(NULL, NULL, 0), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_receive(NULL, 0, &event), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_close(NULL, 1000, NULL, &event), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_client_opened(NULL, &event), ROPEWAY_ERROR_NULL);

    CHECK_STATUS(ropeway_protocol_client(NULL, NULL, 1, &protocol), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_client("ws://a/", NULL, 1, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_client("ws://a/", NULL, 0, &protocol), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_protocol_client("a", NULL, 1, &protocol), ROPEWAY_ERROR_INVALID_URL);
    CHECK_STATUS(ropeway_protocol_server(NULL, 1, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_open(0, NULL, 1, &protocol), ROPEWAY_ERROR_INVALID_ARGUMENT);
    ropeway_protocol_free(NULL);
    CHECK_STATUS(ropeway_protocol_receive(NULL, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK(ropeway_protocol_next_event(NULL, 1) == NULL);
    CHECK_STATUS(ropeway_protocol_output(NULL, &data, &length), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_consume(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_set_blocked(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_send(NULL, ROPEWAY_TEXT, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_send_text(NULL, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_send_binary(NULL, "x", 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_send_fragment(NULL, ROPEWAY_TEXT, "x", 1, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_ping(NULL, NULL, 0), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_pong(NULL, NULL, 0), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_close(NULL, 1000, NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_accept(NULL, NULL, NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_refuse(NULL, 403, NULL, NULL, 0, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_next_deadline(NULL, &number), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_on_deadline(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_on_eof(NULL, 1), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_protocol_on_error(NULL, 1, 1), ROPEWAY_ERROR_NULL);
    CHECK(ropeway_protocol_shutdown(NULL) == ROPEWAY_SHUTDOWN_DROP);

    CHECK(ropeway_head_method(NULL) == NULL);
    CHECK(ropeway_head_target(NULL) == NULL);
    CHECK(ropeway_head_status(NULL) == 0);
    CHECK(ropeway_head_count(NULL) == 0);
    CHECK_STATUS(ropeway_head_field(NULL, "Host", &value, &length), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_head_at(NULL, 0, &name, &length, &value, &other), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_head_body(NULL, &data, &length), ROPEWAY_ERROR_NULL);
    CHECK(UNTOUCHED(remote) && UNTOUCHED(client) && UNTOUCHED(protocol) && UNTOUCHED(event) && UNTOUCHED(name));
    CHECK(UNTOUCHED(value) && UNTOUCHED(data) && UNTOUCHED(number) && UNTOUCHED(length) && UNTOUCHED(other));

    CHECK(strcmp(ropeway_status_string(12345), "unknown status") == 0);
    CHECK(strcmp(ropeway_status_string(ROPEWAY_OK), "done") == 0);
    CHECK(strcmp(ropeway_version(), "0.1.0") == 0);
    CHECK(ropeway_abi_version() == ROPEWAY_ABI_VERSION);
}

int main(void) {
    CHECK(strcmp(ropeway_last_error(), "") == 0);
    options();
    no_engine();
    bad_arguments();
    other_layers();
    return finish("arguments");
}
