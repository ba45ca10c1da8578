/* permessage-deflate through the C interface: the option keys, what is compressed, and what the wire carries then. */
#include "harness.h"

static void option_keys(void) {
    static const struct {
        int32_t key;
        int64_t standard, other, wrong;
    } keys[] = {
        {ROPEWAY_OPTION_COMPRESSION, -1, 1, 2},
        {ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER, -1, 0, -2},
        {ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER, -1, 1, 7},
        {ROPEWAY_OPTION_SERVER_MAX_WINDOW_BITS, 15, 9, 256},
        {ROPEWAY_OPTION_CLIENT_MAX_WINDOW_BITS, 15, 10, -1},
        {ROPEWAY_OPTION_COMPRESSION_THRESHOLD, 128, 0, -1},
        {ROPEWAY_OPTION_COMPRESSION_LEVEL, 2, 9, 1000},
        {ROPEWAY_OPTION_COMPRESSION_MEMORY_LEVEL, 6, 1, -9},
    };
    ropeway_options *options = ropeway_options_new();
    size_t i;
    for (i = 0; i < sizeof keys / sizeof *keys; i++) {
        int64_t value = 99;
        CHECK_STATUS(ropeway_options_get_int(options, keys[i].key, &value), ROPEWAY_OK);
        CHECK(value == keys[i].standard);
        CHECK_STATUS(ropeway_options_set_int(options, keys[i].key, keys[i].wrong), ROPEWAY_ERROR_OPTION_VALUE);
        CHECK_STATUS(ropeway_options_set_int(options, keys[i].key, keys[i].other), ROPEWAY_OK);
        CHECK_STATUS(ropeway_options_get_int(options, keys[i].key, &value), ROPEWAY_OK);
        CHECK(value == keys[i].other);
        CHECK_STATUS(ropeway_options_set_string(options, keys[i].key, "1"), ROPEWAY_ERROR_OPTION_TYPE);
    }
    ropeway_options_free(options);
}

/* A window of 8 bits can be inflated but not compressed with: whose it is depends on the role. */
static void a_setting_that_the_role_forbids(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener = 0;
    ropeway_connection connection = 0;
    ropeway_options_set_int(options, ROPEWAY_OPTION_COMPRESSION, 1);
    ropeway_options_set_int(options, ROPEWAY_OPTION_SERVER_MAX_WINDOW_BITS, 8);
    CHECK_STATUS(ropeway_engine_listen(engine, "ws://127.0.0.1:0/", options, &listener),
                 ROPEWAY_ERROR_COMPRESSION_OPTION);
    CHECK(listener == 0);
    ropeway_options_set_int(options, ROPEWAY_OPTION_CLIENT_MAX_WINDOW_BITS, 8);
    CHECK_STATUS(ropeway_engine_connect(engine, "ws://127.0.0.1:1/", options, &connection),
                 ROPEWAY_ERROR_COMPRESSION_OPTION);
    CHECK(connection == 0);
    ropeway_engine_free(engine);
    ropeway_options_free(options);
}

/* What the server's socket received for one message of the client's. */
static uint64_t received_for(struct pair *pair, int32_t compress, const char *text, size_t length) {
    uint64_t before = 0, after = 0;
    const ropeway_event *event;
    ropeway_engine_counter(pair->engine, ROPEWAY_COUNTER_BYTES_RECEIVED, &before);
    CHECK_STATUS(ropeway_engine_send_compressed(pair->engine, pair->client, ROPEWAY_TEXT, compress, text, length),
                 ROPEWAY_OK);
    event = await_event(pair->engine, pair->server, ROPEWAY_EVENT_MESSAGE);
    CHECK(event->length == length && memcmp(event->data, text, length) == 0);
    ropeway_engine_counter(pair->engine, ROPEWAY_COUNTER_BYTES_RECEIVED, &after);
    return after - before;
}

static void the_wire_carries_less(void) {
    ropeway_options *options = ropeway_options_new();
    struct pair pair;
    char text[1000];
    memset(text, 'r', sizeof text);
    ropeway_options_set_int(options, ROPEWAY_OPTION_COMPRESSION, 1);
    pair = make_pair(options);
    CHECK(received_for(&pair, ROPEWAY_COMPRESS_BY_OPTIONS, text, sizeof text) < 50);
    CHECK(received_for(&pair, ROPEWAY_COMPRESS_NEVER, text, sizeof text) == sizeof text + 8);
    CHECK(received_for(&pair, ROPEWAY_COMPRESS_BY_OPTIONS, text, 100) == 106);
    CHECK(received_for(&pair, ROPEWAY_COMPRESS_ALWAYS, text, 100) < 50);
    CHECK_STATUS(ropeway_engine_send_compressed(pair.engine, pair.client, ROPEWAY_TEXT, 3, text, 1),
                 ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_send_compressed(NULL, pair.client, ROPEWAY_TEXT, 0, text, 1), ROPEWAY_ERROR_NULL);
    ropeway_engine_free(pair.engine);
    ropeway_options_free(options);
}

int main(void) {
    option_keys();
    a_setting_that_the_role_forbids();
    the_wire_carries_less();
    return finish("compression");
}
