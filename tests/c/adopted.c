/* Sockets of the host's: a listening one, and a connection of which it has read the request already. */
#include "harness.h"
#include <fcntl.h>

static void a_listening_socket(void) {
    ropeway_engine *engine = make_engine();
    ropeway_listener listener = 0;
    ropeway_connection client;
    uint16_t port, told = 0;
    int descriptor = raw_listen(&port);
    CHECK_STATUS(ropeway_engine_adopt_listener(engine, descriptor, NULL, &listener), ROPEWAY_OK);
    CHECK(fcntl(descriptor, F_GETFD) == -1 && errno == EBADF);
    CHECK_STATUS(ropeway_engine_listener_port(engine, listener, &told), ROPEWAY_OK);
    CHECK(told == port);
    client = dial(engine, port, NULL);
    await_event(engine, client, ROPEWAY_EVENT_OPENED);
    ropeway_engine_free(engine);
}

/* The host reads the head and a first frame of "hi"; the rest of the conversation is the engine's. */
static void a_connection_with_bytes_read(void) {
    static const unsigned char hi[] = {0x81, 0x82, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2};
    ropeway_engine *engine = make_engine();
    ropeway_connection id = 0;
    const ropeway_event *event;
    char read_already[512];
    size_t length;
    uint16_t port;
    int server = raw_listen(&port), peer = raw_dial(port), host = accept(server, NULL, NULL);
    REQUIRE(host >= 0);
    raw_send(peer, raw_request, sizeof raw_request - 1);
    raw_send(peer, hi, sizeof hi);
    length = sizeof raw_request - 1 + sizeof hi;
    REQUIRE(recv(host, read_already, length, MSG_WAITALL) == (ssize_t)length);
    CHECK_STATUS(ropeway_engine_adopt(engine, host, read_already, length, NULL, &id), ROPEWAY_OK);
    event = await_event(engine, id, ROPEWAY_EVENT_OPENED);
    CHECK(event->listener == 0);
    event = await_event(engine, id, ROPEWAY_EVENT_MESSAGE);
    CHECK(holds(event, "hi"));
    raw_send(peer, hi, sizeof hi);
    event = await_event(engine, id, ROPEWAY_EVENT_MESSAGE);
    CHECK(holds(event, "hi"));
    ropeway_engine_free(engine);
    close(peer);
    close(server);
}

/* What is refused stays the caller's. */
static void what_cannot_be_taken_over(void) {
    ropeway_engine *engine = make_engine();
    ropeway_listener listener = 0;
    ropeway_connection id = 0;
    uint16_t port;
    int server = raw_listen(&port), file = open("/dev/null", O_RDONLY);
    CHECK_STATUS(ropeway_engine_adopt(NULL, file, NULL, 0, NULL, &id), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_adopt(engine, file, NULL, 0, NULL, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_adopt(engine, server, NULL, 1, NULL, &id), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_adopt(engine, -1, NULL, 0, NULL, &id), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_adopt(engine, 1 << 20, NULL, 0, NULL, &id), ROPEWAY_ERROR_IO);
    CHECK_STATUS(ropeway_engine_adopt(engine, file, NULL, 0, NULL, &id), ROPEWAY_ERROR_IO);
    CHECK_STATUS(ropeway_engine_adopt(engine, server, NULL, 0, NULL, &id), ROPEWAY_ERROR_IO);
    CHECK_STATUS(ropeway_engine_adopt_listener(NULL, file, NULL, &listener), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_adopt_listener(engine, file, NULL, NULL), ROPEWAY_ERROR_NULL);
    CHECK_STATUS(ropeway_engine_adopt_listener(engine, -1, NULL, &listener), ROPEWAY_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(ropeway_engine_adopt_listener(engine, file, NULL, &listener), ROPEWAY_ERROR_IO);
    CHECK(id == 0 && listener == 0);
    CHECK(fcntl(file, F_GETFD) != -1 && fcntl(server, F_GETFD) != -1);
    close(file);
    close(server);
    ropeway_engine_free(engine);
}

int main(void) {
    a_listening_socket();
    a_connection_with_bytes_read();
    what_cannot_be_taken_over();
    return finish("adopted");
}
