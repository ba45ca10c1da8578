/* An engine from other threads, and after it is gone; an engine in a child process. */
#include "harness.h"

#include <sys/wait.h>

enum { THREADS = 4, MESSAGES = 500 };

struct worker {
    ropeway_remote *remote;
    ropeway_connection connection;
    int number;
};

/* Sends numbered messages through a handle of its own. */
static void *work(void *argument) {
    struct worker *worker = argument;
    ropeway_remote *mine;
    int i;
    REQUIRE(ropeway_remote_clone(worker->remote, &mine) == ROPEWAY_OK);
    for (i = 0; i < MESSAGES; i++) {
        int message[2];
        message[0] = worker->number;
        message[1] = i;
        REQUIRE(ropeway_remote_send(mine, worker->connection, ROPEWAY_BINARY, message, sizeof message) == ROPEWAY_OK);
        memset(message, 0xff, sizeof message);
    }
    ropeway_remote_free(mine);
    return NULL;
}

/* Every message comes once, those of one thread in their order. */
static void from_threads(void) {
    struct pair pair = make_pair(NULL);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    int next[THREADS] = {0}, i;
    ropeway_remote *remote;
    REQUIRE(ropeway_engine_remote(pair.engine, &remote) == ROPEWAY_OK);
    for (i = 0; i < THREADS; i++) {
        workers[i].remote = remote;
        workers[i].connection = pair.client;
        workers[i].number = i;
        REQUIRE(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
    }
    for (i = 0; i < THREADS * MESSAGES; i++) {
        const ropeway_event *event = await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE);
        int message[2];
        REQUIRE(event->length == sizeof message);
        memcpy(message, event->data, sizeof message);
        REQUIRE(message[0] >= 0 && message[0] < THREADS);
        CHECK(message[1] == next[message[0]]++);
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    CHECK_STATUS(ropeway_engine_subscribe(pair.engine, pair.server, "news"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_subscribe(pair.engine, pair.server, "news"), ROPEWAY_UNCHANGED);
    CHECK_STATUS(ropeway_remote_publish(remote, "news", ROPEWAY_TEXT, "fresh", 5), ROPEWAY_OK);
    CHECK(holds(await_event(pair.engine, pair.client, ROPEWAY_EVENT_MESSAGE), "fresh"));
    CHECK_STATUS(ropeway_engine_unsubscribe(pair.engine, pair.server, "news"), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_unsubscribe(pair.engine, pair.server, "news"), ROPEWAY_UNCHANGED);
    CHECK_STATUS(ropeway_remote_close(remote, pair.client, 4001, "from afar"), ROPEWAY_OK);
    CHECK(await_event(pair.engine, pair.server, ROPEWAY_EVENT_CLOSED)->close_code == 4001);
    CHECK_STATUS(ropeway_remote_close(remote, pair.client, 70000, NULL), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_remote_abort(remote, pair.client), ROPEWAY_OK);

    /* A wake-up ends a wait that would last for ever, also when it came before. */
    CHECK_STATUS(ropeway_remote_wake(remote), ROPEWAY_OK);
    CHECK_STATUS(ropeway_engine_poll(pair.engine, -1), ROPEWAY_OK);

    ropeway_engine_free(pair.engine);
    CHECK_STATUS(ropeway_remote_send(remote, pair.client, ROPEWAY_TEXT, "x", 1), ROPEWAY_ERROR_ENGINE_GONE);
    CHECK_STATUS(ropeway_remote_publish(remote, "news", ROPEWAY_TEXT, "x", 1), ROPEWAY_ERROR_ENGINE_GONE);
    CHECK_STATUS(ropeway_remote_close(remote, pair.client, 1000, NULL), ROPEWAY_ERROR_ENGINE_GONE);
    CHECK_STATUS(ropeway_remote_abort(remote, pair.client), ROPEWAY_ERROR_ENGINE_GONE);
    CHECK_STATUS(ropeway_remote_wake(remote), ROPEWAY_ERROR_ENGINE_GONE);
    ropeway_remote_free(remote);
}

/* What cannot be taken is told: here by the remote's own bound, there by the connection's. */
static void bounds(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_engine *engine;
    ropeway_remote *remote;
    struct pair pair;
    const ropeway_event *event;
    ropeway_options_set_int(options, ROPEWAY_OPTION_REMOTE_QUEUE_LIMIT, 1000);
    REQUIRE(ropeway_engine_new(options, &engine) == ROPEWAY_OK);
    REQUIRE(ropeway_engine_remote(engine, &remote) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_remote_send(remote, 1, ROPEWAY_BINARY, "x", 1), ROPEWAY_OK);
    {
        char many[1000] = {0};
        CHECK_STATUS(ropeway_remote_send(remote, 1, ROPEWAY_BINARY, many, sizeof many), ROPEWAY_ERROR_REMOTE_FULL);
    }
    CHECK(strstr(ropeway_last_error(), "remote_queue_limit") != NULL);
    ropeway_remote_free(remote);
    ropeway_engine_free(engine);

    ropeway_options_set_int(options, ROPEWAY_OPTION_SEND_QUEUE_LIMIT, 10);
    pair = make_pair(options);
    ropeway_options_free(options);
    REQUIRE(ropeway_engine_remote(pair.engine, &remote) == ROPEWAY_OK);
    CHECK_STATUS(ropeway_remote_send(remote, pair.client, ROPEWAY_TEXT, "\xff", 1), ROPEWAY_OK);
    event = await_event(pair.engine, pair.client, ROPEWAY_EVENT_UNDELIVERED);
    CHECK_STATUS(event->status, ROPEWAY_ERROR_INVALID_UTF8);
    CHECK(event->undelivered == 1 && event->data == NULL && event->error != NULL);
    ropeway_remote_free(remote);
    ropeway_engine_free(pair.engine);
}

/* A child gets a clear error, may free what it has, and does not disturb its parent. */
static void in_a_child(void) {
    struct pair pair = make_pair(NULL);
    int status;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ropeway_connection other;
        int code = ropeway_engine_poll(pair.engine, 0) == ROPEWAY_ERROR_FORKED &&
                   ropeway_engine_connect(pair.engine, "ws://127.0.0.1:1/", NULL, &other) == ROPEWAY_ERROR_FORKED &&
                   ropeway_engine_send_text(pair.engine, pair.client, "x", 1) < 0 &&
                   ropeway_engine_next_event(pair.engine) == NULL;
        ropeway_engine_free(pair.engine);
        _exit(code ? 0 : 1);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_STATUS(ropeway_engine_send_text(pair.engine, pair.client, "parent", 6), ROPEWAY_OK);
    CHECK(holds(await_event(pair.engine, pair.server, ROPEWAY_EVENT_MESSAGE), "parent"));
    ropeway_engine_free(pair.engine);
}

int main(void) {
    from_threads();
    bounds();
    in_a_child();
    return finish("remote");
}
