/* libwebsockets as a peer, without compression; the parts it plays stand in tests/interop/parts.py. */
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 1 << 20, CHUNK = 16384 };

/* What a connection still has to send, and what it has gathered. */
struct session {
    unsigned char *received;
    size_t received_length, received_room;
    bool binary;
    unsigned char *sending; /* after LWS_PRE bytes */
    size_t length, sent, fragment;
    bool to_send, to_ping, to_close;
};

static volatile sig_atomic_t stopping;

static void stop(int signal_number) {
    (void)signal_number;
    stopping = 1;
}

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "libwebsockets: %s\n", what);
    exit(EXIT_FAILURE);
}

/* Has a message sent, in fragments of at most `fragment` bytes. */
static void queue(struct lws *wsi, struct session *session, const void *data, size_t length, bool binary, size_t fragment) {
    free(session->sending);
    if ((session->sending = malloc(LWS_PRE + length + 1)) == NULL)
        fail("no memory");
    memcpy(session->sending + LWS_PRE, data, length);
    session->length = length;
    session->sent = 0;
    session->fragment = fragment;
    session->binary = binary;
    session->to_send = true;
    lws_callback_on_writable(wsi);
}

static int write_some(struct lws *wsi, struct session *session) {
    static unsigned char ping[LWS_PRE + 6];
    if (session->to_ping) {
        session->to_ping = false;
        memcpy(ping + LWS_PRE, "there?", 6);
        if (lws_write(wsi, ping + LWS_PRE, 6, LWS_WRITE_PING) < 0)
            return -1;
        lws_callback_on_writable(wsi);
    } else if (session->to_close) {
        lws_close_reason(wsi, 4001, (unsigned char *)"as asked", 8);
        return -1;
    } else if (session->to_send) {
        size_t left = session->length - session->sent;
        size_t piece = left < session->fragment ? left : session->fragment;
        int flags = lws_write_ws_flags(session->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT, session->sent == 0, piece == left);
        /* libwebsockets writes over what it has sent. */
        static unsigned char buffer[LWS_PRE + CHUNK];
        memcpy(buffer + LWS_PRE, session->sending + LWS_PRE + session->sent, piece);
        if (lws_write(wsi, buffer + LWS_PRE, piece, (enum lws_write_protocol)flags) < (int)piece)
            return -1;
        session->sent += piece;
        session->to_send = piece < left;
        if (session->to_send)
            lws_callback_on_writable(wsi);
    }
    return 0;
}

/* Gathers a message; true when it is whole. */
static bool gather(struct lws *wsi, struct session *session, const void *data, size_t length) {
    if (session->received_length + length > session->received_room) {
        session->received_room = (session->received_length + length) * 2;
        if ((session->received = realloc(session->received, session->received_room)) == NULL)
            fail("no memory");
    }
    if (length > 0)
        memcpy(session->received + session->received_length, data, length);
    session->received_length += length;
    return lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
}

static bool is(const struct session *session, const char *text) {
    return session->received_length == strlen(text) && memcmp(session->received, text, session->received_length) == 0;
}

static void release(struct session *session) {
    free(session->received);
    free(session->sending);
}

static int serve(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data, size_t length) {
    struct session *session = user;
    switch ((int)reason) {
    case LWS_CALLBACK_RECEIVE:
        if (!gather(wsi, session, data, length))
            break;
        if (lws_frame_is_binary(wsi))
            queue(wsi, session, session->received, session->received_length, true, CHUNK);
        else if (is(session, "close"))
            session->to_close = true;
        else if (is(session, "ping"))
            session->to_ping = true;
        else if (is(session, "fragments"))
            queue(wsi, session, "one two three", 13, false, 5);
        else
            queue(wsi, session, session->received, session->received_length, false, CHUNK);
        session->received_length = 0;
        lws_callback_on_writable(wsi);
        break;
    case LWS_CALLBACK_RECEIVE_PONG:
        queue(wsi, session, "pong", 4, false, CHUNK);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_some(wsi, session);
    case LWS_CALLBACK_CLOSED:
        release(session);
        break;
    }
    return 0;
}

/* The tour: what is sent in turn. */
static const char LINE[] = "caf\xc3\xa9, \xe2\x82\xac and \xf0\x9f\x9a\xa1: the same again, the same again, the same again";
static const size_t SIZES[] = {1, 125, 126, 127, 65535, 65536, LARGE};
enum { EMPTY = 2, LINES = 3, BINARIES = sizeof SIZES / sizeof *SIZES, STEPS = EMPTY + LINES + 1 + BINARIES + 1 };

static unsigned char noise[LARGE], text[LARGE];
static int step, closing_code = 1000, pongs;
static bool done;

/* What step `at` sends, and whether it is binary. */
static size_t message(int at, const void **data, bool *binary) {
    int size = at - (EMPTY + LINES + 1);
    *binary = at == 1 || (size >= 0 && size < BINARIES);
    *data = *binary ? (const void *)noise : LINE;
    if (at < EMPTY)
        return 0;
    if (*binary)
        return SIZES[size];
    if (at == EMPTY + LINES) {
        *data = text;
        return LARGE;
    }
    return sizeof LINE - 1;
}

static void begin_step(struct lws *wsi, struct session *session) {
    const void *data;
    bool binary;
    size_t length = message(step, &data, &binary);
    /* The last one goes in fragments of 9 bytes, after a ping. */
    session->to_ping = step == STEPS - 1;
    queue(wsi, session, data, length, binary, step == STEPS - 1 ? 9 : CHUNK);
}

static int tour(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data, size_t length) {
    struct session *session = user;
    const void *expected;
    bool binary;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        fail(data ? data : "no connection");
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH: {
        char agreed[200] = "";
        lws_hdr_copy(wsi, agreed, sizeof agreed, WSI_TOKEN_EXTENSIONS);
        if (closing_code == 1000)
            printf("%s\n", agreed);
        break;
    }
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (closing_code != 1000) {
            session->to_close = true;
            lws_callback_on_writable(wsi);
        } else
            begin_step(wsi, session);
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        if (session->to_close) {
            lws_close_reason(wsi, (enum lws_close_status)closing_code, (unsigned char *)"bye", 3);
            return -1;
        }
        return write_some(wsi, session);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        pongs += length == 6 && memcmp(data, "there?", 6) == 0;
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        if (!gather(wsi, session, data, length))
            break;
        if (session->received_length != message(step, &expected, &binary) || lws_frame_is_binary(wsi) != binary ||
            memcmp(session->received, expected, session->received_length) != 0)
            fail("a message came back otherwise");
        session->received_length = 0;
        if (++step < STEPS)
            begin_step(wsi, session);
        else {
            if (pongs != 1)
                fail("no pong");
            session->to_close = true;
            lws_callback_on_writable(wsi);
        }
        break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        fail("the server closed by itself");
    case LWS_CALLBACK_CLIENT_CLOSED:
        release(session);
        done = true;
        break;
    }
    return 0;
}

static void run(struct lws_context *context, const volatile sig_atomic_t *ends) {
    while (!*ends && !done && lws_service(context, 0) >= 0)
        continue;
}

static void visit(struct lws_context *context, const char *url) {
    char copy[256];
    const char *protocol, *address, *path;
    int port;
    snprintf(copy, sizeof copy, "%s", url);
    if (lws_parse_uri(copy, &protocol, &address, &port, &path) != 0)
        fail("no URL");
    struct lws_client_connect_info info = {
        .context = context, .address = address, .port = port, .path = "/", .host = address, .origin = address};
    info.ssl_connection = strcmp(protocol, "wss") == 0 ? LCCSCF_USE_SSL : 0;
    done = false;
    if (!lws_client_connect_via_info(&info))
        fail("cannot connect");
    run(context, &stopping);
}

int main(int argc, char **argv) {
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN};
    const struct lws_protocols protocols[] = {
        {"echo", argc > 1 && strcmp(argv[1], "serve") == 0 ? serve : tour, sizeof(struct session), CHUNK, 0, NULL, 0},
        {NULL, NULL, 0, 0, 0, NULL, 0}};
    bool serves = protocols[0].callback == serve;
    const char *url = NULL;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
            info.ssl_cert_filepath = argv[++i];
            info.ssl_private_key_filepath = argv[++i];
        } else if (strcmp(argv[i], "--ca") == 0 && i + 1 < argc)
            info.client_ssl_ca_filepath = argv[++i];
        else if (strcmp(argv[i], "--deflate") == 0 && i + 1 < argc && strcmp(argv[i + 1], "off") == 0)
            i++;
        else
            url = argv[i];
    }
    lws_set_log_level(LLL_ERR, NULL);
    signal(SIGTERM, stop);
    for (size_t i = 0; i < LARGE; i++) {
        noise[i] = (unsigned char)(rand() >> 7);
        text[i] = (unsigned char)('a' + rand() % 4);
    }
    info.protocols = protocols;
    info.iface = "lo";
    info.port = serves ? 0 : CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6;
    struct lws_context *context = lws_create_context(&info);
    struct lws_vhost *vhost = context ? lws_create_vhost(context, &info) : NULL;
    if (!vhost)
        fail("no context");
    if (serves) {
        printf("listening on %d\n", lws_get_vhost_listen_port(vhost));
        fflush(stdout);
        run(context, &stopping);
    } else if (url) {
        visit(context, url);
        if (step != STEPS)
            fail("the server ended the connection");
        closing_code = 4001;
        visit(context, url);
    }
    lws_context_destroy(context);
    return EXIT_SUCCESS;
}
