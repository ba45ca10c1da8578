/* What is counted of an engine and of a connection. */
#include "harness.h"

enum { LENGTH = 5000 };

static struct pair metered_pair(void) {
    ropeway_options *options = ropeway_options_new();
    struct pair pair;
    ropeway_options_set_int(options, ROPEWAY_OPTION_CONNECTION_METRICS, 1);
    REQUIRE(ropeway_engine_new(options, &pair.engine) == ROPEWAY_OK);
    ropeway_options_free(options);
    open_pair(&pair, NULL);
    return pair;
}

static ropeway_metrics metrics_of(ropeway_engine *engine) {
    ropeway_metrics metrics;
    metrics.size = sizeof metrics;
    REQUIRE(ropeway_engine_metrics(engine, &metrics) == ROPEWAY_OK && metrics.size == sizeof metrics);
    return metrics;
}

static void counts(void) {
    struct pair pair = metered_pair();
    ropeway_connection_metrics client = {.size = sizeof client}, server = {.size = sizeof server};
    ropeway_metrics all;
    uint64_t opened = 0;
    char message[LENGTH];
    memset(message, 'm', sizeof message);
    CHECK_STATUS(ropeway_engine_connection_metrics(pair.engine, pair.client, &client), ROPEWAY_OK);
    CHECK(client.size == sizeof client && client.messages_sent == 0 && client.round_trip == -1);
    CHECK_STATUS(ropeway_engine_ping(pair.engine, pair.client, "p", 1), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_send(pair.engine, pair.client, ROPEWAY_TEXT, message, LENGTH), ROPEWAY_OK);
    await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE);

    CHECK_STATUS(ropeway_engine_connection_metrics(pair.engine, pair.client, &client), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_connection_metrics(pair.engine, pair.server, &server), ROPEWAY_OK);
    CHECK(client.messages_sent == 1 && client.payload_sent == LENGTH && client.pings_sent == 1 && client.queued == 0);
    CHECK(server.messages_received == 1 && server.payload_received == LENGTH && server.pings_received == 1);
    CHECK(server.messages_sent == 0 && client.bytes_sent == server.bytes_received && client.bytes_sent > LENGTH);

    CHECK_STATUS(ropeway_engine_close(pair.engine, pair.client, 1000, NULL), ROPEWAY_OK);
    await_event(pair.engine, pair.server, ROPEWAY_EVENT_CLOSED);
    CHECK_STATUS(ropeway_engine_connection_metrics(pair.engine, pair.server, &server), ROPEWAY_OK);
    CHECK(server.bytes_received == client.bytes_sent + 8);
    await_event(pair.engine, pair.client, ROPEWAY_EVENT_CLOSED);
    all = metrics_of(pair.engine);
    CHECK(all.accepted == 1 && all.dialled == 1 && all.opened == 2 && all.closed == 2);
    CHECK_STATUS(ropeway_engine_counter(pair.engine, ROPEWAY_COUNTER_OPENED, &opened), ROPEWAY_OK);
    CHECK(opened == 2);
    CHECK(all.close_codes[0] == 2 && all.messages_sent == 1 && all.messages_received == 1);
    while (metrics_of(pair.engine).connections > 0) {
        REQUIRE(ropeway_engine_poll(pair.engine, 10000) == ROPEWAY_OK);
        CHECK(ropeway_engine_next_event(pair.engine) == NULL);
    }
    CHECK_STATUS(ropeway_engine_connection_metrics(pair.engine, pair.client, &client), ROPEWAY_ERROR_CLOSED);
    ropeway_engine_free(pair.engine);
}

/* A program built for an older library has fewer fields, one built for a newer has more. */
static void sizes(void) {
    struct pair pair = make_pair(NULL);
    struct {
        ropeway_metrics metrics;
        uint64_t more;
    } newer = {{.size = sizeof newer}, 7};
    ropeway_metrics older;
    memset(&older, 0xff, sizeof older);
    older.size = offsetof(ropeway_metrics, accepted);
    CHECK_STATUS(ropeway_engine_metrics(pair.engine, &older), ROPEWAY_OK);
    CHECK(older.connections == 2 && older.queued == 0 && older.accepted == UINT64_MAX);
    CHECK_STATUS(ropeway_engine_metrics(pair.engine, &newer.metrics), ROPEWAY_OK);
    CHECK(newer.metrics.size == sizeof newer.metrics && newer.metrics.accepted == 1 && newer.more == 7);
    older.size = 0;
    CHECK_STATUS(ropeway_engine_metrics(pair.engine, &older), ROPEWAY_ERROR_INVALID_ARGUMENT);
    ropeway_engine_free(pair.engine);
}

static void only_on_request(void) {
    struct pair pair = make_pair(NULL);
    ropeway_connection_metrics metrics = {.size = sizeof metrics};
    CHECK_STATUS(ropeway_engine_connection_metrics(pair.engine, pair.client, &metrics), ROPEWAY_ERROR_MISUSE);
    CHECK(strstr(ropeway_last_error(), "connection_metrics") != NULL);
    ropeway_engine_free(pair.engine);
}

static void prometheus(void) {
    struct pair pair = make_pair(NULL);
    const char *page;
    CHECK_STATUS(ropeway_engine_prometheus(pair.engine, &page), ROPEWAY_OK);
    CHECK(strstr(page, "\n# TYPE ropeway_opened_total counter\nropeway_opened_total 2\n") != NULL);
    CHECK(page[strlen(page) - 1] == '\n');
    CHECK_STATUS(ropeway_engine_prometheus(pair.engine, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_prometheus(NULL, &page), ROPEWAY_ERROR_NULL);
    ropeway_engine_free(pair.engine);
}

/* With a broker tests/relay has it; here there is none. */
static void relay(void) {
    struct pair pair = make_pair(NULL);
    CHECK_STATUS(ropeway_engine_relay(NULL, "redis+unix:///nonexistent"), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_relay(pair.engine, "nonsense"), ROPEWAY_ERROR_INVALID_URL);
    CHECK(strstr(ropeway_last_error(), "redis://") != NULL);
    CHECK_STATUS(ropeway_engine_relay(pair.engine, "redis+unix:///nonexistent"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_publish(pair.engine, "news", ROPEWAY_TEXT, "fresh", 5, 0, NULL), ROPEWAY_OK);
    CHECK(metrics_of(pair.engine).relay_queued > 0 && metrics_of(pair.engine).relay_connected == 0);
    CHECK_STATUS(ropeway_engine_relay(pair.engine, NULL), ROPEWAY_OK);
    CHECK(metrics_of(pair.engine).relay_queued == 0);
    CHECK_STATUS(ropeway_engine_relay(pair.engine, "redis+unix:///nonexistent"), ROPEWAY_OK);
    ropeway_engine_free(pair.engine);
}

int main(void) {
    relay();
    counts();
    sizes();
    only_on_request();
    prometheus();
    return finish("metrics");
}
