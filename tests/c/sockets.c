/* Settings of sockets by key, and how many connections one address may have. */
#include "harness.h"

static void keys(void) {
    ropeway_options *options = ropeway_options_new();
    int64_t value;
    check_number_option(options, ROPEWAY_OPTION_TCP_NODELAY, 1, 0, 2);
    check_number_option(options, ROPEWAY_OPTION_TCP_KEEPALIVE, 0, 60000, -1);
    check_number_option(options, ROPEWAY_OPTION_DSCP, -1, 46, 64);
    check_number_option(options, ROPEWAY_OPTION_SEND_BUFFER, 0, 40000, -1);
    check_number_option(options, ROPEWAY_OPTION_RECEIVE_BUFFER, 0, 40000, INT64_MAX);
    check_number_option(options, ROPEWAY_OPTION_MAX_PER_ADDRESS, 0, 10, -1);
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_LOCAL_ADDRESS, 1), ROPEWAY_ERROR_OPTION_TYPE);
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_INTERFACE, &value), ROPEWAY_ERROR_OPTION_TYPE);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_LOCAL_ADDRESS, "here"),
                 ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_LOCAL_ADDRESS, "[2001:db8::1]:5000"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_INTERFACE, "lo"), ROPEWAY_OK);
    ropeway_options_free(options);
}

/* All settings at once, on both ends. */
static void in_use(void) {
    ropeway_options *options = ropeway_options_new();
    struct pair pair;
    char address[64];
    ropeway_options_set_int(options, ROPEWAY_OPTION_TCP_NODELAY, 0);
    ropeway_options_set_int(options, ROPEWAY_OPTION_TCP_KEEPALIVE, 60000);
    ropeway_options_set_int(options, ROPEWAY_OPTION_DSCP, 10);
    ropeway_options_set_int(options, ROPEWAY_OPTION_SEND_BUFFER, 40000);
    ropeway_options_set_int(options, ROPEWAY_OPTION_RECEIVE_BUFFER, 40000);
    ropeway_options_set_string(options, ROPEWAY_OPTION_LOCAL_ADDRESS, "127.0.0.1");
    pair = make_pair(options);
    CHECK_STATUS(ropeway_engine_peer_address(pair.engine, pair.server, address, sizeof address), ROPEWAY_OK);
    CHECK(strncmp(address, "127.0.0.1:", 10) == 0);
    CHECK_STATUS(ropeway_engine_send_text(pair.engine, pair.client, "hello", 5), ROPEWAY_OK);
    CHECK(holds(await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE), "hello"));
    ropeway_engine_free(pair.engine);
    ropeway_options_free(options);
}

static void limit(void) {
    ropeway_options *options = ropeway_options_new();
    struct pair pair;
    uint16_t port;
    uint64_t refused = 9;
    ropeway_connection second;
    ropeway_options_set_int(options, ROPEWAY_OPTION_MAX_PER_ADDRESS, 1);
    pair = make_pair(options);
    REQUIRE(ropeway_engine_listener_port(pair.engine, pair.listener, &port) == ROPEWAY_OK);
    second = dial(pair.engine, port, NULL);
    CHECK(await_event(pair.engine, second, ROPEWAY_EVENT_CLOSED)->status != ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_counter(pair.engine, ROPEWAY_COUNTER_REFUSED_BY_ADDRESS, &refused), ROPEWAY_OK);
    CHECK(refused == 1);
    ropeway_engine_close(pair.engine, pair.client, 1000, NULL);
    await_event(pair.engine, pair.server, ROPEWAY_EVENT_CLOSED);
    await_event(pair.engine, dial(pair.engine, port, NULL), ROPEWAY_EVENT_OPENED);
    ropeway_engine_free(pair.engine);
    ropeway_options_free(options);
}

int main(void) {
    keys();
    in_use();
    limit();
    return finish("sockets");
}
