/*
 * wslay's codec without a socket, by its event API.
 *
 * wslay codec parse-server|parse-client|encode-server|encode-client KIND SIZE SECONDS FRAMES
 *
 * Prints the nanoseconds of a message. FRAMES is a file of frames end to end, as the other side would send them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wslay/wslay.h>

/* What a socket gives at most in one read. */
enum { READ = 64 << 10 };

static unsigned char *frames, written[READ];
static size_t frames_length, at, received, size, left;

static ssize_t read_frames(wslay_event_context_ptr context, uint8_t *to, size_t room, int flags, void *user) {
    (void)flags, (void)user;
    size_t length = room < left ? room : left;
    if (length == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    length = length < frames_length - at ? length : frames_length - at;
    memcpy(to, frames + at, length);
    left -= length;
    at = (at + length) % frames_length;
    return (ssize_t)length;
}

static ssize_t copy(wslay_event_context_ptr context, const uint8_t *bytes, size_t length, int flags, void *user) {
    (void)context, (void)flags, (void)user;
    /* A copy, as a socket's. */
    length = length < READ ? length : READ;
    memcpy(written, bytes, length);
    __asm__ volatile("" : : "r"(written) : "memory");
    return (ssize_t)length;
}

static int make_mask(wslay_event_context_ptr context, uint8_t *key, size_t length, void *user) {
    (void)context, (void)user;
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    memcpy(key, &state, length);
    return 0;
}

static void on_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message, void *user) {
    (void)context, (void)user;
    if (message->msg_length != size) {
        fputs("a message of another size\n", stderr);
        exit(1);
    }
    received++;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Parses or encodes for so long; returns the nanoseconds of a message. */
static double run(wslay_event_context_ptr context, const struct wslay_event_msg *message, double seconds) {
    double began = now(), took = 0;
    size_t count = 0;
    received = 0;
    while (took < seconds) {
        int status = 0;
        if (message) {
            for (int i = 0; i < 64 && status == 0; i++) {
                status = wslay_event_queue_msg(context, message) || wslay_event_send(context);
                count++;
            }
        } else {
            left = READ;
            status = wslay_event_recv(context);
            count = received;
        }
        if (status != 0) {
            fprintf(stderr, "wslay: error %d\n", status);
            exit(1);
        }
        took = now() - began;
    }
    return took * 1e9 / (double)count;
}

int main(int argc, char **argv) {
    static const struct wslay_event_callbacks CALLBACKS = {read_frames, copy, make_mask, NULL, NULL, NULL, on_message};
    if (argc != 7) {
        fputs("wslay codec OPERATION KIND SIZE SECONDS FRAMES\n", stderr);
        return 2;
    }
    const char *operation = argv[2];
    double seconds = atof(argv[5]);
    size = strtoul(argv[4], NULL, 10);
    FILE *file = fopen(argv[6], "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(argv[6]);
        return 1;
    }
    frames_length = (size_t)ftell(file);
    rewind(file);
    frames = malloc(frames_length);
    unsigned char *payload = malloc(size + 1);
    if (!frames || !payload || fread(frames, 1, frames_length, file) != frames_length) {
        perror(argv[6]);
        return 1;
    }
    memset(payload, 'x', size);
    wslay_event_context_ptr context;
    int client = strstr(operation, "client") != NULL;
    int made = client ? wslay_event_context_client_init(&context, &CALLBACKS, NULL)
                      : wslay_event_context_server_init(&context, &CALLBACKS, NULL);
    if (made != 0) {
        return 1;
    }
    wslay_event_config_set_max_recv_msg_length(context, 64 << 20);
    struct wslay_event_msg message = {strcmp(argv[3], "binary") ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, payload, size};
    const struct wslay_event_msg *given = strncmp(operation, "encode", 6) == 0 ? &message : NULL;
    run(context, given, seconds / 10);
    printf("%f\n", run(context, given, seconds));
    return 0;
}
