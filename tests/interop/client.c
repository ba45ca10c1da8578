/* Ropeway's client on its tour of an echo server of another make; what it has to see stands in tests/interop/parts.py.
 *
 *     interop_client [--ca CERTIFICATE] [--proxy URL] [--proxy-ca CERTIFICATE] [--deflate off|takeover|no-takeover]
 *                    [--commands] URL
 */
#include <ropeway.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 1 << 20, PATIENCE = 20000 };

static ropeway_client *client;

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "%s; %s\n", what, ropeway_last_error());
    exit(EXIT_FAILURE);
}

static void expect(ropeway_status status, const char *what) {
    if (status != ROPEWAY_OK)
        fail(what);
}

static const ropeway_event *next(int type, const char *what) {
    const ropeway_event *event;
    expect(ropeway_client_receive(client, PATIENCE, &event), what);
    if (event->type != type) {
        fprintf(stderr, "%s: event %d, not %d: %s\n", what, (int)event->type, type, event->error ? event->error : "");
        exit(EXIT_FAILURE);
    }
    return event;
}

static void must_be(const ropeway_event *event, int kind, const void *data, size_t length, const char *what) {
    if (event->kind != kind || event->length != length || (length > 0 && memcmp(event->data, data, length) != 0)) {
        fprintf(stderr, "%s: %zu bytes of kind %d came back, or others\n", what, event->length, (int)event->kind);
        exit(EXIT_FAILURE);
    }
}

static void echo(int kind, const void *data, size_t length, const char *what) {
    expect(ropeway_client_send(client, kind, data, length), what);
    must_be(next(ROPEWAY_EVENT_MESSAGE, what), kind, data, length, what);
}

static void echoes(void) {
    static const char text[] = "caf\xc3\xa9, \xe2\x82\xac and \xf0\x9f\x9a\xa1: the same again, the same again, the same again";
    static const size_t edges[] = {1, 125, 126, 127, 65535, 65536};
    static unsigned char large[LARGE];
    unsigned state = 1;
    size_t i;
    for (i = 0; i < 3; i++)
        echo(ROPEWAY_TEXT, text, sizeof text - 1, "text");
    echo(ROPEWAY_TEXT, "", 0, "empty text");
    echo(ROPEWAY_BINARY, "", 0, "empty binary");
    for (i = 0; i < sizeof large; i++) {
        state = state * 1664525u + 1013904223u;
        large[i] = (unsigned char)(state >> 24);
    }
    for (i = 0; i < sizeof edges / sizeof *edges; i++)
        echo(ROPEWAY_BINARY, large, edges[i], "binary");
    echo(ROPEWAY_BINARY, large, sizeof large, "1 MiB of noise");
    for (i = 0; i < sizeof large; i++)
        large[i] = (unsigned char)('a' + large[i] % 4);
    echo(ROPEWAY_TEXT, large, sizeof large, "1 MiB of text");
}

static void fragments(void) {
    static const char *const parts[] = {"a message ", "", "in four ", "fragments"};
    static const char whole[] = "a message in four fragments";
    int i;
    for (i = 0; i < 4; i++) {
        expect(ropeway_client_send_fragment(client, ROPEWAY_TEXT, parts[i], strlen(parts[i]), i == 3), "fragment");
        if (i == 1)
            expect(ropeway_client_ping(client, "between", 7), "ping");
    }
    must_be(next(ROPEWAY_EVENT_PONG, "pong"), 0, "between", 7, "pong");
    must_be(next(ROPEWAY_EVENT_MESSAGE, "fragments"), ROPEWAY_TEXT, whole, sizeof whole - 1, "fragments");
}

/* The server's own part: what it does when it is told to. Ends the connection. */
static void commands(void) {
    const ropeway_event *event;
    expect(ropeway_client_send_text(client, "fragments", 9), "fragments");
    must_be(next(ROPEWAY_EVENT_MESSAGE, "its fragments"), ROPEWAY_TEXT, "one two three", 13, "its fragments");
    expect(ropeway_client_send_text(client, "ping", 4), "ping");
    must_be(next(ROPEWAY_EVENT_MESSAGE, "its ping"), ROPEWAY_TEXT, "pong", 4, "its ping");
    expect(ropeway_client_send_text(client, "close", 5), "close");
    event = next(ROPEWAY_EVENT_CLOSED, "its close");
    must_be(event, 0, "as asked", 8, "its reason");
    if (event->close_code != 4001 || !(event->flags & ROPEWAY_FLAG_CLEAN) || (event->flags & ROPEWAY_FLAG_CLOSED_BY_US))
        fail("it has not closed cleanly with 4001");
}

static void close_with(int code) {
    const ropeway_event *event;
    expect(ropeway_client_close(client, code, "bye", &event), "close");
    if (event->close_code != code || !(event->flags & ROPEWAY_FLAG_CLEAN)) {
        fprintf(stderr, "closed with %d, not %d: %s\n", (int)event->close_code, code, event->error ? event->error : "");
        exit(EXIT_FAILURE);
    }
}

static void open_client(const char *url, const ropeway_options *options) {
    if (ropeway_client_open(url, options, &client) != ROPEWAY_OK)
        fail(url);
}

int main(int argc, char **argv) {
    ropeway_options *options = ropeway_options_new();
    const ropeway_event *opened;
    const char *url = NULL, *extensions = "";
    size_t length = 0;
    int i, asks = 0;
    if (options == NULL)
        fail("options");
    for (i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--ca") == 0)
            expect(ropeway_options_set_string(options, ROPEWAY_OPTION_TLS_CA, argv[++i]), "--ca");
        else if (i + 1 < argc && strcmp(argv[i], "--proxy") == 0)
            expect(ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY, argv[++i]), "--proxy");
        else if (i + 1 < argc && strcmp(argv[i], "--proxy-ca") == 0)
            expect(ropeway_options_set_string(options, ROPEWAY_OPTION_PROXY_CA, argv[++i]), "--proxy-ca");
        else if (i + 1 < argc && strcmp(argv[i], "--deflate") == 0) {
            int alone = strcmp(argv[++i], "no-takeover") == 0;
            expect(ropeway_options_set_int(options, ROPEWAY_OPTION_COMPRESSION, strcmp(argv[i], "off") != 0), "--deflate");
            expect(ropeway_options_set_int(options, ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER, alone), "--deflate");
            expect(ropeway_options_set_int(options, ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER, alone), "--deflate");
        } else if (strcmp(argv[i], "--commands") == 0)
            asks = 1;
        else
            url = argv[i];
    }
    if (url == NULL) {
        fprintf(stderr,
                "usage: %s [--ca CERTIFICATE] [--proxy URL] [--proxy-ca CERTIFICATE] [--deflate off|takeover|no-takeover]"
                " [--commands] URL\n",
                argv[0]);
        return 2;
    }
    open_client(url, options);
    expect(ropeway_client_opened(client, &opened), "opened");
    ropeway_head_field(opened->head, "Sec-WebSocket-Extensions", &extensions, &length);
    printf("%.*s\n", (int)length, extensions);
    echoes();
    fragments();
    close_with(1000);
    ropeway_client_free(client);

    open_client(url, options);
    close_with(4001);
    ropeway_client_free(client);
    if (asks) {
        open_client(url, options);
        commands();
        ropeway_client_free(client);
    }
    ropeway_options_free(options);
    return EXIT_SUCCESS;
}
