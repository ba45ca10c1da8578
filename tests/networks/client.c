/* A client that says what becomes of its connection, for tests/networks/check.
 *
 *     network_client OPEN_TIMEOUT PING_INTERVAL PONG_TIMEOUT BYTES URL
 *
 * The times are milliseconds. Prints "opened MILLISECONDS" when the connection has opened; at the end of its standard input
 * sends a message of BYTES bytes, prints "echoed MILLISECONDS" when it has come back, and closes; with BYTES 0 it only waits.
 * The last line is "STATUS MILLISECONDS SENTENCE": the error's number, 0 for none, and its text.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <ropeway.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t began;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void say(const char *word) {
    printf("%s %" PRId64 "\n", word, now() - began);
    fflush(stdout);
}

static int end(ropeway_status status, const char *sentence) {
    printf("%d %" PRId64 " %s\n", (int)status, now() - began, sentence ? sentence : "");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    static const int32_t keys[] = {ROPEWAY_OPTION_OPEN_TIMEOUT, ROPEWAY_OPTION_PING_INTERVAL, ROPEWAY_OPTION_PONG_TIMEOUT};
    ropeway_options *options = ropeway_options_new();
    const ropeway_event *event;
    ropeway_client *client;
    ropeway_status status;
    size_t bytes;
    int i;
    if (argc != 6 || options == NULL)
        return 2;
    for (i = 0; i < 3; i++)
        if (ropeway_options_set_int(options, keys[i], atol(argv[i + 1])) != ROPEWAY_OK)
            return 2;
    bytes = (size_t)atol(argv[4]);
    began = now();
    status = ropeway_client_open(argv[5], options, &client);
    ropeway_options_free(options);
    if (status != ROPEWAY_OK)
        return end(status, ropeway_last_error());
    say("opened");
    if (bytes > 0) {
        void *message = calloc(1, bytes);
        while (getchar() != EOF)
            continue;
        if (message == NULL || ropeway_client_send_binary(client, message, bytes) != ROPEWAY_OK)
            return 2;
        free(message);
    }
    status = ropeway_client_receive(client, -1, &event);
    if (status == ROPEWAY_OK && event->type == ROPEWAY_EVENT_MESSAGE) {
        say(event->length == bytes ? "echoed" : "another length");
        status = ropeway_client_close(client, 1000, NULL, &event);
    }
    if (status == ROPEWAY_OK)
        status = end(event->status, event->error);
    ropeway_client_free(client);
    return status;
}
