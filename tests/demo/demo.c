/* The demonstration behind `make demo`: a server on one thread and two clients on another talk over real sockets, and
 * each side shows every frame it sends and receives (RFC 6455 section 5.2). Client A uses the blocking layer, client B
 * an engine; the server uses an engine too. The exit status is 0 when all went as it should.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <ropeway.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One of the three who talk. */
struct party {
    const char *name;
    const char *colour;
    int sent, received;
};

static struct party server = {"server", "\033[33m", 0, 0};
static struct party blocking = {"client A", "\033[36m", 0, 0};
static struct party evented = {"client B", "\033[35m", 0, 0};

static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;
static struct timespec beginning;
static int in_colour;
static int failures;

/* Prints one line: when, who, what. Both threads do. */
static void say(const struct party *party, const char *text) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("%9.3f ms  %s%-8s%s  %s\n",
           (double)(now.tv_sec - beginning.tv_sec) * 1e3 + (double)(now.tv_nsec - beginning.tv_nsec) / 1e6,
           in_colour ? party->colour : "", party->name, in_colour ? "\033[0m" : "", text);
}

static void note(const struct party *party, const char *text) {
    pthread_mutex_lock(&printing);
    say(party, text);
    pthread_mutex_unlock(&printing);
}

static void expect(int holds, const char *what) {
    if (holds)
        return;
    pthread_mutex_lock(&printing);
    printf("NOT AS IT SHOULD BE: %s (%s)\n", what, ropeway_last_error());
    failures++;
    pthread_mutex_unlock(&printing);
}

static const char *opcode_name(int opcode) {
    switch (opcode) {
    case 0: return "continuation";
    case 1: return "text";
    case 2: return "binary";
    case 8: return "close";
    case 9: return "ping";
    case 10: return "pong";
    default: return "?";
    }
}

/* Writes the start of a payload as a person reads it. */
static void describe(char *out, size_t room, const ropeway_frame *frame) {
    const unsigned char *payload = frame->payload;
    size_t length = frame->payload_length, shown, i, used = 0;
    if (frame->opcode == 8 && length >= 2) {
        snprintf(out, room, "%d \"%.*s\"", payload[0] << 8 | payload[1], (int)(length - 2), (const char *)payload + 2);
        return;
    }
    shown = length < 40 ? length : 40;
    if (frame->opcode != 2) {
        snprintf(out, room, "\"%.*s\"%s", (int)shown, length ? (const char *)payload : "", shown < length ? " ..." : "");
        return;
    }
    out[0] = '\0';
    for (i = 0; i < shown && i < 16; i++)
        used += (size_t)snprintf(out + used, room - used, "%02x ", payload[i]);
    if (i < length)
        snprintf(out + used, room - used, "...");
}

/* Is shown every frame by Ropeway. */
static void show(void *user, const ropeway_frame *frame) {
    struct party *party = user;
    char line[256], payload[128], mask[16] = "no mask      ";
    describe(payload, sizeof payload, frame);
    if (frame->masked)
        snprintf(mask, sizeof mask, "mask %02x%02x%02x%02x", frame->mask[0], frame->mask[1], frame->mask[2],
                 frame->mask[3]);
    snprintf(line, sizeof line, "%s  %s  %-12s  %s  %6llu bytes  %s", frame->sent ? "\xe2\x86\x92" : "\xe2\x86\x90",
             frame->fin ? "FIN" : "   ", opcode_name(frame->opcode), mask, (unsigned long long)frame->length, payload);
    pthread_mutex_lock(&printing);
    if (frame->sent)
        party->sent++;
    else
        party->received++;
    say(party, line);
    pthread_mutex_unlock(&printing);
}

/* Options that show each frame as `party`'s. */
static ropeway_options *options_of(struct party *party) {
    ropeway_options *options = ropeway_options_new();
    ropeway_options_set_trace(options, show, party);
    return options;
}

/* The server: sends back what it gets, closes when it is asked to, and ends when two connections have. */
static void *serve(void *argument) {
    static const char request[] = "close, please";
    ropeway_engine *engine = argument;
    const ropeway_event *event;
    int ended = 0;
    while (ended < 2 && ropeway_engine_poll(engine, 10000) == ROPEWAY_OK) {
        while ((event = ropeway_engine_next_event(engine)) != NULL) {
            if (event->type == ROPEWAY_EVENT_MESSAGE) {
                if (event->length == strlen(request) && memcmp(event->data, request, event->length) == 0)
                    ropeway_engine_close(engine, event->connection, 1001, "closing for the night");
                else
                    ropeway_engine_send(engine, event->connection, event->kind, event->data, event->length);
            } else if (event->type == ROPEWAY_EVENT_CLOSED) {
                expect((event->flags & ROPEWAY_FLAG_CLEAN) != 0, "the server sees a clean close");
                ended++;
            }
        }
    }
    expect(ended == 2, "the server sees both connections end");
    return NULL;
}

/* Waits for the next event of client A and checks that it is a message, or pong, of this content. */
static void receive(ropeway_client *client, int type, const void *data, size_t length) {
    const ropeway_event *event;
    expect(ropeway_client_receive(client, 5000, &event) == ROPEWAY_OK && event->type == type &&
               event->length == length && memcmp(event->data, data, length) == 0,
           "client A gets back what it sent");
}

/* Client A: text, binary, a message in three fragments, a ping, and a close, each call waiting for its end. */
static void talk_blocking(const char *url) {
    static const char text[] = "hello from the valley \xe2\x9b\xb0";
    static const unsigned char binary[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0xfe, 0xff};
    ropeway_options *options = options_of(&blocking);
    const ropeway_event *event;
    ropeway_client *client;
    if (ropeway_client_open(url, options, &client) != ROPEWAY_OK) {
        expect(0, "client A connects");
        ropeway_options_free(options);
        return;
    }
    note(&blocking, "connected: the blocking client");
    ropeway_client_send_text(client, text, strlen(text));
    receive(client, ROPEWAY_EVENT_MESSAGE, text, strlen(text));
    ropeway_client_send_binary(client, binary, sizeof binary);
    receive(client, ROPEWAY_EVENT_MESSAGE, binary, sizeof binary);
    ropeway_client_send_fragment(client, ROPEWAY_TEXT, "one cabin, ", 11, 0);
    ropeway_client_send_fragment(client, ROPEWAY_TEXT, "two cabins, ", 12, 0);
    ropeway_client_send_fragment(client, ROPEWAY_TEXT, "three cabins", 12, 1);
    receive(client, ROPEWAY_EVENT_MESSAGE, "one cabin, two cabins, three cabins", 35);
    ropeway_client_ping(client, "still there?", 12);
    receive(client, ROPEWAY_EVENT_PONG, "still there?", 12);
    expect(ropeway_client_close(client, 1000, "arrived", &event) == ROPEWAY_OK && event->close_code == 1000 &&
               (event->flags & ROPEWAY_FLAG_CLEAN) != 0,
           "client A closes cleanly");
    note(&blocking, "closed");
    ropeway_client_free(client);
    ropeway_options_free(options);
}

/* Client B: one message back and forth, then the server is asked to close. */
static void talk_evented(const char *url) {
    static const char text[] = "hello from the summit";
    ropeway_options *options = options_of(&evented);
    ropeway_connection connection;
    const ropeway_event *event;
    ropeway_engine *engine;
    int answers = 0, ended = 0;
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK) {
        expect(0, "client B has an engine");
        ropeway_options_free(options);
        return;
    }
    expect(ropeway_engine_connect(engine, url, options, &connection) == ROPEWAY_OK, "client B connects");
    while (!ended && ropeway_engine_poll(engine, 10000) == ROPEWAY_OK) {
        while ((event = ropeway_engine_next_event(engine)) != NULL) {
            if (event->type == ROPEWAY_EVENT_OPENED) {
                note(&evented, "connected: the engine");
                ropeway_engine_send_text(engine, connection, text, strlen(text));
            } else if (event->type == ROPEWAY_EVENT_MESSAGE) {
                answers++;
                ropeway_engine_send_text(engine, connection, "close, please", 13);
            } else if (event->type == ROPEWAY_EVENT_CLOSED) {
                expect(event->close_code == 1001 && (event->flags & ROPEWAY_FLAG_CLEAN) != 0,
                       "the server closes client B's connection cleanly");
                ended = 1;
            }
        }
    }
    expect(answers == 1 && ended, "client B gets one answer and a close");
    note(&evented, "closed by the server");
    ropeway_engine_free(engine);
    ropeway_options_free(options);
}

int main(void) {
    ropeway_options *options = options_of(&server);
    ropeway_listener listener;
    ropeway_engine *engine;
    pthread_t thread;
    char url[64] = "ws://", line[96];
    int sent, received;

    in_colour = isatty(STDOUT_FILENO);
    clock_gettime(CLOCK_MONOTONIC, &beginning);
    if (ropeway_engine_new(NULL, &engine) != ROPEWAY_OK ||
        ropeway_engine_listen(engine, "ws://127.0.0.1:0/", options, &listener) != ROPEWAY_OK ||
        ropeway_engine_listener_address(engine, listener, url + 5, sizeof url - 5) != ROPEWAY_OK) {
        fprintf(stderr, "demo: %s\n", ropeway_last_error());
        return EXIT_FAILURE;
    }
    ropeway_options_free(options);
    printf("Ropeway %s. \xe2\x86\x92 is a frame sent, \xe2\x86\x90 one received; every frame is seen from both ends.\n\n",
           ropeway_version());
    snprintf(line, sizeof line, "listening on %s", url);
    note(&server, line);
    if (pthread_create(&thread, NULL, serve, engine) != 0) {
        fprintf(stderr, "demo: no thread can be started\n");
        return EXIT_FAILURE;
    }
    talk_blocking(url);
    talk_evented(url);
    pthread_join(thread, NULL);
    ropeway_engine_free(engine);

    sent = server.sent + blocking.sent + evented.sent;
    received = server.received + blocking.received + evented.received;
    expect(sent > 0 && sent == received, "every frame that was sent was received");
    printf("\n%s: %d frames sent, %d received, 2 connections opened and closed.\n",
           failures == 0 ? "All as it should be" : "FAILED", sent, received);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
