/* Origins and credentials: who may connect, and who does. */
#include "harness.h"

static void keys(void) {
    ropeway_options *options = ropeway_options_new();
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_ALLOWED_ORIGIN, "example.com"),
                 ROPEWAY_ERROR_INVALID_ORIGIN);
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_ALLOWED_ORIGIN, 1), ROPEWAY_ERROR_OPTION_TYPE);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_BASIC_AUTH, "user"),
                 ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_BASIC_AUTH, "user:a\r\nX: y"),
                 ROPEWAY_ERROR_INVALID_HEADER);
    CHECK(strstr(ropeway_last_error(), "X: y") == NULL);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_BEARER_AUTH, "a b"), ROPEWAY_ERROR_INVALID_HEADER);
    ropeway_options_free(options);
}

/* How a request with this origin and these credentials is answered by a server of https://example.com. */
static ropeway_status outcome(const char *origin, int key, const char *credentials) {
    ropeway_options *server = ropeway_options_new(), *client = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener;
    ropeway_connection dialled;
    ropeway_status status = ROPEWAY_NONE;
    ropeway_options_set_int(server, ROPEWAY_OPTION_ASK_UPGRADE, 1);
    CHECK_STATUS(ropeway_options_set_string(server, ROPEWAY_OPTION_ALLOWED_ORIGIN, "https://example.com"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(server, ROPEWAY_OPTION_ALLOWED_ORIGIN, "https://*.example.com"), ROPEWAY_OK);
    if (origin != NULL)
        CHECK_STATUS(ropeway_options_set_string(client, ROPEWAY_OPTION_ORIGIN, origin), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(client, key, credentials), ROPEWAY_OK);
    dialled = dial(engine, listen_on(engine, server, &listener), client);
    while (status == ROPEWAY_NONE) {
        const ropeway_event *event = next_event(engine);
        if (event->type == ROPEWAY_EVENT_UPGRADE_REQUEST) {
            CHECK_STATUS(ropeway_head_basic_auth(event->head, NULL, "pass"), ROPEWAY_ERROR_NULL);
            CHECK_STATUS(ropeway_head_basic_auth(event->head, "user", "Pass"), ROPEWAY_NONE);
            if (ropeway_head_basic_auth(event->head, "user", "pass") == ROPEWAY_OK)
                ropeway_engine_accept(engine, event->connection, NULL, NULL);
            else
                ropeway_engine_refuse(engine, event->connection, 401, NULL, NULL, 0);
        } else if (event->connection == dialled) {
            status = event->type == ROPEWAY_EVENT_OPENED ? ROPEWAY_OK : ropeway_head_status(event->head);
        } else if (event->type == ROPEWAY_EVENT_CLOSED && event->status == ROPEWAY_ERROR_ORIGIN) {
            CHECK(strstr(event->error, "may not connect") != NULL);
        }
    }
    ropeway_engine_free(engine);
    ropeway_options_free(server);
    ropeway_options_free(client);
    return status;
}

int main(void) {
    keys();
    CHECK(outcome("https://example.com", ROPEWAY_OPTION_BASIC_AUTH, "user:pass") == ROPEWAY_OK);
    CHECK(outcome("https://www.example.com", ROPEWAY_OPTION_BASIC_AUTH, "user:pass:word") == 401);
    CHECK(outcome("https://www.example.com", ROPEWAY_OPTION_BEARER_AUTH, "dXNlcjpwYXNz") == 401);
    CHECK(outcome("https://evil.example", ROPEWAY_OPTION_BASIC_AUTH, "user:pass") == 403);
    CHECK(outcome(NULL, ROPEWAY_OPTION_BASIC_AUTH, "user:pass") == 403);
    return finish("access");
}
