/*
 * users: people who look at a value that changes once a second.
 *
 *   users --way polling|long|push --port N [--users U] [--warmup S] [--seconds S] [--server-pid P]
 *
 * polling   each asks once a second (GET /now), all evenly spread over the second, over a connection that is kept
 * long      each asks for a newer value (GET /next?VALUE) as soon as it has one
 * push      each has a WebSocket, and is told
 *
 * After the warm-up, half a second after a value was made, the measured window begins; then two lines of JSON follow: what window.h
 * has, a message being a value that one user sees for the first time, and its latency the time since it was made; and what went
 * over all sockets meanwhile, by the kernel's own count (TCP_INFO): bytes without the headers of TCP and IP, and segments.
 */
#include "../load/fail.h"
#include "../load/window.h"
#include "../load/wire.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, VALUE = 20 };
enum way { POLLING, LONG, PUSH };

/* What Chromium 156 sends for fetch(): 490 bytes with a target of four. */
static const char REQUEST[] =
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: keep-alive\r\nsec-ch-ua-platform: \"Linux\"\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 "
    "Safari/537.36\r\nsec-ch-ua: \"Not:A-Brand\";v=\"8\", \"Chromium\";v=\"156\"\r\nAccept-Language: en-US\r\n"
    "sec-ch-ua-mobile: ?0\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"
    "Sec-Fetch-Dest: empty\r\nReferer: http://127.0.0.1:%u/dashboard\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n";

struct user {
    int fd;
    bool waits; /* for a response */
    size_t got;
    char received[512], value[VALUE + 1];
};

struct traffic {
    uint64_t bytes_up, bytes_down, segments_up, segments_down;
};

static struct user *users;
static size_t count = 1000;
static enum way way;
static uint16_t port;
static struct window window;
static uint64_t warm; /* when the warm-up is over */
static uint64_t late; /* polls left out because the last one was not answered yet */

static struct traffic traffic(void) {
    struct traffic sum = {0};
    for (size_t i = 0; i < count; i++) {
        struct tcp_info info;
        socklen_t length = sizeof info;
        if (getsockopt(users[i].fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
            fail("TCP_INFO");
        sum.bytes_up += info.tcpi_bytes_sent;
        sum.bytes_down += info.tcpi_bytes_received;
        sum.segments_up += info.tcpi_segs_out;
        sum.segments_down += info.tcpi_segs_in;
    }
    return sum;
}

static void ask(struct user *user) {
    char target[64] = "/now", request[1024];
    if (way == LONG)
        snprintf(target, sizeof target, "/next?%s", user->value);
    int length = snprintf(request, sizeof request, REQUEST, target, port, port);
    if (send(user->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        fail("sending a request");
    user->waits = true;
}

static void see(struct user *user, const char *value) {
    if (memcmp(value, user->value, VALUE) > 0) {
        memcpy(user->value, value, VALUE);
        uint64_t made = strtoull(user->value, NULL, 10);
        window_add(&window, now(CLOCK_MONOTONIC) - made, 1);
        if (window.end == UINT64_MAX && made >= warm)
            window.begin = made + 500000000; /* in the middle between two values */
    }
}

/* Takes a response, or a frame, off what was received; whether there was a whole one. */
static bool take(struct user *user) {
    size_t whole;
    if (way == PUSH) {
        whole = 2 + VALUE;
        if (user->got < whole)
            return false;
        if ((unsigned char)user->received[0] != 0x81 || user->received[1] != VALUE)
            fail("not the frame that was expected");
    } else {
        user->received[user->got] = '\0';
        const char *end = strstr(user->received, "\r\n\r\n");
        if (end == NULL || user->got < (whole = (size_t)(end - user->received) + 4 + VALUE))
            return false;
        if (strncmp(user->received, "HTTP/1.1 200", 12) != 0)
            fail("not the response that was expected");
        user->waits = false;
    }
    see(user, user->received + whole - VALUE);
    user->got -= whole;
    memmove(user->received, user->received + whole, user->got);
    return true;
}

static void receive(struct user *user) {
    ssize_t more = recv(user->fd, user->received + user->got, sizeof user->received - 1 - user->got, MSG_DONTWAIT);
    if (more <= 0)
        fail("the server ended a connection, or sent too much");
    user->got += (size_t)more;
    while (take(user))
        if (way == LONG)
            ask(user);
}

static void run(double warmup, double seconds, long server_pid) {
    static struct traffic before;
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &users[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, users[i].fd, &event) != 0)
            fail("epoll_ctl");
    }
    if (way == PUSH && send(users[0].fd, "\x81\x81\0\0\0\0g", 7, MSG_NOSIGNAL) != 7) /* lets the server begin */
        fail("sending a frame");
    for (size_t i = 0; way == LONG && i < count; i++)
        ask(&users[i]);
    window_set(&window, warmup, seconds, server_pid);
    warm = window.begin;
    window.begin = UINT64_MAX;
    const uint64_t began = now(CLOCK_MONOTONIC);
    bool measuring = false;
    for (uint64_t turn = 0; !window_over(&window);) {
        if (!measuring && window.end != UINT64_MAX) {
            measuring = true;
            before = traffic();
        }
        for (; way == POLLING && now(CLOCK_MONOTONIC) >= began + turn * 1000000000u / count; turn++) {
            struct user *user = &users[turn % count];
            if (user->waits)
                late++;
            else
                ask(user);
        }
        int ready = epoll_wait(epoll, events, EVENTS, 1);
        for (int i = 0; i < ready; i++)
            receive(events[i].data.ptr);
    }
    struct traffic after = traffic();
    window_print(&window);
    printf("{\"bytes_up\": %" PRIu64 ", \"bytes_down\": %" PRIu64 ", \"segments_up\": %" PRIu64
           ", \"segments_down\": %" PRIu64 ", \"late\": %" PRIu64 "}\n",
           after.bytes_up - before.bytes_up, after.bytes_down - before.bytes_down, after.segments_up - before.segments_up,
           after.segments_down - before.segments_down, late);
    close(epoll);
}

int main(int argc, char **argv) {
    double warmup = 2, seconds = 10;
    long server_pid = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--way") == 0)
            way = strcmp(value, "push") == 0 ? PUSH : strcmp(value, "long") == 0 ? LONG : POLLING;
        else if (strcmp(name, "--port") == 0)
            port = (uint16_t)atoi(value);
        else if (strcmp(name, "--users") == 0)
            count = (size_t)atol(value);
        else if (strcmp(name, "--warmup") == 0)
            warmup = atof(value);
        else if (strcmp(name, "--seconds") == 0)
            seconds = atof(value);
        else if (strcmp(name, "--server-pid") == 0)
            server_pid = atol(value);
        else
            fail(name);
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (count == 0 || (users = calloc(count, sizeof *users)) == NULL)
        fail("memory for the users");
    for (size_t i = 0; i < count; i++) {
        users[i].fd = wire_open(port, i, false, DEFLATE_OFF, way != PUSH).fd;
        memset(users[i].value, '0', VALUE);
    }
    run(warmup, seconds, server_pid);
    for (size_t i = 0; i < count; i++)
        close(users[i].fd);
    free(users);
    return 0;
}
