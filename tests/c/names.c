/* A resolver in C: names lead where it says, and what it says wrong is an error with its words. */
#include "harness.h"

#include <dirent.h>
#include <sched.h>

struct cabin {
    const char *address;
    const char *why;
};

static const char *resolve(void *user, const char *host, uint16_t port, ropeway_addresses *addresses) {
    const struct cabin *cabin = user;
    (void)port;
    if (strcmp(host, "cabin.example") != 0)
        return "no such cabin";
    CHECK_STATUS(ropeway_addresses_add(addresses, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_addresses_add(addresses, "nowhere"), ROPEWAY_ERROR_INVALID_ARGUMENT);
    if (cabin->address != NULL)
        CHECK_STATUS(ropeway_addresses_add(addresses, cabin->address), ROPEWAY_OK);
    return cabin->why;
}

/* How a connection to `url` ends that cannot be made. */
static void fails(const ropeway_options *options, const char *url, ropeway_status status, const char *words) {
    ropeway_client *client = NULL;
    CHECK_STATUS(ropeway_client_open(url, options, &client), status);
    CHECK(strstr(ropeway_last_error(), words) != NULL);
    CHECK(client == NULL);
}

/* A resolver's thread goes a moment after its last answer; valgrind takes the memory of one that is still there for lost. */
static void await_threads(void) {
    uint64_t deadline = micros() + 10000000;
    int count;
    do {
        DIR *tasks = opendir("/proc/self/task");
        if (tasks == NULL)
            return;
        for (count = 0; readdir(tasks) != NULL; count++)
            ;
        closedir(tasks);
        sched_yield();
    } while (count > 3 && micros() < deadline); /* this thread, "." and ".." */
    CHECK(count == 3);
}

int main(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener;
    ropeway_connection connection;
    struct cabin cabin = {"127.0.0.1", NULL};
    uint16_t port = listen_on(engine, NULL, &listener);
    char url[64];

    CHECK_STATUS(ropeway_options_set_resolver(NULL, resolve, &cabin), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_addresses_add(NULL, "127.0.0.1"), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_options_set_resolver(options, resolve, &cabin), ROPEWAY_OK);

    snprintf(url, sizeof url, "ws://cabin.example:%u/", (unsigned)port);
    CHECK_STATUS(ropeway_engine_connect(engine, url, options, &connection), ROPEWAY_OK);
    await_event(engine, connection, ROPEWAY_EVENT_OPENED);

    fails(options, "ws://elsewhere.example/", ROPEWAY_ERROR_RESOLVE, "elsewhere.example: no such cabin");
    cabin.address = NULL;
    fails(options, url, ROPEWAY_ERROR_RESOLVE, "has no addresses");
    cabin.why = "it is closed";
    fails(options, url, ROPEWAY_ERROR_RESOLVE, "it is closed");
    cabin.why = NULL;
    cabin.address = "[::ffff:127.0.0.1]:1";
    fails(options, url, ROPEWAY_ERROR_CONNECT, "[::ffff:127.0.0.1]:1: connect: ");

    /* The system's again. */
    CHECK_STATUS(ropeway_options_set_resolver(options, NULL, NULL), ROPEWAY_OK);
    ropeway_engine_free(engine);
    ropeway_options_free(options);
    await_threads();
    return finish("names");
}
