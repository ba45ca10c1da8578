/* The client that a fuzzing server drives through Autobahn's cases; what it must do stands in tests/conformance/check.
 *
 *     conformance_client [--no-takeover] ws://127.0.0.1:PORT
 */
#include <ropeway.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cases that run at once: some wait for seconds, and some keep the suite so busy that beside many of their kind they would
 * run into its time limit. */
enum { PARALLEL = 4 };

struct run {
    ropeway_engine *engine;
    ropeway_options *options;
    const char *url;
    int cases, next, active;
};

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ropeway_last_error());
    return EXIT_FAILURE;
}

/* Asks for the number of cases; -1 when there is no answer. */
static int count_cases(const char *url) {
    const ropeway_event *event;
    ropeway_client *client;
    char address[256];
    int count = -1;
    snprintf(address, sizeof address, "%s/getCaseCount", url);
    if (ropeway_client_open(address, NULL, &client) != ROPEWAY_OK)
        return -1;
    if (ropeway_client_receive(client, 5000, &event) == ROPEWAY_OK && event->type == ROPEWAY_EVENT_MESSAGE) {
        char digits[16];
        snprintf(digits, sizeof digits, "%.*s", (int)event->length, (const char *)event->data);
        count = atoi(digits);
    }
    ropeway_client_close(client, 1000, NULL, NULL);
    ropeway_client_free(client);
    return count;
}

/* Begins cases until PARALLEL of them run, or none is left. */
static int begin(struct run *run) {
    char address[256];
    ropeway_connection connection;
    while (run->next <= run->cases && run->active < PARALLEL) {
        snprintf(address, sizeof address, "%s/runCase?case=%d&agent=ropeway", run->url, run->next);
        if (ropeway_engine_connect(run->engine, address, run->options, &connection) != ROPEWAY_OK)
            return fail(address);
        run->next++;
        run->active++;
    }
    return EXIT_SUCCESS;
}

static int run_cases(struct run *run) {
    const ropeway_event *event;
    while (begin(run) == EXIT_SUCCESS) {
        if (run->active == 0)
            return EXIT_SUCCESS;
        if (ropeway_engine_poll(run->engine, -1) != ROPEWAY_OK)
            return fail("poll");
        while ((event = ropeway_engine_next_event(run->engine)) != NULL) {
            if (event->type == ROPEWAY_EVENT_MESSAGE)
                ropeway_engine_send(run->engine, event->connection, event->kind, event->data, event->length);
            else if (event->type == ROPEWAY_EVENT_CLOSED)
                run->active--;
        }
    }
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    struct run run = {NULL, NULL, NULL, 0, 1, 0};
    ropeway_client *client;
    char address[256];
    int status;
    if (argc != 2 && !(argc == 3 && strcmp(argv[1], "--no-takeover") == 0)) {
        fprintf(stderr, "usage: %s [--no-takeover] ws://HOST:PORT\n", argv[0]);
        return 2;
    }
    run.url = argv[argc - 1];
    if ((run.options = ropeway_options_new()) == NULL)
        return fail("options");
    /* Every message is compressed where the server agrees, however small: the suite asks for it. */
    ropeway_options_set_int(run.options, ROPEWAY_OPTION_COMPRESSION_THRESHOLD, 0);
    ropeway_options_set_int(run.options, ROPEWAY_OPTION_SERVER_NO_CONTEXT_TAKEOVER, argc == 3);
    ropeway_options_set_int(run.options, ROPEWAY_OPTION_CLIENT_NO_CONTEXT_TAKEOVER, argc == 3);
    run.cases = count_cases(run.url);
    if (run.cases < 0)
        return fail("no number of cases");
    if (ropeway_engine_new(NULL, &run.engine) != ROPEWAY_OK)
        return fail("engine");
    status = run_cases(&run);
    ropeway_engine_free(run.engine);
    ropeway_options_free(run.options);
    if (status != EXIT_SUCCESS)
        return status;

    /* The server writes its report and drops the connection. */
    snprintf(address, sizeof address, "%s/updateReports?agent=ropeway", run.url);
    if (ropeway_client_open(address, NULL, &client) == ROPEWAY_OK) {
        const ropeway_event *event;
        ropeway_client_receive(client, 30000, &event);
        ropeway_client_free(client);
    }
    return EXIT_SUCCESS;
}
