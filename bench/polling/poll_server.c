/*
 * poll_server: a value that changes once a second, by HTTP over connections that are kept (libevent's evhttp).
 *
 *   poll_server          prints "listening on http://127.0.0.1:PORT/"
 *
 * GET /now gives the present value at once; GET /next?VALUE one that is newer than VALUE as soon as there is one: long polling. A
 * value is the time at which it was made, by CLOCK_MONOTONIC in nanoseconds, in 20 digits. The first one is made with the first
 * request.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char value[32] = "00000000000000000000";
static struct event *tick;

/* Requests that wait for the next value. */
static struct evhttp_request **waiting;
static size_t count, capacity;

static void answer(struct evhttp_request *request) {
    struct evbuffer *body = evbuffer_new();
    evbuffer_add(body, value, 20);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "text/plain");
    evhttp_add_header(evhttp_request_get_output_headers(request), "Cache-Control", "no-store");
    evhttp_send_reply(request, HTTP_OK, NULL, body);
    evbuffer_free(body);
}

static void on_tick(evutil_socket_t descriptor, short what, void *argument) {
    struct timespec time;
    (void)descriptor, (void)what, (void)argument;
    clock_gettime(CLOCK_MONOTONIC, &time);
    snprintf(value, sizeof value, "%020" PRId64, time.tv_sec * INT64_C(1000000000) + time.tv_nsec);
    for (size_t i = 0; i < count; i++)
        answer(waiting[i]);
    count = 0;
}

static void begin(void) {
    if (!event_pending(tick, EV_TIMEOUT, NULL)) {
        on_tick(-1, 0, NULL);
        event_add(tick, &(struct timeval){1, 0});
    }
}

static void on_now(struct evhttp_request *request, void *argument) {
    (void)argument;
    begin();
    answer(request);
}

static void on_next(struct evhttp_request *request, void *argument) {
    const char *known = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    (void)argument;
    begin();
    if (known == NULL || strcmp(known, value) < 0) {
        answer(request);
        return;
    }
    if (count == capacity) {
        capacity = capacity ? 2 * capacity : 1024;
        if ((waiting = realloc(waiting, capacity * sizeof *waiting)) == NULL)
            abort();
    }
    waiting[count++] = request;
}

int main(void) {
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    struct evhttp_bound_socket *bound;
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
    evhttp_set_cb(http, "/now", on_now, NULL);
    evhttp_set_cb(http, "/next", on_next, NULL);
    if ((bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0)) == NULL)
        return perror("poll_server"), 1;
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length);
    printf("listening on http://127.0.0.1:%u/\n", ntohs(address.sin_port));
    fflush(stdout);
    return event_base_dispatch(base);
}
