/*
 * An echo server of libwebsockets, one thread over its own poll loop.
 *
 * libwebsockets [--tls CERTIFICATE KEY] [--deflate alone|takeover] [--fan-out]
 *
 * A message is sent back from the writable callback, as its documentation wants it; several that wait leave in as many
 * callbacks, one frame each. With --fan-out a message goes to all other connections.
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PER_READ = 512 << 10 };

/* What waits to be sent; its bytes begin LWS_PRE into the memory, and are shared by reference in a fan-out. */
struct payload {
    unsigned references;
    size_t length;
    bool binary;
    unsigned char bytes[];
};

struct waiting {
    struct payload *payload;
    struct waiting *next;
};

struct session {
    struct lws *connection;
    struct session *previous, *next;
    struct waiting *first, **last;
    struct payload *incoming;
    size_t capacity;
};

static struct session *sessions;
static bool fans_out;

static void release(struct payload *payload) {
    if (--payload->references == 0) {
        free(payload);
    }
}

static void enqueue(struct session *session, struct payload *payload) {
    struct waiting *waiting = malloc(sizeof *waiting);
    *waiting = (struct waiting){payload, NULL};
    payload->references++;
    *session->last = waiting;
    session->last = &waiting->next;
    lws_callback_on_writable(session->connection);
}

static void received(struct session *session, const unsigned char *bytes, size_t length) {
    struct payload *incoming = session->incoming;
    size_t have = incoming ? incoming->length : 0;
    if (!incoming || have + length > session->capacity) {
        size_t rest = lws_remaining_packet_payload(session->connection);
        session->capacity = have + length + (rest > have ? rest : have);
        incoming = realloc(incoming, sizeof *incoming + LWS_PRE + session->capacity);
        session->incoming = incoming;
    }
    memcpy(incoming->bytes + LWS_PRE + have, bytes, length);
    incoming->length = have + length;
    if (!lws_is_final_fragment(session->connection) || lws_remaining_packet_payload(session->connection) > 0) {
        return;
    }
    session->incoming = NULL;
    incoming->references = 1;
    incoming->binary = lws_frame_is_binary(session->connection);
    if (fans_out) {
        for (struct session *other = sessions; other; other = other->next) {
            if (other != session) {
                enqueue(other, incoming);
            }
        }
    } else {
        enqueue(session, incoming);
    }
    release(incoming);
}

static int writable(struct session *session) {
    struct waiting *waiting = session->first;
    if (!waiting) {
        return 0;
    }
    struct payload *payload = waiting->payload;
    int kind = payload->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    int sent = lws_write(session->connection, payload->bytes + LWS_PRE, payload->length, (enum lws_write_protocol)kind);
    session->first = waiting->next;
    if (!session->first) {
        session->last = &session->first;
    } else {
        lws_callback_on_writable(session->connection);
    }
    release(payload);
    free(waiting);
    return sent < 0 ? -1 : 0;
}

static int on_event(struct lws *connection, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        *session = (struct session){.connection = connection, .next = sessions};
        session->last = &session->first;
        if (sessions) {
            sessions->previous = session;
        }
        sessions = session;
        return 0;
    case LWS_CALLBACK_RECEIVE:
        received(session, in, length);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return writable(session);
    case LWS_CALLBACK_CLOSED:
        if (session->next) {
            session->next->previous = session->previous;
        }
        *(session->previous ? &session->previous->next : &sessions) = session->next;
        free(session->incoming);
        while (session->first) {
            struct waiting *waiting = session->first;
            session->first = waiting->next;
            release(waiting->payload);
            free(waiting);
        }
        return 0;
    default:
        return 0;
    }
}

int main(int argc, char **argv) {
    static const struct lws_protocols PROTOCOLS[] = {{"echo", on_event, sizeof(struct session), PER_READ, 0, NULL, 0},
                                                     {NULL, NULL, 0, 0, 0, NULL, 0}};
    static struct lws_extension deflate[] = {{"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"},
                                             {NULL, NULL, NULL}};
    struct lws_context_creation_info info = {.port = 0, .iface = "127.0.0.1", .protocols = PROTOCOLS};
    info.options = LWS_SERVER_OPTION_DISABLE_IPV6;
    info.pt_serv_buf_size = PER_READ;
    info.listen_accept_role = NULL;
    for (int i = 1; i < argc; i++) {
        if (i + 2 < argc && strcmp(argv[i], "--tls") == 0) {
            info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
            info.ssl_cert_filepath = argv[i + 1];
            info.ssl_private_key_filepath = argv[i + 2];
            i += 2;
        } else if (i + 1 < argc && strcmp(argv[i], "--deflate") == 0) {
            if (strcmp(argv[++i], "alone") == 0) {
                deflate[0].client_offer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
            }
            info.extensions = deflate;
        } else if (strcmp(argv[i], "--fan-out") == 0) {
            fans_out = true;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    struct lws_vhost *host = context ? lws_get_vhost_by_name(context, "default") : NULL;
    if (!host) {
        fputs("libwebsockets does not start\n", stderr);
        return 1;
    }
    printf("listening on ws://127.0.0.1:%d/\n", lws_get_vhost_listen_port(host));
    fflush(stdout);
    while (lws_service(context, 0) >= 0) {
        continue;
    }
    return 0;
}
