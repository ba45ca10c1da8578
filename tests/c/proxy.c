/* Proxies through the C interface: a small proxy plays a script of HTTP CONNECT or SOCKS 5, then serves the WebSocket
 * itself, as the far end of the tunnel.
 */
#include "harness.h"

/* What the proxy reads, and what it answers. */
struct step {
    size_t length;         /* so many bytes; 0: an HTTP head */
    const char *has;       /* the head has this in it */
    const char *answer;
    size_t answer_length;
};

struct proxy {
    int listener;
    uint16_t port;
    const struct step *steps;
    size_t count;
    int serves; /* the script ends with a tunnel */
    pthread_t thread;
};

static void play(int descriptor, const struct step *step) {
    char bytes[2048] = {0};
    size_t length = 0;
    while (step->length > 0 ? length < step->length : strstr(bytes, "\r\n\r\n") == NULL) {
        REQUIRE(length + 1 < sizeof bytes);
        REQUIRE(recv(descriptor, bytes + length, 1, 0) == 1);
        length++;
    }
    CHECK(step->has == NULL || strstr(bytes, step->has) != NULL);
    raw_send(descriptor, step->answer, step->answer_length);
}

static void *run_proxy(void *argument) {
    struct proxy *proxy = argument;
    int descriptor = accept(proxy->listener, NULL, NULL);
    REQUIRE(descriptor >= 0);
    for (size_t index = 0; index < proxy->count; index++)
        play(descriptor, &proxy->steps[index]);
    if (proxy->serves) {
        ropeway_engine *engine = make_engine();
        ropeway_connection server = 0;
        const ropeway_event *event;
        CHECK_STATUS(ropeway_engine_adopt(engine, descriptor, NULL, 0, NULL, &server), ROPEWAY_OK);
        event = await_event(engine, server, ROPEWAY_EVENT_MESSAGE);
        CHECK_STATUS(ropeway_engine_send_text(engine, server, event->data, event->length), ROPEWAY_OK);
        await_event(engine, server, ROPEWAY_EVENT_CLOSED);
        ropeway_engine_free(engine);
    } else {
        close(descriptor);
    }
    return NULL;
}

static struct proxy *start(const struct step *steps, size_t count, int serves) {
    struct proxy *proxy = calloc(1, sizeof *proxy);
    REQUIRE(proxy != NULL);
    proxy->steps = steps;
    proxy->count = count;
    proxy->serves = serves;
    proxy->listener = raw_listen(&proxy->port);
    REQUIRE(pthread_create(&proxy->thread, NULL, run_proxy, proxy) == 0);
    return proxy;
}

static void stop(struct proxy *proxy) {
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
    free(proxy);
}

static ropeway_options *through(const struct proxy *proxy, const char *format) {
    char url[128];
    ropeway_options *options = ropeway_options_new();
    snprintf(url, sizeof url, format, (unsigned)proxy->port);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY, url), ROPEWAY_OK);
    return options;
}

#define CHALLENGE "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 2\r\n\r\nno"
#define STEP(length, has, answer) {length, has, answer, sizeof answer - 1}

static void a_message_goes_through(const char *url, const struct step *steps, size_t count) {
    struct proxy *proxy = start(steps, count, 1);
    ropeway_options *options = through(proxy, url);
    ropeway_client *client = NULL;
    const ropeway_event *event;
    CHECK_STATUS(ropeway_client_open("ws://server.invalid:81/", options, &client), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_send_text(client, "hello", 5), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_receive(client, 10000, &event), ROPEWAY_OK);
    CHECK(holds(event, "hello"));
    CHECK_STATUS(ropeway_client_close(client, 1000, "", NULL), ROPEWAY_OK);
    ropeway_client_free(client);
    ropeway_options_free(options);
    stop(proxy);
}

static void a_failure_is_told(const char *url, const struct step *steps, size_t count, ropeway_status status,
                              const char *words) {
    struct proxy *proxy = start(steps, count, 0);
    ropeway_options *options = through(proxy, url);
    ropeway_client *client = NULL;
    CHECK_STATUS(ropeway_client_open("ws://server.invalid:81/", options, &client), status);
    CHECK(client == NULL);
    CHECK(strstr(ropeway_last_error(), words) != NULL && strstr(ropeway_last_error(), "secret") == NULL);
    ropeway_options_free(options);
    stop(proxy);
}

static void the_environment(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_connection connection = 0;
    int64_t value = -1;
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT, &value), ROPEWAY_OK);
    CHECK(value == 1);
    REQUIRE(setenv("ws_proxy", "gopher://secret@proxy", 1) == 0);
    CHECK_STATUS(ropeway_engine_connect(engine, "ws://192.0.2.1/", options, &connection), ROPEWAY_ERROR_PROXY_URL);
    CHECK(strstr(ropeway_last_error(), "ws_proxy") != NULL && strstr(ropeway_last_error(), "secret") == NULL);
    CHECK(connection == 0);

    /* Nobody listens there. */
    REQUIRE(setenv("ws_proxy", "http://127.0.0.1:1", 1) == 0);
    CHECK_STATUS(ropeway_engine_connect(engine, "ws://192.0.2.1/", NULL, &connection), ROPEWAY_OK);
    CHECK(await_event(engine, connection, ROPEWAY_EVENT_CLOSED)->status == ROPEWAY_ERROR_PROXY_CONNECT);

    /* The option turns it off: the bad one is not looked at. */
    REQUIRE(setenv("ws_proxy", "gopher://proxy", 1) == 0);
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT, 0), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_connect(engine, "ws://192.0.2.1/", options, &connection), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_abort(engine, connection), ROPEWAY_OK);
    REQUIRE(unsetenv("ws_proxy") == 0);
    ropeway_engine_free(engine);
    ropeway_options_free(options);
}

static void settings(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_client *client = NULL;
    int64_t value = -1;
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY, "gopher://proxy"), ROPEWAY_ERROR_PROXY_URL);
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_PROXY, 1), ROPEWAY_ERROR_OPTION_TYPE);
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_PROXY, &value), ROPEWAY_ERROR_OPTION_TYPE);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT, ""),
                 ROPEWAY_ERROR_OPTION_TYPE);
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT, 2),
                 ROPEWAY_ERROR_OPTION_VALUE);

    /* What was set last counts. */
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY, "socks5h://proxy"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT, &value), ROPEWAY_OK);
    CHECK(value == 0);
    CHECK_STATUS(ropeway_options_set_int(options, ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT, 1), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY, ""), ROPEWAY_OK);
    CHECK_STATUS(ropeway_options_get_int(options, ROPEWAY_OPTION_PROXY_FROM_ENVIRONMENT, &value), ROPEWAY_OK);
    CHECK(value == 0);

    CHECK_STATUS(ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY_CA, "/nonexistent/ca.pem"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_client_open("ws://192.0.2.1/", options, &client), ROPEWAY_ERROR_TLS_SETTINGS);
    CHECK(strstr(ropeway_last_error(), "/nonexistent/ca.pem") != NULL);
    ropeway_options_free(options);
}

int main(void) {
    static const struct step connect[] = {
        STEP(0, "CONNECT server.invalid:81 HTTP/1.1\r\n", CHALLENGE),
        STEP(0, "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n", "HTTP/1.1 200 OK\r\n\r\n"),
    };
    static const struct step socks[] = {
        STEP(4, NULL, "\5\2"),
        STEP(13, NULL, "\1\0"),
        STEP(21, NULL, "\5\0\0\1\0\0\0\0\0\0"),
    };
    static const struct step challenge = STEP(0, NULL, CHALLENGE);
    static const struct step unsupported = STEP(0, NULL, "HTTP/1.1 407 A\r\nProxy-Authenticate: NTLM\r\n\r\n");
    static const struct step refusal = STEP(0, NULL, "HTTP/1.1 403 No\r\n\r\n");
    static const struct step garbage = STEP(0, NULL, "garbage\r\n\r\n");
    static const struct step silence = STEP(0, NULL, "");
    static const struct step unreachable[] = {STEP(3, NULL, "\5\0"), STEP(21, NULL, "\5\4")};
    const char *const url = "http://u:secret@127.0.0.1:%u";
    a_message_goes_through("http://user:secret@127.0.0.1:%u", connect, 2);
    a_message_goes_through("socks5h://user:secret@127.0.0.1:%u", socks, 3);
    a_failure_is_told("127.0.0.1:%u", &challenge, 1, ROPEWAY_ERROR_PROXY_CREDENTIALS_NEEDED, "offers Basic");
    a_failure_is_told(url, &unsupported, 1, ROPEWAY_ERROR_PROXY_AUTHENTICATION, "only NTLM");
    a_failure_is_told(url, &refusal, 1, ROPEWAY_ERROR_PROXY_REFUSED, "server.invalid:81: 403 No");
    a_failure_is_told(url, &garbage, 1, ROPEWAY_ERROR_PROXY_ANSWER, "no HTTP answer");
    a_failure_is_told(url, &silence, 1, ROPEWAY_ERROR_PROXY_CLOSED, "closed the connection");
    a_failure_is_told("socks5h://127.0.0.1:%u", unreachable, 2, ROPEWAY_ERROR_PROXY_REFUSED, "host unreachable");
    the_environment();
    settings();
    return finish("proxy");
}
