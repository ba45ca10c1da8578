/* Bytes that RFC 6455 forbids, from a raw socket: each is answered by the right close code on the wire and told as a
 * named error; nothing crashes, hangs or is delivered.
 */
#include "harness.h"

struct row {
    const char *what;
    const char *bytes;
    size_t length;
    int close_code;
    ropeway_status status;
};

#define ROW(what, bytes, code, status) {what, bytes, sizeof bytes - 1, code, status}

/* Frames of a client; the masking key is zero, so that payloads can be read here. */
static const struct row rows[] = {
    ROW("RSV1", "\xc1\x80\0\0\0\0", 1002, ROPEWAY_ERROR_RESERVED_BITS),
    ROW("RSV2", "\xa1\x80\0\0\0\0", 1002, ROPEWAY_ERROR_RESERVED_BITS),
    ROW("RSV3", "\x91\x80\0\0\0\0", 1002, ROPEWAY_ERROR_RESERVED_BITS),
    ROW("opcode 3", "\x83\x80\0\0\0\0", 1002, ROPEWAY_ERROR_RESERVED_OPCODE),
    ROW("opcode 15", "\x8f\x80\0\0\0\0", 1002, ROPEWAY_ERROR_RESERVED_OPCODE),
    ROW("ping without FIN", "\x09\x80\0\0\0\0", 1002, ROPEWAY_ERROR_FRAGMENTED_CONTROL),
    ROW("ping of 126", "\x89\xfe\0\x7e\0\0\0\0", 1002, ROPEWAY_ERROR_LONG_CONTROL),
    ROW("no mask", "\x81\x01x", 1002, ROPEWAY_ERROR_UNMASKED_BY_CLIENT),
    ROW("length 5 in 16 bits", "\x81\xfe\0\x05\0\0\0\0hello", 1002, ROPEWAY_ERROR_OVERLONG_LENGTH),
    ROW("length 5 in 64 bits", "\x81\xff\0\0\0\0\0\0\0\x05\0\0\0\0hello", 1002, ROPEWAY_ERROR_OVERLONG_LENGTH),
    ROW("length 2^63", "\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 1002, ROPEWAY_ERROR_LENGTH_TOO_LARGE),
    ROW("CVE-2022-35922: length 2^62", "\x82\xff\x40\0\0\0\0\0\0\0\0\0\0\0", 1009, ROPEWAY_ERROR_MESSAGE_TOO_BIG),
    ROW("continuation of nothing", "\x80\x80\0\0\0\0", 1002, ROPEWAY_ERROR_UNEXPECTED_CONTINUATION),
    ROW("text inside a message", "\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 1002, ROPEWAY_ERROR_EXPECTED_CONTINUATION),
    ROW("text C0 80", "\x81\x82\0\0\0\0\xc0\x80", 1007, ROPEWAY_ERROR_PEER_TEXT_UTF8),
    ROW("text that ends inside a character", "\x81\x82\0\0\0\0\xe2\x82", 1007, ROPEWAY_ERROR_PEER_TEXT_UTF8),
    ROW("bad text in half a frame", "\x01\x89\0\0\0\0ok\xff", 1007, ROPEWAY_ERROR_PEER_TEXT_UTF8),
    ROW("close of one byte", "\x88\x81\0\0\0\0\x03", 1002, ROPEWAY_ERROR_CLOSE_OF_ONE_BYTE),
    ROW("close with 1005", "\x88\x82\0\0\0\0\x03\xed", 1002, ROPEWAY_ERROR_PEER_CLOSE_CODE),
    ROW("close with 999", "\x88\x82\0\0\0\0\x03\xe7", 1002, ROPEWAY_ERROR_PEER_CLOSE_CODE),
    ROW("close with a bad reason", "\x88\x83\0\0\0\0\x03\xe8\xff", 1007, ROPEWAY_ERROR_PEER_REASON_UTF8),
    ROW("message of 11 bytes", "\x82\x8b\0\0\0\0hello world", 1009, ROPEWAY_ERROR_MESSAGE_TOO_BIG),
    ROW("11 bytes in two", "\x02\x86\0\0\0\0hello \x80\x85\0\0\0\0world", 1009, ROPEWAY_ERROR_MESSAGE_TOO_BIG),
    ROW("four fragments", "\x02\x80\0\0\0\0\0\x80\0\0\0\0\0\x80\0\0\0\0\x80\x80\0\0\0\0", 1009,
        ROPEWAY_ERROR_TOO_MANY_FRAGMENTS),
};

/* Requests that get an HTTP error instead of an upgrade. */
static const struct {
    const char *request;
    const char *answer;
    ropeway_status status;
} requests[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 426 ", ROPEWAY_ERROR_NOT_WEBSOCKET},
    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "HTTP/1.1 400 ", ROPEWAY_ERROR_TLS_ON_PLAIN_PORT},
    {"hello\r\n\r\n", "HTTP/1.1 400 ", ROPEWAY_ERROR_MALFORMED_HEAD},
    {"POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
     "HTTP/1.1 405 ", ROPEWAY_ERROR_METHOD},
    {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
     "HTTP/1.1 426 ", ROPEWAY_ERROR_WEBSOCKET_VERSION},
    {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n",
     "HTTP/1.1 400 ", ROPEWAY_ERROR_INVALID_KEY},
};

/* Reads until `count` bytes are there or the stream ends, while the engine works; 0 at the end. */
static size_t read_bytes(ropeway_engine *engine, int descriptor, char *bytes, size_t count) {
    size_t held = 0;
    uint64_t deadline = micros() + 10000000;
    while (held < count && micros() < deadline) {
        ssize_t more = recv(descriptor, bytes + held, count - held, MSG_DONTWAIT);
        if (more == 0)
            break;
        if (more > 0) {
            held += (size_t)more;
            continue;
        }
        REQUIRE(errno == EAGAIN || errno == EINTR);
        ropeway_engine_poll(engine, 10);
        while (ropeway_engine_next_event(engine) != NULL)
            ;
    }
    return held;
}

static int open_raw(ropeway_engine *engine, uint16_t port) {
    char answer[129];
    int descriptor = raw_dial(port);
    raw_send(descriptor, raw_request, strlen(raw_request));
    REQUIRE(read_bytes(engine, descriptor, answer, sizeof answer) == sizeof answer);
    REQUIRE(memcmp(answer, "HTTP/1.1 101 ", 13) == 0 && memcmp(answer + sizeof answer - 4, "\r\n\r\n", 4) == 0);
    return descriptor;
}

/* Sends a row's bytes, in one piece or byte by byte, and reads the Close frame that comes. */
static void frames(ropeway_engine *engine, uint16_t port, const struct row *row, int in_pieces) {
    int descriptor = open_raw(engine, port);
    const ropeway_event *event;
    unsigned char header[4];
    size_t i;
    for (i = 0; in_pieces && i + 1 < row->length; i++) {
        send(descriptor, row->bytes + i, 1, MSG_NOSIGNAL);
        ropeway_engine_poll(engine, 0);
        while (ropeway_engine_next_event(engine) != NULL)
            ;
    }
    if (!in_pieces)
        i = 0;
    send(descriptor, row->bytes + i, row->length - i, MSG_NOSIGNAL);
    if (!in_pieces) {
        event = next_event(engine);
        if (event->type != ROPEWAY_EVENT_CLOSED || event->status != row->status || event->sent_code != row->close_code) {
            fprintf(stderr, "%s: event %d, status %d (%s), code sent %d\n", row->what, (int)event->type,
                    (int)event->status, event->error ? event->error : "", (int)event->sent_code);
            failed_checks++;
        }
        CHECK(event->error != NULL && (event->flags & ROPEWAY_FLAG_CLEAN) == 0 && event->close_code == 1006);
    }
    CHECK(read_bytes(engine, descriptor, (char *)header, 4) == 4);
    if (header[0] != 0x88 || (header[2] << 8 | header[3]) != row->close_code) {
        fprintf(stderr, "%s: the frame that came is %02x %02x %02x %02x\n", row->what, header[0], header[1], header[2],
                header[3]);
        failed_checks++;
    }
    close(descriptor);
}

int main(void) {
    ropeway_options *options = ropeway_options_new();
    ropeway_engine *engine = make_engine();
    ropeway_listener listener;
    uint64_t opened;
    uint16_t port;
    size_t i;
    ropeway_options_set_int(options, ROPEWAY_OPTION_MAX_MESSAGE_SIZE, 10);
    ropeway_options_set_int(options, ROPEWAY_OPTION_MAX_FRAGMENTS, 3);
    port = listen_on(engine, options, &listener);
    ropeway_options_free(options);

    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        frames(engine, port, &rows[i], 0);
        frames(engine, port, &rows[i], 1);
    }
    for (i = 0; i < sizeof requests / sizeof *requests; i++) {
        int descriptor = raw_dial(port);
        char answer[13];
        raw_send(descriptor, requests[i].request, strlen(requests[i].request) + (i == 1 ? 6 : 0));
        CHECK_STATUS(await_event(engine, 0, ROPEWAY_EVENT_CLOSED)->status, requests[i].status);
        CHECK(read_bytes(engine, descriptor, answer, 13) == 13);
        CHECK(memcmp(answer, requests[i].answer, 13) == 0);
        close(descriptor);
    }
    CHECK_STATUS(ropeway_engine_counter(engine, ROPEWAY_COUNTER_OPENED, &opened), ROPEWAY_OK);
    CHECK(opened == 2 * sizeof rows / sizeof *rows);
    ropeway_engine_free(engine);
    return finish("bad_input");
}
